"""What the server tells of itself: counters of the intake, the writer, the store, the process.

One Selfwatch per server, made by the composition root and handed down; there is no global state.
Others add their numbers to ``registry``.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from collector.receiver.intake import Received
from collector.receiver.rhythm import Exporters
from collector.store.disk import DiskLevel
from collector.store.writer import Writer
from collector.telemetry import Registry

_SECOND_NS = 10**9


class Selfwatch:
    """The registry of a server, and whether it is fit to take telemetry."""

    def __init__(self, writer: Writer, path: Path | None, clock_s: Callable[[], float]) -> None:
        self.registry, self.received = Registry(), Received()
        self.exporters = Exporters(clock_s())
        self._writer, self._path, self._clock_s = writer, path, clock_s
        self._process = psutil.Process(os.getpid())
        self._started_s = clock_s() - (time.time() - self._process.create_time())
        self.received.register(self.registry)
        self._register_writer()
        self._register_store()
        self._register_process()

    def masked(self) -> list[dict[str, str | int]]:
        """Return how many values were masked, by signal, service and kind; never a value."""
        return [
            {"signal": signal, "service": service, "kind": kind, "values": int(number)}
            for (signal, service, kind), number in sorted(self.received.masked.values().items())
        ]

    def overflowed(self) -> list[dict[str, str | int]]:
        """Return which services and metrics are beyond a limit, and how often that mattered."""
        return [
            {"limit": limit, "service": service, "metric": metric, "counts": int(number)}
            for (limit, service, metric), number in sorted(self._writer.overflowed.items())
        ]

    def not_ready(self) -> list[str]:
        """Return why telemetry cannot be taken now; nothing when it can."""
        writer = self._writer
        reasons = []
        if not writer.is_alive:
            reasons.append("the writing thread has ended; start the server anew")
        if writer.trouble:
            reasons.append(writer.trouble)
        if writer.stats.last_failed:
            reasons.append("the last commit failed; the log has the reason")
        limit = writer.limits.queue_bytes
        if writer.queued_bytes > limit:
            reasons.append(f"{writer.queued_bytes} of {limit} bytes wait to be written")
        return reasons

    def _register_writer(self) -> None:
        writer, stats = self._writer, self._writer.stats
        gauge, counter = self.registry.gauge, self.registry.counter
        gauge("meshscope_queue_bytes", "Bytes of requests that wait for their commit.",
              lambda: writer.queued_bytes)  # fmt: skip
        gauge("meshscope_queue_limit_bytes", "Beyond this, senders are told to come again.",
              lambda: writer.limits.queue_bytes)  # fmt: skip
        self.registry.histogram("meshscope_commit_seconds", "Duration of transactions.",
                                stats.seconds.value)  # fmt: skip
        counter("meshscope_commit_failures_total", "Transactions that were undone, by error.",
                stats.failed.values, ("error",))  # fmt: skip
        gauge("meshscope_group_requests", "Requests of the last transaction.",
              lambda: stats.group_requests)  # fmt: skip
        gauge("meshscope_group_rows", "Raw rows of the last transaction.",
              lambda: stats.group_rows)  # fmt: skip
        gauge("meshscope_last_commit_timestamp_seconds", "When the last transaction was durable.",
              lambda: stats.last_ns / _SECOND_NS if stats.last_ns else None)  # fmt: skip
        gauge("meshscope_lag_seconds", "Now less the newest time received, by signal.",
              self._lag, ("signal",))  # fmt: skip
        counter("meshscope_intake_warnings_total", "Late, overlapping and overflowing points.",
                lambda: {(reason,): number for reason, number in writer.warnings.items()},
                ("reason",))  # fmt: skip
        counter("meshscope_overflow_total", "Counts in an overflow series or edge, by full limit.",
                lambda: writer.overflowed, ("limit", "service", "metric"))  # fmt: skip
        gauge("meshscope_ready", "1: telemetry is taken, and made durable.",
              lambda: float(not self.not_ready()))  # fmt: skip

    def _lag(self) -> dict[tuple[str, ...], float]:
        now_s = self._clock_s()
        newest = dict(self.received.newest_ns)
        return {(signal,): now_s - at_ns / _SECOND_NS for signal, at_ns in newest.items()}

    def _register_store(self) -> None:
        disk, checkpointer = self._writer.disk, self._writer.checkpointer
        gauge, counter = self.registry.gauge, self.registry.counter
        gauge("meshscope_store_bytes", "Size of the DuckDB file.", lambda: _size(self._path))
        log = self._path and self._path.with_name(f"{self._path.name}.wal")
        gauge("meshscope_wal_bytes", "Size of the DuckDB log beside it.", lambda: _size(log))
        gauge("meshscope_disk_free_bytes", "Room where the file lies.", disk.free)
        gauge("meshscope_disk_level", "0 roomy, 1 spans and logs are shed, 2 nothing is taken.",
              lambda: int(DiskLevel(disk.level())))  # fmt: skip
        if checkpointer is not None:
            counter("meshscope_checkpoints_total", "Checkpoints by result.",
                    lambda: {("done",): checkpointer.stats.done,
                             ("put_off",): checkpointer.stats.put_off,
                             ("failed",): checkpointer.stats.failed}, ("result",))  # fmt: skip

    def _register_process(self) -> None:
        process = self._process
        self.registry.counter("process_cpu_seconds_total", "CPU time of the server.",
                              lambda: sum(process.cpu_times()[:2]))  # fmt: skip
        self.registry.gauge("process_resident_memory_bytes", "Memory of the server.",
                            lambda: process.memory_info().rss)  # fmt: skip
        self.registry.gauge("process_open_fds", "Open files and sockets.", process.num_fds)
        self.registry.gauge("process_start_time_seconds", "When the server was started.",
                            lambda: self._started_s)  # fmt: skip


def _size(path: Path | None) -> int | None:
    try:
        return None if path is None else path.stat().st_size
    except FileNotFoundError:
        return 0
