"""Cycles of the generated rules of many objectives, over a store with days of their counters.

Run: .venv/bin/python -m benchmarks.rules [--slos 1000] [--hours 72] [--cycles 6] [--profile]

Each service has one caller and two codes, counted every 10 s; every tenth objective is of latency.
A cycle comes every 30 s and evaluates all groups that are due then on one core: the counts of five
windows and the paging alerts of each objective, alerts on its service and on the mesh; every fourth
cycle the counts of long windows, tickets and budgets too. Samples are kept. The first cycle reads
the past from the store. ``cycles_cpu_s`` is of the thread that evaluates: what a cycle takes of a
core that nobody else uses. Prints one line of JSON.
"""

import argparse
import cProfile
import json
import resource
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from alerts.evaluation.rules import World
from alerts.evaluator import Evaluator
from collector.store.limits import engine_limits
from collector.store.store import Store, open_store
from collector.store.writer import Writer
from dashboards.evaluation import generated_groups, new_recall, store_sessions
from slo.model import AvailabilitySli, EdgeSelector, LatencySli, Objective, Slo, TimeWindow

END_S = 1_800_000_000 // 86_400 * 86_400
BUCKET_S = 10
WINDOW = TimeWindow(30 * 86_400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slos", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=72)
    parser.add_argument("--cycles", type=int, default=6)
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
            recall=new_recall(),
        )
        groups = generated_groups(slos, "http://x")
        evaluator.load(groups)
        seconds, cpu_seconds, evaluated = [], [], []
        profile = cProfile.Profile()
        for _ in range(asked.cycles):
            now["s"] += 30
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            if asked.profile:
                profile.enable()
            evaluator.run_due(int(now["s"] * 1000))
            profile.disable()
            seconds.append(round(time.perf_counter() - began_s, 3))
            cpu_seconds.append(round(time.thread_time() - began_cpu_s, 3))
            evaluated.append(int(sum(evaluator.evaluations.values().values()) - sum(evaluated)))
        if asked.profile:
            profile.print_stats("cumulative")
        rules = sum(len(one.rules) for one in groups)
        failed = sum(evaluator.failures.values().values())
        writer.close()
    return {"slos": asked.slos, "hours": asked.hours, "rules": rules, "evaluated": evaluated,
            "failed": failed, "cycles_s": seconds, "cycles_cpu_s": cpu_seconds,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}  # fmt: skip


def objective(number: int) -> Slo:
    edges = EdgeSelector(f"service-{number}")
    sli = AvailabilitySli(edges) if number % 10 else LatencySli(edges, 250)
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
    cursor.execute(
        "INSERT INTO latency_10s SELECT bucket_s, edge_id, 80 + n, requests // 4 FROM sli_10s,"
        " range(4) AS buckets(n) WHERE edge_id % 20 = 1 AND requests > 0"
    )
    for tier, length in (("1m", 60), ("1h", 3600)):
        cursor.execute(
            f"INSERT INTO sli_{tier} SELECT bucket_s // {length} * {length}, edge_id,"
            " sum(requests), sum(attempts) FROM sli_10s GROUP BY ALL"
        )
        cursor.execute(
            f"INSERT INTO latency_{tier} SELECT bucket_s // {length} * {length}, edge_id,"
            " latency_bucket, sum(count) FROM latency_10s GROUP BY ALL"
        )


if __name__ == "__main__":
    main()
