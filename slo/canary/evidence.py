"""Does the canary fail more often? A bet against "it does not", that may be settled at any moment.

Take one bucket of 10 s, one caller, one route. The versions were asked n_c and n_b times and m
requests failed. If the canary is no worse, the failures fall on it as if dealt at random: their
number x is hypergeometric. If its odds of failing are r times those of the baseline, x follows
Fisher's noncentral hypergeometric distribution (Fisher, JRSS 98 (1935) 39). The ratio of the two
probabilities is a bet whose expected gain is 1 or less whenever the canary is no worse, since the
ratio rises with x. The product over all buckets and strata is therefore a test martingale, and by
Ville's inequality it ever reaches 1 / alpha with a chance of at most alpha, no matter how often or
when somebody looks (Ville 1939; Shafer et al., Statistical Science 26 (2011) 84; for two samples
Turner, Ly, Gruenwald, arXiv 2106.02693). As r is not known, the bet is spread evenly over ODDS: the
mean of martingales is one too.

It is exact for any counts: for three requests as well as for a million, with weights of 5 to 95,
when weights change on the way, and when both versions suffer from a third. Failures in a bucket in
which only one version was asked say nothing, and do not count. With a request a minute that would
be nearly all: where most of the canary's requests of the ten minutes before had no company, the
next ten minutes are one bet, settled when they are over. That depends on requests of the past
only, so that it is no way to choose the failures that one likes.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from slo.canary.trial import BUCKET_S, CANARY, Floats, Ints, Rows, Tables, tables_by

ODDS: Final = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
"""The odds ratios that are bet on."""
_LONG_S: Final = 600
_LOG_ODDS: Final = np.log(np.array(ODDS))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the bet came to: its highest value so far, and when that was reached first.

    ``expected_errors`` are the failures that would have fallen on the canary by its share alone;
    ``errors`` are those that did, in the same spans, and ``both`` those of either version.
    """

    log_value: float
    reached_s: int | None
    errors: int
    expected_errors: float
    both: int

    @property
    def p_value(self) -> float:
        """A p-value that holds at every moment: the chance of ever such a bet if no worse."""
        return float(min(1.0, np.exp(-self.log_value)))


def more_errors(rows: Rows, to_s: int) -> Evidence:
    """Bet span by span that the canary fails more often; spans that are over at ``to_s`` count."""
    pairs = int(rows.pair.max(initial=0)) + 1
    ends = _ends(rows, pairs)
    stratum = (ends * pairs + rows.pair)[ends <= to_s]
    rows = rows.where(ends <= to_s)
    names = np.unique(stratum)
    tables = tables_by(rows, stratum)
    told = (tables.requests > 0).all(axis=1) & (tables.errors.sum(axis=1) > 0)
    kept = Tables(tables.requests[told], tables.errors[told])
    ends = names[told] // pairs
    expected = kept.errors.sum(axis=1) * kept.requests[:, 0] / kept.requests.sum(axis=1)
    log_value, place = _highest(log_bets(kept), ends)
    return Evidence(
        log_value=log_value,
        reached_s=None if place is None else int(ends[place]),
        errors=int(kept.errors[:, 0].sum()),
        expected_errors=float(expected.sum()),
        both=int(kept.errors.sum()),
    )


def _ends(rows: Rows, pairs: int) -> Ints:
    """Return when the span of each row is over: its bucket, or ten minutes if company is rare."""
    fine = rows.bucket_s * pairs + rows.pair
    names = np.unique(fine)
    requests = tables_by(rows, fine).requests
    canary = requests[:, CANARY]
    in_company = np.where(requests.min(axis=1) > 0, canary, 0)
    blocks, index = np.unique(_block(names // pairs, names % pairs, pairs), return_inverse=True)
    asked, met = (np.zeros(len(blocks), dtype=np.int64) for _ in range(2))
    np.add.at(asked, index, canary)
    np.add.at(met, index, in_company)
    after = blocks[2 * met < asked] + pairs
    is_long = np.isin(_block(rows.bucket_s, rows.pair, pairs), after)
    long_end = (rows.bucket_s // _LONG_S + 1) * _LONG_S
    return np.where(is_long, long_end, rows.bucket_s + BUCKET_S)


def _block(bucket_s: Ints, pair: Ints, pairs: int) -> Ints:
    """Number the ten minutes of each pair; the next ones of a pair are ``pairs`` further."""
    numbers: Ints = bucket_s // _LONG_S * pairs + pair
    return numbers


def log_bets(tables: Tables) -> Floats:
    """Return the logarithm of each table's bets, shaped (tables, ODDS)."""
    bets = [
        _log_ratios(int(n[0]), int(n.sum()), int(x.sum()))[_offset(n, x)]
        for n, x in zip(tables.requests, tables.errors, strict=True)
    ]
    return np.array(bets, dtype=np.float64).reshape(len(bets), len(ODDS))


def _highest(bets: Floats, settled_s: Ints) -> tuple[float, int | None]:
    """Return the highest mean of the running products, at the ends of spans; 0 is the stake."""
    if not len(bets):
        return 0.0, None
    running = np.cumsum(bets, axis=0)
    peak = running.max(axis=1, keepdims=True)
    mean = (peak + np.log(np.exp(running - peak).mean(axis=1, keepdims=True))).ravel()
    ends = np.flatnonzero(np.append(np.diff(settled_s) != 0, True))
    best = int(ends[np.argmax(mean[ends])])
    return (float(mean[best]), best) if mean[best] > 0 else (0.0, None)


def _offset(requests: Ints, errors: Ints) -> int:
    least = max(0, int(errors.sum()) - int(requests[1]))
    return int(errors[0]) - least


@lru_cache(maxsize=65_536)
def _log_ratios(canary: int, both: int, failed: int) -> NDArray[np.float64]:
    """Return log P(x | odds) - log P(x | 1) for every possible x (rows) and the odds (columns)."""
    least, most = max(0, failed - (both - canary)), min(failed, canary)
    x = np.arange(least, most + 1)
    log_central = _log_hypergeometric(x, canary, both, failed)
    tilted = log_central[:, None] + x[:, None] * _LOG_ODDS[None, :]
    peak = tilted.max(axis=0)
    log_total = peak + np.log(np.exp(tilted - peak).sum(axis=0))
    return np.asarray(x[:, None] * _LOG_ODDS[None, :] - log_total)


def _log_hypergeometric(x: Ints, canary: int, both: int, failed: int) -> Floats:
    """Return log probabilities up from the least x, by the ratio of neighbours, normalised."""
    before = x[:-1].astype(np.float64)
    ups = np.log((canary - before) * (failed - before)) - np.log(
        (before + 1) * (both - canary - failed + before + 1)
    )
    logs = np.concatenate([[0.0], np.cumsum(ups)])
    peak = logs.max()
    return np.asarray(logs - peak - np.log(np.exp(logs - peak).sum()))
