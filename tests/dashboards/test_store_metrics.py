"""What the tables and the way to them tell at a scrape."""

from contextlib import closing

import pytest

from collector.receiver.export import prepare
from collector.receiver.intake import Intake, Received
from collector.receiver.listening import Listening
from collector.receiver.rhythm import Exporters
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.compaction import Retention, compact
from collector.store.disk import Watermarks
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from collector.telemetry import Registry
from dashboards.store_metrics import register_flow, register_tables
from dashboards.web.self_metrics import registry_families
from tests.collector.exports import SECOND, T0, span_request

GIB = 2**30


class Rig:
    def __init__(self, store, writer):
        self.store, self.writer, self.received = store, writer, Received()
        listening = Listening(writer, Exporters(0), lambda: T0 / SECOND)
        self.intake = Intake(listening, Redactor(Policy()).redact, self.received, "grpc")
        self.registry = Registry()
        register_flow(self.registry, listening, self.received, writer)
        register_tables(self.registry, store, lambda: T0 / SECOND)

    def send(self, body):
        prepared = prepare("traces", body)
        return self.intake.submit(prepared.batch, prepared.digest).result(20)

    def told(self, name):
        (family,) = [one for one in registry_families(self.registry) if one.name == name]
        return {sample.labels: sample.value for sample in family.samples if not sample.le}


@pytest.fixture
def free():
    return [10 * GIB]


@pytest.fixture
def rig(tmp_path, free):
    marks = WriterLimits(disk=Watermarks(2 * GIB, GIB))
    with (
        open_store(tmp_path / "s.duckdb", clock_ns=lambda: T0) as store,
        closing(Writer(store, limits=marks, free=lambda: free[0])) as writer,
    ):
        yield Rig(store, writer)


def test_rows_that_are_shed_are_counted_by_signal(rig, free):
    free[0] = 1.5 * GIB
    rig.writer.disk._next_s = 0
    assert rig.send(span_request()).rejected == 1
    assert rig.told("meshscope_shed_rows_total") == {("traces",): 1}


def test_edges_of_spans_lag_behind_by_what_is_not_counted_yet(rig):
    assert rig.told("meshscope_span_edges_lag_seconds") == {}
    rig.store.cursor().execute("INSERT INTO meta VALUES ('span_edges_to_s', ?)",
                               [str(T0 // SECOND - 45)])  # fmt: skip
    assert rig.told("meshscope_span_edges_lag_seconds") == {(): 45}


def test_verdicts_of_sampling_and_sealed_files_are_told(rig):
    cursor = rig.store.cursor()
    for trace_lo, reason in ((1, "error"), (2, None), (3, None)):
        cursor.execute(
            "INSERT INTO sampling_decisions VALUES (1, ?, 1, ?, 0.1)", [trace_lo, reason]
        )
    cursor.execute("INSERT INTO sampled_out VALUES (0, 'cart', 2, 9), (3600, 'cart', 1, 1)")

    assert rig.told("meshscope_sampling_verdicts") == {("dropped",): 2, ("error",): 1}
    assert rig.told("meshscope_sampled_out_traces") == {("cart",): 3}
    assert rig.told("meshscope_sampled_out_spans") == {("cart",): 10}
    assert rig.told("meshscope_sealed_files") == {(): 0}


def test_late_spans_and_checkpoints_are_told(rig):
    rig.send(span_request(end_time_unix_nano=T0 - 700 * SECOND,
                          start_time_unix_nano=T0 - 700 * SECOND))  # fmt: skip
    assert rig.told("meshscope_late_spans_total") == {("recounted",): 0, ("uncounted",): 1}
    assert rig.told("meshscope_checkpoint_seconds") == {(): 0}


def test_rows_that_are_forgotten_are_counted_by_table(rig):
    rig.send(span_request())
    compact(rig.store.cursor(), T0 // SECOND + 8 * 86_400, Retention(), rig.writer.deleted_by_age)

    told = rig.told("meshscope_retention_deleted_rows_total")
    assert told["spans", "age"] == 1
    assert {because for _, because in told} == {"age"}
