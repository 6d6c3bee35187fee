"""A redaction file (YAML) -> a Policy, or the first mistake with its file, line and path.

Reads text; the file itself is read by whoever starts the collector.

    deny: [employee-number]        # globs of keys, beside the defaults
    allow: [http.*, peer.address]  # if given, every other key is masked
    off: [card]                    # kinds not to look for
    patterns: {employee: 'E-[0-9]{6}'}
    parameters: [invite]           # query parameters, beside the defaults
    hash: true                     # equal secrets get equal masks; needs a salt
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import re2

from collector.lined_yaml import NotAMapping, read_mapping
from collector.redaction.errors import BadPolicy
from collector.redaction.expressions import compiled
from collector.redaction.keys import DENY
from collector.redaction.patterns import PARAMETERS, default_patterns
from collector.redaction.policy import Policy

MIN_SALT: Final = 16
_KINDS: Final = frozenset(pattern.kind for pattern in default_patterns())
_KIND_NAME: Final = compiled(rb"[a-z][a-z_]*")


def parse_policy(text: str, *, file: str, salt: str | None = None) -> Policy:
    """Return the policy of a file's text; raise BadPolicy. ``salt`` comes from outside the file."""
    try:
        lined = read_mapping(text)
    except NotAMapping as error:
        raise BadPolicy(f"{file}:{error.line}: {error.reason}") from error
    document = lined.values

    def bad(message: str, *path: str | int) -> BadPolicy:
        return BadPolicy(f"{file}:{lined.line(*path)}: {'.'.join(map(str, path))}: {message}")

    for name in document:
        if name not in _FIELDS:
            raise bad(f"is unknown; known are {', '.join(sorted(_FIELDS))}", str(name))
    given: dict[str, Any] = {}
    for name, read in _FIELDS.items():
        if name in document:
            given[name] = read(document[name], name, bad)
    is_hashed = given.get("hash", False)
    if is_hashed and (salt is None or len(salt) < MIN_SALT):
        raise bad(f"needs a salt of at least {MIN_SALT} characters", "hash")
    return Policy(
        deny=(*DENY, *given.get("deny", ())),
        allow=given.get("allow"),
        off=frozenset(given.get("off", ())),
        patterns=given.get("patterns", {}),
        parameters=(*PARAMETERS, *given.get("parameters", ())),
        salt=salt if is_hashed else None,
    )


Bad = Callable[..., BadPolicy]


def _names(value: Any, name: str, bad: Bad) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise bad("must be a list of names", name)
    for place, item in enumerate(value):
        if not isinstance(item, str) or not item.strip():
            raise bad("must be a name", name, place)
    return tuple(str(item) for item in value)


def _off(value: Any, name: str, bad: Bad) -> tuple[str, ...]:
    kinds = _names(value, name, bad)
    for place, kind in enumerate(kinds):
        if kind not in _KINDS:
            raise bad(f"there is no kind {kind!r}; there are {', '.join(sorted(_KINDS))}",
                      name, place)  # fmt: skip
    return kinds


def _patterns(value: Any, name: str, bad: Bad) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise bad("must map a kind to an expression", name)
    for kind, expression in value.items():
        if not isinstance(kind, str) or _KIND_NAME.fullmatch(kind.encode()) is None:
            raise bad("a kind is made of a-z and _", name, kind)
        if kind in _KINDS:
            raise bad("is the name of a built-in kind", name, kind)
        try:
            matches_nothing = compiled(str(expression).encode()).search(b"") is not None
        except re2.error as error:
            raise bad(f"is no RE2 expression: {_said(error)}", name, kind) from error
        if matches_nothing:
            raise bad("matches the empty text", name, kind)
    return {str(kind): str(expression) for kind, expression in value.items()}


def _flag(value: Any, name: str, bad: Bad) -> bool:
    if not isinstance(value, bool):
        raise bad("must be true or false", name)
    return value


_FIELDS: Final[Mapping[str, Callable[[Any, str, Bad], Any]]] = {
    "deny": _names,
    "allow": _names,
    "off": _off,
    "patterns": _patterns,
    "parameters": _names,
    "hash": _flag,
}


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
