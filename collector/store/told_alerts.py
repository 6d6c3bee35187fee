"""Rows of alerts that an Alertmanager told, of its groups, and of what people said about incidents.

Idempotent and free of order: a repeated message changes nothing, an end that was told stays told,
the later of two ends holds, and labels are those told first. Never decides which alerts belong
together: ``alerts.incidents`` does, of all rows. Writes are errands of the writer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

_ALERTS: Final = pa.schema(
    [
        ("fingerprint", pa.string()),
        ("starts_ns", pa.int64()),
        ("ends_ns", pa.int64()),
        ("group_key", pa.string()),
        ("labels", pa.string()),
        ("annotations", pa.string()),
        ("generator_url", pa.string()),
        ("peers", pa.list_(pa.string())),
        ("told_ns", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A row of ``told_alerts``; labels and annotations are JSON."""

    fingerprint: str
    starts_ns: int
    ends_ns: int | None
    group_key: str
    labels: str
    annotations: str
    generator_url: str
    peers: tuple[str, ...]
    told_ns: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A row of ``alert_groups``."""

    group_key: str
    receiver: str
    over_ns: int | None
    left_out: int
    told_ns: int


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A row of ``incident_entries``."""

    fingerprint: str
    starts_ns: int
    at_ns: int
    kind: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that is kept."""

    alerts: tuple[AlertRow, ...]
    groups: tuple[GroupRow, ...]
    entries: tuple[EntryRow, ...]


def put_message(
    cursor: duckdb.DuckDBPyConnection, alerts: Sequence[AlertRow], group: GroupRow
) -> None:
    """Store what one message told, in one transaction. No two alerts share name and start."""
    cursor.begin()
    try:
        if alerts:
            _merge_alerts(cursor, alerts)
        cursor.execute(
            "MERGE INTO alert_groups AS kept USING (SELECT ?::VARCHAR AS group_key,"
            " ?::VARCHAR AS receiver, ?::BIGINT AS over_ns, ?::BIGINT AS left_out,"
            " ?::BIGINT AS told_ns) AS told ON kept.group_key = told.group_key"
            " WHEN MATCHED THEN UPDATE SET over_ns = greatest(kept.over_ns, told.over_ns),"
            " left_out = greatest(kept.left_out, told.left_out),"
            " told_ns = greatest(kept.told_ns, told.told_ns)"
            " WHEN NOT MATCHED THEN INSERT BY NAME",
            [group.group_key, group.receiver, group.over_ns, group.left_out, group.told_ns],
        )
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise


def put_entry(cursor: duckdb.DuckDBPyConnection, entry: EntryRow) -> None:
    """Store what somebody said."""
    cursor.execute(
        "INSERT INTO incident_entries VALUES (?, ?, ?, ?, ?, ?)",
        [entry.fingerprint, entry.starts_ns, entry.at_ns, entry.kind, entry.author, entry.text],
    )


def read_told(cursor: duckdb.DuckDBPyConnection) -> Told:
    """Return all that is kept, in an order that depends on nothing else."""
    return Told(
        tuple(
            _alert(row)
            for row in cursor.execute("FROM told_alerts ORDER BY starts_ns, fingerprint").fetchall()
        ),
        tuple(
            GroupRow(*row)
            for row in cursor.execute("FROM alert_groups ORDER BY group_key").fetchall()
        ),
        tuple(
            EntryRow(*row)
            for row in cursor.execute("FROM incident_entries ORDER BY ALL").fetchall()
        ),
    )


def version(cursor: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """Return what differs when anything that is kept does: cheaper than reading it all."""
    return tuple(
        cursor.execute(f"SELECT count(*), sum(hash({table})::HUGEINT) FROM {table}").fetchone()
        for table in ("told_alerts", "alert_groups", "incident_entries")
    )


def forget(cursor: duckdb.DuckDBPyConnection, before_ns: int, most: int) -> int:
    """Delete alerts that were over, or last seen firing, before then, and all but the newest.

    What was said of them goes too; return how many alerts went.
    """
    cursor.begin()
    try:
        gone = cursor.execute(
            "DELETE FROM told_alerts WHERE greatest(starts_ns, ends_ns) < ? OR rowid IN"
            " (SELECT rowid FROM told_alerts ORDER BY starts_ns DESC, fingerprint OFFSET ?)",
            [before_ns, most],
        ).fetchone()
        cursor.execute(
            "DELETE FROM incident_entries AS said WHERE NOT EXISTS (SELECT 1 FROM told_alerts AS a"
            " WHERE a.fingerprint = said.fingerprint AND a.starts_ns = said.starts_ns)"
        )
        cursor.execute(
            "DELETE FROM alert_groups WHERE group_key NOT IN (SELECT group_key FROM told_alerts)"
        )
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    return 0 if gone is None else int(gone[0])


def _merge_alerts(cursor: duckdb.DuckDBPyConnection, alerts: Sequence[AlertRow]) -> None:
    columns = {name: [getattr(one, name) for one in alerts] for name in _ALERTS.names}
    cursor.register("told", pa.table(columns, schema=_ALERTS))
    try:
        cursor.execute(
            "MERGE INTO told_alerts AS kept USING told"
            " ON kept.fingerprint = told.fingerprint AND kept.starts_ns = told.starts_ns"
            " WHEN MATCHED THEN UPDATE SET ends_ns = greatest(kept.ends_ns, told.ends_ns)"
            " WHEN NOT MATCHED THEN INSERT BY NAME"
        )
    finally:
        cursor.unregister("told")


def _alert(row: tuple[Any, ...]) -> AlertRow:
    """Make a row of a row; its columns are in the order of the fields."""
    values = dict(zip(_ALERTS.names, row, strict=True))
    return AlertRow(**values | {"peers": tuple(values["peers"])})
