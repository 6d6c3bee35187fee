"""Debian's promtool on files of a test. It must be there: rules unproved are rules untested."""

import shutil
import subprocess
from pathlib import Path

import pytest


def run_promtool(*arguments, cwd: Path) -> str:
    """Run `promtool ...` and return what it printed; fail the test with that if it complains."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is not installed: apt-get install prometheus")
    result = subprocess.run(
        [promtool, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=110
    )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    return output
