"""The page of the collector and /api/collector: the same numbers, from real ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.store.store import open_store
from collector.telemetry import Distribution, Histogram, Registry
from dashboards.web.app import create_app
from dashboards.web.collector_view import Rates, collector_view, quantile
from tests.collector.exports import SECOND, span_request
from tests.collector.receiver.conformance.rig import BAD
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.test_health import Rig
from tests.dashboards.web.visitor import Visitor


@pytest.fixture
def rig(tmp_path):
    rig = None
    with open_store(tmp_path / "s.duckdb", clock_ns=lambda: rig.now_s * SECOND) as store:
        rig = Rig(store)
        yield rig
        rig.writer.close()


def told(rig):
    return rig.client.get("/api/collector").json()


def signal(rig, name):
    (found,) = [one for one in told(rig)["signals"] if one["name"] == name]
    return found


def test_signals_tell_what_became_of_their_items(rig):
    rig.send_body("traces", span_request() + BAD["traces"])
    rig.send_body("traces", span_request() + BAD["traces"])
    rig.now_s += 9

    found = signal(rig, "traces")
    assert (found["accepted"], found["rejected"], found["repeated"]) == (1, 1, 1)
    assert found["lag_s"] == 9
    assert signal(rig, "logs") == {
        "name": "logs", "items_per_s": 0, "bytes_per_s": 0, "accepted": 0, "rejected": 0,
        "repeated": 0, "lag_s": None,
    }  # fmt: skip
    reasons = {(one["what"], one["signal"], one["reason"]): one["number"]
               for one in told(rig)["left"]}  # fmt: skip
    assert reasons["rejected", "traces", "invalid trace id or span id"] == 1


def test_a_rate_is_that_of_the_last_minute(rig):
    told(rig)
    for value in range(1, 11):
        rig.now_s += 5
        rig.send(value)
    assert signal(rig, "metrics")["items_per_s"] == 10 / 50


@pytest.mark.parametrize(("looks", "rate"), [([(0, 0), (30, 60)], 2), ([(0, 100), (10, 40)], 0)])
def test_a_sum_that_falls_began_anew_and_is_no_rate_below_zero(looks, rate):
    rates = Rates()
    for at_s, number in looks:
        found = rates.per_s({"n": {("a",): number}}, at_s, 0)
    assert found == {"n": {("a",): rate}}


def test_the_first_look_is_a_rate_since_the_start_and_an_old_one_is_forgotten():
    rates = Rates()
    assert rates.per_s({"n": {(): 50}}, 100, 0)["n"][()] == 0.5
    assert rates.per_s({"n": {(): 80}}, 110, 0)["n"][()] == 3
    assert rates.per_s({"n": {(): 100}}, 165, 0)["n"][()] == 20 / 55


@given(st.lists(st.floats(0, 29), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_lies_in_the_bucket_of_the_value_that_has_this_rank(values, ratio):
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    found = histogram.value()
    rank = max(int(ratio * len(values) + 0.999999), 1)
    exact = sorted(values)[rank - 1]
    upper = min(bound for bound in found.bounds if exact <= bound)

    assert 0 <= quantile(found, ratio) <= upper + 1e-9


def test_a_quantile_of_nothing_is_none_and_beyond_the_bounds_it_is_the_last():
    assert quantile(Distribution((1.0, 2.0), (0, 0, 0), 0), 0.5) is None
    assert quantile(Distribution((1.0, 2.0), (0, 0, 5), 50), 0.5) == 2


def test_without_instruments_there_is_a_view_of_nothing():
    view = collector_view(Registry(), Rates(), (), (), 5.0)
    assert [one.accepted for one in view.signals] == [0, 0, 0]
    assert {one.value for one in view.figures} == {None}


def test_the_page_says_what_to_do_when_nobody_exports(rig):
    text = rig.client.get("/collector").text
    assert "Nobody exports yet" in text
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://mesh.test:4317" in text
    assert "Nothing since the start" in text


def test_the_page_shows_exporters_silent_ones_first_and_why_telemetry_is_refused(rig):
    rig.send()
    rig.now_s += 40
    rig.send_body("traces", span_request().replace(b"frontend", b"checkout"))
    text = rig.client.get("/collector").text
    assert text.index('data-row="frontend "') < text.index('data-row="checkout "')
    assert 'data-state="silent"' in text
    assert 'data-ready="true"' in text

    rig.writer.stats.broke(OSError("no space"))
    text = rig.client.get("/collector").text
    assert "Telemetry is refused" in text
    assert "the last commit failed" in text


def test_a_server_without_a_collector_says_so(store):
    visitor = Visitor(create_app(deps(store)))
    assert visitor.get("/api/collector").status_code == 404
    assert "No collector here" in visitor.get("/collector").text
