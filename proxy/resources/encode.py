"""Envoy's JSON vocabulary -> protobuf, by the messages of envoy-data-plane.

A field that the message does not have is an error, so that a typing mistake in a builder is found
by the first test that encodes it. Encoding is the slow part of a snapshot (milliseconds for a
listener), so what was encoded is remembered; secrets are not, since a key must not outlive its use.
"""

import json
from functools import lru_cache
from typing import Any, Final

# The imports register the messages that appear inside google.protobuf.Any.
import envoy_data_plane.envoy.config.trace.v3
import envoy_data_plane.envoy.extensions.access_loggers.open_telemetry.v3
import envoy_data_plane.envoy.extensions.access_loggers.stats.v3
import envoy_data_plane.envoy.extensions.filters.http.fault.v3
import envoy_data_plane.envoy.extensions.filters.http.rbac.v3
import envoy_data_plane.envoy.extensions.filters.http.router.v3
import envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3
import envoy_data_plane.envoy.extensions.tracers.opentelemetry.resource_detectors.v3
import envoy_data_plane.envoy.extensions.tracers.opentelemetry.samplers.v3
import envoy_data_plane.envoy.extensions.transport_sockets.tls.v3
import envoy_data_plane.envoy.extensions.upstreams.http.v3  # noqa: F401
from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.config.route.v3 import RouteConfiguration
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import Secret

from proxy.resources import Json
from proxy.xds import type_urls

_MESSAGES: Final[dict[str, Any]] = {
    type_urls.CLUSTER: Cluster,
    type_urls.ENDPOINT: ClusterLoadAssignment,
    type_urls.LISTENER: Listener,
    type_urls.ROUTE: RouteConfiguration,
    type_urls.SECRET: Secret,
}


_REMEMBERED: Final = 4096
"""Resources; one of about two kilobytes each."""


def encode(type_url: str, resource: Json) -> bytes:
    """Return a resource as the protobuf of its type; KeyError for a type we do not serve."""
    if type_url == type_urls.SECRET:
        return _encode(type_url, resource)
    return _encode_text(type_url, json.dumps(resource))


@lru_cache(_REMEMBERED)
def _encode_text(type_url: str, text: str) -> bytes:
    return _encode(type_url, json.loads(text))


def _encode(type_url: str, resource: Json) -> bytes:
    return bytes(_MESSAGES[type_url].from_dict(resource))
