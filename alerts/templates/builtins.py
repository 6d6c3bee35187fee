"""The functions that every Go template has. ``and`` and ``or`` are part of the execution.

https://pkg.go.dev/text/template#hdr-Functions
"""

import html
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus

from alerts.templates.printing import printf, shown
from alerts.templates.values import FailedTemplate, is_true, type_name


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {int: "int", float: "float", str: "string"}.get(type(value), "other")


def _comparable(left: Any, right: Any) -> None:
    if _kind(left) != _kind(right) or _kind(left) == "other":
        raise FailedTemplate(
            f"incompatible types for comparison: {type_name(left)} and {type_name(right)}"
        )


def _eq(first: Any, *others: Any) -> bool:
    if not others:
        raise FailedTemplate("missing argument for comparison")
    for other in others:
        _comparable(first, other)
    return any(first == other for other in others)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        _comparable(left, right)
        if isinstance(left, bool):
            raise FailedTemplate("invalid type for comparison")
        return compare(left, right)

    return compared


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping | Sequence):
        return len(value)
    raise FailedTemplate(f"len of type {type_name(value)}")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            if not isinstance(key, str):
                raise FailedTemplate(f"value has type {type_name(key)}; should be string")
            value = value.get(key, "")
        elif isinstance(value, Sequence) and isinstance(key, int):
            if not 0 <= key < len(value):
                raise FailedTemplate(f"index out of range: {key}")
            value = value[key]
        else:
            raise FailedTemplate(f"can't index item of type {type_name(value)}")
    return value


def _print(*values: Any) -> str:
    """Join values; between two of which neither is a string is a space."""
    out = ""
    for place, value in enumerate(values):
        apart = place and not isinstance(value, str) and not isinstance(values[place - 1], str)
        out += (" " if apart else "") + shown(value)
    return out


def _escaped(text: str) -> str:
    return html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _printf(text: str, *values: Any) -> str:
    if not isinstance(text, str):
        raise FailedTemplate(f"expected string; found {type_name(text)}")
    return printf(text, values)


BUILTINS: Final[Mapping[str, Callable[..., Any]]] = {
    "and": is_true,
    "or": is_true,
    "not": lambda value: not is_true(value),
    "eq": _eq,
    "ne": lambda left, right: not _eq(left, right),
    "lt": _compared(operator.lt),
    "le": _compared(operator.le),
    "gt": _compared(operator.gt),
    "ge": _compared(operator.ge),
    "len": _len,
    "index": _index,
    "print": _print,
    "printf": _printf,
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "html": lambda *values: _escaped(_print(*values)),
    "urlquery": lambda *values: quote_plus(_print(*values)),
}
