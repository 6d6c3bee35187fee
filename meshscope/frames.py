"""JSON of the API -> DataFrames with one type a column, also when there are no rows.

Counts are int64; a float is NaN, and a time NaT, only where there is no data. Never asks a server.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import pandas as pd

Kind = Literal["int64", "Int64", "float64", "str", "bool", "object", "s", "us"]
"""A dtype of pandas, or the unit of a time since 1970; ``Int64`` may be missing, ``int64`` not."""
Schema = Mapping[str, Kind]

_QUANTILES: Final[Schema] = {"p50_ms": "float64", "p95_ms": "float64", "p99_ms": "float64"}
TOPOLOGY: Final[Schema] = {
    "source": "str",
    "destination": "str",
    "requests": "int64",
    "errors": "int64",
    "rps": "float64",
    "error_ratio": "float64",
    **_QUANTILES,
    "retries": "int64",
    "attempts": "int64",
    "actual_error_ratio": "float64",
    "mtls_ratio": "float64",
    "codes": "object",
    "flags": "object",
    "routes": "object",
    "versions": "object",
}
SERVICES: Final[Schema] = {
    "service": "str",
    "kind": "str",
    "versions": "object",
    "requests": "int64",
    "errors": "int64",
    "rps": "float64",
    "error_ratio": "float64",
    **_QUANTILES,
    "callers": "object",
    "callees": "object",
    "last_seen": "s",
}
SLO_STATUS: Final[Schema] = {
    "slo": "str",
    "service": "str",
    "display_name": "str",
    "sli": "str",
    "target": "float64",
    "window": "str",
    "state": "str",
    "good": "int64",
    "total": "int64",
    "bad": "int64",
    "sli_ratio": "float64",
    "error_budget_ratio": "float64",
    "budget_events_allowed": "float64",
    "budget_remaining_ratio": "float64",
    "coverage_ratio": "float64",
    "threshold_ms": "float64",
    "effective_threshold_ms": "float64",
    "time_to_exhaustion_s": "float64",
    "labels": "object",
}
BURN_RATE: Final[Schema] = {
    "slo": "str",
    "service": "str",
    "severity": "str",
    "long": "str",
    "short": "str",
    "factor": "float64",
    "long_burn": "float64",
    "short_burn": "float64",
    "firing": "bool",
    "fireable": "bool",
}
CANARY: Final[Schema] = {
    "version": "str",
    "role": "str",
    "requests": "int64",
    "errors": "int64",
    "retries": "int64",
    "rps": "float64",
    "share_ratio": "float64",
    "error_ratio": "float64",
    "error_low_ratio": "float64",
    "error_high_ratio": "float64",
    **_QUANTILES,
}
SLI: Final[Schema] = {
    "time": "s",
    "good": "int64",
    "total": "int64",
    "bad": "int64",
    "sli_ratio": "float64",
    "budget_remaining_ratio": "float64",
}
TRACES: Final[Schema] = {
    "trace_id": "str",
    "time": "us",
    "root_service": "str",
    "root_name": "str",
    "duration_ns": "int64",
    "duration_ms": "float64",
    "spans": "int64",
    "errors": "int64",
    "services": "object",
    "keep_reason": "str",
    "matched": "object",
}
TRACE: Final[Schema] = {
    "span_id": "str",
    "parent_id": "str",
    "depth": "int64",
    "service": "str",
    "name": "str",
    "kind": "str",
    "status": "str",
    "is_error": "bool",
    "http_status": "Int64",
    "route": "str",
    "flags": "str",
    "time": "us",
    "from_ns": "int64",
    "duration_ns": "int64",
    "duration_ms": "float64",
    "self_ns": "int64",
    "critical_ns": "int64",
    "moved_ns": "int64",
    "warnings": "object",
    "attributes": "object",
    "events": "object",
    "links": "object",
}


def frame(rows: Iterable[Mapping[str, Any]], schema: Schema, **attrs: Any) -> pd.DataFrame:
    """Return the columns of a schema in its order; ``attrs`` tell of the frame as a whole."""
    every = list(rows)
    columns = {
        name: column([row.get(name) for row in every], kind) for name, kind in schema.items()
    }
    made = pd.DataFrame(columns)
    made.attrs.update(attrs)
    return made


def column(values: Sequence[Any], kind: Kind) -> "pd.Series[Any]":
    """Return a column of one type; None becomes what this type has for no data."""
    if kind in {"s", "us"}:
        scale = 1_000_000 if kind == "s" else 1
        micros = [None if one is None else round(one * scale) for one in values]
        numbers = pd.Series(micros, dtype="Int64")
        return pd.to_datetime(numbers, unit="us", utc=True).dt.as_unit("us")
    return pd.Series(list(values), dtype=kind)


def time_of(seconds: float) -> pd.Timestamp:
    """Return unix seconds as a tz-aware time."""
    return pd.Timestamp(round(seconds * 1_000_000), unit="us", tz="UTC")
