"""A YAML mapping whose parts know their lines: for settings that are files.

Reads text only; what a field means is the reader's matter. Whatever the text is, the answer is a
mapping or NotAMapping with a line: the parser says "malformed" by many an exception of its own.
"""

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError


class NotAMapping(ValueError):
    """The text is no YAML, or no mapping; ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


@dataclass(frozen=True, slots=True)
class LinedMapping:
    """The values of a mapping, empty for an empty text, and where each stands."""

    values: dict[Any, Any]
    _tree: CommentedMap

    def line(self, *path: str | int) -> int:
        """Return the line of a place, or of the nearest thing around it that has one."""
        line: int = 1
        here: Any = self._tree
        for step in path:
            try:
                marks = here.lc.key(step) if isinstance(step, str) else here.lc.item(step)
                line, here = marks[0] + 1, here[step]
            except (AttributeError, KeyError, TypeError, IndexError):
                break
        return int(line)


def read_mapping(text: str) -> LinedMapping:
    """Return the mapping of a text; raise NotAMapping."""
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise NotAMapping(line, f"YAML: {error.problem or error.context}") from error
    except Exception as error:  # ruamel: KeyError, TypeError, RecursionError, ... on hostile text
        raise NotAMapping(1, f"YAML: {str(error).partition(chr(10))[0]}") from error
    if tree is None:
        tree = CommentedMap()
    if not isinstance(tree, CommentedMap):
        raise NotAMapping(1, "must be a YAML mapping")
    return LinedMapping(dict(tree), tree)
