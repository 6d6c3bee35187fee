"""DiscoveryRequest and DiscoveryResponse: bytes of the wire <-> values of ours.

A malformed request is a ValueError; nothing else leaves this file.
"""

from dataclasses import dataclass

from envoy_data_plane.envoy.service.discovery.v3 import (
    DiscoveryRequest,
    DiscoveryResponse,
)
from envoy_data_plane.google.protobuf import Any as AnyMessage


@dataclass(frozen=True, slots=True)
class Request:
    """What a proxy asks, acknowledges or refuses; ``node_id`` is empty after the first message."""

    type_url: str
    names: frozenset[str]
    nonce: str = ""
    node_id: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One state-of-the-world answer."""

    type_url: str
    version: str
    nonce: str
    resources: tuple[bytes, ...]


def decode_request(payload: bytes) -> Request:
    """Read a DiscoveryRequest; ValueError when the bytes are none."""
    try:
        message = DiscoveryRequest.parse(payload)
    except Exception as error:  # betterproto2 says "malformed" with KeyError, struct.error, ...
        raise ValueError(f"not a DiscoveryRequest: {error!r}") from error
    return Request(
        type_url=message.type_url,
        names=frozenset(message.resource_names),
        nonce=message.response_nonce,
        node_id=message.node.id if message.node else "",
        error=message.error_detail.message if message.error_detail else None,
    )


def encode_response(response: Response) -> bytes:
    """Return the DiscoveryResponse of a response."""
    return bytes(
        DiscoveryResponse(
            version_info=response.version,
            resources=[
                AnyMessage(type_url=response.type_url, value=resource)
                for resource in response.resources
            ],
            type_url=response.type_url,
            nonce=response.nonce,
        )
    )
