"""Tail sampling's verdicts on the traces of an hour: asked for, remembered, counted.

Gathers the columns that ``collector.sampling`` judges by, in one scan of the hot spans. A trace is
judged once: its verdict stays in ``sampling_decisions`` for the late spans, until its TTL; of a
kept trace it also stands in its sealed files, as long as they are there. Only a dropped one is
judged anew after that. Runs in the transaction of the sealing, and never begins or ends one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.sampling import REASONS, SamplingPolicy, TraceColumns, decide
from collector.store.shredding import Condition, hot_match

TRACE_KEY: Final = "xor(trace_hi, trace_lo)"
"""One number for a trace: half of the id may be constant, as in ids of 64 bits."""

_COLUMNS: Final = """
    SELECT trace_hi, trace_lo, min(start_ns) AS start_ns,
           max(start_ns + duration_ns) - min(start_ns) AS duration_ns,
           arg_min(resource_id, start_ns) AS resource_id,
           arg_min(service_number, start_ns) AS service_number,
           bool_or(is_error) AS has_error, bool_or(is_critical) AS is_critical,
           bool_or(duration_ns >= slow_ns) AS has_slow_span, bool_or({attribute}) AS has_attribute
    FROM spans JOIN resource_rules USING (resource_id)
    SEMI JOIN ({traces}) AS wanted USING (trace_hi, trace_lo)
    GROUP BY trace_hi, trace_lo
