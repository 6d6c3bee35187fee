"""What of an import is done: a file of JSON lines, of which every line is durable when it counts.

The first line says which import it is, each further one a metric in a window whose samples are
durable in the target. A line that was being written when the process died is not there. Never
holds a credential. One process at a time holds the file.
"""

import fcntl
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from collector.importing.errors import ImportFailed, UsedWrongly

_VERSION: Final = 1

Unit = tuple[int, int, str]
"""Start of the window, number of the ``--match``, name of the metric."""


@dataclass(frozen=True, slots=True)
class Header:
    """Which import it is. ``step_ms`` 0: raw samples."""

    source: str
    target: str
    matches: tuple[str, ...]
    from_ms: int
    to_ms: int
    window_ms: int
    step_ms: int = 0


class Journal:
    """Holds the file open and locked."""

    def __init__(self, path: Path, header: Header, *, resume: bool) -> None:
        """Begin a journal, or go on with one: then the header is the one in the file.

        Raises UsedWrongly when there is one and it is not to be resumed, or is of another source or
        target, or there is none.
        """
        self.path = path
        self._descriptor = _opened(path)
        try:
            lines = _whole_lines(self._descriptor)
            self.header = self._begin(lines, header, resume=resume)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._done: dict[Unit, int] = {
            (row["from_ms"], row["match"], row["metric"]): row["samples"] for row in lines[1:]
        }

    @property
    def samples(self) -> int:
        """Samples of the units that are done."""
        return sum(self._done.values())

    def has(self, unit: Unit) -> bool:
        """Tell whether a unit is done."""
        return unit in self._done

    def note(self, unit: Unit, samples: int) -> None:
        """Make it durable that a unit is done."""
        from_ms, match, metric = unit
        self._write({"from_ms": from_ms, "match": match, "metric": metric, "samples": samples})
        self._done[unit] = samples

    def remove(self) -> None:
        """Take the file away: all is done."""
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, ImportFailed) and not self._done:
            self.remove()  # it failed before it had begun
        os.close(self._descriptor)

    def _begin(self, lines: list[dict[str, Any]], header: Header, *, resume: bool) -> Header:
        if lines and not resume:
            raise UsedWrongly(
                f"{self.path} tells of an import that has not ended: go on with it by --resume, or"
                " delete the file"
            )
        if lines:
            return _matching(_header(lines[0], self.path), header, self.path)
        if resume:
            self.path.unlink(missing_ok=True)
            raise UsedWrongly(f"{self.path} tells of no import: begin one without --resume")
        self._write({"version": _VERSION, **asdict(header)})
        return header

    def _write(self, row: dict[str, Any]) -> None:
        line = orjson.dumps(row) + b"\n"
        if os.write(self._descriptor, line) != len(line):
            raise ImportFailed(f"cannot write to {self.path}: the disk is full")
        os.fsync(self._descriptor)


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise UsedWrongly(f"cannot use {path} as journal: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise UsedWrongly(f"another import is using {path}") from error
    return descriptor


def _whole_lines(descriptor: int) -> list[dict[str, Any]]:
    """Read the lines that were written to their end; cut off what was not."""
    content = b""
    while chunk := os.pread(descriptor, 2**20, len(content)):
        content += chunk
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.ftruncate(descriptor, end)
    try:
        return [orjson.loads(line) for line in content[:end].splitlines()]
    except orjson.JSONDecodeError as error:
        raise UsedWrongly("the journal is damaged: delete it, and begin anew") from error


def _matching(found: Header, asked: Header, path: Path) -> Header:
    """Return the header in the file if it is about the same source and target."""
    if (found.source, found.target) != (asked.source, asked.target):
        raise UsedWrongly(
            f"{path} tells of an import from {found.source} into {found.target}: name these, or"
            " another --journal"
        )
    return found


def _header(row: dict[str, Any], path: Path) -> Header:
    if row.get("version") != _VERSION:
        raise UsedWrongly(f"{path} was written by another version: delete it, and begin anew")
    fields = {name: row[name] for name in Header.__slots__}
    return Header(**{**fields, "matches": tuple(row["matches"])})
