"""Intent -> Envoy resources, as dicts in Envoy's own JSON vocabulary.

    clusters     where requests can go: one cluster per service and version
    endpoints    the addresses behind a cluster
    routes       which request goes to which cluster, under which name
    listeners    the inbound and the outbound side of a sidecar
    secrets      certificates and trust bundles, over SDS
    telemetry    SLI counters, spans and access logs
    encode       dict -> protobuf

Every function takes intent and returns values; a dict here is what `envoy -c` would take as JSON.
"""

from typing import Any

Json = dict[str, Any]
