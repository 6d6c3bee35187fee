"""An older file forward to the schema of today, in one transaction.

Never runs by itself and never goes back: `meshscope migrate` calls it while no server has the file
open. Until the commit the file is the old one; a copy of that stays beside it unless declined.
Each version has one script, ``migrations/NNNN.sql``, which turns version N-1 into N.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from collector.store.errors import BackupRefused, MigrationFailed
from collector.store.store import SCHEMA_VERSION, connect, schema_version

_SCRIPTS: Final = Path(__file__).with_name("migrations")

Tell = Callable[[str], None]
"""Takes one line of progress."""


@dataclass(frozen=True, slots=True)
class Migration:
    """What was done. ``backup`` is the copy of the file as it was, None if there is none."""

    found: int
    version: int
    backup: Path | None


def migrate(path: Path, *, keep_backup: bool = True, tell: Tell = lambda _: None) -> Migration:
    """Bring a file to the schema of today; one that is there already is left alone.

    Raises StoreUnavailable, SchemaTooNew, BackupRefused or MigrationFailed; the file is as it was.
    """
    found = _found(path)
    if found == SCHEMA_VERSION:
        tell(f"{path} has schema version {found} already: nothing to do")
        return Migration(found, found, None)
    backup = _copy(path, path.with_name(f"{path.name}.v{found}.bak"), tell) if keep_backup else None
    try:
        _forward(path, found, tell)
    except BaseException:
        if backup is not None:
            backup.unlink()
        raise
    tell(f"{path} has schema version {SCHEMA_VERSION}")
    return Migration(found, SCHEMA_VERSION, backup)


def script(version: int) -> str:
    """Return the SQL that makes a file of the version before into one of this version."""
    return (_SCRIPTS / f"{version:04}.sql").read_text(encoding="utf-8")


def _found(path: Path) -> int:
    """Return the version of the file, after what its log holds has been written into it."""
    with closing(connect(path, must_exist=True)) as connection:
        version = schema_version(connection, path)
        connection.execute("CHECKPOINT")
        return version


def _copy(path: Path, backup: Path, tell: Tell) -> Path:
    if backup.exists():
        raise BackupRefused(path, f"{backup} is there already: move it away, or say --no-backup")
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if size > free:
        raise BackupRefused(
            path,
            f"{size} bytes are needed for the copy and {free} are free: "
            "free some, or say --no-backup",
        )
    tell(f"copying {size} bytes to {backup}")
    part = backup.with_name(f"{backup.name}.part")
    try:
        shutil.copyfile(path, part)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.rename(backup)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BackupRefused(path, str(error)) from error
    return backup


def _forward(path: Path, found: int, tell: Tell) -> None:
    with closing(connect(path, must_exist=True)) as connection:
        version = found
        connection.begin()
        try:
            for version in range(found + 1, SCHEMA_VERSION + 1):
                tell(f"schema version {version - 1} -> {version}")
                connection.execute(script(version))
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)]
            )
            connection.commit()
        except duckdb.Error as error:
            raise MigrationFailed(path, version, str(error)) from error
        connection.execute("CHECKPOINT")
