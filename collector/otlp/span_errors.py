"""Whether the request behind a span failed, from its attributes and its OTLP status.

HTTP status and Envoy's response flags speak before the OTLP status, which Envoy leaves unset on
timeouts and sets on a client's 4xx. The compiled scanner holds the same rules for plain values.
Spec: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status
"""

from collections.abc import Mapping
from typing import Any, Final

FAILURE_FLAGS: Final = frozenset(
    {"DF", "DO", "DT", "LH", "LR", "NC", "NFCF", "OM", "SI"}
    | {"UC", "UF", "UH", "UMSDR", "UO", "UPE", "UR", "URX", "UT"}
)
"""Envoy response flags of requests that got no proper answer from upstream.
https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/access_log/usage"""

STATUS_ERROR: Final = 2
"""OTLP StatusCode ERROR."""

_STATUS_KEYS: Final = ("http.response.status_code", "http.status_code")
_FLAG_KEYS: Final = ("response_flags", "envoy.response_flags")


def is_span_error(values: Mapping[str, Any], status: int) -> bool:
    """Tell whether a span's request failed, from its attributes and OTLP status.

    5xx, no response (0) with flags, a failure flag, ``error=true``, or status ERROR unless the HTTP
    status is a 4xx: that is the caller's mistake, and the SLI counters do not call it an error.
    """
    code, flags = http_status(values), response_flags(values)
    if code is not None and (code >= 500 or (code == 0 and flags != "-")):
        return True
    if not FAILURE_FLAGS.isdisjoint(flags.split(",")):
        return True
    if values.get("error") in (True, "true"):
        return True
    return status == STATUS_ERROR and not (code is not None and 400 <= code < 500)


def http_status(values: Mapping[str, Any]) -> int | None:
    """Return the HTTP status by its new or old name, number or text; None without a proper one."""
    for key in _STATUS_KEYS:
        value = values.get(key)
        if isinstance(value, str) and value.isdecimal() and len(value) <= 5:
            value = int(value)
        if isinstance(value, int) and 0 <= value < 2**16:
            return int(value)
    return None


def response_flags(values: Mapping[str, Any]) -> str:
    """Return Envoy's response flags, '-' for none."""
    return next((str(values[key]) for key in _FLAG_KEYS if values.get(key)), "-")
