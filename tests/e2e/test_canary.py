"""A bad release behind real Envoys: half of a minute until the command says to roll it back."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import started

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


def test_a_canary_that_fails_is_rolled_back_and_one_that_does_not_is_not(tmp_path: Path) -> None:
    flags = ("--rate", "120", "--fault", "canary", "--after", "40s")
    with started(tmp_path, *flags) as demo:
        before = _ask(demo.url)
        assert before.returncode == 3, before.stdout
        after = _ask(demo.url, "--wait", "--timeout", "120")
        assert after.returncode == 1, after.stdout
        assert "roll back: payments v2 against v1" in after.stdout
        code, printed = demo.interrupt()
    assert code == 0, printed


def _ask(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "dashboards.cli", "slo", "canary", "payments", "--url", url]
    versions = ("--canary", "v2", "--baseline", "v1")
    return subprocess.run(
        [*command, *versions, *arguments], capture_output=True, text=True, timeout=180, check=False
    )
