"""What the web app needs from outside, as one frozen value; built by the server, or by a test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.store.store import Store
from dashboards.selfwatch import Selfwatch
from slo.model import Slo


@dataclass(frozen=True, slots=True)
class Deps:
    """The store it reads, the SLOs it judges, and the clock that says what `now` is."""

    store: Store
    slos: Sequence[Slo]
    clock_s: Callable[[], float]
    version: str
    grafana_url: str | None
    selfwatch: Selfwatch | None = None
