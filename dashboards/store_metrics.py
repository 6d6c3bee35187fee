"""What the tables tell of the collector: how far edges are counted, what was sampled and sealed.

Read at a scrape, each by a query over a small table; never a scan of spans or points.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from collector.receiver.intake import Received
from collector.receiver.listening import Listening
from collector.store.span_edges import mark_s
from collector.store.store import Store
from collector.store.writer import Writer
from collector.telemetry import Registry

SHED: Final = "not kept: the disk is nearly full"
"""How the writer words it; ``tests.dashboards.test_store_metrics`` holds it to this."""
_SAMPLED: Final = """
    SELECT coalesce(keep_reason, 'dropped'), count(*) FROM sampling_decisions GROUP BY ALL
"""
_SEALED: Final = (
    "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(rows), 0) FROM sealed_files"
)
_DROPPED: Final = "SELECT service, sum({what})::BIGINT FROM sampled_out GROUP BY ALL"


def register_tables(registry: Registry, store: Store, clock_s: Callable[[], float]) -> None:
    """Tell the registry what the tables know."""

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with closing(store.cursor()) as cursor:
            return cursor.execute(sql).fetchall()

    def lag_s() -> float | None:
        with closing(store.cursor()) as cursor:
            counted_s = mark_s(cursor)
        return None if counted_s is None else max(clock_s() - counted_s, 0.0)

    def sealed(which: int) -> Callable[[], float]:
        return lambda: float(rows(_SEALED)[0][which])

    def by_name(sql: str) -> Callable[[], dict[tuple[str, ...], float]]:
        return lambda: {(name,): number for name, number in rows(sql)}

    gauge = registry.gauge
    gauge("meshscope_span_edges_lag_seconds", "Now less the end to which spans are edges.", lag_s)
    gauge("meshscope_sampling_verdicts", "Traces judged of late, by why kept, or dropped.",
          by_name(_SAMPLED), ("verdict",))  # fmt: skip
    gauge("meshscope_sampled_out_traces", "Traces that sampling dropped and that are remembered.",
          by_name(_DROPPED.format(what="traces")), ("service",))  # fmt: skip
    gauge("meshscope_sampled_out_spans", "Spans that sampling dropped and that are remembered.",
          by_name(_DROPPED.format(what="spans")), ("service",))  # fmt: skip
    gauge("meshscope_sealed_files", "Parquet files of hours that are over.", sealed(0))
    gauge("meshscope_sealed_bytes", "Their size.", sealed(1))
    gauge("meshscope_sealed_spans", "Spans in them.", sealed(2))


def register_flow(
    registry: Registry, listening: Listening, received: Received, writer: Writer
) -> None:
    """Tell the registry what is counted on the way to the tables, and when they are tidied."""
    gauge, counter = registry.gauge, registry.counter
    gauge("meshscope_queue_oldest_seconds", "How long the oldest request waits for its commit.",
          listening.oldest_wait_s)  # fmt: skip
    counter("meshscope_late_spans_total", "Spans that came after their time was counted.",
            listening.late_spans.values, ("outcome",))  # fmt: skip
    counter("meshscope_far_times_total", "Batches with times more than 24 h from the clock here.",
            listening.far_times.values, ("signal",))  # fmt: skip
    counter("meshscope_shed_rows_total", "Rows not kept because the disk was nearly full.",
            lambda: _shed(received), ("signal",))  # fmt: skip
    if writer.checkpointer is not None:
        registry.histogram("meshscope_checkpoint_seconds", "Duration of checkpoints.",
                           writer.checkpointer.stats.seconds.value)  # fmt: skip
    counter("meshscope_retention_deleted_rows_total", "Rows (of sealed hours, files) deleted.",
            lambda: _deleted(writer), ("table", "because"))  # fmt: skip


def _deleted(writer: Writer) -> dict[tuple[str, ...], float]:
    """Count what retention deleted, by table and whether it was too old or there was no room."""
    found = {(*key, "age"): number for key, number in writer.deleted_by_age.values().items()}
    by_bytes = {} if writer.quota is None else dict(writer.quota.deleted)
    return found | {(table, "bytes"): float(number) for table, number in by_bytes.items()}


def _shed(received: Received) -> dict[tuple[str, ...], float]:
    sums: dict[tuple[str, ...], float] = {}
    for (signal, _, reason), number in received.rejected.values().items():
        if reason == SHED:
            sums[signal,] = sums.get((signal,), 0) + number
    return sums
