"""/api/v1/write: what a Prometheus is answered, and that its samples are read back as they were."""

import contextlib
import json
import math
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from collector.otlp.cardinality import CardinalityLimits
from collector.receiver.access import Access
from collector.receiver.admission import Admission
from collector.receiver.remote_write import RemoteWrite
from collector.receiver.tokens import Tokens
from collector.store.errors import DiskFull, Overloaded
from collector.store.reader import exporters
from collector.store.store import open_store
from collector.store.writer import Writer
from dashboards.web.app import create_app
from tests.collector.prometheus.written import (
    GAUGE,
    STALE_NAN,
    UNKNOWN,
    Exemplar,
    Family,
    Native,
    first,
    second,
    series,
    snappy,
)
from tests.dashboards.prometheus.asking import Asking
from tests.dashboards.running import free_port, running, wait_until
from tests.dashboards.web.seeded import NOW_S, deps
from tests.dashboards.web.visitor import Visitor

T_MS = NOW_S * 1000 - 60_000
FIRST = {"content-type": "application/x-protobuf", "content-encoding": "snappy"}
SECOND = FIRST | {"content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
WRITTEN = "x-prometheus-remote-write-{}-written"
DAY_NS = 86_400 * 10**9


class Refusing:
    """A sink that takes nothing."""

    def __init__(self, error):
        self.error = error

    def submit(self, *_):
        raise self.error


class Rig:
    """An app over a store, and what its users send and ask."""

    def __init__(self, store, sink, pool, **options):
        write = {
            "max_body_bytes": 100_000,
            "keep_ns": 7 * DAY_NS,
            "clock_ns": lambda: NOW_S * 10**9,
            "admission": Admission(),
        }
        receiver = RemoteWrite(sink=sink, pool=pool, **(write | options))
        self.store = store
        self.visitor = Visitor(create_app(deps(store, slos=(), remote_write=receiver)))
        self.api = Asking(self.visitor)

    def write(self, body, headers=FIRST, method="POST"):
        return self.visitor.request(method, "/api/v1/write", content=body, headers=headers)

    def rows(self, table="metric_points"):
        return self.store.cursor().execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@contextlib.contextmanager
def _rig(sink=None, limits=None, **options):
    with open_store(clock_ns=lambda: NOW_S * 10**9) as store, ThreadPoolExecutor(1) as pool:
        cardinality = {} if limits is None else {"cardinality": limits}
        with contextlib.closing(Writer(store, **cardinality)) as writer:
            yield Rig(store, sink or writer, pool, **options)


@pytest.fixture
def rig():
    with _rig() as made:
        yield made


def test_samples_are_read_back_with_the_labels_and_values_they_came_with(rig):
    odd = {"le": "0.5", "UPPER": 'é"\\\n', "a.b": "dots", "job": "x/y", "instance": "i:1"}
    one = series("http_requests_total", [(T_MS, 0.1), (T_MS + 1000, math.inf)], **odd)
    assert rig.write(snappy(first(one))).status_code == 204
    (found,) = rig.api.data("query", query='{job="x/y"}[5m]', time=NOW_S)["result"]
    assert found["metric"] == dict(one.labels)
    assert found["values"] == [[T_MS / 1000, "0.1"], [T_MS / 1000 + 1, "+Inf"]]


def test_a_metric_of_unknown_type_gets_no_suffix(rig):
    rig.write(snappy(first(series("seconds", [(T_MS, 1.0)]))))
    assert rig.api.data("label/__name__/values", **{"match[]": '{__name__=~"sec.*"}'}) == [
        "seconds"
    ]


def test_a_stale_marker_ends_a_series_at_once(rig):
    rig.write(snappy(first(series("up", [(T_MS, 1.0), (T_MS + 15_000, STALE_NAN)]))))
    at_s = T_MS / 1000
    assert rig.api.value("up", at_s + 14) == 1
    assert rig.api.data("query", query="up", time=at_s + 15)["result"] == []


def test_a_second_version_request_is_told_what_was_written(rig):
    native = Native(T_MS, count=1, positive=((0, 1),), positive_counts=(1,))
    many = (
        series("up", [(T_MS, 1.0), (T_MS + 1, 2.0)]),
        replace(series("wait", natives=[native]), exemplars=(Exemplar((), 1.0, T_MS),)),
    )
    answer = rig.write(snappy(second(*many)), SECOND)
    assert answer.status_code == 204
    kinds = {"samples": "2", "histograms": "1", "exemplars": "1"}
    assert {kind: answer.headers[WRITTEN.format(kind)] for kind in kinds} == kinds


def test_what_is_wrong_is_named_while_the_rest_is_stored(rig):
    body = second(series("good", [(T_MS, 1.0)]), series("bad", [(-5, 1.0)], job="x"))
    answer = rig.write(snappy(body), SECOND)
    assert answer.status_code == 400
    assert 'sample without a possible time: bad{job="x"}' in answer.text
    assert answer.text.count("\n") == 1
    assert answer.headers[WRITTEN.format("samples")] == "1"
    assert rig.rows() == 1


def test_what_would_be_forgotten_at_once_is_refused(rig):
    old_ms = NOW_S * 1000 - 8 * 86_400_000
    answer = rig.write(snappy(first(series("up", [(old_ms, 1.0)]))))
    assert answer.status_code == 400
    assert "older than what is kept" in answer.text


def test_a_request_that_comes_again_is_stored_once(rig):
    body = snappy(first(series("up", [(T_MS, 1.0)])))
    assert [rig.write(body).status_code for _ in range(3)] == [204] * 3
    assert rig.rows() == 1


def test_of_samples_of_one_time_the_last_that_came_counts(rig):
    for value in (1.0, 2.0, 3.0):
        rig.write(snappy(first(series("up", [(T_MS, value)]))))
    assert rig.api.value("count_over_time(up[5m])") == 1
    assert rig.api.value("up") == 3


def test_samples_may_come_out_of_order(rig):
    for at_ms in (T_MS, T_MS - 30_000, T_MS - 15_000):
        assert rig.write(snappy(first(series("up", [(at_ms, at_ms)])))).status_code == 204
    (found,) = rig.api.data("query", query="up[5m]", time=NOW_S)["result"]
    assert [round(at * 1000) for at, _ in found["values"]] == [T_MS - 30_000, T_MS - 15_000, T_MS]


def test_floats_and_native_histograms_of_one_name_are_one_series(rig):
    native = Native(T_MS + 1000, count=3, total=6.0, positive=((1, 1),), positive_counts=(3,))
    custom = Native(T_MS + 2000, count=2, total=3.0, schema=-53, bounds=(1.0, 2.0),
                    positive=((1, 1),), positive_counts=(2,))  # fmt: skip
    one = series("wait", [(T_MS, 5.0)], natives=[native, custom], job="x")
    assert rig.write(snappy(first(one))).status_code == 204
    (found,) = rig.api.data("query", query="wait[5m]", time=NOW_S)["result"]
    assert found["values"] == [[T_MS / 1000, "5"]]
    assert [round(at * 1000) for at, _ in found["histograms"]] == [T_MS + 1000, T_MS + 2000]
    (_, exponential), (_, explicit) = found["histograms"]
    assert exponential["buckets"] == [[0, "1", "2", "3"]]
    assert explicit["buckets"] == [[0, "1", "2", "2"]]


@pytest.mark.parametrize(("hint", "warns"), [(GAUGE, True), (UNKNOWN, False)])
def test_a_gauge_histogram_is_known_as_one(rig, hint, warns):
    natives = [
        Native(at_ms, count=1, total=1.5, positive=((1, 1),), positive_counts=(1,), hint=hint)
        for at_ms in (T_MS, T_MS + 15_000)
    ]
    rig.write(snappy(first(series("queue", natives=natives))))
    assert rig.api.value("histogram_sum(queue)") == 1.5
    told = rig.api.get("query", query="rate(queue[5m])", time=NOW_S).json()
    assert bool(told.get("warnings")) is warns


def test_a_zero_threshold_and_a_bucket_without_bounds_are_as_they_came(rig):
    zeros = Native(T_MS, count=2, zero_count=2)
    custom = Native(T_MS, count=3, schema=-53, positive=((0, 1),), positive_counts=(3,))
    rig.write(snappy(first(series("zeros", natives=[zeros]), series("all", natives=[custom]))))
    for name, bucket in (("zeros", [3, "0", "0", "2"]), ("all", [3, "-Inf", "+Inf", "3"])):
        (found,) = rig.api.data("query", query=name, time=NOW_S)["result"]
        (told,) = found["histogram"][1]["buckets"]
        assert [told[0], *(one.removeprefix("-") if one == "-0" else one for one in told[1:])] == (
            bucket
        )


def test_metadata_is_told_as_it_came(rig):
    rig.write(snappy(first(families=[Family("sent_total", 1, "All.", "bytes")])))
    told = rig.api.data("metadata", metric="sent_total")
    assert told == {"sent_total": [{"type": "counter", "unit": "bytes", "help": "All."}]}


def test_exemplars_are_told_with_their_trace(rig):
    trace = "0af7651916cd43dd8448eb211c80319c"
    one = replace(
        series("wait_bucket", [(T_MS, 1.0)], le="1"),
        exemplars=(Exemplar((("trace_id", trace),), 0.5, T_MS),),
    )
    rig.write(snappy(first(one)))
    (found,) = rig.api.data("query_exemplars", query="wait_bucket", start=0, end=NOW_S)
    assert found["seriesLabels"] == dict(one.labels)
    assert found["exemplars"][0]["labels"] == {"trace_id": trace}


def test_jobs_are_no_services_of_the_mesh_and_totals_no_requests(rig):
    istio = {
        "reporter": "source", "source_workload": "a", "destination_workload": "b",
        "source_canonical_service": "a", "destination_canonical_service": "b",
        "response_code": "200", "job": "istio",
    }  # fmt: skip
    rig.write(snappy(first(series("istio_requests_total", [(T_MS, 1000.0)], **istio))))
    assert rig.rows("edges") == 0
    assert len(exporters(rig.store.cursor())) == 0
    names = rig.api.data("label/__name__/values")
    assert "mesh_exporter_last_seen_timestamp_seconds" not in names
    assert "target_info" not in names


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (FIRST | {"content-type": "application/json"}, 415),
        (FIRST | {"content-type": "application/x-protobuf;proto=other.Request"}, 415),
        (FIRST | {"content-encoding": "gzip"}, 415),
        ({"content-type": "application/x-protobuf;proto=prometheus.WriteRequest"}, 204),
    ],
)
def test_a_content_type_chooses_the_version_or_is_refused(rig, headers, status):
    answer = rig.write(snappy(first(series("up", [(T_MS, 1.0)]))), headers)
    assert answer.status_code == status


