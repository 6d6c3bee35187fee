"""The data of a trial: counts of two versions by stratum, in columns of whole numbers.

A stratum is what must be equal for a comparison to be fair: who called, by which route, and when.
Pooled counts can say the opposite of every stratum (Simpson's paradox): a canary that gets more of
the slow route looks slow. Never divides and never tests.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BUCKET_S: Final = 10
CANARY: Final = 0
BASELINE: Final = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """Requests by time: one row for each bucket of 10 s, stratum and version that had any.

    ``pair`` numbers caller and route, ``version`` is CANARY or BASELINE.
    """

    bucket_s: Ints
    pair: Ints
    version: Ints
    requests: Ints
    errors: Ints
    retries: Ints

    def before(self, to_s: int) -> "Rows":
        """Return the rows that begin earlier."""
        return self.where(self.bucket_s < to_s)

    def since(self, from_s: int) -> "Rows":
        """Return the rows that begin then or later."""
        return self.where(self.bucket_s >= from_s)

    def of(self, version: int) -> "Totals":
        """Return the sums of one version."""
        mine = self.version == version
        return Totals(*(int(one[mine].sum()) for one in (self.requests, self.errors, self.retries)))

    def where(self, kept: NDArray[np.bool_]) -> "Rows":
        """Return the rows that are marked."""
        return Rows(**{name.name: getattr(self, name.name)[kept] for name in fields(self)})


@dataclass(frozen=True, slots=True)
class Totals:
    """What one version was asked and how it answered."""

    requests: int
    errors: int
    retries: int


@dataclass(frozen=True, slots=True)
class Tables:
    """Two-by-two tables: requests and errors, shaped (strata, 2), the canary first."""

    requests: Ints
    errors: Ints

    def comparable(self) -> "Tables":
        """Return the strata in which both versions were asked: only these say which is better."""
        both = (self.requests > 0).all(axis=1)
        return Tables(self.requests[both], self.errors[both])


@dataclass(frozen=True, slots=True)
class Histograms:
    """Latencies of requests that did not fail, shaped (strata, 2, buckets), the canary first."""

    counts: Ints

    def comparable(self) -> Ints:
        """Return the strata in which both versions have any."""
        both = (self.counts.sum(axis=2) > 0).all(axis=1)
        kept: Ints = self.counts[both]
        return kept

    def of(self, version: int) -> Ints:
        """Return the histogram of one version over all strata."""
        pooled: Ints = self.counts[:, version].sum(axis=0)
        return pooled


@dataclass(frozen=True, slots=True)
class Look:
    """The data up to a size that may be looked at; ``number`` says how much the look may spend.

    Strata are caller, route and a sixth of the time.
    """

    number: int
    to_s: int
    tables: Tables
    histograms: Histograms


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything that a verdict is made of, in whole buckets of [from_s, to_s).

    ``latency`` is shaped (2, buckets), of the whole window. ``versions`` are those of the service
    that were asked in the window, with their requests. ``look`` is None before the first.
    """

    service: str
    canary: str
    baseline: str
    from_s: int
    to_s: int
    rows: Rows
    latency: Ints
    look: Look | None
    versions: dict[str, int]


def tables_by(rows: Rows, stratum: Ints) -> Tables:
    """Sum rows into tables, one for each value of ``stratum``, in its order."""
    names, index = np.unique(stratum, return_inverse=True)
    requests = np.zeros((len(names), 2), dtype=np.int64)
    errors = np.zeros((len(names), 2), dtype=np.int64)
    np.add.at(requests, (index, rows.version), rows.requests)
    np.add.at(errors, (index, rows.version), rows.errors)
    return Tables(requests, errors)
