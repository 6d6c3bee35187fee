"""Children of the demo: started in sessions of their own, watched, stopped so that none is left.

A child also dies with its parent, even when that is killed (``proxy.sidecar.dying_with_parent``).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy.resources import Json
from proxy.sidecar import dying_with_parent, start_envoy

LOG_TAIL_LINES = 8


class ChildDied(Exception):
    """A process that the demo needs has ended; holds the end of its log."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        tail = "\n".join(text.splitlines()[-LOG_TAIL_LINES:])
        super().__init__(f"{name} ended with exit code {code}; the end of {log}:\n{tail}")


@dataclass(slots=True)
class Children:
    """The processes of one run, by name, in the order of their start."""

    directory: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_python(self, name: str, arguments: Sequence[str]) -> None:
        """Start ``python ARGUMENTS``; what it prints goes to ``NAME.log``."""
        with self._log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                dying_with_parent([sys.executable, *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def start_envoy(self, name: str, bootstrap: Json) -> None:
        """Start a sidecar; its bootstrap and log are in the directory."""
        self.running[name] = start_envoy(bootstrap, directory=self.directory, name=name)

    def check(self) -> None:
        """Raise ChildDied when one has ended that was not asked to."""
        for name, process in self.running.items():
            code = process.poll()
            if code is not None:
                raise ChildDied(name, code, self._log(name))

    def stop(self, names: Sequence[str], *, grace_s: float) -> None:
        """End processes: SIGTERM, and SIGKILL for those that take longer than the grace."""
        processes = [self.running.pop(name) for name in names if name in self.running]
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop_all(self, *, grace_s: float) -> None:
        """End whatever still runs, the last started first."""
        self.stop(list(reversed(self.running)), grace_s=grace_s)

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"
