"""The load generator: sends the arrivals of a run to the gateway and records what comes back.

``python -m proxy.shop.load --target http://127.0.1.1:15006 --rate 40 --duration 20 --ledger PATH
--seed 7``. Open loop. When too many requests are in flight an arrival is counted as not sent rather
than sent late. The end is clean: no more is sent, all answers are awaited, the ledger is written.
"""

import argparse
import asyncio
import contextlib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.semconv import EXTERNAL
from proxy.shop.journeys import Arrival, arrivals
from proxy.shop.ledger import Ledger, save
from proxy.shop.outbound import TIMEOUT_S, Outbound, open_session
from proxy.shop.shop import ENTRY, service_named
from proxy.shop.signals import stop_requested
from proxy.shop.tally import Tally, saved_regularly


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """One run of load."""

    target: str
    rate_rps: float = 40.0
    duration_s: float = math.inf
    seed: int = 7
    max_in_flight: int = 256
    timeout_s: float = TIMEOUT_S


async def run_load(
    settings: LoadSettings, *, tally: Tally | None = None, stop: asyncio.Event | None = None
) -> Ledger:
    """Send until the duration is over or ``stop`` is set, await all answers, return the ledger."""
    tally = tally or Tally()
    stop = stop or asyncio.Event()
    clock = asyncio.get_running_loop().time
    start_s = clock()
    due = arrivals(rate_rps=settings.rate_rps, duration_s=settings.duration_s, seed=settings.seed)
    session = open_session(user_agent="shop-load", timeout_s=settings.timeout_s)
    async with session, asyncio.TaskGroup() as group:
        outbound = Outbound(session, source=EXTERNAL, address=settings.target, tally=tally)
        in_flight: set[asyncio.Task[int]] = set()
        for arrival in due:
            await _sleep_unless(stop, start_s + arrival.at_s - clock())
            if stop.is_set():
                break
            if len(in_flight) >= settings.max_in_flight:
                tally.skip()
                continue
            task = group.create_task(_send(outbound, arrival))
            in_flight.add(task)
            task.add_done_callback(in_flight.discard)
    return tally.ledger(is_final=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the load and say in one line of JSON what came of it."""
    settings, path = parse_settings(arguments)
    tally = Tally()
    try:
        asyncio.run(_run(settings, tally, path))
    finally:
        ledger = tally.ledger(is_final=True)
        save(ledger, path)
    sys.stdout.write(json.dumps(summary(ledger)) + "\n")


def summary(ledger: Ledger) -> dict[str, int]:
    """Return the totals of a run; errors are statuses of 500 and more, and no response."""
    errors = sum(n for e, n in ledger.counts.items() if e.status >= 500 or e.status == 0)
    return {"requests": ledger.total, "errors": errors, "not_sent": ledger.not_sent}


def parse_settings(arguments: Sequence[str] | None) -> tuple[LoadSettings, Path]:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m proxy.shop.load")
    parser.add_argument("--target", required=True, metavar="URL", help="the gateway's listener")
    parser.add_argument("--rate", type=_positive, default=40.0, help="requests per second")
    parser.add_argument(
        "--duration", type=_positive, default=math.inf, help="seconds; default: until SIGTERM"
    )
    parser.add_argument("--ledger", required=True, type=Path, metavar="PATH")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--max-in-flight", type=int, default=256)
    parser.add_argument("--timeout", type=_positive, default=TIMEOUT_S, help="seconds")
    found = parser.parse_args(arguments)
    settings = LoadSettings(
        target=found.target,
        rate_rps=found.rate,
        duration_s=found.duration,
        seed=found.seed,
        max_in_flight=found.max_in_flight,
        timeout_s=found.timeout,
    )
    return settings, found.ledger


async def _run(settings: LoadSettings, tally: Tally, path: Path) -> None:
    async with saved_regularly(tally, path):
        await run_load(settings, tally=tally, stop=stop_requested())


async def _send(outbound: Outbound, arrival: Arrival) -> int:
    operation = service_named(ENTRY).operation(arrival.operation)
    return await outbound.call(ENTRY, operation, item=arrival.item)


async def _sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, or return early when stopped; always lets other tasks run."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    main()
