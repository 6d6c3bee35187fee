"""What clients ask, in every spelling that Prometheus takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.promql.errors import BadQuery
from collector.promql.samples import Matcher
from dashboards.prometheus.parameters import Parameters, Steps, duration_ms, label_of_path


def asked(**values):
    return Parameters({name: [value] for name, value in values.items()})


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("4", 4000),
        ("1435781430.781", 1_435_781_430_781),
        ("1435781430.7815", 1_435_781_430_782),
        ("-1.5", -1500),
        ("1e3", 1_000_000),
        ("2015-07-01T20:10:30.781Z", 1_435_781_430_781),
        ("2015-07-01T22:10:30+02:00", 1_435_781_430_000),
        ("2015-07-01T20:10:30.123456789Z", 1_435_781_430_123),
    ],
)
def test_times_are_unix_seconds_or_rfc_3339(text, at_ms):
    assert asked(time=text).time_ms("time") == at_ms


@pytest.mark.parametrize(
    "text", ["", "now", "NaN", "inf", "1e300", "2015-07-01", "2015-07-01T20:10:30", "1_000"]
)
def test_other_times_are_refused(text):
    with pytest.raises(BadQuery, match=r'invalid parameter "time": cannot parse ".*" to a valid'):
        asked(time=text).time_ms("time")


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [("15", 15_000), ("0.5", 500), ("1m30s", 90_000), ("5m", 300_000), ("2h", 7_200_000),
     ("1d", 86_400_000), ("1w", 604_800_000), ("1y", 31_536_000_000), ("250ms", 250)],
)  # fmt: skip
def test_durations_are_seconds_or_have_units(text, length_ms):
    assert duration_ms(text) == length_ms


@pytest.mark.parametrize("text", ["", "m", "5x", "1s1m", "-5m", "NaN", "99999999999y"])
def test_other_durations_are_none(text):
    assert duration_ms(text) is None


@pytest.mark.parametrize(
    ("start", "end", "step", "told"),
    [
        ("10", "5", "1", 'invalid parameter "end": end timestamp must not be before start time'),
        ("0", "5", "0", 'invalid parameter "step": zero or negative query resolution'),
        ("0", "5", "-1", 'invalid parameter "step": zero or negative query resolution'),
        ("0", "5", "x", 'invalid parameter "step": cannot parse "x" to a valid duration'),
        ("", "5", "1", 'invalid parameter "start": cannot parse "" to a valid timestamp'),
        ("0", "11001", "1", "exceeded maximum resolution of 11,000 points per timeseries"),
    ],
)
def test_a_range_that_cannot_be_is_told_why(start, end, step, told):
    with pytest.raises(BadQuery) as error:
        asked(start=start, end=end, step=step).steps()

    assert str(error.value).startswith(told)


def test_11_000_steps_are_enough():
    assert asked(start="0", end="11000", step="1").steps() == Steps(0, 11_000_000, 1000)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("job", "job"),
        ("U__http_2e_method", "http.method"),
        ("U__a__b", "a_b"),
        ("U__a_1F600_", "a\N{GRINNING FACE}"),
        ("U__broken_x", "U__broken_x"),
        ("U__end_", "U__end_"),
        ("U__too_FFFFFF_", "U__too_FFFFFF_"),
        ("http.method", "http.method"),
    ],
)
def test_label_names_in_paths_may_be_escaped(path, label):
    assert label_of_path(path) == label


@given(st.text(min_size=1))
def test_any_name_comes_back_from_its_escape(name):
    escaped = "".join(
        "__" if one == "_" else one if one.isascii() and one.isalnum() else f"_{ord(one):x}_"
        for one in name
    )

    assert label_of_path(f"U__{escaped}") == name


def test_selectors_are_matchers_of_series():
    parameters = Parameters({"match[]": ['up{job="a"}', '{__name__=~"x.*"}']})

    assert parameters.selectors(required=True) == [
        (Matcher("__name__", "=", "up"), Matcher("job", "=", "a")),
        (Matcher("__name__", "=~", "x.*"),),
    ]


@pytest.mark.parametrize("text", ["sum(up)", "up[5m]", "up offset 5m", "{", '{a=""}', "1", ""])
def test_what_is_no_selector_is_refused(text):
    with pytest.raises(BadQuery, match=r'invalid parameter "match\[\]"'):
        Parameters({"match[]": [text]}).selectors(required=True)


def test_a_selector_may_be_required():
    assert Parameters({}).selectors(required=False) == []
    with pytest.raises(BadQuery, match=r"no match\[\] parameter provided"):
        Parameters({}).selectors(required=True)


@pytest.mark.parametrize(("text", "limit"), [("", 0), ("0", 0), ("7", 7)])
def test_a_limit_of_0_is_none(text, limit):
    assert asked(limit=text).limit() == limit


@pytest.mark.parametrize("text", ["-1", "x", "1.5"])
def test_other_limits_are_refused(text):
    with pytest.raises(BadQuery, match='invalid parameter "limit"'):
        asked(limit=text).limit()
