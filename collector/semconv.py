"""Every name that crosses a boundary: OTel attributes, Envoy metrics, tags of our SLI counters.

Never holds logic. Sources: OpenTelemetry semantic conventions; Envoy's stats access logger, whose
counters our control plane configures (``proxy.resources.telemetry``) and ``collector.otlp`` reads.
"""

from typing import Final

SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE_ID: Final = "service.instance.id"

SLI_REQUESTS: Final = "sli.requests"
"""Counter {request}: one per request at the reporting proxy, after retries."""
SLI_ATTEMPTS: Final = "sli.attempts"
"""Counter {attempt}: upstream attempts behind those requests; 0 for a locally answered request."""
SLI_DURATION: Final = "sli.duration"
"""Histogram us: first byte received to last byte sent. Requests without an end are absent."""

TAG_DIRECTION: Final = "direction"
"""``outbound`` (the caller's proxy reports) or ``inbound`` (the callee's)."""
TAG_ROUTE: Final = "route"
TAG_UPSTREAM_CLUSTER: Final = "upstream_cluster"
"""``service|version`` on outbound listeners; empty or ``-`` when no route matched."""
TAG_CODE: Final = "code"
"""HTTP status; ``0`` when no response was sent."""
TAG_FLAGS: Final = "flags"
"""Envoy response flags, comma separated; ``-`` for none."""
TAG_SOURCE: Final = "src"
"""SPIFFE id of the downstream peer on inbound listeners; empty without a client certificate."""
TAG_DESTINATION: Final = "dst"
"""SPIFFE id of the upstream peer on outbound listeners; empty when nothing was reached."""

OUTBOUND: Final = "outbound"
INBOUND: Final = "inbound"

EXTERNAL: Final = "external"
"""The virtual node for callers without a mesh identity."""
UNKNOWN: Final = "unknown"
"""The virtual node for requests that no route claimed."""

SPAN_DIRECTION: Final = "mesh.direction"
SPAN_ROUTE: Final = "mesh.route"
SPAN_SOURCE: Final = "mesh.peer.downstream"
SPAN_DESTINATION: Final = "mesh.peer.upstream"
SPAN_ATTEMPTS: Final = "mesh.attempts"
SPAN_CODE_DETAILS: Final = "mesh.code_details"

LATENCY_BUCKETS_PER_DOUBLING: Final = 8
"""A log2 histogram with 8 buckets per doubling: a quantile is off by at most 4.3 %."""
LATENCY_MIN_EXPONENT: Final = 6
"""The first finite bound is 2**6 us = 64 us."""
LATENCY_MAX_EXPONENT: Final = 26
"""The last finite bound is 2**26 us = 67 s."""

REMOTE_WRITE: Final = "prometheus.remote_write"
"""Scope of the metric streams that a Prometheus wrote: their attributes are its labels (ADR 9)."""
ORIGIN: Final = "meshscope.origin"
"""Resource attribute of what no exporter sent; REMOTE_WRITE is its only value."""
