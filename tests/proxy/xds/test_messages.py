"""Discovery messages: what goes in comes out, and nonsense is a ValueError."""

import struct

import pytest
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryRequest, DiscoveryResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.xds.messages import Request, Response, decode_request, encode_response
from proxy.xds.type_urls import CLUSTER, ENDPOINT

WHOLE = {
    "node": {"id": "gateway-1", "metadata": {"x": {"y": [1, 2]}}},
    "type_url": ENDPOINT,
    "resource_names": ["a", "b"],
    "response_nonce": "3",
    "version_info": "v",
    "error_detail": {"code": 3, "message": "bad"},
}


def encoded(fields: object) -> bytes:
    return bytes(DiscoveryRequest.from_dict(fields))


def test_a_first_request_names_the_node() -> None:
    fields = {"node": {"id": "gateway-1"}, "type_url": CLUSTER}
    assert decode_request(encoded(fields)) == Request(CLUSTER, frozenset(), node_id="gateway-1")


def test_a_nack_tells_the_reason() -> None:
    assert decode_request(encoded(WHOLE)) == Request(
        ENDPOINT, frozenset({"a", "b"}), nonce="3", node_id="gateway-1", error="bad"
    )


def test_a_nack_without_a_reason_is_still_a_nack() -> None:
    fields = {"type_url": ENDPOINT, "response_nonce": "3", "error_detail": {"code": 3}}
    assert decode_request(encoded(fields)).error == ""


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_request_or_a_value_error(payload: bytes) -> None:
    _decode_or_refuse(payload)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_request_is_a_request_or_a_value_error(data: st.DataObject) -> None:
    payload = bytearray(encoded(WHOLE))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    _decode_or_refuse(bytes(payload[: data.draw(st.integers(0, len(payload)))]))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x0a", id="a field without a value"),
        pytest.param(b"-w\xf8\x03Z\xa2\xe0sz\xa0\xfd\xf5s", id="a string of the wrong wire type"),
        pytest.param(b"\x12\x7f" + struct.pack("<d", 1.0), id="a length past the end"),
    ],
)
def test_known_nonsense_is_a_value_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match="not a DiscoveryRequest"):
        decode_request(payload)


@settings(deadline=None)
@given(
    st.text(),
    st.text(),
    st.lists(st.binary(max_size=20), max_size=4),
)
def test_a_response_carries_everything(version: str, nonce: str, resources: list[bytes]) -> None:
    payload = encode_response(Response(CLUSTER, version, nonce, tuple(resources)))
    message = DiscoveryResponse.parse(payload)
    assert (message.type_url, message.version_info, message.nonce) == (CLUSTER, version, nonce)
    assert [item.value for item in message.resources] == resources
    assert {item.type_url for item in message.resources} <= {CLUSTER}


def _decode_or_refuse(payload: bytes) -> None:
    try:
        request = decode_request(payload)
    except ValueError:
        return
    assert isinstance(request, Request)
