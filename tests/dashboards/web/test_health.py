"""/metrics of the server, /healthz, /readyz and who is silent, over a store with a moved clock."""

import subprocess

import pytest

from alerts.mesh.telemetry import SILENT_S
from collector import semconv
from collector.otlp.cardinality import DEFAULT_LIMITS, CardinalityLimits
from collector.receiver.export import export
from collector.receiver.intake import Intake
from collector.receiver.listening import Listening
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.errors import BatchRefused
from collector.store.store import open_store
from collector.store.writer import Writer
from dashboards.selfwatch import Selfwatch
from dashboards.web.app import create_app
from dashboards.web.deps import Deps
from tests.collector.exports import SECOND, T0, requests
from tests.dashboards.web.visitor import Visitor


class Rig:
    """A store, a writer and the app, all at ``now_s``."""

    def __init__(self, store, limits=DEFAULT_LIMITS):
        self.now_s = T0 // SECOND
        self.writer = Writer(store, cardinality=limits)
        self.watch = Selfwatch(self.writer, store.path, lambda: self.now_s)
        keeper = Listening(self.writer, self.watch.exporters, lambda: self.now_s)
        self.intake = Intake(keeper, Redactor(Policy()).redact, self.watch.received, "grpc")
        self.client = self.visitor(store, self.watch)

    def visitor(self, store, watch):
        deps = Deps(store, (), lambda: self.now_s, "1.2.3", None, watch)
        return Visitor(create_app(deps))

    def send(self, value=1, **tags):
        export(
            self.intake,
            "metrics",
            requests(value, time_ns=self.now_s * SECOND, **tags),
            now_ns=self.now_s * SECOND,
        )

    def send_body(self, signal, body):
        export(self.intake, signal, body, now_ns=self.now_s * SECOND)


@pytest.fixture
def rig(tmp_path):
    rig = None
    with open_store(tmp_path / "s.duckdb", clock_ns=lambda: rig.now_s * SECOND) as store:
        rig = Rig(store)
        rig.store = store
        yield rig
        rig.writer.close()


@pytest.fixture
def store(rig):
    return rig.store


def sample(text, series):
    (found,) = [line for line in text.splitlines() if line.startswith(f"{series} ")]
    return float(found.rsplit(" ", 1)[1])


