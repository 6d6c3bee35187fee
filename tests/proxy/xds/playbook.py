"""A conversation with a proxy, written down as it should go.

    playbook >> Request(...) << Response(...)     the proxy says; we must answer exactly this
    playbook >> Request(...) << None              ... and here nothing
    playbook >> Publish(snapshot) << [...]        a new snapshot arrives; these must be sent

Every ``>>`` must be answered by a ``<<`` before the next, so that nothing is sent unseen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from proxy.snapshot import Resources, Snapshot
from proxy.xds import type_urls
from proxy.xds.messages import Request, Response
from proxy.xds.stream import Stream


@dataclass(frozen=True, slots=True)
class Publish:
    """The control plane has a new snapshot for this proxy."""

    snapshot: Snapshot


class Playbook:
    """One stream; time advances by a second with every event."""

    def __init__(self) -> None:
        self.stream = Stream()
        self._unseen: list[Response] | None = None
        self._now = 0.0

    def __rshift__(self, event: Request | Publish) -> Self:
        assert self._unseen is None, "the last event has no << yet"
        self._now += 1.0
        match event:
            case Request():
                self._unseen = self.stream.receive(event, self._now)
            case Publish(snapshot):
                self._unseen = self.stream.publish(snapshot, self._now)
        return self

    def __lshift__(self, expected: Response | Sequence[Response] | None) -> Self:
        wanted = [expected] if isinstance(expected, Response) else list(expected or [])
        assert self._unseen == wanted
        self._unseen = None
        return self


def snapshot(**by_type: Mapping[str, str]) -> Snapshot:
    """Return a snapshot such as ``CLUSTER={"a": "A1", "b": "B1"}``, whose version is ``A1 B1``."""
    resources = {type_url: Resources("", {}) for type_url in type_urls.PUSH_ORDER}
    for type_name, named in by_type.items():
        encoded = {name: content.encode() for name, content in named.items()}
        resources[getattr(type_urls, type_name)] = Resources(" ".join(named.values()), encoded)
    return Snapshot("gateway-1", resources)
