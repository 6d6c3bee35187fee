"""A started process ends with its parent, and gRPC in the parent does not disturb its start."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proxy.sidecar import dying_with_parent, envoy_binary

START_A_SLEEPER = """
import subprocess, time
from proxy.sidecar import dying_with_parent
child = subprocess.Popen(dying_with_parent(["/bin/sleep", "60"]))
print(child.pid, flush=True)
time.sleep(60)
"""

START_BESIDE_GRPC = """
import asyncio, subprocess
from proxy.server import AdsServer
from proxy.sidecar import dying_with_parent
from tests.proxy.rig import free_port

async def main():
    server = AdsServer(lambda node_id: None)
    await server.start(f"127.0.0.1:{free_port()}")
    for _ in range(5):
        subprocess.run(dying_with_parent(["/bin/true"]), check=True)
    await server.stop()

asyncio.run(main())
"""


def test_the_binary_is_an_executable() -> None:
    assert os.access(envoy_binary(), os.X_OK)


def test_a_command_keeps_its_process_arguments_and_exit_code() -> None:
    command = dying_with_parent(["/bin/sh", "-c", 'echo "$$ $1"; exit 7', "sh", "a b"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        output, _ = child.communicate(timeout=10)
    assert output == f"{child.pid} a b\n"
    assert child.returncode == 7


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own service")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START_A_SLEEPER], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        assert _command(child) == "sleep"
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _command(child) == "sleep":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_grpc_in_the_parent_does_not_notice_the_start_of_a_child() -> None:
    command = [sys.executable, "-c", START_BESIDE_GRPC]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "fork" not in done.stderr


def _command(pid: int) -> str:
    """Return what a process runs; empty when it has ended."""
    status = Path(f"/proc/{pid}/stat")
    try:
        text = status.read_text()
    except OSError:
        return ""
    return "" if ") Z" in text else text.partition("(")[2].partition(")")[0]