def test_metrics_pass_promtool(rig):
    rig.send()
    text = rig.client.get("/metrics").text
    done = subprocess.run(
        ["/usr/bin/promtool", "check", "metrics"], input=text, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_and_api_name_the_service_and_metric_beyond_a_limit(tmp_path):
    limits = CardinalityLimits(series_per_metric=2, edges_per_service=1)
    with open_store(tmp_path / "s.duckdb", clock_ns=lambda: T0) as store:
        rig = Rig(store, limits)
        rig.send(route="a")
        assert rig.client.get("/api/overflow").json() == []
        for route in "bcd":
            rig.send(**{semconv.TAG_ROUTE: route})
        rig.writer.close()
        text = rig.client.get("/metrics").text
        told = rig.client.get("/api/overflow").json()

    labels = f'limit="series_per_metric",service="frontend",metric="{semconv.SLI_REQUESTS}"'
    assert sample(text, f"meshscope_overflow_total{{{labels}}}") == 2
    assert told == [
        {"limit": "edges_per_service", "service": "frontend", "metric": "", "counts": 3},
        {
            "limit": "series_per_metric",
            "service": "frontend",
            "metric": semconv.SLI_REQUESTS,
            "counts": 2,
        },
    ]


def test_a_scrape_tells_queue_commits_lag_store_and_process(rig):
    rig.send()
    rig.now_s += 7
    text = rig.client.get("/metrics").text

    assert sample(text, "meshscope_queue_bytes{}") == 0
    assert sample(text, "meshscope_queue_limit_bytes{}") == 64 * 2**20
    assert sample(text, "meshscope_commit_seconds_count{}") == 1
    assert sample(text, 'meshscope_commit_seconds_bucket{le="+Inf"}') == 1
    assert sample(text, "meshscope_last_commit_timestamp_seconds{}") == T0 // SECOND
    assert sample(text, 'meshscope_lag_seconds{signal="metrics"}') == 7
    assert sample(text, "meshscope_ready{}") == 1
    assert sample(text, "meshscope_wal_bytes{}") > 0
    assert sample(text, "process_resident_memory_bytes{}") > 2**20


def test_a_proxy_is_reported_silent_within_thirty_seconds_of_its_last_export(rig):
    rig.send()
    series = 'meshscope_exporter_silent{service="frontend",instance=""}'
    (before,) = rig.client.get("/api/exporters").json()
    assert not before["is_silent"]
    assert sample(rig.client.get("/metrics").text, series) == 0

    rig.now_s += SILENT_S + 1
    (after,) = rig.client.get("/api/exporters").json()
    assert after["is_silent"]
    assert after["last_seen_s"] == T0 // SECOND
    assert sample(rig.client.get("/metrics").text, series) == 1

    rig.send(2)
    (again,) = rig.client.get("/api/exporters").json()
    assert not again["is_silent"]


@pytest.mark.parametrize("second", range(10))
def test_however_the_export_falls_into_its_ten_seconds_silence_is_told_in_time(rig, second):
    rig.now_s += second
    rig.send()
    rig.now_s += SILENT_S + 1

    assert rig.client.get("/api/exporters").json()[0]["is_silent"]


def test_a_proxy_that_sends_every_five_seconds_is_silent_after_fifteen_and_not_before(rig):
    silent = 'mesh_exporter_silent{service="frontend",instance=""}'
    for value in range(1, 6):
        rig.send(value)
        assert sample(rig.client.get("/metrics/mesh").text, silent) == 0
        rig.now_s += 5
    rig.now_s += 9
    text = rig.client.get("/metrics/mesh").text
    last_seen = 'mesh_exporter_last_seen_timestamp_seconds{service="frontend",instance=""}'
    assert (sample(text, silent), sample(text, last_seen)) == (0, T0 // SECOND + 20)

    rig.now_s += 2
    assert sample(rig.client.get("/metrics/mesh").text, silent) == 1
    (told,) = rig.client.get("/api/exporters").json()
    assert (told["is_silent"], told["silent_s"], told["silent_after_s"]) == (True, 16, 15)


def test_after_a_restart_nobody_is_silent_before_it_could_be_heard(rig, store):
    rig.send()
    rig.now_s += 3600
    again = rig.visitor(store, Selfwatch(rig.writer, store.path, lambda: rig.now_s))
    assert not again.get("/api/exporters").json()[0]["is_silent"]

    rig.now_s += SILENT_S + 1
    (told,) = again.get("/api/exporters").json()
    assert (told["is_silent"], told["silent_s"] > 3600) == (True, True)


def test_an_exporter_of_yesterday_is_forgotten(rig):
    rig.send()
    rig.now_s += 86_401 + 10
    assert rig.client.get("/api/exporters").json() == []


def test_a_server_that_takes_telemetry_is_ready(rig):
    assert rig.client.get("/readyz").json() == {"status": "ready", "version": "1.2.3"}


def test_a_failed_commit_makes_it_not_ready_until_one_succeeds(rig):
    rig.writer.stats.broke(BatchRefused("x"))
    answer = rig.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the last commit failed; the log has the reason"]
    assert sample(rig.client.get("/metrics").text, "meshscope_ready{}") == 0
    assert rig.client.get("/healthz").status_code == 200

    rig.send()
    assert rig.client.get("/readyz").status_code == 200


def test_a_closed_writer_is_not_ready(rig):
    rig.writer.close()
    assert "the writing thread has ended" in rig.client.get("/readyz").json()["reasons"][0]


def test_a_broken_instrument_hides_no_other(rig):
    rig.watch.registry.gauge("meshscope_broken", "Never read.", lambda: 1 // 0)
    text = rig.client.get("/metrics").text
    assert "meshscope_broken" not in text
    assert "meshscope_queue_bytes" in text


def test_without_a_collector_beside_it_the_app_still_answers(empty_client):
    assert empty_client.get("/metrics").status_code == 200
    assert empty_client.get("/api/redaction").json() == []
