"""Are requests of the canary slower? Mann-Whitney's U on histograms, over all strata.

U counts the pairs of a canary's and a baseline's request of which the canary's is slower, ties half
(Mann, Whitney, Annals of Mathematical Statistics 18 (1947) 50). Requests in one bucket are tied:
with m and n requests and ties of t, the variance is m n / 12 ((N + 1) - sum(t^3 - t) / (N (N - 1)))
(Lehmann, Nonparametrics (1975) 1.4). Strata are combined with weights 1 / (N + 1) (van Elteren,
Bulletin of the ISI 37 (1960) 351). The distribution is taken as normal, which it is nearly from
some ten requests of each version on.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from slo.canary.trial import Ints

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Ranks:
    """``slower_ratio``: of pairs, the share in which the canary is slower; 0.5 when none is.

    ``p_value`` is that of "the canary is not slower".
    """

    slower_ratio: float
    z: float
    p_value: float


def slower(counts: Ints) -> Ranks | None:
    """Compare histograms shaped (strata, 2, buckets), both versions filled; None without any."""
    if not len(counts):
        return None
    canary, baseline = counts[:, 0].astype(np.float64), counts[:, 1].astype(np.float64)
    m, n = canary.sum(axis=1), baseline.sum(axis=1)
    size = m + n
    below = np.cumsum(baseline, axis=1) - baseline
    u = (canary * (below + baseline / 2)).sum(axis=1)
    ties = canary + baseline
    tied = (ties**3 - ties).sum(axis=1) / (size * np.maximum(size - 1, 1))
    variance = m * n / 12 * (size + 1 - tied)
    weight = 1 / (size + 1)
    spread = math.sqrt(max(float((weight**2 * variance).sum()), 0.0))
    z = float((weight * (u - m * n / 2)).sum()) / spread if spread else 0.0
    share = float((weight * u).sum() / (weight * m * n).sum())
    return Ranks(share, z, _NORMAL.cdf(-z))
