"""The tree of a template. Values only."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, string, boolean or nil."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A variable or the dot (``root`` empty), and the fields after it."""

    root: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A function."""

    name: str


@dataclass(frozen=True, slots=True)
class Within:
    """A pipeline in parentheses, and the fields after them."""

    pipeline: "Pipeline"
    fields: tuple[str, ...]


Operand = Constant | Path | Name | Within


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each given the value before it; ``variables`` are declared, or assigned."""

    commands: tuple[tuple[Operand, ...], ...]
    variables: tuple[str, ...] = ()
    is_declaration: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Show:
    """A pipeline whose value is printed, unless it sets a variable."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Branch:
    """``if``, ``with`` or ``range``: what is done when there is something, and when not."""

    kind: str
    pipeline: Pipeline
    body: "Nodes"
    otherwise: "Nodes"


Node = Text | Show | Branch
Nodes = tuple[Node, ...]
