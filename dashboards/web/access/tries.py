"""How many wrong tokens an address may show: ten different ones a minute.

The same wrong token again is no new guess: a Prometheus with an old token must not lock out its
neighbours. While an address is locked out, its right tokens are not looked at either.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

MOST: Final = 10
WITHIN_S: Final = 60.0
_ADDRESSES: Final = 4096
_NETWORK_BITS: Final = 64
"""Who has one IPv6 address has a network of them."""


@dataclass(slots=True)
class _Wrong:
    until_s: float
    digests: set[bytes] = field(default_factory=set)


class Tries:
    """Remembers wrong tokens, by their digests, for a minute from the first."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._wrong: dict[str, _Wrong] = {}

    def wait_s(self, address: str) -> int:
        """Return for how long this address is locked out; 0 when it may try."""
        found = self._wrong.get(_network(address))
        left_s = 0.0 if found is None else found.until_s - self._clock_s()
        return ceil(left_s) if found and left_s > 0 and len(found.digests) >= MOST else 0

    def failed(self, address: str, digest: bytes) -> None:
        """Note a wrong token."""
        now_s, key = self._clock_s(), _network(address)
        found = self._wrong.get(key)
        if found is None or found.until_s <= now_s:
            self._make_room(now_s)
            self._wrong.pop(key, None)  # the newest is the last
            found = self._wrong[key] = _Wrong(now_s + WITHIN_S)
        if len(found.digests) < MOST:
            found.digests.add(digest)

    def _make_room(self, now_s: float) -> None:
        if len(self._wrong) < _ADDRESSES:
            return
        over = [key for key, one in self._wrong.items() if one.until_s <= now_s]
        for key in over or [next(iter(self._wrong))]:
            del self._wrong[key]


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), _NETWORK_BITS), strict=False))
    return str(found)
