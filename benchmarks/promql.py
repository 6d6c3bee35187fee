"""PromQL over a day of counters: our server beside a real Prometheus, on the same samples.

Run: .venv/bin/python -m benchmarks.promql [--series 10000] [--hours 24] [--runs 5] [--alone]

Both answer over HTTP, one query at a time. Counters of 100 targets, every 15 s with a phase of
their own and some jitter, resets on a tenth of the targets. ``--alone`` leaves Prometheus out;
``--as-it-came`` asks a store whose points were not sorted meanwhile.
"""

import argparse
import contextlib
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import httpx
import numpy as np
import psutil
import pyarrow as pa
import uvicorn

from collector.store.group_queue import Errand
from collector.store.sorting import Sorter, SortingSettings
from collector.store.store import open_store
from dashboards.web.app import create_app
from dashboards.web.deps import Deps

END_S = 1_800_000_000 // 7200 * 7200
INTERVAL_S = 15
TARGETS = 100
CHECKPOINT_SLICES = 16
QUERIES = {
    "rate": "sum by (code) (rate(http_requests_total[5m]))",
    "quantile": "quantile(0.9, rate(http_requests_total[5m]))",
    "one series": 'http_requests_total{instance="target-0",path="/0"}',
}


def main() -> None:
    """Print one line of JSON for each server and query."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--as-it-came", action="store_true")
    parser.add_argument("--serve", nargs=2, metavar=("STORE", "PORT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(Path(asked.serve[0]), int(asked.serve[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(asked, Path(folder))


def measure(asked: argparse.Namespace, folder: Path) -> None:
    """Make the data, ask both servers, compare their answers."""
    make_store(folder / "store.duckdb", asked.series, asked.hours)
    if not asked.as_it_came:
        sort(folder / "store.duckdb")
    ours = [sys.executable, "-m", "benchmarks.promql", "--serve", str(folder / "store.duckdb")]
    answers = {"meshscope": ask("meshscope", ours, asked)}
    if not asked.alone:
        make_blocks(folder, asked.series, asked.hours)
        answers["prometheus"] = ask("prometheus", prometheus(folder), asked)
        compare(answers["meshscope"], answers["prometheus"])


def counters(series: int, hours: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give (ids, times in ms, values) of two hours each, in the order in which they came."""
    random = np.random.default_rng(7)
    ids = np.arange(series)
    target = ids % TARGETS
    phase = random.integers(0, INTERVAL_S * 1000, TARGETS)[target]
    speed = random.gamma(1.0, 20.0, series)
    values = np.zeros(series)
    steps = 7200 // INTERVAL_S
    for block in range(hours // 2):
        start_ms = (END_S - hours * 3600 + block * 7200) * 1000
        grown = random.poisson(speed, (steps, series)).astype(float)
        grown[0] += values
        counts = np.cumsum(grown, axis=0)
        if block % 3 == 1:
            reset = target % 10 == 0
            counts[steps // 2 :, reset] -= counts[steps // 2, reset]
        values = counts[-1]
        at = start_ms + np.arange(steps)[:, None] * INTERVAL_S * 1000 + phase
        at = at + random.integers(-5, 6, (steps, TARGETS))[:, target]
        times = np.maximum(at, start_ms)
        order = np.argsort(times, axis=None, kind="stable")
        yield np.broadcast_to(ids, times.shape).ravel()[order], times.ravel()[order], (
            counts.ravel()[order]
        )  # fmt: skip


def labels(number: int) -> dict[str, str]:
    """Return the attributes of a series."""
    return {"path": f"/{number // TARGETS}", "code": ("200", "404", "500")[number % 3]}


def make_store(path: Path, series: int, hours: int) -> None:
    """Write the samples as the writer does: in the order in which they came."""
    with open_store(path) as store:
        cursor = store.cursor()
        for target in range(TARGETS):
            who = {"service.name": "shop", "service.instance.id": f"target-{target}"}
            row = [target, "shop", "", "", f"target-{target}", json.dumps(who, sort_keys=True)]
            cursor.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?)", row)
        table = pa.table(
            {
                "series_id": pa.array(range(series), pa.int32()),
                "resource_id": pa.array([one % TARGETS for one in range(series)], pa.int32()),
                "attributes": [json.dumps(labels(one), sort_keys=True) for one in range(series)],
            }
        )
        cursor.register("new", table)
        cursor.execute(
            "INSERT INTO metric_series SELECT series_id, resource_id, '', 'http.requests', '',"
            " 'sum', 2, true, attributes, 1 FROM new"
        )
        for ids, times, values in counters(series, hours):
            points = pa.table({"id": ids, "at_ms": times, "value": values.astype(np.int64)})
            cursor.register("points", points)
            cursor.execute(
                "INSERT INTO metric_points"
                " SELECT id, at_ms * 1000000, 1, value, NULL, 0 FROM points"
            )
        cursor.execute("CHECKPOINT")


def sort(path: Path) -> None:
    """Let the day be over: sort what the server would have sorted by its end."""

    def between(work: Errand) -> Future[None]:
        done: Future[None] = Future()
        began = time.perf_counter()
        work(cursor)
        seconds.append(time.perf_counter() - began)
        done.set_result(None)
        if len(seconds) % CHECKPOINT_SLICES == 0:
            cursor.execute("CHECKPOINT")
        return done

    seconds: list[float] = []
    with open_store(path, clock_ns=lambda: END_S * 10**9) as store:
        cursor = store.cursor()
        with contextlib.closing(Sorter(store, between, SortingSettings(rests=0.0))) as sorter:
            sorter.run_once()
        cursor.execute("CHECKPOINT")
    if seconds:
        told = {"question": "promql", "sorted_slices": len(seconds)}
        told["median_ms"] = round(statistics.median(seconds) * 1000)
        print(json.dumps(told), flush=True)


def make_blocks(folder: Path, series: int, hours: int) -> None:
    """Write the same samples as blocks of Prometheus."""
    names = [
        "http_requests_total{"
        + ",".join(
            f'{key}="{value}"'
            for key, value in {
                **labels(one),
                "job": "shop",
                "instance": f"target-{one % TARGETS}",
            }.items()
        )
        + "} "
        for one in range(series)
    ]
    for ids, times, values in counters(series, hours):
        text = folder / "block.om"
        with text.open("w", encoding="utf-8") as out:
            out.write("# TYPE http_requests counter\n")
            lines = zip(ids.tolist(), times.tolist(), values.tolist(), strict=True)
            out.writelines(f"{names[one]}{value:.0f} {at / 1000:.3f}\n" for one, at, value in lines)
            out.write("# EOF\n")
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, folder / "prometheus"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        text.unlink()


def prometheus(folder: Path) -> list[str]:
    """Return the command of a Prometheus over the blocks; the port comes last."""
    (folder / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    return [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--storage.tsdb.retention.time=100y",
        "--log.level=error",
        "--web.listen-address",
    ]


def serve(path: Path, port: int) -> None:
    """Serve a store, without receivers."""
    with open_store(path) as store:
        app = create_app(Deps(store, (), lambda: END_S, "0", None))
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")


def ask(name: str, command: list[str], asked: argparse.Namespace) -> dict[str, object]:
    """Time every query of one server; return the answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    last = f"127.0.0.1:{port}" if name == "prometheus" else str(port)
    answers: dict[str, object] = {}
    with started([*command, last]) as process, httpx.Client(timeout=600) as client:
        url = f"http://127.0.0.1:{port}/api/v1"
        wait(client, url)
        for question, query in QUERIES.items():
            seconds, cpu = [], [cpu_s(process)]
            for _ in range(asked.runs):
                began = time.perf_counter()
                found = client.get(
                    url + "/" + path_of(question), params=params(query, question, asked)
                )
                seconds.append(time.perf_counter() - began)
                found.raise_for_status()
                cpu.append(cpu_s(process))
            answers[question] = found.json()["data"]["result"]
            told = {
                "question": "promql",
                "server": name,
                "query": question,
                "series": asked.series,
                "samples": asked.series * asked.hours * 3600 // INTERVAL_S,
                "first_s": round(seconds[0], 3),
                "median_s": round(statistics.median(seconds[1:] or seconds), 3),
                "slowest_s": round(max(seconds[1:] or seconds), 3),
                "first_cpu_s": round(cpu[1] - cpu[0], 2),
                "mean_cpu_s": round((cpu[-1] - cpu[1]) / max(len(seconds) - 1, 1), 2),
                "rss_peak_mb": peak_mb(process.pid),
            }
            print(json.dumps(told), flush=True)
    return answers


def path_of(question: str) -> str:
    return "query" if question == "one series" else "query_range"


def params(query: str, question: str, asked: argparse.Namespace) -> dict[str, object]:
    """Ask at instants that no sample is on, so that the ends of windows do not matter."""
    end_s = END_S - 0.123
    if path_of(question) == "query":
        return {"query": query, "time": end_s}
    return {"query": query, "start": end_s - asked.hours * 3600 + 600, "end": end_s, "step": 60}


def cpu_s(process: psutil.Process) -> float:
    """Return what all threads of a process have taken of the processors."""
    times = process.cpu_times()
    return times.user + times.system


def peak_mb(pid: int) -> int:
    """Return the largest resident set that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[psutil.Process]:
    with subprocess.Popen(command) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def wait(client: httpx.Client, url: str) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if client.get(f"{url}/query", params={"query": "1"}).status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def compare(ours: dict[str, object], theirs: dict[str, object]) -> None:
    """Hold the answers against each other: a benchmark of wrong answers is none."""
    for question in QUERIES:
        left, right = table(ours[question]), table(theirs[question])
        if left.keys() != right.keys():
            raise SystemExit(f"{question}: {len(left)} and {len(right)} points")
        worst = max(abs(left[key] - right[key]) / max(abs(right[key]), 1e-9) for key in right)
        told = {"question": "promql", "query": question, "points": len(right), "worst": worst}
        print(json.dumps(told))


def table(result: object) -> dict[tuple[object, ...], float]:
    """Return every point by its labels and its time."""
    return {
        (tuple(sorted(one["metric"].items())), at): float(value)
        for one in result
        for at, value in one.get("values", [one.get("value")])
    }


if __name__ == "__main__":
    main()
