"""By how much the error ratios differ, over all strata: a score test and its interval.

The test of Miettinen and Nurminen, Statistics in Medicine 4 (1985) 213: is canary minus baseline
equal to delta in every stratum? Differences are summed with Mantel-Haenszel weights
n_c n_b / (n_c + n_b); the variance is that under the null hypothesis, from the likeliest ratios
that differ by delta, times N / (N - 1). So it is never zero: no error among few requests proves
little, as it should. With delta = the margin this is the test of non-inferiority; the deltas that
it does not reject are the interval.
"""

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from slo.canary.trial import Floats, Tables

_NORMAL: Final = NormalDist()
_HALVINGS: Final = 40
"""Of an interval of length 1: to 1e-12."""
_POLISHES: Final = 3
_FLAT: Final = 1e-12


def observed(tables: Tables) -> float | None:
    """Return the weighted difference of the ratios; None when no stratum has both versions."""
    if not len(tables.requests):
        return None
    weights = _weights(tables)
    ratios = tables.errors / tables.requests
    return float((weights * (ratios[:, 0] - ratios[:, 1])).sum() / weights.sum())


def score(tables: Tables, delta: float) -> float:
    """Return the z-score of "the difference is delta": below 0 when the observed one is less."""
    weights = _weights(tables)
    ratios = tables.errors / tables.requests
    canary, baseline = restricted(tables, delta)
    sizes = tables.requests.sum(axis=1)
    variance = (
        canary * (1 - canary) / tables.requests[:, 0]
        + baseline * (1 - baseline) / tables.requests[:, 1]
    )
    spread = math.sqrt(float((weights**2 * variance * sizes / (sizes - 1)).sum()))
    distance = float((weights * (ratios[:, 0] - ratios[:, 1] - delta)).sum())
    return distance / spread if spread else math.copysign(math.inf, distance) if distance else 0.0


def interval(tables: Tables, alpha: float) -> tuple[float, float] | None:
    """Return the differences that are not rejected at alpha / 2 on either side."""
    middle = observed(tables)
    if middle is None:
        return None
    limit = _NORMAL.inv_cdf(1 - alpha / 2)
    return _crossing(tables, -1.0, middle, limit), _crossing(tables, middle, 1.0, -limit)


def p_not_worse(tables: Tables, margin: float) -> float:
    """Return the p-value of "worse by the margin or more": small when that is disproved."""
    return _NORMAL.cdf(score(tables, margin))


def wilson(errors: int, requests: int, alpha: float) -> tuple[float, float] | None:
    """Return the score interval of one ratio (Wilson, JASA 22 (1927) 209); None without any."""
    if not requests:
        return None
    z2 = _NORMAL.inv_cdf(1 - alpha / 2) ** 2
    ratio = errors / requests
    middle = ratio + z2 / (2 * requests)
    reach = math.sqrt(z2 * (ratio * (1 - ratio) + z2 / (4 * requests)) / requests)
    scale = 1 + z2 / requests
    low = 0.0 if not errors else (middle - reach) / scale
    high = 1.0 if errors == requests else (middle + reach) / scale
    return low, high


def restricted(tables: Tables, delta: float) -> tuple[Floats, Floats]:
    """Return the likeliest ratios of each stratum among those that differ by delta.

    The slope of the likelihood along the line is a cubic with one root between the ends, which
    Miettinen and Nurminen give in closed form (their appendix); three steps of Newton mend what
    the cosine loses where ratios are tiny.
    """
    n, x = tables.requests.astype(np.float64), tables.errors.astype(np.float64)
    both, failed = n.sum(axis=1), x.sum(axis=1)
    square = ((n[:, 0] + 2 * n[:, 1]) * delta - both - failed) / both
    linear = ((n[:, 1] * delta - both - 2 * x[:, 1]) * delta + failed) / both
    constant = x[:, 1] * delta * (1 - delta) / both
    third = square / 3
    q = third**3 - third * linear / 2 + constant / 2
    p = np.copysign(np.sqrt(np.maximum(third**2 - linear / 3, 0.0)), q)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(p != 0, q / p**3, 0.0)
    angle = (math.pi + np.arccos(np.clip(cosine, -1.0, 1.0))) / 3
    low, high = max(0.0, -delta), min(1.0, 1.0 - delta)
    baseline = np.clip(2 * p * np.cos(angle) - third, low, high)
    for _ in range(_POLISHES):
        value = ((baseline + square) * baseline + linear) * baseline + constant
        slope = (3 * baseline + 2 * square) * baseline + linear
        step = np.divide(value, slope, out=np.zeros_like(value), where=np.abs(slope) > _FLAT)
        baseline = np.clip(baseline - step, low, high)
    return np.clip(baseline + delta, 0.0, 1.0), baseline


def _weights(tables: Tables) -> Floats:
    n = tables.requests.astype(np.float64)
    return np.asarray(n[:, 0] * n[:, 1] / n.sum(axis=1))


def _crossing(tables: Tables, low: float, high: float, level: float) -> float:
    """Return the delta at which the score, which falls, passes the level."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if score(tables, middle) > level else (low, middle)
    return (low + high) / 2
