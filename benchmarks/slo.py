"""How long do 1000 objectives take, and how long a replay of 90 days?

Run: .venv/bin/python -m benchmarks.slo [--slos 1000] [--services 50] [--days 90] [--runs 5]

A store with minutes for all the time and 10 s buckets for the last day; each service is called by
two others, with some failures. Statuses: every objective over its 30 days and the seven windows of
four tiers. Replay: one objective, every minute of the days before now, with its four tiers; its 30
day window reaches back further. Objectives of slices and of PromQL: at first sight, and when days
that are over are kept. Warm, in memory; the answers are checked against a plain sum.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa

from collector.edges import Edge
from collector.store.store import open_store
from collector.store.tiers import TIERS_S
from slo.evaluate import evaluate
from slo.model import (
    AvailabilitySli,
    EdgeSelector,
    LatencySli,
    Objective,
    QuerySli,
    Slices,
    Slo,
    TimeWindow,
)
from slo.sources.counting import Counting
from slo.whatif import Question, whatif
from slo.windows import google_30d

END_S = 1_800_000_000 // 3600 * 3600
DAY_S = 86_400
WINDOW_S = 30 * DAY_S
BUCKETS = (80, 100, 140)


def main() -> None:
    """Print one line of JSON for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slos", type=int, default=1000)
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with open_store() as store:
        truth = fill(store, asked.services, asked.days)
        source = Counting().source(store.cursor(), END_S)
        slos = [objective(number, asked.services) for number in range(asked.slos)]
        took, statuses = timed(asked.runs, lambda: evaluate(slos, source, END_S - 1))
        by_name = {status.name: status for status in statuses}
        check(by_name["slo-0"].total, truth)
        report("statuses", took, slos=asked.slos, windows=8, services=asked.services)
        for name, some in (("slices", sliced(slos[:20])), ("PromQL", [asked_of(slos[0])])):
            counting = Counting()
            for look in ("first look", "again"):
                begin = time.perf_counter()
                made = counting.source(store.cursor(), END_S)
                statuses = evaluate(some, made, END_S - 1)
                report(f"{name}, {look}", [time.perf_counter() - begin], slos=len(statuses))
            if name == "PromQL":
                check(statuses[0].total, truth)
        for name, one in (("availability", slos[0]), ("latency", latency(slos[0]))):
            question = Question(END_S - asked.days * DAY_S, END_S)
            took, found = timed(
                asked.runs, lambda q=question, s=one: whatif(s, source, q, google_30d())
            )
            check(found[0].total, truth)
            report(
                f"replay {name}",
                took,
                days=asked.days,
                instants=found[0].instants,
                firings=len(found[0].firings),
            )


def check(found: int, truth: int) -> None:
    """Refuse to time a wrong answer."""
    if found != truth:
        raise SystemExit(f"wrong: {found} events, not {truth}")


def fill(store, services: int, days: int) -> int:
    """Write the counts of all services; return those of the first one in the last 30 days."""
    random = np.random.default_rng(7)
    cursor = store.cursor()
    minutes = (days + 33) * DAY_S // 60
    at_s = END_S - (minutes - np.arange(minutes)) * 60
    total = 0
    for service in range(services):
        for place, (source, code) in enumerate((s, c) for s in ("a", "b") for c in (200, 503)):
            edge_id = service * 4 + place
            add_edge(cursor, edge_id, source, f"service-{service}", code)
            mean = 600.0 if code == 200 else 0.3
            counts = random.poisson(mean, minutes)
            if code == 503:
                counts[minutes // 2 :: 20_000] += 3000  # an outage now and then
            recent = at_s >= END_S - WINDOW_S
            total += int(counts[recent].sum()) if service == 0 else 0
            write(cursor, edge_id, at_s, counts)
    return total


def add_edge(cursor, edge_id: int, source: str, destination: str, code: int) -> None:
    edge = Edge("source", source, destination, "v1", "", code, "-", "mtls")
    row = [edge_id, edge.reporter, source, destination, "v1", "", code, "-", "mtls"]
    row += [edge.canonical, edge.signal, edge.workload]
    cursor.execute(f"INSERT INTO edges VALUES ({', '.join('?' * len(row))})", row)


def write(cursor, edge_id: int, at_s: np.ndarray, counts: np.ndarray) -> None:
    """Write minutes, their hours, and the last day as 10 s buckets (all in the first of six)."""
    for tier, length in TIERS_S.items():
        kept = (counts > 0) & ((at_s >= END_S - DAY_S) if length == 10 else True)
        starts, index = np.unique(at_s[kept] // length * length, return_inverse=True)
        sums = np.zeros(len(starts), dtype=np.int64)
        np.add.at(sums, index, counts[kept])
        cursor.register("given", pa.table({"start": starts, "n": sums}))
        cursor.execute(f"INSERT INTO sli_{tier} SELECT start, {edge_id}, n, n FROM given")
        parts = ", ".join(f"({bucket})" for bucket in BUCKETS)
        cursor.execute(
            f"INSERT INTO latency_{tier} SELECT start, {edge_id}, bucket, n // 3"
            f" FROM given, (VALUES {parts}) AS t(bucket) WHERE n >= 3"
        )


def objective(number: int, services: int) -> Slo:
    """Return one of many objectives, half of them narrowed to a source."""
    edges = EdgeSelector(f"service-{number % services}", source="a" if number % 2 else None)
    target = Objective(Decimal("0.999") - Decimal(number % 7) / 1000)
    name = f"slo-{number}"
    return Slo(name, edges.destination, AvailabilitySli(edges), target, TimeWindow(WINDOW_S))


def latency(one: Slo) -> Slo:
    """Return the same objective about latency."""
    sli = LatencySli(one.sli.edges, 100)
    return Slo(one.name, one.service, sli, one.objective, one.window)


def sliced(slos: list[Slo]) -> list[Slo]:
    """Return the same objectives in slices of a minute."""
    return [replace(one, sli=Slices(one.sli, 60, Decimal("0.99"))) for one in slos]


def asked_of(one: Slo) -> Slo:
    """Return the same objective asked by PromQL."""
    total = f'mesh_requests_total{{destination="{one.sli.edges.destination}"'
    sli = QuerySli(f'sum({total},code!~"0|[5-9].."}})', f"sum({total}}})")
    return replace(one, sli=sli)


def timed(runs: int, work):
    """Return the seconds of each run after a warm one, and the last answer."""
    work()
    took, answer = [], None
    for _ in range(runs):
        begin = time.perf_counter()
        answer = work()
        took.append(time.perf_counter() - begin)
    return took, answer


def report(question: str, took: list[float], **size: int) -> None:
    middle, slowest = round(statistics.median(took), 3), round(max(took), 3)
    print(json.dumps({"question": question, **size, "median_s": middle, "slowest_s": slowest}))


if __name__ == "__main__":
    main()
