"""Every name in a rule: our metrics at /metrics/mesh, records, labels, alerts.

Records are level:metric:operations (https://prometheus.io/docs/practices/rules/). The window is a
label and never part of a name, so that one query serves every window.
"""

from typing import Final

REQUESTS: Final = "mesh_requests_total"
RETRIES: Final = "mesh_retries_total"
TLS_REQUESTS: Final = "mesh_tls_requests_total"
DURATION_BUCKET: Final = "mesh_request_duration_seconds_bucket"
LAST_SEEN: Final = "mesh_exporter_last_seen_timestamp_seconds"
SILENT: Final = "mesh_exporter_silent"
EVENTS: Final = "meshscope_slo_events_total"
"""What the server counted for an objective of any kind, since the first data."""

ERROR_CODES: Final = "0|[5-9].."
"""The regular expression twin of ``collector.edges.is_error``, for the label ``code``."""
RESULT: Final = "result"
"""Label of the duration histogram: ``error`` for failed requests."""

BAD_EVENTS: Final = "slo:bad_events:increase"
TOTAL_EVENTS: Final = "slo:total_events:increase"
OBJECTIVE: Final = "slo:objective:ratio"
BUDGET_REMAINING: Final = "slo:error_budget_remaining:ratio"

SLO: Final = "slo"
SERVICE: Final = "service"
WINDOW: Final = "window"
SEVERITY: Final = "severity"
LONG: Final = "long"
SHORT: Final = "short"
FACTOR: Final = "factor"
TEAM: Final = "team"

ERROR_BUDGET_BURN: Final = "ErrorBudgetBurn"
SERVICE_NO_DATA: Final = "ServiceWithoutData"
EXPORTER_SILENT: Final = "MeshExporterSilent"
PLAINTEXT: Final = "MeshPlaintextTraffic"
RETRY_AMPLIFICATION: Final = "MeshRetryAmplification"
TELEMETRY_ABSENT: Final = "MeshTelemetryAbsent"


def selector(metric: str, **labels: str | None) -> str:
    """Return ``metric{label="value"}`` without the labels that are None, values escaped."""
    pairs = [f"{name}={quote(value)}" for name, value in labels.items() if value is not None]
    return f"{metric}{{{','.join(pairs)}}}" if pairs else metric


def quote(text: str) -> str:
    """Return a PromQL string; its escapes are Go's."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
