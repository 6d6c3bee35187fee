"""Trace by id and attribute search, hot and sealed, and the bytes a sealed span takes.

Makes a store of interleaved spans with the attributes of Envoy's (a fixed seed; made by SQL, not
timed), asks it, seals it, asks again, and compares the answers. Prints a Markdown table.

    .venv/bin/python benchmarks/traces.py [--spans 10000000] [--hours 5] [--runs 15] [--sample]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from collector.sampling import SamplingPolicy
from collector.store.sealed_files import sealed_folder
from collector.store.sealing import Sealer, SealingSettings
from collector.store.store import Store, open_store
from collector.store.traces import SpanFilter, find_spans, trace

T0_S = 1_800_000_000
SERVICES = (
    *("frontend", "cart", "checkout", "catalog", "payment"),
    *("shipping", "currency", "ads", "email", "recommend"),
)  # fmt: skip
PODS = 4
ROUTES = 30

# A trace has 8 spans, 50 ms and a bit apart, so that the spans of some hundred traces interleave.
# Its request id and URL are its own; response sizes, durations and peers vary by span.
SPANS = """
INSERT INTO spans BY NAME
WITH numbered AS (
    SELECT i // 8 AS tr, (i % 8)::BIGINT AS pos, hash(i, 2) AS span_id, hash(i, 3) AS r,
           hash(i, 4) AS r2, hash(i // 8, 9) AS h, md5((i // 8)::VARCHAR) AS guid
    FROM range(?, ?) AS numbers(i)
), placed AS (
    SELECT *, ((pos + (h % 3)::BIGINT) % 10)::BIGINT AS svc, (h % 30)::BIGINT AS route,
           CASE WHEN r % 200 = 0 THEN 503 WHEN r % 50 = 1 THEN 404 ELSE 200 END AS code
    FROM numbered
), named AS (SELECT *, $services[svc + 1] AS service FROM placed)
SELECT hash(tr) AS trace_hi, hash(tr, 1) AS trace_lo, span_id,
       CASE WHEN pos > 0 THEN hash(tr * 8 + (pos - 1) // 2, 2) END AS parent_id,
       (svc * 4 + (r % 4)::BIGINT)::INTEGER AS resource_id,
       (svc * 4 + (r2 % 4)::BIGINT)::INTEGER AS name_id,
       (2 + pos % 2)::UTINYINT AS kind,
       $t0 + tr * $gap + pos * 50_000_000 + (r2 % 40_000_000)::BIGINT AS start_ns,
       exp(13 + ((r2 >> 20) % 1000) / 200.0 - pos * 0.2)::BIGINT // 1000 * 1000 AS duration_ns,
       0::UTINYINT AS status, code::USMALLINT AS http_status, code = 503 AS is_error,
       (100 + route)::INTEGER AS route_id, CASE WHEN code = 503 THEN 201 ELSE 200 END AS flags_id,
       '' AS trace_state,
       '{"component":"proxy","guid:x-request-id":"' || guid[1:8] || '-' || guid[9:12] || '-'
       || guid[13:16] || '-' || guid[17:20] || '-' || guid[21:32]
       || '","http.method":"' || (['GET', 'GET', 'GET', 'POST'])[1 + (h % 4)::BIGINT]
       || '","http.protocol":"HTTP/1.1","http.status_code":"' || code
       || '","http.url":"http://' || service || '/api/' || service || '/' || ((h >> 8) % 5000)
       || '","mesh.attempts":"1","mesh.code_details":"via_upstream","mesh.direction":"'
       || (['inbound', 'outbound'])[1 + pos % 2]
       || '","mesh.host_version":"v1","mesh.peer.upstream":"spiffe://mesh.local/ns/default/sa/'
       || service
       || '","mesh.route":"route-' || route || '","node_id":"' || service || '-' || (r % 4)
       || '","peer.address":"10.0.' || (r2 % 4) || '.' || ((r2 >> 8) % 40)
       || '","request_size":"' || CASE WHEN h % 4 = 3 THEN (r2 >> 16) % 2000 ELSE 0 END
       || '","response_flags":"-","response_size":"' || ((r2 >> 32) % 4000)
       || '","upstream_cluster":"' || service || '|v1","user_agent":"Mozilla/5.0 (' || (h % 40)
       || ')","zone":"z' || (r % 3) || '"}' AS attributes
FROM named ORDER BY start_ns
"""
CHUNK = 1_000_000


def main() -> None:
    """Make, ask, seal, ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--hours", type=int, default=5)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--hot-runs", type=int, default=5)
    parser.add_argument("--sample", action="store_true", help="seal with the default policy")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        with open_store(
            path, clock_ns=lambda: (T0_S + (options.hours + 1) * 3600) * 10**9
        ) as store:
            fill(store, options.spans, options.hours)
            measure(store, path, options)


def fill(store: Store, spans: int, hours: int) -> None:
    cursor = store.cursor()
    resources = [(s, p) for s in SERVICES for p in range(PODS)]
    cursor.register(
        "resource_rows",
        pa.table(
            {
                "resource_id": range(len(resources)),
                "service": [service for service, _ in resources],
                "instance": [f"{service}-{pod}" for service, pod in resources],
            }
        ),
    )
    cursor.execute(
        "INSERT INTO resources BY NAME SELECT resource_id, service, 'default' AS namespace,"
        " 'v1' AS version, instance, '{}' AS attributes FROM resource_rows"
    )
    for number in range(len(resources)):
        cursor.execute("INSERT INTO strings VALUES (?, ?)", [number, f"operation-{number}"])
    for number in range(ROUTES):
        cursor.execute("INSERT INTO strings VALUES (?, ?)", [100 + number, f"route-{number}"])
    cursor.execute("INSERT INTO strings VALUES (200, '-'), (201, 'UF')")
    gap_ns = (hours * 3600 - 1) * 10**9 // (spans // 8)
    services = "[" + ", ".join(f"'{service}'" for service in SERVICES) + "]"
    sql = SPANS.replace("$services", services).replace("$t0", str(T0_S * 10**9))
    sql = sql.replace("$gap", str(gap_ns))
    for start in range(0, spans, CHUNK):
        cursor.execute(sql, [start, min(start + CHUNK, spans)])
    cursor.execute("CHECKPOINT")


def measure(store: Store, path: Path, options: argparse.Namespace) -> None:
    cursor = store.cursor()
    size = cursor.execute("SELECT used_blocks * block_size FROM pragma_database_size()").fetchone()
    ids = cursor.execute(
        f"SELECT trace_hi, trace_lo FROM spans USING SAMPLE {options.runs} ROWS (reservoir, 7)"
    ).fetchall()
    print(
        f"{options.spans} spans in {options.hours} h; median and slowest of {options.hot_runs} runs"
    )
    print(f"hot, {options.runs} sealed\n")
    print("| question | hot ms | hot slowest | sealed ms | sealed slowest |")
    print("| --- | ---: | ---: | ---: | ---: |")
    questions = {
        "trace by id": lambda run: trace(store, *ids[run]),
        "attribute, 1 span in 25 000": search(store, {"http.url": "http://cart/api/cart/77"}),
        "attribute of one trace": lambda run: one_request(store, run, options),
        "attribute that no span has": search(store, {"http.url": "http://nowhere/"}),
        "attribute of 1 in 200": search(store, {"http.status_code": "503"}),
        "service and error": lambda _: find_spans(store, SpanFilter(service="cart", is_error=True)),
        "slow, by duration": lambda _: find_spans(store, SpanFilter(min_duration_ns=60_000_000)),
    }
    hot = {name: timed(ask, options.hot_runs) for name, ask in questions.items()}
    policy = SamplingPolicy() if options.sample else None
    sealer = Sealer(store, SealingSettings(sampling=policy))
    cpu_s, wall_s = time.process_time(), time.monotonic()
    sealer.run_once()
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    sealer.close()
    cursor.execute("CHECKPOINT")
    for name, ask in questions.items():
        sealed = timed(ask, options.runs)
        if not options.sample:
            same = sealed[1][: options.hot_runs] == hot[name][1][: options.runs]
            if not same:
                raise SystemExit(f"{name}: the sealed answer differs")
        print(f"| {name} | {hot[name][0]} | {sealed[0]} |")
    files = list(sealed_folder(path).iterdir())
    kept = cursor.execute("SELECT sum(rows)::BIGINT FROM sealed_files").fetchone()[0]
    bytes_ = sum(file.stat().st_size for file in files)
    index = 8 * cursor.execute("SELECT count(*) FROM trace_index").fetchone()[0]
    print(f"\nhot {size[0] / options.spans:.1f} bytes a span; sealed {bytes_ / kept:.1f} and")
    print(f"{index / kept:.1f} of trace index; {kept} spans kept in {len(files)} files;")
    print(f"sealing {wall_s:.1f} s, {cpu_s / options.spans * 1e6:.2f} CPU-s a million spans")


def search(store: Store, attributes: dict[str, str]) -> Callable[[int], pa.Table]:
    return lambda _: find_spans(store, SpanFilter(attributes=attributes), limit=20)


def one_request(store: Store, run: int, options: argparse.Namespace) -> pa.Table:
    """Find the spans of a request id; each run another."""
    trace_number = (run + 1) * (options.spans // 8) // (options.runs + 1)
    guid = store.cursor().execute("SELECT md5(?::VARCHAR)", [trace_number]).fetchone()[0]
    parts = (guid[0:8], guid[8:12], guid[12:16], guid[16:20], guid[20:32])
    return find_spans(store, SpanFilter(attributes={"guid:x-request-id": "-".join(parts)}))


def timed(ask: Callable[[int], pa.Table], runs: int) -> tuple[str, list[list[int]]]:
    """Return "median | slowest" in ms, and the span ids of each answer."""
    times, answers = [], []
    for run in range(runs):
        began_s = time.perf_counter()
        answer = ask(run)
        times.append((time.perf_counter() - began_s) * 1e3)
        answers.append(answer["span_id"].to_pylist())
    return f"{statistics.median(times):.0f} | {max(times):.0f}", answers


if __name__ == "__main__":
    main()
