"""What Go's ``fmt`` prints: ``%v`` of a value, and ``printf`` with the verbs that rules use.

A value that does not fit its verb is told as Go tells it, ``%!d(float64=0.5)``.
https://pkg.go.dev/fmt#hdr-Printing
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from alerts.templates.tokens import quoted
from alerts.templates.values import AlertData, Found, type_name

_VERB: Final = re.compile(r"%([-+# 0]*)(\d+)?(?:\.(\d*))?(.|$)", re.DOTALL)
_MAX_WIDTH: Final = 1_000
_PLAIN_EXPONENTS: Final = range(-4, 6)


def shown(value: Any) -> str:
    """Return what ``%v`` prints."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float():
            return shortest(value)
        case datetime():
            return time_text(value)
        case Mapping():
            return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
        case Found():
            return f"{{{shown(value.Labels)} {shown(value.Value)}}}"
        case AlertData():
            fields = (value.Labels, value.ExternalLabels, value.ExternalURL, value.Value)
            return f"{{{' '.join(map(shown, fields))}}}"
        case str() | int():
            return str(value)
        case Sequence():
            return f"[{' '.join(map(shown, value))}]"
        case _:
            return str(value)


def shortest(value: float) -> str:
    """Return the fewest digits that mean this number; an exponent from 1e+06 and below 1e-4."""
    if not math.isfinite(value):
        return special(value)
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    exact = Decimal(repr(value))
    if exact.adjusted() in _PLAIN_EXPONENTS:
        return f"{exact.normalize():f}"
    return exponent_text(value)


def exponent_text(value: float) -> str:
    """Return the fewest digits that mean this number, with an exponent: 1 -> 1e+00."""
    if not math.isfinite(value):
        return special(value)
    exact = Decimal(repr(value))
    exponent = exact.adjusted() if value else 0
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa = abs(exact).scaleb(-exponent).normalize() if value else Decimal(0)
    return f"{sign}{mantissa:f}e{exponent:+03d}"


def special(value: float) -> str:
    """Return NaN, +Inf or -Inf."""
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def four_digits(value: float) -> str:
    """Return what ``%.4g`` prints."""
    return f"{value:.4g}" if math.isfinite(value) else special(value)


def time_text(moment: datetime) -> str:
    """Return what Go prints of a time in UTC, fractions without their last zeros."""
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def printf(text: str, arguments: Sequence[Any]) -> str:
    """Return a text with its verbs filled in."""
    left = list(arguments)

    def fill(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if not verb:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        value = left.pop(0)
        digits = None if precision is None else min(int(precision or 0), _MAX_WIDTH)
        found = _formatted(value, verb, digits, flags)
        if found is None:
            return f"%!{verb}({type_name(value)}={shown(value)})"
        return _padded(found, flags, min(int(width or 0), _MAX_WIDTH))

    filled = _VERB.sub(fill, text)
    if left:
        extra = ", ".join(f"{type_name(one)}={shown(one)}" for one in left)
        filled += f"%!(EXTRA {extra})"
    return filled


def _formatted(value: Any, verb: str, digits: int | None, flags: str) -> str | None:
    match value:
        case _ if verb == "v" and not isinstance(value, float):
            found: str | None = shown(value)
        case bool():
            found = shown(value) if verb == "t" else None
        case int():
            found = _integer(value, verb)
        case float():
            found = _float(value, verb, digits)
        case str():
            found = _string(value, verb, digits)
        case _:
            found = shown(value) if verb == "s" else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if found is not None and is_number and not found.startswith(("-", "+")):
        found = ("+" if "+" in flags else " " if " " in flags else "") + found
    return found


def _integer(value: int, verb: str) -> str | None:
    forms = {"d": "d", "x": "x", "X": "X", "o": "o", "b": "b", "c": "c"}
    return f"{value:{forms[verb]}}" if verb in forms else None


def _float(value: float, verb: str, digits: int | None) -> str | None:
    if verb not in "vfFeEgG":
        return None
    if not math.isfinite(value):
        return special(value)
    if verb in "vgG" and digits is None:
        found = shortest(value)
        return found.upper() if verb == "G" else found
    return f"{value:.{6 if digits is None else digits}{'g' if verb == 'v' else verb}}"


def _string(value: str, verb: str, digits: int | None) -> str | None:
    cut = value if digits is None else value[:digits]
    match verb:
        case "s":
            return cut
        case "q":
            return quoted(cut)
        case "x":
            return cut.encode().hex()
        case _:
            return None


def _padded(text: str, flags: str, width: int) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" not in flags:
        return text.rjust(width)
    sign = text[:1] if text[:1] in {"-", "+"} else ""
    return sign + text[len(sign) :].rjust(width - len(sign), "0")
