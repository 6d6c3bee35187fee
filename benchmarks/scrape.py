"""One scrape of /metrics/mesh over a store with days of history: remembered, and by a scan of all.

Run: .venv/bin/python -m benchmarks.scrape [--days 1 30] [--edges 200] [--buckets 20] [--runs 7]

Each edge fills some latency buckets in every 10 s; hours are there for all days, minutes and 10 s
for the last two hours, the newest of them as an export every 5 s leaves them. A scrape makes the
text of all families and of one latency objective, and is held against that of a scan. ``scan_ms``
is what each scrape took before sums were remembered, ``first_ms`` the first after a start. Prints a
line of JSON for each length.
"""

import argparse
import json
import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from collector.store.limits import engine_limits
from collector.store.remembered import Remembered
from collector.store.settled import settle
from collector.store.store import Store, open_store
from dashboards.web.exposition import expose
from dashboards.web.mesh_metrics import mesh_families, slo_families
from slo.evaluate import window_end_s
from slo.model import EdgeSelector, LatencySli, Objective, Slo, TimeWindow
from slo.sources.edges import EdgeCountSource

NOW_S = 1_800_000_000 // 3600 * 3600 + 1805
FRESH_S = 2 * 3600
EXPORT_S = 5
UNMERGED_S = {"10s": 150, "1m": 240, "1h": 3600 + 1805}
SLO = Slo(
    "quick",
    "service-0",
    LatencySli(EdgeSelector("service-0"), 250.0),
    Objective(Decimal("0.99")),
    TimeWindow(30 * 86_400),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[1, 30])
    parser.add_argument("--edges", type=int, default=200)
    parser.add_argument("--buckets", type=int, default=20)
    parser.add_argument("--runs", type=int, default=7)
    asked = parser.parse_args()
    for days in asked.days:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(Path(folder), days, asked)), flush=True)


def measure(folder: Path, days: int, asked: argparse.Namespace) -> dict[str, object]:
    """Make a store, scrape it both ways, and compare."""
    with open_store(folder / "store.duckdb", limits=engine_limits(None, 2)) as store:
        fill(store, days, asked.edges, asked.buckets)
        settle(store.cursor(), NOW_S)
        remembered = Remembered()
        first_s, first = scrape(store, remembered)
        warm = [scrape(store, remembered) for _ in range(asked.runs)]
        scans = [scrape(store, None) for _ in range(asked.runs)]
        if {text for _, text in (*warm, *scans)} != {first}:
            raise SystemExit("a scrape differs from a scan")
    return {
        "days": days,
        "edges": asked.edges,
        "lines": first.count("\n"),
        "scan_ms": told(scans),
        "remembered_ms": told(warm),
        "first_ms": round(first_s * 1000),
    }


def told(runs: list[tuple[float, str]]) -> dict[str, int]:
    seconds = [one for one, _ in runs]
    return {
        "median": round(statistics.median(seconds) * 1000),
        "slowest": round(max(seconds) * 1000),
    }


def scrape(store: Store, remembered: Remembered | None) -> tuple[float, str]:
    """Return the seconds that a scrape took, and its text."""
    to_s = window_end_s(NOW_S)
    began_s = time.perf_counter()
    with store.snapshot() as cursor:
        base = None if remembered is None else remembered.base(cursor)
        families = [
            *mesh_families(cursor, [SLO], to_s, (), base),
            *slo_families(EdgeCountSource(cursor, base), [SLO], to_s),
        ]
    text = expose(families)
    return time.perf_counter() - began_s, text


def fill(store: Store, days: int, edges: int, buckets: int) -> None:
    """Put the counts of every tier until NOW_S: merged, and as they came where they are new."""
    cursor = store.cursor()
    cursor.execute(
        "INSERT INTO edges SELECT i, 'source', 'service-' || (i // 4 + 1), 'service-' || (i // 8),"
        " 'v1', 'route-' || (i % 4), CASE i % 4 WHEN 0 THEN 503 ELSE 200 END, '-', 'mtls', true,"
        " 'sli', '' FROM range(?) AS edges(i)",
        [edges],
    )
    for tier, length in (("10s", 10), ("1m", 60), ("1h", 3600)):
        from_s = NOW_S - (days * 86_400 if tier == "1h" else FRESH_S)
        from_s -= from_s % 3600
        cut_s = (NOW_S - UNMERGED_S[tier]) // length * length
        for since_s, to_s, every_s in ((from_s, cut_s, length), (cut_s, NOW_S, EXPORT_S)):
            times = f"range({since_s}, {to_s}, {every_s}) AS times(t)"
            share = every_s // EXPORT_S
            cursor.execute(
                f"INSERT INTO sli_{tier} SELECT t // {length} * {length}, i, {share * buckets},"
                f" {share * buckets + 1} FROM {times}, range({edges}) AS edges(i)"
            )
            cursor.execute(
                f"INSERT INTO latency_{tier} SELECT t // {length} * {length}, i, 40 + 3 * b,"
                f" {share} FROM {times}, range({edges}) AS edges(i), range({buckets}) AS b(b)"
            )


if __name__ == "__main__":
    main()