@pytest.mark.parametrize("body", [b"", b"\xff\xff", snappy(b"\x0a\xff"), b"plain"])
def test_a_body_that_is_none_is_not_to_be_sent_again(rig, body):
    assert rig.write(body).status_code == 400


def test_a_body_above_the_limit_is_too_large_as_sent_and_as_unpacked(rig):
    assert rig.write(bytes(100_001)).status_code == 413
    assert rig.write(snappy(bytes(100_001))).status_code == 413


def test_only_post_is_taken(rig):
    answer = rig.write(b"", method="GET")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("error", "status"), [(Overloaded(9, 8), 429), (DiskFull(1, 2), 503), (OSError("odd"), 503)]
)
def test_what_may_pass_later_is_to_be_sent_again(error, status):
    with _rig(Refusing(error)) as rig:
        answer = rig.write(snappy(first(series("up", [(T_MS, 1.0)]))))
    assert answer.status_code == status
    assert int(answer.headers["retry-after"]) >= 1


def test_a_server_that_asks_for_tokens_asks_a_prometheus_too():
    access = Access(tokens=Tokens.of("0123456789abcdef"))
    body = snappy(first(series("up", [(T_MS, 1.0)])))
    with _rig(access=access) as rig:
        assert rig.write(body).status_code == 401
        bearer = {"authorization": "Bearer 0123456789abcdef"}
        assert rig.write(body, FIRST | bearer).status_code == 204


