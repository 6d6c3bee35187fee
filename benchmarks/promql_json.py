"""CPU seconds to write the answer of a range query as JSON: 1,000 series x 1,431 steps.

Run: .venv/bin/python -m benchmarks.promql_json [--series N] [--steps N]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from collector.promql.samples import Answer, Grid
from dashboards.prometheus.numbers import number_text
from dashboards.prometheus.rendering import range_data

T0_MS = 1_800_000_000_000
RUNS = 5
Floats = np.ndarray


def main() -> None:
    """Print one line of JSON for each kind of numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1431)
    asked = parser.parse_args()
    shape = asked.series, asked.steps
    for name, values in kinds(shape).items():
        random = np.random.default_rng(1)
        present = random.random(shape) > (0.1 if name == "rates with gaps" else -1)
        answer = Answer(grid(values, present))
        check(answer)
        report(name, shape, timed(lambda answer=answer: range_data(answer)))
    one_by_one = timed(lambda: (number_text(one).encode() for one in values.ravel().tolist()))
    report("one call a number", shape, one_by_one)


def report(name: str, shape: tuple[int, int], measured: tuple[int, list[float]]) -> None:
    size, seconds = measured
    told = {
        "question": "promql_json",
        "numbers": name,
        "points": shape[0] * shape[1],
        "megabytes": round(size / 1e6, 1),
        "cpu_s_median": round(statistics.median(seconds), 3),
        "cpu_s_slowest": round(max(seconds), 3),
    }
    print(json.dumps(told))


def check(answer: Answer) -> None:
    """Hold the first series against numbers written one by one."""
    first = json.loads(b"".join(range_data(answer)))["result"][0]["values"]
    numbers = answer.value.values[0][answer.value.present[0]].tolist()
    if [text for _, text in first] != [number_text(one) for one in numbers]:
        raise SystemExit("the quick text is not the slow one")


def kinds(shape: tuple[int, int]) -> dict[str, Floats]:
    """Return numbers of every kind that a dashboard shows."""
    random = np.random.default_rng(0)
    rates = random.gamma(2.0, 10.0, shape)
    return {
        "counts": random.integers(0, 10**7, shape).astype(float),
        "rates": rates,
        "rates with gaps": rates,
        "tiny rates": rates * 1e-7,
        "no data (NaN)": np.where(rates > 10, rates, np.nan),
    }


def grid(values: Floats, present: np.ndarray) -> Grid:
    """Return an answer with the labels of a usual series."""
    labels = [
        (("__name__", "m"), ("code", "200"), ("destination", f"service-{at}"), ("job", "shop/cart"))
        for at in range(len(values))
    ]
    return Grid(labels, T0_MS + 60_000 * np.arange(values.shape[1]), values, present)


def timed(work: Callable[[], Iterator[bytes]]) -> tuple[int, list[float]]:
    """Return the bytes made, and the CPU time of each run."""
    seconds = []
    for _ in range(RUNS):
        began = time.process_time()
        size = sum(map(len, work()))
        seconds.append(time.process_time() - began)
    return size, seconds


if __name__ == "__main__":
    main()
