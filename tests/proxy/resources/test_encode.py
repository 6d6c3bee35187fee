"""Encoding finds typing mistakes, forgets keys, and every resource of a mesh survives it."""

from datetime import timedelta
from typing import Any

import pytest
from envoy_data_plane.envoy.config.cluster.v3 import Cluster

from proxy.resources.encode import _encode_text, encode
from proxy.xds.type_urls import CLUSTER, ENDPOINT, LISTENER, PUSH_ORDER, ROUTE, SECRET

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def test_what_is_encoded_is_what_was_said() -> None:
    payload = encode(CLUSTER, {"name": "app", "connect_timeout": "1.500s", "type": "STATIC"})
    cluster = Cluster.parse(payload)
    assert (cluster.name, cluster.connect_timeout) == ("app", timedelta(seconds=1.5))


@pytest.mark.parametrize("type_url", PUSH_ORDER)
def test_an_unknown_field_is_an_error_in_every_type(type_url: str) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        encode(type_url, {"name": "x", "nam": "y"})


@pytest.mark.parametrize(
    ("type_url", "resource"),
    [
        (CLUSTER, {"name": "x", "circuit_breakers": {"thresholds": [{"max_request": 1}]}}),
        (CLUSTER, {"name": "x", "type": "STATICK"}),
        (
            CLUSTER,
            {
                "name": "x",
                "typed_extension_protocol_options": {
                    HTTP_OPTIONS: {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", "h2": {}}
                },
            },
        ),
        (ENDPOINT, {"cluster_name": "x", "endpoints": [{"lb_endpoint": []}]}),
        (ROUTE, {"name": "x", "virtual_hosts": [{"name": "y", "domain": ["*"]}]}),
        (LISTENER, {"name": "x", "address": {"socket_address": {"port": 1}}}),
        (
            LISTENER,
            {"name": "x", "filter_chains": [{"filters": [{"typed_config": {"@type": "a/b"}}]}]},
        ),
    ],
)
def test_a_mistake_deep_inside_is_an_error(type_url: str, resource: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        encode(type_url, resource)


def test_a_type_that_we_do_not_serve_is_an_error() -> None:
    with pytest.raises(KeyError):
        encode("type.googleapis.com/envoy.service.runtime.v3.Runtime", {"name": "x"})


def test_secrets_are_not_remembered() -> None:
    before = _encode_text.cache_info()
    encode(SECRET, {"name": "x", "tls_certificate": {"private_key": {"inline_string": "k"}}})
    assert _encode_text.cache_info() == before


def test_what_is_remembered_is_what_was_encoded_first() -> None:
    resource = {"name": "twice", "type": "EDS"}
    assert encode(CLUSTER, resource) is encode(CLUSTER, dict(resource))
