"""Children of the demo end when asked, when they hang, and when their parent is killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dashboards.demo.processes import ChildDied, Children

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def test_a_child_that_ends_by_itself_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    children = Children(tmp_path)
    children.start_python("broken", ["-c", "raise SystemExit('no such table')"])
    children.running["broken"].wait(20)
    with pytest.raises(ChildDied, match=r"broken ended with exit code 1(.|\n)*no such table"):
        children.check()


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    children = Children(tmp_path)
    children.start_python("deaf", ["-c", DEAF])
    process = children.running["deaf"]
    children.stop_all(grace_s=0.3)
    assert process.returncode is not None
    assert children.running == {}


def test_children_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from dashboards.demo.processes import Children\n"
        "children = Children(pathlib.Path(sys.argv[1]))\n"
        "children.start_python('child', ['-c', 'import time; time.sleep(60)'])\n"
        "print(children.running['child'].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.3)
        parent.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs([child], timeout=10)
    assert alive == []
    assert gone == [child]