def test_series_beyond_the_limit_are_told_of():
    with _rig(limits=CardinalityLimits(series_per_metric=2)) as rig:
        many = [series("up", [(T_MS, 1.0)], job="x", instance=str(one)) for one in range(3)]
        answer = rig.write(snappy(first(*many)))
        assert answer.status_code == 400
        assert "its metric has too many" in answer.text
        named = rig.api.data("query", query='up{instance!=""}', time=NOW_S)["result"]
        assert len(named) == 2
        (rest,) = rig.api.data("query", query='up{instance=""}', time=NOW_S)["result"]
        assert rest["metric"] == {"__name__": "up", "otel.metric.overflow": "true"}


def test_an_app_without_a_receiver_has_no_such_path(empty_api):
    assert empty_api.visitor.request("POST", "/api/v1/write").status_code == 404


SCRAPES = 'count_over_time(up{job="prometheus"}[1m])'
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: prometheus
  static_configs: [{{targets: ["{address}"]}}]
- job_name: gone
  static_configs: [{{targets: ["127.0.0.1:1"]}}]
remote_write:
- url: http://{server}/api/v1/write
  send_exemplars: true
  queue_config: {{batch_send_deadline: 1s}}
"""


@pytest.mark.e2e
def test_a_real_prometheus_writes_what_it_answers_itself(tmp_path):
    with running(tmp_path / "mesh.duckdb") as server:
        address = f"127.0.0.1:{free_port()}"
        config = tmp_path / "prometheus.yml"
        config.write_text(CONFIG.format(address=address, server=server.web))
        with _prometheus(tmp_path, config, address):
            wait_until(lambda: _count(address, SCRAPES, time.time()) >= 4)
            at_s = math.floor(time.time())
            theirs = _samples(address, at_s)
            with contextlib.suppress(AssertionError):  # what differs is told below
                wait_until(lambda: _samples(server.web, at_s) == theirs, 15)
            ours = _samples(server.web, at_s)
    assert sum(map(len, theirs.values())) > 1000
    assert ours == theirs


def _count(address, query, at_s):
    found = _ask(address, f"sum({query})", at_s)
    return float(found[0]["value"][1]) if found else 0


def _samples(address, at_s):
    found = _ask(address, '{job=~".+"}[1m]', at_s)
    edge = at_s - 60  # a version before 3.0 counts a sample at the beginning of a range in
    own = {
        json.dumps(one["metric"], sort_keys=True): [p for p in one["values"] if p[0] > edge]
        for one in found
    }
    return {key: points for key, points in own.items() if points}


def _ask(address, query, at_s):
    asked = {"query": query, "time": at_s}
    with contextlib.suppress(httpx.HTTPError, ValueError):  # it is still starting
        answer = httpx.get(f"http://{address}/api/v1/query", params=asked, timeout=30)
        return answer.json()["data"]["result"]
    return []


@contextlib.contextmanager
def _prometheus(directory, config, address):
    binary = Path("/usr/bin/prometheus")
    assert binary.exists(), "Prometheus is not installed: apt-get install prometheus"
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [binary, f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}",
             f"--web.listen-address={address}"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)
