"""What requests for traces ask, in the notations that Jaeger, Tempo and our own API share.

Trace ids, durations such as ``1.2ms``, tags as a JSON object or as logfmt. Never asks the store.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from collector.store.span_conditions import KINDS, STATUSES
from collector.traces.search import Search

_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PIECE: Final = re.compile(r"(\d{1,15}(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_PAIR: Final = re.compile(r'([^\s=]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_ESCAPE: Final = re.compile(r"\\(.)")
_TRACE_ID: Final = re.compile(r"[0-9a-fA-F]{1,32}")
_LONGEST_NS: Final = 2**63 - 1
_MOST_TAGS: Final = 100
_TRUTHS: Final = {"true": True, "false": False}


class BadParameter(ValueError):
    """A parameter cannot be read; the text names it."""


def read_trace_id(text: str) -> tuple[int, int]:
    """Return (trace_hi, trace_lo) of 1 to 32 hexadecimal digits."""
    if not _TRACE_ID.fullmatch(text) or not int(text, 16):
        raise BadParameter(f"a trace id is 1 to 32 hexadecimal digits, not all 0; got {text!r:.80}")
    return divmod(int(text, 16), 2**64)


def read_whole(
    given: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 2**53
) -> int:
    """Return a whole number in [least, most]; ``default`` when it is not given."""
    text = given.get(name) or str(default)
    try:
        number = int(text)
    except ValueError as error:
        raise BadParameter(f"parameter '{name}' is a whole number, got {text!r:.80}") from error
    if not least <= number <= most:
        raise BadParameter(f"parameter '{name}' is from {least} to {most}, got {number}")
    return number


def read_duration(given: Mapping[str, str], name: str) -> int | None:
    """Return nanoseconds of ``1.2ms`` or ``1m30s``; None when it is not given."""
    text = given.get(name, "").strip()
    if not text:
        return None
    if not re.fullmatch(f"(?:{_PIECE.pattern})+", text):
        raise BadParameter(f"parameter '{name}' is a duration such as 1.2ms, got {text!r:.80}")
    total = sum(float(number) * _UNITS_NS[unit] for number, unit in _PIECE.findall(text))
    return min(round(total), _LONGEST_NS)


def read_tags(text: str) -> dict[str, str]:
    """Return tags of a JSON object or of logfmt; every value is text."""
    text = text.strip()
    found = _json_tags(text) if text.startswith("{") else _logfmt_tags(text)
    if len(found) > _MOST_TAGS:
        raise BadParameter(f"parameter 'tags' has more than {_MOST_TAGS} tags")
    return found


def form_of(tags: Mapping[str, str], **fields: Any) -> Search:
    """Return a form; tags that stand for what is no attribute in OTLP become its fields."""
    left = dict(tags)
    if left.get("error") in _TRUTHS:
        fields["is_error"] = _TRUTHS[left.pop("error")]
    if left.get("span.kind") in KINDS:
        fields["kind"] = left.pop("span.kind")
    if left.get("otel.status_code", "").lower() in STATUSES:
        fields["status"] = left.pop("otel.status_code").lower()
    return Search(tags=left, **fields)


def _logfmt_tags(text: str) -> dict[str, str]:
    left = _PAIR.sub("", text).strip()
    if left:
        raise BadParameter(f"parameter 'tags' is a JSON object or key=value, got {left!r:.80}")
    return {
        key: _ESCAPE.sub(r"\1", value[1:-1]) if value.startswith('"') else value
        for key, value in _PAIR.findall(text)
    }


def _json_tags(text: str) -> dict[str, str]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadParameter(f"parameter 'tags' is no JSON object: {error}") from error
    return {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in values.items()
    }