"""
_NEVER_SLOW_NS: Final = 2**63 - 1


def judge(
    cursor: duckdb.DuckDBPyConnection,
    spans_sql: str,
    parameters: Sequence[int],
    policy: SamplingPolicy,
    sealed: Path,
) -> None:
    """Fill the temporary table ``verdicts`` for the traces of these spans.

    Its rows are trace_hi, trace_lo, keep_reason (NULL: dropped), keep_ratio, is_new, resource_id.
    ``sealed`` is the folder of the sealed files.
    """
    rules, matches = _resource_rules(cursor, policy), _attribute_match(policy)
    traces = f"SELECT DISTINCT trace_hi, trace_lo FROM ({spans_sql})"
    cursor.register("resource_rules", rules)
    try:
        columns = cursor.execute(
            "SELECT facts.*, decided_ns IS NULL AS is_new, keep_reason, keep_ratio FROM ("
            + _COLUMNS.format(attribute=matches.sql, traces=traces)
            + ") AS facts LEFT JOIN sampling_decisions USING (trace_hi, trace_lo)",
            [*matches.parameters, *parameters],
        ).to_arrow_table()
    finally:
        cursor.unregister("resource_rules")
    cursor.register("judged", _judged(_with_sealed(cursor, columns, sealed), policy))
    try:
        cursor.execute("CREATE OR REPLACE TEMP TABLE verdicts AS SELECT * FROM judged")
    finally:
        cursor.unregister("judged")


def remember(cursor: duckdb.DuckDBPyConnection, now_ns: int) -> None:
    """Keep the new verdicts for late spans."""
    cursor.execute(
        "INSERT INTO sampling_decisions SELECT trace_hi, trace_lo, ?::BIGINT, keep_reason,"
        " keep_ratio FROM verdicts WHERE is_new",
        [now_ns],
    )


def count_dropped(
    cursor: duckdb.DuckDBPyConnection, spans_sql: str, parameters: Sequence[int], hour_s: int
) -> None:
    """Add what the verdicts drop to ``sampled_out``; a trace counts where it began, and once."""
    cursor.execute(
        "INSERT INTO sampled_out"
        " SELECT ?::BIGINT, service, sum(traces)::BIGINT, sum(spans)::BIGINT FROM ("
        "  SELECT resource_id, count(*) AS traces, 0 AS spans FROM verdicts"
        "  WHERE keep_reason IS NULL AND is_new GROUP BY resource_id"
        "  UNION ALL"
        "  SELECT hot.resource_id, 0, count(*) FROM"
        f"  ({spans_sql}) AS hot JOIN verdicts USING (trace_hi, trace_lo)"
        "  WHERE verdicts.keep_reason IS NULL GROUP BY hot.resource_id"
        " ) JOIN resources USING (resource_id) GROUP BY service ORDER BY service",
        [hour_s, *parameters],
    )


def forget_decisions(cursor: duckdb.DuckDBPyConnection, before_ns: int) -> None:
    """Let go of verdicts for which no late span is awaited any more."""
    cursor.execute("DELETE FROM sampling_decisions WHERE decided_ns < ?", [before_ns])


def _resource_rules(cursor: duckdb.DuckDBPyConnection, policy: SamplingPolicy) -> pa.Table:
    rows = cursor.execute("SELECT resource_id, service FROM resources").fetchall()
    services = [service for _, service in rows]
    numbers = {service: number for number, service in enumerate(sorted(set(services)))}
    default_ns = _NEVER_SLOW_NS if policy.slow_ns is None else policy.slow_ns
    return pa.table(
        {
            "resource_id": pa.array([resource_id for resource_id, _ in rows], pa.int32()),
            "service_number": pa.array([numbers[name] for name in services], pa.int64()),
            "is_critical": pa.array(
                [name in policy.critical_services for name in services], pa.bool_()
            ),
            "slow_ns": pa.array(
                [policy.slow_ns_by_service.get(name, default_ns) for name in services], pa.int64()
            ),
        }
    )


def _attribute_match(policy: SamplingPolicy) -> Condition:
    rules = [hot_match({rule.key: rule.value}) for rule in policy.attributes]
    return Condition(
        " OR ".join(f"({rule.sql})" for rule in rules) or "false",
        [parameter for rule in rules for parameter in rule.parameters],
    )


def _with_sealed(cursor: duckdb.DuckDBPyConnection, columns: pa.Table, folder: Path) -> pa.Table:
    """Give the traces without a stored verdict the one that their sealed spans bear."""
    cursor.register("unjudged", columns.filter(columns["is_new"]).select(["trace_hi", "trace_lo"]))
    try:
        paths = cursor.execute(
            "SELECT DISTINCT path FROM sealed_files JOIN trace_index USING (file_id)"
            f" SEMI JOIN (SELECT {TRACE_KEY} AS trace_key FROM unjudged) USING (trace_key)"
        ).fetchall()
        if not paths:
            return columns
        told = cursor.execute(
            "SELECT trace_hi, trace_lo, any_value(keep_reason) AS reason,"
            " any_value(keep_ratio) AS ratio FROM read_parquet(?, union_by_name = true)"
            " SEMI JOIN unjudged USING (trace_hi, trace_lo) GROUP BY ALL",
            [[str(folder / path) for (path,) in paths]],
        ).to_arrow_table()
    finally:
        cursor.unregister("unjudged")
    cursor.register("told", told)
    cursor.register("columns_now", columns)
    try:
        return cursor.execute(
            "SELECT columns_now.* REPLACE (is_new AND reason IS NULL AS is_new,"
            " coalesce(keep_reason, reason) AS keep_reason,"
            " coalesce(keep_ratio, ratio) AS keep_ratio)"
            " FROM columns_now LEFT JOIN told USING (trace_hi, trace_lo)"
        ).to_arrow_table()
    finally:
        cursor.unregister("told")
        cursor.unregister("columns_now")


def _judged(columns: pa.Table, policy: SamplingPolicy) -> pa.Table:
    """Return the verdicts: those there were, and those on the traces that are new."""
    told = columns.filter(pc.invert(columns["is_new"]))
    new = columns.filter(columns["is_new"])
    trace = {name: new[name].to_numpy() for name in new.column_names if not name.startswith("keep")}
    verdicts = decide(
        TraceColumns(
            key=trace["trace_hi"] ^ trace["trace_lo"],
            start_ns=trace["start_ns"],
            duration_ns=trace["duration_ns"],
            service=trace["service_number"],
            has_error=trace["has_error"],
            is_critical=trace["is_critical"],
            has_slow_span=trace["has_slow_span"],
            has_attribute=trace["has_attribute"],
        ),
        policy,
    )
    reasons = np.array([None, *REASONS[1:]], dtype=object)  # DROPPED has none
    names = ["trace_hi", "trace_lo", "is_new", "resource_id", "keep_reason", "keep_ratio"]
    fresh = new.select(names[:4]).append_column(
        "keep_reason",
        pa.array(reasons[verdicts.reason], pa.string()),
    )
    fresh = fresh.append_column("keep_ratio", pa.array(verdicts.keep_ratio))
    return pa.concat_tables([told.select(names), fresh])
