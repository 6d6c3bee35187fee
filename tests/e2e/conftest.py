"""One running demo, shared by the end-to-end tests of a module."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START_S = 90


@dataclass(frozen=True)
class Demo:
    """The demo as a user has it: a command, a printed URL, Ctrl-C."""

    process: subprocess.Popen[str]
    directory: Path
    url: str
    output: Path

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C, which a terminal sends to the whole group; return code and output."""
        os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(60)
        return code, self.output.read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    flags = ("--rate", "20", "--fault", "errors", "--after", "12s")
    with started(tmp_path_factory.mktemp("demo"), *flags) as running:
        yield running


@contextmanager
def started(directory: Path, *flags: str) -> Iterator[Demo]:
    """Run a demo with these flags until the block ends."""
    output = directory / "printed.txt"
    command = [
        sys.executable, "-m", "dashboards.cli", "demo", "--free-ports", "--dir", str(directory),
        *flags,
    ]  # fmt: skip
    with output.open("w") as printed:
        process = subprocess.Popen(
            command,
            stdout=printed,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
            start_new_session=True,
        )
    try:
        yield Demo(process, directory, _printed_url(process, output), output)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _printed_url(process: subprocess.Popen[str], output: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        text = output.read_text()
        found = re.search(r"dashboard\s+(http://\S+?)/\s", text)
        if found:
            return found[1]
        if process.poll() is not None:
            pytest.fail(f"the demo ended before it printed its URL:\n{text}")
        time.sleep(0.2)
    pytest.fail(f"the demo printed no URL within {START_S} s:\n{output.read_text()}")
