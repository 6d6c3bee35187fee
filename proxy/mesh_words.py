"""What is wrong with one field of mesh.yaml, in words that say what it must be.

pydantic speaks of tuples, patterns and models; the author of a mesh file knows lists, names and
fields. Takes the errors of ``proxy.mesh``'s models; where they are in the file is
``proxy.mesh_file``'s to find. Never reads a file.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from proxy.mesh import NAME_PATTERN, PATH_PATTERN, RETRY_ON_PATTERN, TRUST_DOMAIN_PATTERN, Mesh

_LONGEST: Final = 60
"""Characters of a wrong value that are shown."""

_PATTERNS: Final = {
    NAME_PATTERN: "must be a name: a-z, 0-9 and '-', a letter first, no '-' last, at most 63",
    PATH_PATTERN: "must be a path that starts with '/'",
    RETRY_ON_PATTERN: "must be Envoy's retry conditions, comma separated and without spaces",
    TRUST_DOMAIN_PATTERN: "must be a trust domain: a-z, 0-9, '-' and '.'",
}

_KINDS: Final = {
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "string": "must be a text (in quotes, if YAML takes it for something else)",
    "tuple": "must be a list",
    "dict": "must be a mapping",
    "model": "must be a mapping",
}

_LIMITS: Final = {
    "greater_than_equal": ("ge", "must be at least"),
    "less_than_equal": ("le", "must be at most"),
    "less_than": ("lt", "must be less than"),
}


def describe(error: Mapping[str, Any]) -> str:
    """Return one of ``ValidationError.errors()`` as the end of "field: ..."."""
    kind, context = error["type"], error.get("ctx", {})
    got = f", got {_shown(error['input'])}"
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return _unknown_field(error["loc"])
    if kind == "too_short":
        return "must not be empty"
    if kind == "literal_error":
        return f"must be {context['expected']}{got}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS[context["pattern"]] + got
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"{words} {context[key]:.12g}{got}"
    if kind == "value_error":
        return str(context["error"])
    words = _KINDS.get(kind.partition("_")[0], str(error["msg"]))
    return words + got


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` when a known word is close, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _unknown_field(location: Sequence[int | str]) -> str:
    fields = _fields(location[:-1])
    hint = did_you_mean(str(location[-1]), fields) or f"; the fields are {', '.join(fields)}"
    return f"is no field here{hint}"


def _fields(location: Sequence[int | str]) -> list[str]:
    """Return the fields that the mapping at a location may have, by the file's JSON Schema."""
    schema = Mesh.model_json_schema()
    node = schema
    for part in location:
        node = node["items"] if isinstance(part, int) else node["properties"][part]
        node = next((one for one in node.get("anyOf", []) if one.get("type") != "null"), node)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return list(node["properties"])


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list() | tuple() | set():
            return "a list"
        case _:
            text = repr(value)
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
