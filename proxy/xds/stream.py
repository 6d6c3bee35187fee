"""The state-of-the-world ADS stream of one proxy, as a state machine without I/O.

Theory of operation. A proxy names, per resource type, what it wants (no names: everything, for
clusters and listeners). Every response carries a nonce; the proxy's next request with that nonce
accepts it (ACK) or, with an error, refuses it (NACK) and keeps what it had. A request answers none
of our responses when its nonce is old, and is then ignored. It asks again when its names changed,
or when its nonce was already acknowledged: Envoy does so for a cluster that it warms anew, and a
server that stays silent leaves the cluster warming for ever.
https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol
"""

from dataclasses import dataclass, field

from proxy.snapshot import Snapshot
from proxy.xds import type_urls
from proxy.xds.messages import Request, Response


@dataclass(slots=True)
class Subscription:
    """What one proxy wants of one type, was sent, and said about it."""

    names: frozenset[str] = frozenset()
    nonce: str = ""
    awaiting: bool = False
    sent_version: str = ""
    sent_at: float = 0.0
    acked_version: str = ""
    acked_at: float | None = None
    rejected_version: str = ""
    rejection: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How long after a response the proxy answered it, and whether it took it."""

    seconds: float
    is_accepted: bool


@dataclass(slots=True)
class Stream:
    """One open stream; feed it requests and snapshots, send what it returns.

    ``verdicts`` are those since its owner last took them.
    """

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    _snapshot: Snapshot | None = None
    _sent: int = 0

    def receive(self, request: Request, now: float) -> list[Response]:
        """Take a request; return what must be sent, in order."""
        known = request.type_url in self.subscriptions
        subscription = self.subscriptions.setdefault(request.type_url, Subscription())
        if known and request.nonce and request.nonce != subscription.nonce:
            return []
        asks_again = not subscription.awaiting
        if request.nonce and subscription.awaiting:
            _settle(subscription, request, now)
            self.verdicts.append(Verdict(now - subscription.sent_at, request.error is None))
        widened = request.names != subscription.names
        subscription.names = request.names
        if known and not widened and not asks_again:
            return []
        if known and request.error is not None and not widened:
            return []
        return self._respond(request.type_url, now)

    def publish(self, snapshot: Snapshot, now: float) -> list[Response]:
        """Take a new snapshot; return the responses of the types that changed, in push order."""
        self._snapshot = snapshot
        responses = []
        for type_url in type_urls.PUSH_ORDER:
            subscription = self.subscriptions.get(type_url)
            if subscription and subscription.sent_version != snapshot.by_type[type_url].version:
                responses.extend(self._respond(type_url, now))
        return responses

    def in_sync(self) -> bool:
        """Return True when the proxy has acknowledged all that the snapshot holds."""
        return self._snapshot is not None and all(
            (subscription := self.subscriptions.get(type_url)) is not None
            and subscription.acked_version == resources.version
            for type_url, resources in self._snapshot.by_type.items()
            if resources.encoded
        )

    def _respond(self, type_url: str, now: float) -> list[Response]:
        if self._snapshot is None or type_url not in self._snapshot.by_type:
            return []
        subscription = self.subscriptions[type_url]
        resources = self._snapshot.by_type[type_url]
        wants_all = type_url in type_urls.WILDCARD and not subscription.names
        self._sent += 1
        subscription.nonce = str(self._sent)
        subscription.awaiting = True
        subscription.sent_version = resources.version
        subscription.sent_at = now
        return [
            Response(
                type_url=type_url,
                version=resources.version,
                nonce=subscription.nonce,
                resources=tuple(
                    payload
                    for name, payload in resources.encoded.items()
                    if wants_all or name in subscription.names
                ),
            )
        ]


def _settle(subscription: Subscription, request: Request, now: float) -> None:
    """Write down the proxy's verdict on the response that it was waiting with."""
    subscription.awaiting = False
    if request.error is None:
        subscription.acked_version = subscription.sent_version
        subscription.acked_at = now
        subscription.rejected_version = subscription.rejection = ""
    else:
        subscription.rejected_version = subscription.sent_version
        subscription.rejection = request.error
