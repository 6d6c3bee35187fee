"""The counters of objectives: of many as of one, corrected, and as finely as is asked for."""

import numpy as np
import pytest

from collector.promql.engine import instant
from collector.promql.errors import ExecutionFailed
from collector.promql.samples import Matcher
from dashboards.evaluation import store_sessions
from dashboards.prometheus.objectives import EVENTS, ObjectiveSource
from slo.corrections import Correction
from slo.errors import OpenSloError, Problem
from tests.dashboards.web.seeded import MINUTE_AGO_S, NOW_S, SLOS

NOW_MS = NOW_S * 1000
NAME = (Matcher("__name__", "=", EVENTS),)
MINUTE_S = MINUTE_AGO_S // 60 * 60
MAINTENANCE = Correction("1", ("cart-availability",), MINUTE_S, MINUTE_S + 60, "ops", "move", NOW_S)


def read(source, matchers=NAME, from_ms=NOW_MS - 86_400_000):
    """Return times and values by labels."""
    found = {}
    for block in source.select(matchers, from_ms, NOW_MS):
        for row, labels in enumerate(block.labels):
            within = slice(int(block.offsets[row]), int(block.offsets[row + 1]))
            found[labels] = (block.times_ms[within].tolist(), block.values[within].tolist())
    return found


def test_many_are_read_together_as_each_is_alone(shop):
    together = read(ObjectiveSource(shop.cursor(), SLOS, NOW_MS))
    alone = {}
    for slo in SLOS:
        alone |= read(ObjectiveSource(shop.cursor(), [slo], NOW_MS))
    assert together == alone
    assert len(together) == 2 * len(SLOS)
    assert all(values == sorted(values) for _, values in together.values())


@pytest.mark.parametrize("kept_s", [{"10s": 0}, {"10s": 60, "1m": 120}, {"10s": 0, "1m": 0}])
def test_told_more_coarsely_they_end_at_the_same(shop, kept_s):
    fine = read(ObjectiveSource(shop.cursor(), SLOS, NOW_MS))
    coarse = read(ObjectiveSource(shop.cursor(), SLOS, NOW_MS, kept_s=kept_s))
    assert {labels: values[-1] for labels, (_, values) in coarse.items()} == {
        labels: values[-1] for labels, (_, values) in fine.items()
    }
    for labels, (times, values) in coarse.items():
        known = dict(zip(*fine[labels], strict=True))
        assert all(known[at] == value for at, value in zip(times, values, strict=True))


def bad(store, corrections):
    sessions = store_sessions(store, SLOS, lambda: NOW_S, corrections)
    query = f'{EVENTS}{{slo="cart-availability"}}'
    with sessions() as moment:
        grid = instant(moment, query, NOW_MS).value
        return dict(zip((dict(one)["result"] for one in grid.labels), grid.values[:, 0],
                        strict=True)), moment.revision  # fmt: skip


def test_a_correction_reaches_rules_and_is_another_past(shop):
    before, old = bad(shop, tuple)
    after, new = bad(shop, lambda: (MAINTENANCE,))
    assert before == {"good": 80, "bad": 20}
    assert after == {"good": 0, "bad": 0}
    assert old != new


def test_a_ledger_that_cannot_be_read_fails_what_asks_for_objectives_only(shop):
    def broken():
        raise OpenSloError((Problem("ledger.yaml", 3, "", "no such thing"),))

    sessions = store_sessions(shop, SLOS, lambda: NOW_S, broken)
    with sessions() as moment:
        with pytest.raises(ExecutionFailed, match=r"ledger.yaml:3"):
            instant(moment, EVENTS, NOW_MS)
        assert np.nansum(instant(moment, "mesh_requests_total", NOW_MS).value.values) == 200
