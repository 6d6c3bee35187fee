"""The Parquet files beside the database, and the manifest that says which of them count.

A file is data only while ``sealed_files`` has its row: it is written before its row is committed,
and removed after its row's removal is. What a crash leaves between is an orphan, and goes at the
next start. Never reads a span.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from collector.store.store import Store

_SUFFIX: Final = ".parquet"
_COLUMNS: Final = (
    *("file_id", "path", "hour_s", "from_ns", "to_ns", "rows", "bytes", "has_rest"),
    "attribute_keys",
)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of spans that started in [from_ns, to_ns], all within the hour ``hour_s``."""

    file_id: int
    path: str
    hour_s: int
    from_ns: int
    to_ns: int
    rows: int
    bytes: int
    attribute_keys: tuple[str, ...]
    has_rest: bool

    def may_hold(self, keys: Iterable[str]) -> bool:
        """Tell whether a span in it may have all of these attributes."""
        return self.has_rest or set(keys) <= set(self.attribute_keys)


@dataclass(frozen=True, slots=True)
class SealedRetention:
    """How long sealed spans are kept, and how many bytes of them; None is without bound."""

    age_s: int = 7 * 86_400
    bytes: int | None = None


def sealed_folder(store_path: Path) -> Path:
    """Return the folder of a store's sealed spans.

    It bears the name of the database file, so that two stores in one folder never take each other's
    files for orphans.
    """
    return store_path.with_name(f"{store_path.name}.sealed") / "spans"


def folder_of(store: Store) -> Path:
    """Return the folder of an open store; one in memory has none."""
    if store.path is None:
        raise ValueError("a store in memory has no sealed files")
    return sealed_folder(store.path)


def files_between(
    cursor: duckdb.DuckDBPyConnection, from_ns: int | None = None, to_ns: int | None = None
) -> list[SealedFile]:
    """Return the files with a span that started in [from_ns, to_ns), newest first."""
    return _files(
        cursor,
        "WHERE to_ns >= coalesce(?, to_ns) AND from_ns < coalesce(?, from_ns + 1)"
        " ORDER BY hour_s DESC, file_id DESC",
        [from_ns, to_ns],
    )


def files_of_traces(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int]) -> list[SealedFile]:
    """Return the files that may have spans of these traces; a key is trace_hi xor trace_lo."""
    cursor.register("trace_keys", pa.table({"trace_key": pa.array(keys, pa.uint64())}))
    try:
        return _files(
            cursor,
            "WHERE file_id IN (SELECT file_id FROM trace_index SEMI JOIN trace_keys"
            " USING (trace_key))",
            [],
        )
    finally:
        cursor.unregister("trace_keys")


def remove_orphans(store: Store) -> list[Path]:
    """Delete files without a row of the manifest; only while nothing is being sealed."""
    folder = folder_of(store)
    if not folder.is_dir():
        return []
    with store.snapshot() as cursor:
        known = {file.path for file in files_between(cursor)}
    orphans = [
        path
        for path in folder.iterdir()
        if path.name not in known and path.name.endswith((_SUFFIX, f"{_SUFFIX}.tmp"))
    ]
    for path in orphans:
        path.unlink()
    return orphans


def expired(
    files: Sequence[SealedFile], now_s: int, retention: SealedRetention
) -> list[SealedFile]:
    """Return the files to let go: past their age, or the oldest while bytes are too many."""
    oldest_ns = (now_s - retention.age_s) * 10**9
    gone, left = [], sum(file.bytes for file in files)
    for file in sorted(files, key=lambda file: (file.to_ns, file.file_id)):
        if file.to_ns >= oldest_ns and (retention.bytes is None or left <= retention.bytes):
            continue
        gone.append(file)
        left -= file.bytes
    return gone


def forget(cursor: duckdb.DuckDBPyConnection, files: Sequence[SealedFile]) -> None:
    """Take files out of the manifest and the index; the caller commits, then deletes them."""
    ids = [file.file_id for file in files]
    cursor.execute("DELETE FROM trace_index WHERE list_contains(?, file_id)", [ids])
    cursor.execute("DELETE FROM sealed_files WHERE list_contains(?, file_id)", [ids])


def make_durable(path: Path) -> None:
    """Wait until a file or a folder's list of names is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(
    cursor: duckdb.DuckDBPyConnection, where: str, parameters: list[int | None]
) -> list[SealedFile]:
    rows = cursor.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM sealed_files {where}", parameters
    ).fetchall()
    return [
        SealedFile(**dict(zip(_COLUMNS, (*facts, tuple(keys)), strict=True)))
        for *facts, keys in rows
    ]
