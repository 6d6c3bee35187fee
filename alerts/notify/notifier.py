"""Every Alertmanager hears of every alert; each has a sender of its own, so that none waits.

Never decides what is due. https://prometheus.io/docs/alerting/latest/alertmanager/#high-availability
"""

from collections.abc import Iterable, Mapping, Sequence

from alerts.evaluation.sending import Notice
from alerts.notify.payload import payload
from alerts.notify.sender import FIRST_WAIT_S, Outcome, Sender
from collector.telemetry import Counter, Registry


class Notifier:
    """Senders to some Alertmanagers; without any, notices go nowhere."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        external_url: str,
        external_labels: Mapping[str, str],
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self.notified, self.dropped = Counter(), Counter()

        def encode(notices: Sequence[Notice]) -> bytes:
            return payload(notices, external_url=external_url, external_labels=external_labels)

        self.senders = tuple(
            Sender(url, encode, self._count, first_wait_s=first_wait_s) for url in urls
        )

    def tell(self, notices: Iterable[Notice]) -> None:
        """Queue notices for all."""
        kept = tuple(notices)
        for sender in self.senders if kept else ():
            dropped = sender.outbox.put(kept)
            if dropped:
                self.dropped.add((sender.name,), dropped)

    def register(self, registry: Registry) -> None:
        """Tell the registry what is counted here."""
        by = ("alertmanager",)
        registry.counter("meshscope_notifications_total", "Alerts posted, by what became of them.",
                         self.notified.values, (*by, "outcome"))  # fmt: skip
        registry.counter("meshscope_notifications_dropped_total", "Alerts that found no room.",
                         self.dropped.values, by)  # fmt: skip
        registry.gauge("meshscope_notifications_waiting", "Alerts that wait to be posted.",
                       lambda: {(one.name,): float(len(one.outbox)) for one in self.senders},
                       by)  # fmt: skip

    def close(self) -> None:
        """Try once more to deliver what waits, and end the threads."""
        for sender in self.senders:
            sender.close()

    def _count(self, name: str, outcome: Outcome, alerts: int) -> None:
        self.notified.add((name, outcome), alerts)
