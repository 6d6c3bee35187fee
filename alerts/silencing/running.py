"""A command run as if nobody were in between: signals are passed on, its exit code comes back.

https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html
"""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_BY_SIGNAL: Final = 128


class CommandNotRun(Exception):
    """The command cannot be started; the text says why."""


def run(command: Sequence[str]) -> int:
    """Run it and return its exit code, 128 and more when a signal ended it.

    Ctrl-C reaches it by the terminal; the other signals are sent on, and its end is waited for.
    """
    try:
        process = subprocess.Popen(list(command))
    except OSError as error:
        raise CommandNotRun(f"{command[0]}: {error.strerror}") from error
    with _passing_on(process):
        code = process.wait()
    return _BY_SIGNAL - code if code < 0 else code


@contextmanager
def _passing_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT:  # the terminal has sent it to the command as well
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
