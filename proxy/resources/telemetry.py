"""What a sidecar tells the collector: SLI counters, spans, access logs of failures.

SLIs come from the stats access logger: counters of 100 % of the requests that cost no export per
request and, being cumulative, survive an outage of the collector. Spans carry paths and exemplars
and may be sampled. https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/
"""

from collector import semconv
from proxy.mesh import Mesh, Service, Workload
from proxy.resources import Json

TYPE = "type.googleapis.com/envoy."
OTLP_CLUSTER = "otlp"


def resource_attributes(mesh: Mesh, service: Service, workload: Workload) -> dict[str, str]:
    """Return the OTel resource of a sidecar: who exports."""
    return {
        semconv.SERVICE_NAME: service.name,
        semconv.SERVICE_NAMESPACE: mesh.namespace,
        semconv.SERVICE_VERSION: workload.version,
        semconv.SERVICE_INSTANCE_ID: workload.name,
    }


def resource_detectors(attributes: dict[str, str]) -> list[Json]:
    """Return the detector that stamps fixed attributes on everything a sidecar exports."""
    return [
        {
            "name": "envoy.tracers.opentelemetry.resource_detectors.static_config",
            "typed_config": {
                "@type": TYPE + "extensions.tracers.opentelemetry.resource_detectors.v3"
                ".StaticConfigResourceDetectorConfig",
                "attributes": attributes,
            },
        }
    ]


def sli_logger(direction: str) -> Json:
    """Return the access logger that counts every request by edge, code and flags.

    Tags must stay bounded: each distinct combination is a series for the life of the proxy.
    """
    tags = {
        semconv.TAG_DIRECTION: direction,
        semconv.TAG_ROUTE: "%ROUTE_NAME%",
        semconv.TAG_UPSTREAM_CLUSTER: "%UPSTREAM_CLUSTER_RAW%",
        semconv.TAG_CODE: "%RESPONSE_CODE%",
        semconv.TAG_FLAGS: "%RESPONSE_FLAGS%",
        semconv.TAG_SOURCE: "%DOWNSTREAM_PEER_URI_SAN%",
        semconv.TAG_DESTINATION: "%UPSTREAM_PEER_URI_SAN%",
    }

    def stat(name: str) -> Json:
        return {
            "name": name.removeprefix("sli."),
            "tags": [{"name": tag, "value_format": value} for tag, value in tags.items()],
        }

    return {
        "name": "envoy.access_loggers.stats",
        "typed_config": {
            "@type": TYPE + "extensions.access_loggers.stats.v3.Config",
            "stats_scope": {"prefix": "sli"},
            "counters": [
                {"stat": stat(semconv.SLI_REQUESTS), "value_fixed": 1},
                {
                    "stat": stat(semconv.SLI_ATTEMPTS),
                    "value_format": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
                },
            ],
            "histograms": [
                {
                    "stat": stat(semconv.SLI_DURATION),
                    "unit": "Microseconds",
                    "value_format": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
                }
            ],
        },
    }


def failure_logger(direction: str, attributes: dict[str, str]) -> Json:
    """Return the OTLP access logger for requests that failed: forensics, not counting."""
    fields = {
        semconv.SPAN_DIRECTION: direction,
        semconv.SPAN_ROUTE: "%ROUTE_NAME%",
        semconv.SPAN_CODE_DETAILS: "%RESPONSE_CODE_DETAILS%",
        semconv.SPAN_SOURCE: "%DOWNSTREAM_PEER_URI_SAN%",
        "http.request.method": "%REQ(:METHOD)%",
        "url.path": "%PATH(NQ:ORIG_OR_PATH)%",
        "http.response.status_code": "%RESPONSE_CODE%",
        "response_flags": "%RESPONSE_FLAGS%",
        "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
        "upstream.failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
    }
    return {
        "name": "envoy.access_loggers.open_telemetry",
        "filter": {
            "or_filter": {
                "filters": [
                    {
                        "status_code_filter": {
                            "comparison": {
                                "op": "GE",
                                "value": {
                                    "default_value": 500,
                                    "runtime_key": "meshscope.access_log.min_status",
                                },
                            }
                        }
                    },
                    {"response_flag_filter": {}},
                ]
            }
        },
        "typed_config": {
            "@type": TYPE + "extensions.access_loggers.open_telemetry.v3"
            ".OpenTelemetryAccessLogConfig",
            "grpc_service": {"envoy_grpc": {"cluster_name": OTLP_CLUSTER}},
            "log_name": "mesh",
            "disable_builtin_labels": True,
            "buffer_flush_interval": "1s",
            "resource_attributes": {"values": _string_values(attributes)},
            "attributes": {"values": _string_values(fields)},
            "body": {"string_value": "%REQ(:METHOD)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%"},
        },
    }


def tracing(direction: str, mesh: Mesh, attributes: dict[str, str]) -> Json:
    """Return the tracing part of a connection manager: one span per request and proxy.

    The parent's decision is honoured and the ratio decides for new traces, so that a trace is
    kept or left whole.
    """
    sampler_package = TYPE + "extensions.tracers.opentelemetry.samplers.v3."
    custom_tags: dict[str, str] = {
        semconv.SPAN_ROUTE: "%ROUTE_NAME%",
        semconv.SPAN_SOURCE: "%DOWNSTREAM_PEER_URI_SAN%",
        semconv.SPAN_DESTINATION: "%UPSTREAM_PEER_URI_SAN%",
        semconv.SPAN_ATTEMPTS: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        semconv.SPAN_CODE_DETAILS: "%RESPONSE_CODE_DETAILS%",
    }
    return {
        "random_sampling": {"value": 100},
        "spawn_upstream_span": False,
        "custom_tags": [
            {"tag": semconv.SPAN_DIRECTION, "literal": {"value": direction}},
            *({"tag": tag, "value": value} for tag, value in custom_tags.items()),
        ],
        "provider": {
            "name": "envoy.tracers.opentelemetry",
            "typed_config": {
                "@type": TYPE + "config.trace.v3.OpenTelemetryConfig",
                "grpc_service": {
                    "envoy_grpc": {"cluster_name": OTLP_CLUSTER},
                    "timeout": "1s",
                },
                "service_name": attributes[semconv.SERVICE_NAME],
                "resource_detectors": resource_detectors(attributes),
                "sampler": {
                    "name": "envoy.tracers.opentelemetry.samplers.parent_based",
                    "typed_config": {
                        "@type": sampler_package + "ParentBasedSamplerConfig",
                        "wrapped_sampler": {
                            "name": "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based",
                            "typed_config": {
                                "@type": sampler_package + "TraceIdRatioBasedSamplerConfig",
                                "sampling_percentage": {
                                    "numerator": round(
                                        mesh.telemetry.trace_sampling_percent * 10_000
                                    ),
                                    "denominator": "MILLION",
                                },
                            },
                        },
                    },
                },
            },
        },
    }


def _string_values(values: dict[str, str]) -> list[Json]:
    return [{"key": key, "value": {"string_value": value}} for key, value in values.items()]
