"""What the web app needs from outside, as one frozen value; built by the server, or by a test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alerts.evaluator import Evaluator
from alerts.incidents.desk import Desk
from collector.receiver.remote_write import RemoteWrite
from collector.store.store import Store
from collector.traces.analysis import MAX_SKEW_NS
from dashboards.selfwatch import Selfwatch
from dashboards.web.access.caller import WebAccess
from dashboards.web.webhook import Webhook
from slo.corrections import Correction
from slo.ledger import Ledger
from slo.model import Slo
from slo.sources.counting import Counting


@dataclass(frozen=True, slots=True)
class Deps:
    """The store it reads, the SLOs it judges, and the clock that says what `now` is.

    ``max_skew_ns`` bounds how far spans are moved to mend clock skew; 0 turns it off. Without
    ``remote_write`` no samples are taken, without ``evaluator`` no rules are evaluated,
    without ``ledger`` nothing is corrected, without ``desk`` incidents can only be read, without
    ``webhook`` no Alertmanager is heard, and without ``access`` nobody is asked who they are.
    """

    store: Store
    slos: Sequence[Slo]
    clock_s: Callable[[], float]
    version: str
    grafana_url: str | None
    selfwatch: Selfwatch | None = None
    max_skew_ns: int = MAX_SKEW_NS
    remote_write: RemoteWrite | None = None
    evaluator: Evaluator | None = None
    alertmanagers: Sequence[str] = ()
    ledger: Ledger | None = None
    desk: Desk | None = None
    webhook: Webhook | None = None
    access: WebAccess | None = None
    counting: Counting = field(default_factory=Counting)

    def corrections(self) -> tuple[Correction, ...]:
        """Return the corrections of objectives as they are now; none without a ledger."""
        return () if self.ledger is None else self.ledger.corrections()
