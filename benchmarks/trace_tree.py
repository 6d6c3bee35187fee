"""What a trace of 20,000 spans costs to show: rows, tree, times, path, and its three documents.

Makes one trace with the attributes of Envoy's (a fixed seed), as wide and deep as a fan-out of
retries is, stores it, and takes it apart step by step. Prints a Markdown table of CPU ms.

    .venv/bin/python -m benchmarks.trace_tree [--spans 20000] [--runs 5]
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson
import pyarrow as pa

from collector.store.store import Store, open_store
from collector.store.traces import trace
from collector.traces.analysis import analyse
from collector.traces.clockskew import adjust
from collector.traces.critical_path import critical_path
from collector.traces.trace import trace_of
from collector.traces.tree import self_times_ns, span_tree
from dashboards.jaeger.document import document
from dashboards.tempo import otlp
from dashboards.web.answers import encode
from dashboards.web.traces import trace_detail

T0_NS = 1_800_000_000 * 10**9
SERVICES = ("gateway", "cart", "checkout", "catalog", "payment", "shipping", "ads", "email")
MS = 1_000_000


def main() -> None:
    """Make, take apart, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with open_store() as store:
        fill(store, options.spans)
        print(f"{options.spans} spans; median of {options.runs} runs\n")
        print("| step | CPU ms |\n| --- | ---: |")
        for name, step in steps(store).items():
            print(f"| {name} | {cpu_ms(step, options.runs):.0f} |")


def steps(store: Store) -> dict[str, Callable[[], Any]]:
    rows = trace(store, 1, 2)
    one = trace_of(rows)
    seen = analyse(one)
    tree, durations = seen.tree, one["duration_ns"]
    hosts = [one.resources[number].host for number in one.resource]
    return {
        "rows from the hot table": lambda: trace(store, 1, 2),
        "columns": lambda: trace_of(rows),
        "trace tree": lambda: span_tree(one["span_id"], one["parent_id"], one["kind"]),
        "clock skew": lambda: adjust(
            tree, one["start_ns"], durations, one["kind"], hosts, most_ns=10**9
        ),
        "self times": lambda: self_times_ns(tree, one["start_ns"], durations),
        "critical path": lambda: critical_path(tree, tree.roots[0], seen.start_ns, durations),
        "all of the analysis": lambda: analyse(one),
        "our JSON, without attributes": lambda: encode(trace_detail(seen, with_attributes=False)),
        "our JSON": lambda: encode(trace_detail(seen, with_attributes=True)),
        "Jaeger JSON": lambda: encode(document(seen)),
        "Tempo protobuf": lambda: otlp.protobuf(one),
        "Tempo JSON": lambda: encode(otlp.resource_spans(one)),
    }


def fill(store: Store, count: int) -> None:
    """Store a trace in which each span is called by one of the last hundred before it."""
    draw = random.Random(20)
    cursor = store.cursor()
    for number, service in enumerate(SERVICES):
        attributes = orjson.dumps({"service.name": service, "host.name": f"host-{number % 3}"})
        row = [number, service, "default", "v1", f"{service}-0", attributes.decode()]
        cursor.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?)", row)
        cursor.execute("INSERT INTO strings VALUES (?, ?)", [number, f"router {service}|v1 egress"])
    starts = [T0_NS]
    parents: list[int | None] = [None]
    for number in range(1, count):
        parent = draw.randrange(max(0, number - 100), number)
        parents.append(parent + 1)
        starts.append(starts[parent] + draw.randrange(MS))
    order = sorted(range(count), key=starts.__getitem__)
    columns = {
        "trace_hi": pa.array([1] * count, pa.uint64()),
        "trace_lo": pa.array([2] * count, pa.uint64()),
        "span_id": pa.array([number + 1 for number in order], pa.uint64()),
        "parent_id": pa.array([parents[number] for number in order], pa.uint64()),
        "resource_id": [number % len(SERVICES) for number in order],
        "name_id": [number % len(SERVICES) for number in order],
        "kind": [2 + number % 2 for number in order],
        "start_ns": [starts[number] for number in order],
        "duration_ns": [draw.randrange(MS, 50 * MS) for _ in order],
        "attributes": [attributes_of(draw, number) for number in order],
    }
    cursor.register("incoming", pa.table(columns))
    cursor.execute(
        "INSERT INTO spans BY NAME SELECT *, 0 AS status, 200 AS http_status, false AS is_error,"
        " 0 AS route_id, 0 AS flags_id, '' AS trace_state FROM incoming"
    )


def attributes_of(draw: random.Random, number: int) -> str:
    """Return attributes as Envoy sends them, each span its own."""
    service = SERVICES[number % len(SERVICES)]
    return orjson.dumps(
        {
            "component": "proxy",
            "guid:x-request-id": f"{draw.getrandbits(128):032x}",
            "http.method": "GET",
            "http.protocol": "HTTP/1.1",
            "http.status_code": "200",
            "http.url": f"http://{service}/api/{draw.randrange(5000)}",
            "mesh.attempts": "1",
            "mesh.direction": "outbound" if number % 2 else "inbound",
            "mesh.peer.upstream": f"spiffe://mesh.local/ns/default/sa/{service}",
            "mesh.route": f"route-{number % 30}",
            "node_id": f"{service}-0",
            "peer.address": f"10.0.0.{draw.randrange(40)}",
            "response_flags": "-",
            "response_size": str(draw.randrange(4000)),
            "upstream_cluster": f"{service}|v1",
        },
        option=orjson.OPT_SORT_KEYS,
    ).decode()


def cpu_ms(step: Callable[[], Any], runs: int) -> float:
    """Return the median CPU time of the process."""
    times = []
    for _ in range(runs):
        began_s = time.process_time()
        step()
        times.append((time.process_time() - began_s) * 1e3)
    return statistics.median(times)


if __name__ == "__main__":
    main()
