"""A quantile of both versions, each with bounds from order statistics, on histograms.

Of n requests, the number at or below the true q-quantile is binomial (n, q). So the l-th smallest
is above it only if at most l - 1 are below, and so on: ranks give bounds without any assumption on
the distribution (David, Nagaraja, Order Statistics (2003) 7.1). Strata are weighted alike for both
versions, n_c n_b / (n_c + n_b), so that a route which one of them gets more of does not decide
(Woodruff, JASA 47 (1952) 635); weights cost precision, and n becomes the effective number
(sum w)^2 / sum(w^2 / n) (Korn, Graubard, Survey Methodology 24 (1998) 193). With equal shares
everywhere that is n itself.

Ranks become milliseconds as everywhere here: interpolated inside a bucket, whose bounds are 9 %
apart. Where a rank lies above all requests there is no upper bound: too few, or over 67 s.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from collector.edges import LATENCY_BUCKETS, quantile_us
from slo.canary.trial import BASELINE, CANARY, Floats, Ints

_US_PER_MS: Final = 1000
_NORMAL: Final = NormalDist()
_NORMAL_FROM: Final = 100_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """A quantile in milliseconds; ``high_ms`` is None where nothing bounds it."""

    ms: float
    low_ms: float
    high_ms: float | None
    effective_requests: int


@dataclass(frozen=True, slots=True)
class Weighted:
    """The distribution of one version over all strata, and how many requests it is worth."""

    shares: Floats
    effective_requests: float


def standardised(counts: Ints) -> tuple[Weighted, Weighted]:
    """Weight histograms shaped (strata, 2, buckets) alike: the canary's and the baseline's."""
    n = counts.sum(axis=2).astype(np.float64)
    weights = n[:, 0] * n[:, 1] / n.sum(axis=1)
    return _weighted(counts, n, weights, CANARY), _weighted(counts, n, weights, BASELINE)


def bounds(found: Weighted, quantile: float, alpha: float, *, scale: float = 1.0) -> Bounds:
    """Return a quantile with bounds that each are wrong with a chance of at most alpha.

    ``scale`` multiplies the requests: what the bounds would be with so many more of the same.
    """
    number = max(math.floor(found.effective_requests * scale + 1e-9), 1)
    low_rank, high_rank = ranks(number, quantile, alpha)
    low = _ms(found.shares, low_rank / number) if low_rank else 0.0
    return Bounds(
        ms=_ms(found.shares, quantile),
        low_ms=low,
        high_ms=_upper_ms(found.shares, high_rank / number) if high_rank <= number else None,
        effective_requests=number,
    )


def ranks(number: int, quantile: float, alpha: float) -> tuple[int, int]:
    """Return the ranks l and u that bound the quantile; 0 and number + 1 bound nothing.

    l is the largest with P(Bin <= l - 1) <= alpha, u the smallest with P(Bin >= u) <= alpha. Of
    more than 100,000 the binomial distribution is normal, to within a few ranks.
    """
    if number > _NORMAL_FROM:
        reach = _NORMAL.inv_cdf(1 - alpha) * math.sqrt(number * quantile * (1 - quantile))
        return math.floor(number * quantile - reach), math.ceil(number * quantile + reach) + 1
    first, probabilities = _binomial(number, quantile)
    at_most = np.cumsum(probabilities)
    at_least = np.cumsum(probabilities[::-1])[::-1]
    low = first + int(np.searchsorted(at_most, alpha, side="right"))
    above = np.flatnonzero(at_least <= alpha)
    high = first + (int(above[0]) if len(above) else len(probabilities))
    return low, high


def _binomial(number: int, quantile: float) -> tuple[int, Floats]:
    """Return the probabilities of the counts that are not as good as impossible, and the first."""
    reach = 12 * math.sqrt(number * quantile * (1 - quantile)) + 40
    first = max(0, math.floor(number * quantile - reach))
    last = min(number, math.ceil(number * quantile + reach))
    before = np.arange(first, last, dtype=np.float64)
    odds = math.log(quantile) - math.log1p(-quantile)
    logs = np.concatenate([[0.0], np.cumsum(np.log((number - before) / (before + 1)) + odds)])
    weights = np.exp(logs - logs.max())
    return first, np.asarray(weights / weights.sum())


def _weighted(counts: Ints, n: Floats, weights: Floats, version: int) -> Weighted:
    shares = (counts[:, version] * (weights / n[:, version])[:, None]).sum(axis=0) / weights.sum()
    worth = weights.sum() ** 2 / (weights**2 / n[:, version]).sum()
    return Weighted(np.asarray(shares), float(worth))


def _ms(shares: Floats, quantile: float) -> float:
    filled = {int(bucket): float(shares[bucket]) for bucket in np.flatnonzero(shares)}
    return (quantile_us(filled, min(quantile, 1.0)) or 0.0) / _US_PER_MS  # type: ignore[arg-type]


def _upper_ms(shares: Floats, quantile: float) -> float | None:
    """Return the same as an upper bound: what lies beyond the last bound of buckets has none."""
    within = float(shares[: LATENCY_BUCKETS + 1].sum())
    return _ms(shares, quantile) if quantile <= within + 1e-12 else None
