"""What does it cost to decode a span?

    python -m benchmarks.decode

The compiled scanner beside the reference decoder by opentelemetry-proto, each in this process and
warm. Both are asked for the same requests and must give the same rows.
"""

import argparse
import json
import time

import numpy as np

from benchmarks.span_load import fill, templates
from collector.otlp.scan.engine import ENGINE
from collector.otlp.spans_reference import decode_traces_by_reference
from collector.otlp.traces import decode_traces

RUNS = 5
BODIES = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, nargs="+", default=[512, 20], help="in a request")
    asked = parser.parse_args()
    ENGINE.prepare().join()
    for spans in asked.spans:
        made, rng = templates(1, spans), np.random.default_rng(1)
        bodies = [fill(one, rng, 1_800_000_000 * 10**9) for one in made[:BODIES]]
        for body in bodies[:3]:
            ours, naive = decode_traces(body), decode_traces_by_reference(body)
            if ours.spans["attributes"] != naive.spans["attributes"]:
                raise SystemExit("the decoders disagree")
        for decode, rounds in ((decode_traces_by_reference, 1), (decode_traces, 20)):
            costs = sorted(_cost(decode, bodies, rounds) for _ in range(RUNS))
            print(json.dumps({
                "question": "decode",
                "decoder": decode.__name__,
                "spans_per_request": spans,
                "cpu_s_per_million_median": round(costs[RUNS // 2] / spans * 1e6, 2),
                "cpu_s_per_million_slowest": round(costs[-1] / spans * 1e6, 2),
            }))  # fmt: skip


def _cost(decode, bodies, rounds) -> float:
    """Return the CPU-seconds of one request."""
    began = time.process_time()
    for _ in range(rounds):
        for body in bodies:
            decode(body)
    return (time.process_time() - began) / rounds / len(bodies)


if __name__ == "__main__":
    main()
