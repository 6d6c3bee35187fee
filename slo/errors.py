"""Errors of this package, named by who is wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in one file: where, on which property, and what would be right.

    A ``lint`` names what is only odd, so that a reader can look it up and a script can tell it.
    """

    file: str
    line: int
    path: str
    message: str
    lint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        named = f"{self.message} [{self.lint}]" if self.lint else self.message
        return f"{where}{self.path}: {named}" if self.path else f"{where}{named}"


class OpenSloError(ValueError):
    """The objectives cannot be used as they are written; ``problems`` holds all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
