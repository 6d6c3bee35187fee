"""What does a flush of an Envoy's statistics cost, from its bytes to the committed rows?

    python -m benchmarks.metrics
    python -m benchmarks.metrics --proxies 50 --flushes 12

A flush is the recorded one of a real Envoy of the shop, made anew for each proxy (its own instance
id) and each five seconds (later times, counters that have grown). CPU milliseconds per flush of
this process, all threads: decoding; taking it into a transaction (ids, limits, lateness, deltas,
edges); inserting, in transactions of as many flushes as there are proxies, with their commits.
Beside them, the same bytes parsed with opentelemetry-proto and walked point by point into a table
of rows, and nothing else: what a plain collector does before it stores anything.
"""

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.otlp.batch import Batch
from collector.otlp.metrics import decode_metrics
from collector.store.recorder import Recorder
from collector.store.store import open_store

SECOND_NS = 10**9
T0_NS = 1_800_000_000 * SECOND_NS
FLUSH_S = 5
RECORDED = Path(__file__).parents[1] / "tests/fixtures/envoy"
NAME = "A-16-canary-20pct__metrics__fe__grpc__0099.pb"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proxies", type=int, default=20)
    parser.add_argument("--flushes", type=int, default=12, help="of each proxy")
    asked = parser.parse_args()
    bodies = [
        [flush(proxy, step) for proxy in range(asked.proxies)] for step in range(asked.flushes)
    ]
    walked = [_cost(lambda step=step: [walk(body) for body in step]) for step in bodies]
    decoded, added, inserted = record(bodies)
    points = decode_metrics(bodies[0][0]).rows
    per_flush = {
        "walk_by_opentelemetry_proto": walked,
        "decode": decoded,
        "add": added,
        "insert": inserted,
    }
    told = {
        f"{name}_cpu_ms": round(statistics.median(costs[1:]) / asked.proxies * 1000, 2)
        for name, costs in per_flush.items()
    }
    bytes_ = len(bodies[0][0])
    print(json.dumps({"points_per_flush": points, "bytes_per_flush": bytes_} | told))


def flush(proxy: int, step: int) -> bytes:
    """Return what one proxy says after so many steps."""
    request = ExportMetricsServiceRequest.FromString((RECORDED / NAME).read_bytes())
    for resource_metrics in request.resource_metrics:
        instance = resource_metrics.resource.attributes.add(key="service.instance.id")
        instance.value.string_value = f"fe-{proxy}"
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    _advance(point, step)
    return request.SerializeToString()


def _advance(point: object, step: int) -> None:
    point.time_unix_nano = T0_NS + (step + 1) * FLUSH_S * SECOND_NS
    point.start_time_unix_nano = T0_NS
    if hasattr(point, "bucket_counts"):
        for position, count in enumerate(point.bucket_counts):
            point.bucket_counts[position] = count * (step + 1)
        point.count *= step + 1
    elif point.WhichOneof("value") == "as_int" and 0 < point.as_int < 2**40:
        point.as_int *= step + 1


def record(bodies: list[list[bytes]]) -> tuple[list[float], list[float], list[float]]:
    """Return CPU seconds of each round: decoding, adding to a transaction, inserting."""
    decoded, added, inserted = [], [], []
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "m.duckdb") as store:
        cursor = store.cursor()
        recorder = Recorder(cursor)
        for step, round_ in enumerate(bodies):
            batches: list[Batch] = []
            decoded.append(_cost(lambda r=round_, b=batches: b.extend(map(decode_metrics, r))))
            now_ns = T0_NS + (step + 1) * FLUSH_S * SECOND_NS
            cursor.begin()

            def add(batches=batches, round_=round_, now_ns=now_ns) -> None:
                for batch, body in zip(batches, round_, strict=True):
                    recorder.note(hashlib.sha256(body).digest(), now_ns)
                    recorder.add(batch, now_ns)

            def insert() -> None:
                recorder.insert()
                cursor.commit()
                recorder.commit()

            added.append(_cost(add))
            inserted.append(_cost(insert))
    return decoded, added, inserted


def walk(body: bytes) -> pa.Table:
    """Parse a request and walk its points, as a plain collector does."""
    rows = []
    for resource_metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        resource = {one.key: one.value.string_value for one in resource_metrics.resource.attributes}
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                data = getattr(metric, metric.WhichOneof("data"))
                for point in data.data_points:
                    tags = {one.key: one.value.string_value for one in point.attributes}
                    row = {
                        "resource": json.dumps(resource),
                        "name": metric.name,
                        "tags": json.dumps(tags),
                        "time_ns": point.time_unix_nano,
                        "start_ns": point.start_time_unix_nano,
                        "value": None,
                        "count": None,
                        "bounds": None,
                        "counts": None,
                    }
                    if hasattr(point, "bucket_counts"):
                        row["count"] = point.count
                        row["bounds"] = list(point.explicit_bounds)
                        row["counts"] = list(point.bucket_counts)
                    else:
                        row["value"] = float(point.as_int or point.as_double)
                    rows.append(row)
    return pa.Table.from_pylist(rows)


def _cost(do: object) -> float:
    started = time.process_time()
    do()
    return time.process_time() - started


if __name__ == "__main__":
    main()
