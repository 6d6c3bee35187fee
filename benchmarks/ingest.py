"""What does it cost to keep a span, durably, with all that a commit does?

    python -m benchmarks.ingest --seconds 20 --spans 512

A closed loop: senders in a process of their own wait for each answer of the real gRPC receiver,
which comes after the DuckDB commit. CPU is that of the server process alone, from its first request
until its file is closed with a checkpoint. The rows of the file are counted afterwards and must be
the spans acknowledged. Beside it, in the same run: the same server with a decoder that parses by
opentelemetry-proto, row by row.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import psutil

DECODERS = ("reference", "scanner")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of load for each case")
    parser.add_argument("--spans", type=int, nargs="+", default=[512, 20], help="in a request")
    parser.add_argument("--senders", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0, help="spans a second; 0: all it takes")
    parser.add_argument("--decoders", nargs="+", choices=DECODERS, default=DECODERS)
    parser.add_argument("--repeats", type=int, default=1, help="the median run is reported")
    parser.add_argument("--engine-threads", type=int, default=0, help="0: the store's choice")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    for spans in asked.spans:
        found = {}
        for decoder in asked.decoders:
            runs = [measure(asked, decoder, spans, seed) for seed in range(1, asked.repeats + 1)]
            runs.sort(key=lambda run: run["cpu_s_per_million"])
            found[decoder] = runs[len(runs) // 2]
            _say(found[decoder], is_json=asked.json)
        if len(found) == 2:
            _compare(found, spans, is_json=asked.json)


def measure(asked: argparse.Namespace, decoder: str, spans: int, seed: int) -> dict:
    """Run one case in a new file and return its figures."""
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        file = Path(folder) / "mesh.duckdb"
        server = _start(
            "benchmarks.ingest_server", str(file), "--decoder", decoder,
            "--engine-threads", str(asked.engine_threads),
        )  # fmt: skip
        port = json.loads(server.stdout.readline())["port"]
        load = _start(
            "benchmarks.span_load", str(port),
            "--seconds", str(asked.seconds), "--spans", str(spans),
            "--senders", str(asked.senders), "--seed", str(seed), "--rate", str(asked.rate),
        )  # fmt: skip
        with _watched(server.pid) as resident:
            sent = json.loads(load.communicate()[0])
        out, _ = server.communicate()
        told = json.loads(out)
        kept, size = _count(file)
    if kept != sent["acked_spans"] and not sent["failures"]:
        raise SystemExit(f"{sent['acked_spans']} spans were acknowledged, {kept} are in the file")
    waits = np.array(sent["ack_ms"])
    return {
        "question": "ingest",
        "decoder": decoder,
        "spans_per_request": spans,
        "bytes_per_span": round(sent["bytes_per_span"]),
        "spans": kept,
        "spans_per_s": round(sent["acked_spans"] / sent["seconds"]),
        "cpu_s_per_million": round(told["cpu_s"] / kept * 1e6, 2),
        "cpu_s_per_million_by_thread": {
            name: round(cpu_s / kept * 1e6, 2)
            for name, cpu_s in told["cpu_s_by_thread"].items()
            if cpu_s / told["cpu_s"] > 0.01
        },
        "ack_p50_ms": round(float(np.percentile(waits, 50)), 1),
        "ack_p99_ms": round(float(np.percentile(waits, 99)), 1),
        "ack_max_ms": round(float(waits.max()), 1),
        "checkpoints": told["checkpoints"],
        "failures": len(sent["failures"]),
        "failed_by": sorted(set(sent["failures"]))[:3],
        "rss_mb": resident[:: max(len(resident) // 20, 1)],
        "rss_max_mb": max(resident),
        "file_bytes_per_span": round(size / kept, 1),
    }


def _start(module: str, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Give a list that grows by the resident MB of the server, every half second."""
    process, seen, ended = psutil.Process(pid), [], threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            seen.append(round(process.memory_info().rss / 2**20))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _count(file: Path) -> tuple[int, int]:
    with duckdb.connect(str(file), read_only=True) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM spans").fetchone()
    return kept, file.stat().st_size


def _say(run: dict, *, is_json: bool) -> None:
    if is_json:
        print(json.dumps(run), flush=True)
        return
    print(
        f"{run['spans_per_request']:>4} spans a request, {run['decoder']:<9} "
        f"{run['cpu_s_per_million']:>6.2f} CPU-s/M  {run['spans_per_s']:>7,} spans/s  "
        f"ack p50 {run['ack_p50_ms']} ms, p99 {run['ack_p99_ms']} ms  "
        f"{run['spans']:,} rows = acknowledged  RSS {run['rss_mb'][0]}..{run['rss_max_mb']} MB",
        flush=True,
    )


def _compare(found: dict, spans: int, *, is_json: bool) -> None:
    ratio = found["reference"]["cpu_s_per_million"] / found["scanner"]["cpu_s_per_million"]
    line = {"question": "ingest ratio", "spans_per_request": spans, "ratio": round(ratio, 1)}
    print(json.dumps(line) if is_json else f"     reference / scanner: {ratio:.1f}", flush=True)


if __name__ == "__main__":
    main()
