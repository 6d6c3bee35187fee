"""All nine workloads as processes, with load, and no mesh: the laws of the ledgers."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

from aiohttp import ClientSession

from proxy.shop.journeys import arrivals
from proxy.shop.ledger import Ledger, difference, merge
from proxy.shop.load import LoadSettings, run_load
from proxy.shop.shop import ENTRY, SHOP, WORKLOADS, callers_of
from tests.proxy.shop.processes import workload
from tests.proxy.shop.sidecar import sidecar

RATE_RPS, DURATION_S, SEED = 40.0, 2.5, 11


async def run_shop(path: Path) -> tuple[Ledger, list[Ledger], Counter[tuple[str, str]]]:
    """Run the shop; return the load's ledger, the workloads' and what services received."""
    received: Counter[tuple[str, str]] = Counter()
    async with contextlib.AsyncExitStack() as stack:
        router = await stack.enter_async_context(sidecar())
        running = await asyncio.gather(
            *(
                stack.enter_async_context(
                    workload(service, version=version, outbound=router.url, path=path)
                )
                for service, version in WORKLOADS
            )
        )
        for (service, _), process in zip(WORKLOADS, running, strict=True):
            router.backends.setdefault(service, []).append(process.url)
        load = await run_load(LoadSettings(router.url, RATE_RPS, DURATION_S, SEED))
        async with ClientSession() as session:
            for process in running:
                async with session.get(f"{process.url}/_workload/stats") as response:
                    stats = await response.json()
                assert stats["in_flight"] == 0
                for route, requests in stats["received"].items():
                    received[stats["service"], route] += requests
        ledgers = await asyncio.gather(*(process.stop() for process in running))
    return load, list(ledgers), received


def test_ledgers_agree_with_each_other_and_with_what_services_received(tmp_path):
    load, ledgers, received = asyncio.run(run_shop(tmp_path))
    due = list(arrivals(rate_rps=RATE_RPS, duration_s=DURATION_S, seed=SEED))
    whole = merge([load, *ledgers])

    assert load.total == len(due) > 50, "every arrival was sent and answered"
    assert Counter(e.route for e in Counter(load.counts).elements()) == Counter(
        a.operation for a in due
    )
    assert {(e.source, e.destination) for e in load.counts} == {("external", ENTRY)}
    assert load.not_sent == 0
    assert whole.is_final

    sent: Counter[tuple[str, str]] = Counter()
    for exchange, requests in whole.counts.items():
        sent[exchange.destination, exchange.route] += requests
    assert sent == received, "what callers recorded is what callees received"

    seen = {(e.source, e.destination) for e in whole.counts}
    expected = {(c, s.name) for s in SHOP for c in callers_of(s.name)} | {("external", ENTRY)}
    assert seen <= expected
    assert len(seen) > 8
    assert all(e.status not in {0, 502, 504} for e in whole.counts)
    assert difference(whole, whole.counts) == []
