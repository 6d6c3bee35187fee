"""The resource types we serve, in the order in which an update is pushed.

Clusters and their endpoints come before the listeners and routes that name them, so that no request
meets a route to a cluster that is not there yet ("make before break").
https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol#eventual-consistency-considerations
"""

from typing import Final

_PREFIX: Final = "type.googleapis.com/envoy."

CLUSTER: Final = _PREFIX + "config.cluster.v3.Cluster"
ENDPOINT: Final = _PREFIX + "config.endpoint.v3.ClusterLoadAssignment"
SECRET: Final = _PREFIX + "extensions.transport_sockets.tls.v3.Secret"
LISTENER: Final = _PREFIX + "config.listener.v3.Listener"
ROUTE: Final = _PREFIX + "config.route.v3.RouteConfiguration"

PUSH_ORDER: Final = (CLUSTER, ENDPOINT, SECRET, LISTENER, ROUTE)

WILDCARD: Final = frozenset({CLUSTER, LISTENER})
"""Types of which a proxy without a list of names gets all."""
