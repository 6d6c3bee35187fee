"""What is read is written as it is, in requests of a bounded size."""

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.importing.plan import parse_match
from collector.importing.raw import Meaning, Raw, bodies, meaning_of, selector, size, without
from collector.prometheus.remote_write import FAMILY, decode, unsnap
from collector.promql.samples import Matcher

lengths = st.lists(st.integers(0, 30), max_size=6)


def _series(lengths):
    return [
        Raw(
            (("__name__", "up"), ("number", str(number))),
            np.arange(length, dtype=np.int64),
            np.arange(length) / 3,
        )
        for number, length in enumerate(lengths)
    ]


@settings(deadline=None)
@given(lengths=lengths, most=st.integers(1, 40))
def test_requests_are_full_and_hold_every_sample_once(lengths, most):
    series = [one for one in _series(lengths) if len(one.times_ms)]
    found, sizes = [], []
    for body, samples in bodies(series, {}, most):
        batch = decode(unsnap(body, 10**6), "2.0").batch
        numbers = [orjson.loads(one.attributes)["number"] for one in batch.series]
        rows = batch.points.to_pylist()
        assert len(rows) == samples
        sizes.append(samples)
        found += [(numbers[row["series"]], row["time_ns"] // 10**6, row["value_double"])
                  for row in rows]  # fmt: skip
    assert all(one == most for one in sizes[:-1])
    assert all(one <= most for one in sizes)
    assert found == [
        (str(number), at, at / 3) for number, length in enumerate(lengths) for at in range(length)
    ]


def test_what_is_present_is_left_out_by_time_and_series():
    one, other = _series([3, 2])
    present = [Raw(one.labels, np.array([1]), np.array([9.0]))]
    found = without([one, other], present)
    assert [at.times_ms.tolist() for at in found] == [[0, 2], [0, 1]]
    assert without([one], [one]) == []
    assert size(found) == 4


@given(value=st.text(max_size=20))
def test_any_value_survives_a_selector(value):
    matchers = (Matcher("__name__", "=", "up"), Matcher("job", "=", value))
    assert set(parse_match(selector(matchers))) == set(matchers)


@pytest.mark.parametrize("name", ["wait", "wait_bucket", "wait_count", "wait_sum"])
def test_parts_of_a_family_share_its_meaning(name):
    known = {"wait": Meaning("histogram", "", "Waiting.")}
    assert meaning_of(name, known) == known["wait"]
    assert meaning_of("other", known) == Meaning()


def test_what_is_known_of_a_metric_goes_with_it():
    ((body, _),) = bodies(_series([1]), {"up": Meaning("gauge", "", "Whether it answers.")}, 10)
    ((name, told),) = decode(unsnap(body, 10**6), "2.0").batch.descriptions
    assert name == f"{FAMILY}up"
    assert orjson.loads(told) == {"type": "gauge", "unit": "", "help": "Whether it answers."}
