"""One cycle of the generated rules of many objectives, over a store with days of their counters.

Run: .venv/bin/python -m benchmarks.rules [--slos 1000] [--hours 72] [--cycles 3] [--profile]

Each service has one caller and two codes, counted every 10 s. A cycle evaluates every group of the
30 s interval (the counts of seven windows and four alerts for each objective) on one core, keeps
its samples. The first cycle reads all windows from the store. ``cycles_cpu_s`` is of the thread
that evaluates: what a cycle takes of a core that nobody else uses. Prints one line of JSON.
"""

import argparse
import cProfile
import json
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from alerts.evaluation.rules import World
from alerts.evaluator import Evaluator
from collector.store.limits import engine_limits
from collector.store.store import Store, open_store
from collector.store.writer import Writer
from dashboards.evaluation import generated_groups, store_sessions
from slo.model import AvailabilitySli, EdgeSelector, Objective, Slo, TimeWindow

END_S = 1_800_000_000 // 86_400 * 86_400
BUCKET_S = 10
WINDOW = TimeWindow(30 * 86_400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slos", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=72)
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(asked, Path(folder))))


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Make the store, evaluate some cycles, and say how long each took."""
    path = folder / "store.duckdb"
    slos = tuple(objective(number) for number in range(asked.slos))
    with open_store(path, limits=engine_limits(None, 1)) as store:
        fill(store, asked.slos, asked.hours)
        writer = Writer(store)
        now = {"s": float(END_S)}
        evaluator = Evaluator(
            sessions=store_sessions(store, slos, lambda: now["s"]),
            sink=writer,
            tell=lambda _: None,
            world=World(),
            clock_s=lambda: now["s"],
            restores=False,
        )
        groups = [one for one in generated_groups(slos, "http://x") if one.interval_ms == 30_000]
        evaluator.load(groups)
        seconds, cpu_seconds = [], []
        profile = cProfile.Profile()
        for _ in range(asked.cycles):
            now["s"] += 30
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            if asked.profile:
                profile.enable()
            evaluated = evaluator.run_due(int(now["s"] * 1000))
            profile.disable()
            seconds.append(round(time.perf_counter() - began_s, 3))
            cpu_seconds.append(round(time.thread_time() - began_cpu_s, 3))
        if asked.profile:
            profile.print_stats("cumulative")
        rules = sum(len(one.rules) for one in groups)
        failed = sum(evaluator.failures.values().values())
        writer.close()
    return {"slos": asked.slos, "hours": asked.hours, "rules": rules, "groups": evaluated,
            "failed": failed, "cycles_s": seconds, "cycles_cpu_s": cpu_seconds}  # fmt: skip


def objective(number: int) -> Slo:
    sli = AvailabilitySli(EdgeSelector(f"service-{number}"))
    return Slo(f"slo-{number}", f"service-{number}", sli, Objective(Decimal("0.999")), WINDOW)


def fill(store: Store, services: int, hours: int) -> None:
    """Put the edges of all services, and counts that grow every 10 s until END_S."""
    cursor = store.cursor()
    cursor.execute(
        "INSERT INTO edges SELECT 1 + i, 'source', 'caller', 'service-' || (i // 2), 'v1', 'all',"
        " CASE i % 2 WHEN 0 THEN 200 ELSE 503 END, '-', 'mtls', true, 'sli', ''"
        " FROM range(?) AS edges(i)",
        [2 * services],
    )
    cursor.execute(
        "INSERT INTO sli_10s SELECT b, 1 + i, CASE i % 2 WHEN 0 THEN 50 ELSE b // 10 % 7 // 6 END,"
        " 50 FROM range(?, ?, ?) AS buckets(b), range(?) AS edges(i)",
        [END_S - hours * 3600, END_S + 600, BUCKET_S, 2 * services],
    )
    for tier, length in (("1m", 60), ("1h", 3600)):
        cursor.execute(
            f"INSERT INTO sli_{tier} SELECT bucket_s // {length} * {length}, edge_id,"
            " sum(requests), sum(attempts) FROM sli_10s GROUP BY ALL"
        )


if __name__ == "__main__":
    main()
