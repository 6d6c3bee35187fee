"""Every name in a rule: metrics, records, labels, alerts.

Metrics are ours at /metrics/mesh, /metrics and the control plane's /metrics, or Envoy's own as our
PromQL and /metrics/proxies name them. Records are level:metric:operations
(https://prometheus.io/docs/practices/rules/). The window is a label and never part of a name, so
that one query serves every window.
"""

from typing import Final

REQUESTS: Final = "mesh_requests_total"
RETRIES: Final = "mesh_retries_total"
ARRIVALS: Final = "mesh_arrivals_total"
TLS_REQUESTS: Final = "mesh_tls_requests_total"
LAST_SEEN: Final = "mesh_exporter_last_seen_timestamp_seconds"
SILENT: Final = "mesh_exporter_silent"
SLO_EVENTS: Final = "meshscope_slo_events_total"
SLO_OBJECTIVE: Final = "meshscope_slo_objective_ratio"

SHED_ROWS: Final = "meshscope_shed_rows_total"
TAKEN_EXPORTS: Final = "meshscope_requests_total"
REFUSED_EXPORTS: Final = "meshscope_requests_refused_total"

CONNECTED: Final = "envoy_control_plane_connected_state"
CLUSTERS_REJECTED: Final = "envoy_cluster_manager_cds_update_rejected"
LISTENERS_REJECTED: Final = "envoy_listener_manager_lds_update_rejected"
LISTENER_EXPIRY: Final = "envoy_listener_ssl_certificate_expiration_unix_time_seconds"
CLUSTER_EXPIRY: Final = "envoy_cluster_ssl_certificate_expiration_unix_time_seconds"
TLS_ERRORS: Final = "envoy_listener_ssl_connection_error"
TLS_NO_CERTIFICATE: Final = "envoy_listener_ssl_fail_verify_no_cert"
TLS_WRONG_NAME: Final = "envoy_cluster_ssl_fail_verify_san"
UPTIME: Final = "envoy_server_uptime"
MEMORY: Final = "envoy_server_memory_allocated"

PUSH_SECONDS: Final = "mesh_config_push_seconds"
IN_SYNC: Final = "mesh_proxy_in_sync"

ERROR_CODES: Final = "0|[5-9].."
"""The regular expression twin of ``collector.edges.is_error``, for the label ``code``."""

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
SLO_NOT_COUNTED: Final = "SloNotCounted"
SERVICE_NO_DATA: Final = "ServiceWithoutData"
SERVICE_SILENT_OUTAGE: Final = "ServiceSilentOutage"


def selector(metric: str, **labels: str | None) -> str:
    """Return ``metric{label="value"}`` without the labels that are None, values escaped."""
    pairs = [f"{name}={quote(value)}" for name, value in labels.items() if value is not None]
    return f"{metric}{{{','.join(pairs)}}}" if pairs else metric


def quote(text: str) -> str:
    """Return a PromQL string; its escapes are Go's."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
