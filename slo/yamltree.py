"""YAML with places: every value knows its line and its property path, and complains with them.

Never raises for a wrong value: each complaint is noted, so that a file's author sees all of them
at once. Scalars keep their text, because 99.9 must not become 99.90000000000001.
"""

import difflib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from slo.errors import Problem


@dataclass(frozen=True, slots=True)
class Place:
    """One value of a document, and the list that takes the complaints about its file."""

    file: str
    path: str
    line: int
    node: Node
    problems: list[Problem]

    def complain(self, message: str) -> None:
        """Note one thing to mend here."""
        self.problems.append(Problem(self.file, self.line, self.path, message))

    def fields(self, known: Sequence[str], *, required: Iterable[str] = ()) -> "Fields":
        """Read a mapping; unknown, doubled and missing keys are noted, an odd value has none."""
        if not isinstance(self.node, MappingNode):
            self.complain(f"must be a mapping, got {self.kind}")
            return Fields(self, {})
        found: dict[str, Place] = {}
        meant: set[str] = set()
        for key, value in self.node.value:
            place = self._child(str(key.value), key, value)
            if str(key.value) in found:
                place.complain("is given twice")
            elif str(key.value) not in known:
                place.complain(f"unknown field{did_you_mean(str(key.value), known)}")
                meant.update(near(str(key.value), known))
            found.setdefault(str(key.value), place)
        for name in required:
            if name not in found and name not in meant:
                self.complain(f"{name} is required")
        return Fields(self, found)

    def pairs(self) -> Iterator[tuple[str, "Place"]]:
        """Read a mapping with free keys."""
        if not isinstance(self.node, MappingNode):
            self.complain(f"must be a mapping, got {self.kind}")
            return
        seen = set()
        for key, value in self.node.value:
            place = self._child(str(key.value), key, value)
            if str(key.value) in seen:
                place.complain("is given twice")
            seen.add(str(key.value))
            yield str(key.value), place

    def items(self) -> list["Place"]:
        """Read a list."""
        if not isinstance(self.node, SequenceNode):
            self.complain(f"must be a list, got {self.kind}")
            return []
        return [
            replace(self, path=f"{self.path}[{index}]", line=_line(item), node=item)
            for index, item in enumerate(self.node.value)
        ]

    def text(self) -> str:
        """Read a string; numbers and the like must be quoted."""
        if self.kind != "str":
            self.complain(f"must be a string, got {self.kind}")
            return ""
        return str(self.node.value)

    def number(self) -> Decimal | None:
        """Read a number exactly as it is written."""
        if self.kind in {"int", "float"}:
            try:
                number = Decimal(self.node.value.replace("_", ""))
            except InvalidOperation:  # .inf, .nan, 0x1f
                number = Decimal("NaN")
            if number.is_finite():
                return number
        self.complain(f"must be a decimal number, got {self.shown}")
        return None

    def boolean(self) -> bool:
        """Read true or false."""
        if self.kind != "bool":
            self.complain(f"must be true or false, got {self.shown}")
        return str(self.node.value).lower() == "true"

    @property
    def kind(self) -> str:
        """What YAML takes the value for: map, seq, str, int, float, bool, null."""
        return str(self.node.tag).rpartition(":")[2]

    @property
    def shown(self) -> str:
        """The value in a complaint: scalars as written, else their kind."""
        return str(self.node.value) if isinstance(self.node, ScalarNode) else self.kind

    def _child(self, name: str, key: Node, value: Node) -> "Place":
        path = f"{self.path}.{name}" if self.path else name
        return replace(self, path=path, line=_line(key), node=value)


@dataclass(frozen=True, slots=True)
class Fields:
    """The values of a mapping by name. Null values count as absent."""

    place: Place
    found: dict[str, Place]

    def get(self, name: str) -> Place | None:
        """Return a value, or None when it is absent."""
        place = self.found.get(name)
        return None if place is None or place.kind == "null" else place

    def text(self, name: str, default: str = "") -> str:
        """Return a string, or the default when it is absent."""
        place = self.get(name)
        return default if place is None else place.text()


def documents(text: str, file: str, problems: list[Problem]) -> list[Place]:
    """Read all documents of a file; a list at the top is its items. Syntax errors are noted."""
    yaml = YAML(typ="safe", pure=True)
    try:
        nodes = [node for node in yaml.compose_all(io.StringIO(text)) if node is not None]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problems.append(Problem(file, line, "", f"not YAML: {error.problem or error.context}"))
        return []
    except YAMLError as error:
        problems.append(Problem(file, 1, "", f"not YAML: {' '.join(str(error).split())}"))
        return []
    places = [Place(file, "", _line(node), node, problems) for node in nodes]
    return [
        item
        for place in places
        for item in (place.items() if isinstance(place.node, SequenceNode) else [place])
    ]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint for a word that nearly is a known one, or nothing."""
    return "".join(f"; did you mean {name!r}?" for name in near(word, known))


def near(word: str, known: Iterable[str]) -> list[str]:
    """Return the known word that is nearest to a misspelt one, or none."""
    return difflib.get_close_matches(word, list(known), n=1)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
