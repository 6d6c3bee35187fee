"""What the engine may take of the machine: memory, threads, temporary files.

The limits go into the connection as it is opened: a log larger than the memory would otherwise be
replayed without one. Defaults leave most of the machine, or of its container, to others.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MIB: Final = 2**20
_GIB: Final = 2**30
_LEAST_MEMORY: Final = 256 * _MIB
_MOST_MEMORY: Final = 2 * _GIB
_MOST_THREADS: Final = 4
_CGROUPS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Version 2 and version 1; inside a container they are its own."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """``memory_bytes`` bounds buffers and queries, not the whole process."""

    memory_bytes: int
    threads: int
    temp_bytes: int = 4 * _GIB

    def config(self, path: Path | None) -> dict[str, str | int]:
        """Return the options of ``duckdb.connect``.

        Only ``checkpoint`` writes checkpoints: one inside a commit would make its sender wait, and
        when the disk is full it would invalidate the database.
        """
        options: dict[str, str | int] = {
            "memory_limit": f"{self.memory_bytes // 1024}KiB",
            "threads": self.threads,
            "max_temp_directory_size": f"{self.temp_bytes // 1024}KiB",
            "wal_autocheckpoint": "1TiB",
            "auto_checkpoint_skip_wal_threshold": 2**40,
        }
        return options if path is None else options | {"temp_directory": f"{path}.tmp"}


def engine_limits(memory_bytes: int | None = None, threads: int | None = None) -> EngineLimits:
    """Return the limits asked for, the rest after the machine.

    A quarter of its memory, at most 2 GiB; half of its processors, at most four, for the rest takes
    telemetry in. A single thread saves a commit the handing over to another: a fifth of its cost.
    """
    quarter = available_bytes() // 4
    return EngineLimits(
        memory_bytes=memory_bytes or min(max(quarter, _LEAST_MEMORY), _MOST_MEMORY),
        threads=threads or min(max(len(os.sched_getaffinity(0)) // 2, 1), _MOST_THREADS),
    )


def available_bytes(cgroups: tuple[Path, ...] = _CGROUPS) -> int:
    """Return the memory of the machine, or of the container if that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *filter(None, map(_limit, cgroups))])


def _limit(file: Path) -> int | None:
    """Return the number in a cgroup file; None for "max", or when there is no such file."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
