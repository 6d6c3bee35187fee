"""A tree and data -> text.

Never reads a clock or a store: functions are given. A map gives empty text for a key that it does
not have; any other mistake is FailedTemplate.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from alerts.templates.nodes import (
    Branch,
    Constant,
    Name,
    Nodes,
    Operand,
    Path,
    Pipeline,
    Show,
    Text,
    Within,
)
from alerts.templates.printing import shown
from alerts.templates.values import FailedTemplate, is_true, type_name

Function = Callable[..., Any]
LAZY: Final = ("and", "or")
"""Functions whose arguments are evaluated one by one, until the answer is known."""
MAX_CHARACTERS: Final = 1_000_000


@dataclass(slots=True)
class Execution:
    """One run of a template. Later variables hide earlier ones of their name."""

    functions: Mapping[str, Function]
    variables: list[tuple[str, Any]]
    out: list[str] = field(default_factory=list)
    written: int = 0

    def run(self, nodes: Nodes, dot: Any) -> None:
        """Write what the nodes say."""
        for node in nodes:
            match node:
                case Text(text):
                    self._write(text)
                case Show(pipeline):
                    value = self._pipeline(pipeline, dot)
                    if not pipeline.variables:
                        self._write(shown(value))
                case Branch():
                    self._branch(node, dot)
                case _:
                    assert_never(node)

    def _write(self, text: str) -> None:
        self.written += len(text)
        if self.written > MAX_CHARACTERS:
            raise FailedTemplate(f"the text has more than {MAX_CHARACTERS} characters")
        self.out.append(text)

    def _branch(self, node: Branch, dot: Any) -> None:
        known = len(self.variables)
        if node.kind == "range":
            self._range(node, dot)
        else:
            value = self._pipeline(node.pipeline, dot)
            if is_true(value):
                self.run(node.body, value if node.kind == "with" else dot)
            else:
                self.run(node.otherwise, dot)
        del self.variables[known:]

    def _range(self, node: Branch, dot: Any) -> None:
        names, pipeline = node.pipeline.variables, node.pipeline
        value = self._pipeline(Pipeline(pipeline.commands), dot)
        known = len(self.variables)
        is_empty = True
        for key, element in _elements(value):
            is_empty = False
            given = (element,) if len(names) == 1 else (key, element)
            for name, one in zip(names, given, strict=False):
                self._set(name, one, is_new=pipeline.is_declaration)
            self.run(node.body, element)
            del self.variables[known:]
        if is_empty:
            self.run(node.otherwise, dot)

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        value: tuple[Any, ...] = ()
        for command in pipeline.commands:
            value = (self._command(command, dot, value),)
        for name in pipeline.variables:
            self._set(name, value[0], is_new=pipeline.is_declaration)
        return value[0]

    def _set(self, name: str, value: Any, *, is_new: bool) -> None:
        if is_new:
            self.variables.append((name, value))
            return
        for place in range(len(self.variables) - 1, -1, -1):
            if self.variables[place][0] == name:
                self.variables[place] = (name, value)
                return

    def _command(self, command: tuple[Operand, ...], dot: Any, final: tuple[Any, ...]) -> Any:
        first, *rest = command
        if isinstance(first, Name):
            return self._call(first.name, rest, dot, final)
        if first == Constant(None):
            raise FailedTemplate("nil is not a command")
        if rest or final:
            raise FailedTemplate(f"can't give argument to non-function {_told(first)}")
        return self._operand(first, dot)

    def _operand(self, operand: Operand, dot: Any) -> Any:
        match operand:
            case Constant(value):
                return value
            case Path("", fields):
                return self._fields(dot, fields)
            case Path(root, fields):
                held = next(value for name, value in reversed(self.variables) if name == root)
                return self._fields(held, fields)
            case Within(pipeline, fields):
                return self._fields(self._pipeline(pipeline, dot), fields)
            case Name(name):
                return self._call(name, [], dot, ())
            case _:
                assert_never(operand)

    def _fields(self, value: Any, names: tuple[str, ...]) -> Any:
        for name in names:
            if isinstance(value, Mapping):
                value = value.get(name, "")
            elif value is None:
                raise FailedTemplate(f"nil data; no entry for key {name!r}")
            elif name in getattr(type(value), "__dataclass_fields__", ()):
                value = getattr(value, name)
            else:
                raise FailedTemplate(f"can't evaluate field {name} in type {type_name(value)}")
        return value

    def _call(self, name: str, rest: Sequence[Operand], dot: Any, final: tuple[Any, ...]) -> Any:
        if name in LAZY:
            return self._first_of(name, rest, dot, final)
        arguments = [*(self._operand(one, dot) for one in rest), *final]
        try:
            return self.functions[name](*arguments)
        except FailedTemplate as error:
            raise FailedTemplate(f"error calling {name}: {error}") from error
        except TypeError as error:
            raise FailedTemplate(f"wrong arguments for {name}: {_types(arguments)}") from error

    def _first_of(
        self, name: str, rest: Sequence[Operand], dot: Any, final: tuple[Any, ...]
    ) -> Any:
        if not rest and not final:
            raise FailedTemplate("wrong number of args for and/or: want at least 1 got 0")
        value: Any = None
        for one in rest:
            value = self._operand(one, dot)
            if is_true(value) is (name == "or"):
                return value
        return final[0] if final else value


def _elements(value: Any) -> Iterator[tuple[Any, Any]]:
    match value:
        case Mapping():
            yield from ((key, value[key]) for key in sorted(value))
        case str() | bool() | float():
            raise FailedTemplate(f"range can't iterate over {shown(value)}")
        case int():
            yield from ((at, at) for at in range(min(value, MAX_CHARACTERS)))
        case Sequence():
            yield from enumerate(value)
        case None:
            return
        case _:
            raise FailedTemplate(f"range can't iterate over {shown(value)}")


def _told(operand: Operand) -> str:
    match operand:
        case Path(root, fields):
            return root + "".join(f".{name}" for name in fields)
        case Constant(value):
            return shown(value) if not isinstance(value, float) or math.isfinite(value) else "?"
        case _:
            return "()"


def _types(arguments: Sequence[Any]) -> str:
    return ", ".join(map(type_name, arguments)) or "none"
