"""The functions that Prometheus adds to templates, but for ``query``, which needs a store.

https://prometheus.io/docs/prometheus/latest/configuration/template_reference/#functions
"""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import re2

from alerts.durations import duration_ms
from alerts.templates import humanize
from alerts.templates.printing import printf
from alerts.templates.values import FailedTemplate, Found, type_name

_WORD: Final = re.compile(r"(?<![\w])(\w)")
_GROUP: Final = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")
_QUIET: Final = re2.Options()
_QUIET.log_errors = False
_MAX_PATTERN: Final = 10_000


def graph_link(expr: str) -> str:
    """Return the path of the page that draws an expression."""
    return f"/graph?g0.expr={quote_plus(expr)}&g0.tab=0"


def table_link(expr: str) -> str:
    """Return the path of the page that shows the value of an expression."""
    return f"/graph?g0.expr={quote_plus(expr)}&g0.tab=1"


def number_of(value: Any) -> float:
    """Return a number, or that of a text."""
    match value:
        case bool():
            pass
        case int() | float():
            return float(value)
        case str():
            try:
                return float(value) if "_" not in value else float("x")
            except ValueError:
                raise FailedTemplate(
                    f'strconv.ParseFloat: parsing "{value}": invalid syntax'
                ) from None
    raise FailedTemplate(f"can't convert {type_name(value)} to float")


def _of_number(function: Callable[[float], Any]) -> Callable[[Any], Any]:
    return lambda value: function(number_of(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise FailedTemplate(f"wrong type for value; expected string; got {type_name(value)}")
    return value


def _of_text(function: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: function(_text(value))


def _found(value: Any) -> Found:
    if not isinstance(value, Found):
        raise FailedTemplate(f"expected a sample; got {type_name(value)}")
    return value


def _first(values: Any) -> Found:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise FailedTemplate(f"expected the result of a query; got {type_name(values)}")
    if not values:
        raise FailedTemplate("first() called on vector with no elements")
    return _found(values[0])


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    if len(pattern) > _MAX_PATTERN:
        raise FailedTemplate("the expression is too long")
    try:
        return re2.compile(pattern, _QUIET)
    except re2.error as error:
        raise FailedTemplate(f"error parsing regexp: {error}") from error


def _replaced(pattern: str, replacement: str, text: str) -> str:
    """Replace all matches; ``$1`` and ``${name}`` are what their groups hold."""

    def filled(match: Any) -> str:
        def group(reference: re.Match[str]) -> str:
            dollar, braced, bare = reference.groups()
            name = braced or bare
            if dollar:
                return "$"
            try:
                return match.group(int(name) if name.isdecimal() else name) or ""
            except (IndexError, KeyError, re2.error):
                return ""

        return _GROUP.sub(group, replacement)

    found = _compiled(_text(pattern))
    replacement, text = _text(replacement), _text(text)
    out: list[str] = []
    end = 0
    for match in found.finditer(text):
        out += text[end : match.start()], filled(match)
        end = match.end()
    return "".join((*out, text[end:]))


def _matches(pattern: str, text: str) -> bool:
    return _compiled(_text(pattern)).search(_text(text)) is not None


def _strip_port(address: str) -> str:
    """Return a host without its port; what is none stays."""
    host, _, port = address.rpartition(":")
    if not host or (":" in host and not host.startswith("[")) or "]" in port:
        return address
    return host.strip("[]")


def _strip_domain(address: str) -> str:
    """Return the first part of a host name, with its port."""
    host, colon, port = address.partition(":") if address.count(":") == 1 else (address, "", "")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.partition(".")[0] + colon + port
    return address


def _seconds(text: str) -> float:
    found = duration_ms(text)
    if found is None:
        raise FailedTemplate(f'not a valid duration string: "{text}"')
    return found / 1000


def _to_time(value: float) -> datetime:
    if not math.isfinite(value):
        raise FailedTemplate("value is NaN or Inf")
    return humanize.to_time(value)


def _to_duration(value: float) -> str:
    if not math.isfinite(value):
        raise FailedTemplate("value is NaN or Inf")
    return _go_duration(timedelta(seconds=value))


def _go_duration(length: timedelta) -> str:
    total = length.total_seconds()
    sign, total = ("-", -total) if total < 0 else ("", total)
    whole, part = divmod(total, 60)
    hours, minutes = divmod(int(whole), 60)
    seconds = f"{part:.9f}".rstrip("0").rstrip(".")
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{head}{seconds}s"


def _sorted(name: str, values: Sequence[Any]) -> list[Found]:
    return sorted(map(_found, values), key=lambda one: one.Labels.get(name, ""))


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "args": lambda *values: {f"arg{at}": value for at, value in enumerate(values)},
    "first": _first,
    "label": lambda name, one: _found(one).Labels.get(_text(name), ""),
    "value": lambda one: _found(one).Value,
    "strvalue": lambda one: _found(one).Labels.get("__value__", ""),
    "sortByLabel": _sorted,
    "humanize": _of_number(humanize.humanize),
    "humanize1024": _of_number(humanize.humanize_1024),
    "humanizeDuration": _of_number(humanize.humanize_duration),
    "humanizePercentage": _of_number(humanize.humanize_percentage),
    "humanizeTimestamp": _of_number(humanize.humanize_timestamp),
    "toTime": _of_number(_to_time),
    "toDuration": _of_number(_to_duration),
    "parseDuration": _of_text(_seconds),
    "title": _of_text(lambda text: _WORD.sub(lambda one: one[1].upper(), text)),
    "toUpper": _of_text(str.upper),
    "toLower": _of_text(str.lower),
    "match": _matches,
    "reReplaceAll": _replaced,
    "safeHtml": _of_text(str),
    "stripPort": _of_text(_strip_port),
    "stripDomain": _of_text(_strip_domain),
    "urlQueryEscape": _of_text(quote_plus),
    "graphLink": _of_text(graph_link),
    "tableLink": _of_text(table_link),
    "printf": lambda text, *values: printf(_text(text), values),
}


def functions_of(external_url: str, now_s: float) -> dict[str, Callable[..., Any]]:
    """Return the functions that tell where and when the template is expanded."""
    return {
        "externalURL": lambda: external_url,
        "pathPrefix": lambda: urlsplit(external_url).path.rstrip("/"),
        "now": lambda: now_s,
    }
