"""The file an Envoy starts from: who it is, where its control plane and the collector are.

Everything else arrives over ADS. Only statistics live here, because Envoy takes its stats sinks
from the bootstrap alone.
"""

from collector.edges import latency_bounds_us
from collector.semconv import SLI_DURATION
from proxy.mesh import ADMIN_PORT, Mesh, Service, Workload
from proxy.resources import Json
from proxy.resources.clusters import seconds
from proxy.resources.telemetry import (
    OTLP_CLUSTER,
    TYPE,
    resource_attributes,
    resource_detectors,
)

XDS_CLUSTER = "xds"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

EXPORTED_STATS = (
    r"sli\..*",
    r"cluster\.[^.]+\|[^.]+\.upstream_rq_(retry|retry_success|retry_overflow|timeout"
    r"|pending_overflow|active_overflow)",
    r"cluster\.[^.]+\|[^.]+\.upstream_cx_(total|active|connect_fail|rx_bytes_total|tx_bytes_total)",
    r"cluster\.[^.]+\|[^.]+\.circuit_breakers\.default\.(rq|cx|rq_pending|rq_retry)_open",
    r"cluster\.[^.]+\|[^.]+\.outlier_detection\.ejections_(active|enforced_total)",
    r"cluster\.[^.]+\|[^.]+\.membership_(healthy|total)",
    r"cluster\.(app|otlp|xds)\.upstream_cx_(total|active|connect_fail)",
    r"(cluster|listener)\..*ssl\.(handshake|connection_error|fail_verify_.*)",
    r"(cluster|listener)\..*ssl\.certificate\..*",
    r"http\..*\.rbac\.(allowed|denied)",
    r"control_plane\.connected_state",
    r"(cluster_manager\.cds|listener_manager\.lds)\.update_(success|rejected)",
    r"server\.(live|uptime|concurrency|memory_allocated|memory_physical_size)",
    r"tracing\.opentelemetry\..*",
    r"access_logs\.open_telemetry_access_log\..*",
)
"""What a sidecar exports, as full-match patterns over stat names: about a third of the default."""


def bootstrap(mesh: Mesh, service: Service, workload: Workload, *, xds: str) -> Json:
    """Return the bootstrap of a workload's Envoy; ``xds`` is the control plane's ``host:port``."""
    ads = {"ads": {}, "resource_api_version": "V3"}
    return {
        "node": {
            "id": workload.name,
            "cluster": service.name,
            "metadata": {"service": service.name, "version": workload.version},
        },
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": {"cluster_name": XDS_CLUSTER}}],
            },
            "cds_config": ads,
            "lds_config": ads,
        },
        "static_resources": {
            "clusters": [
                _grpc_cluster(XDS_CLUSTER, xds),
                _grpc_cluster(OTLP_CLUSTER, mesh.telemetry.otlp),
            ]
        },
        "stats_flush_interval": seconds(mesh.telemetry.flush_seconds),
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {
                    "patterns": [{"safe_regex": {"regex": regex}} for regex in EXPORTED_STATS]
                }
            },
            "histogram_bucket_settings": [
                {"match": {"prefix": SLI_DURATION}, "buckets": latency_bounds_us()}
            ],
        },
        "stats_sinks": [_otlp_sink(mesh, service, workload)],
        "layered_runtime": {
            "layers": [
                {
                    "name": "static",
                    "static_layer": {
                        "tracing.opentelemetry.flush_interval_ms": 1000,
                        "tracing.opentelemetry.min_flush_spans": 200,
                    },
                }
            ]
        },
        "admin": {"address": _socket_address(f"{workload.address}:{ADMIN_PORT}")},
    }


def _otlp_sink(mesh: Mesh, service: Service, workload: Workload) -> Json:
    """Return the stats sink. Cumulative: a flush that is lost is made good by the next one."""
    return {
        "name": "envoy.stat_sinks.open_telemetry",
        "typed_config": {
            "@type": TYPE + "extensions.stat_sinks.open_telemetry.v3.SinkConfig",
            "grpc_service": {"envoy_grpc": {"cluster_name": OTLP_CLUSTER}},
            "resource_detectors": resource_detectors(resource_attributes(mesh, service, workload)),
            "report_counters_as_deltas": False,
            "report_histograms_as_deltas": False,
        },
    }


def _grpc_cluster(name: str, target: str) -> Json:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: {
                "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
                "explicit_http_config": {
                    "http2_protocol_options": {
                        "connection_keepalive": {"interval": "30s", "timeout": "5s"}
                    }
                },
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _socket_address(target)}}]}],
        },
    }


def _socket_address(target: str) -> Json:
    address, _, port = target.rpartition(":")
    return {"socket_address": {"address": address, "port_value": int(port)}}
