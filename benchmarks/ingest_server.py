"""The collector alone, for ``benchmarks.ingest``: the real gRPC receiver over a DuckDB file.

Redaction is on, as it is by default. The reference decodes each request alone, as the scanner's
requests are decoded together.

    python -m benchmarks.ingest_server FILE --decoder scanner|reference

Prints its port, serves until its input ends, closes the file with a checkpoint, and prints the CPU
it took from the first request to the last byte on disk.
"""

import argparse
import json
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil

from collector.otlp.scan.engine import ENGINE
from collector.otlp.spans_reference import decode_traces_by_reference
from collector.receiver import export
from collector.receiver.gathering import Gatherer
from collector.receiver.grpc import start_grpc
from collector.receiver.intake import Intake, Received
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.store import open_store
from collector.store.writer import Writer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--decoder", choices=("scanner", "reference"), default="scanner")
    parser.add_argument("--engine-threads", type=int, help="of DuckDB; else what the store chooses")
    asked = parser.parse_args()
    if asked.decoder == "scanner":
        ENGINE.prepare().join()
    else:
        signals = dict(export.SIGNALS)
        signals["traces"] = replace(signals["traces"], decode=decode_traces_by_reference)
        export.SIGNALS = signals  # type: ignore[misc]
    process = psutil.Process()
    with open_store(asked.file) as store:
        if asked.engine_threads:
            store.connection.execute(f"SET threads = {asked.engine_threads}")
        writer = Writer(store)
        redact = Redactor(Policy()).redact
        intake = Intake(writer, redact, Received(), "grpc")
        gatherer = Gatherer(intake)
        receiver = start_grpc(gatherer if asked.decoder == "scanner" else intake, port=0)
        before = process.cpu_times()
        print(json.dumps({"port": receiver.port, "rss_mb": _rss_mb(process)}), flush=True)
        sys.stdin.read()
        shares = _by_thread(process)
        receiver.stop()
        gatherer.close()
        checkpoints = writer.checkpointer.stats
        told_of_checkpoints = {
            "done": checkpoints.done,
            "put_off": checkpoints.put_off,
            "longest_s": round(checkpoints.longest_seconds, 2),
        }
        writer.close()
    after = process.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    told = {
        "cpu_s": cpu_s,
        "rss_mb": _rss_mb(process),
        "cpu_s_by_thread": shares,
        "checkpoints": told_of_checkpoints,
    }
    print(json.dumps(told), flush=True)


def _by_thread(process: psutil.Process) -> dict[str, float]:
    """Return the CPU seconds of the threads that Python knows, by name; others are engines."""
    names = {one.native_id: one.name.rstrip("0123456789_") for one in threading.enumerate()}
    shares: dict[str, float] = {}
    for thread in process.threads():
        name = names.get(thread.id, "engines")
        shares[name] = round(shares.get(name, 0.0) + thread.user_time + thread.system_time, 2)
    return shares


def _rss_mb(process: psutil.Process) -> int:
    return round(process.memory_info().rss / 2**20)


if __name__ == "__main__":
    main()
