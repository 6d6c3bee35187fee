"""The runbooks that alerts link to: what an alert means, where to look first, how to mend it.

Markdown files beside this module, one for each name in a ``runbook_url``. Never renders them: the
pages do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_FOLDER: Final = files("alerts") / "runbooks"
_SUFFIX: Final = ".md"


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook; its title begins with the name of the alert."""

    name: str
    title: str
    markdown: str


class UnknownRunbook(KeyError):
    """Somebody asked for a runbook that is not here."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name)
        self.name, self.known = name, tuple(known)

    def __str__(self) -> str:
        return f"There is no runbook named {self.name}; there are {', '.join(self.known)}."


def runbook_names() -> tuple[str, ...]:
    """Return the name of every runbook, sorted."""
    found = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def read_runbook(name: str) -> Runbook:
    """Return a runbook by name; raises UnknownRunbook, for a path too."""
    known = runbook_names()
    if name not in known:
        raise UnknownRunbook(name, known)
    text = (_FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return Runbook(name, text.partition("\n")[0].removeprefix("# "), text)
