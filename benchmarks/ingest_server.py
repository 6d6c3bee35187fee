"""The collector alone, for ``benchmarks.ingest``: the real gRPC receiver over a DuckDB file.

    python -m benchmarks.ingest_server FILE --decoder scanner|reference

Prints its port, serves until its input ends, closes the file with a checkpoint, and prints the CPU
it took from the first request to the last byte on disk.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import psutil

from collector.otlp.scan.engine import ENGINE
from collector.otlp.spans_reference import decode_traces_by_reference
from collector.receiver import export
from collector.receiver.grpc import start_grpc
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
        receiver = start_grpc(writer, port=0)
        before = process.cpu_times()
        print(json.dumps({"port": receiver.port, "rss_mb": _rss_mb(process)}), flush=True)
        sys.stdin.read()
        receiver.stop()
        writer.close()
    after = process.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    print(json.dumps({"cpu_s": cpu_s, "rss_mb": _rss_mb(process)}), flush=True)


def _rss_mb(process: psutil.Process) -> int:
    return round(process.memory_info().rss / 2**20)


if __name__ == "__main__":
    main()
