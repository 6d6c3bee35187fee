"""What does it cost to decode a span?

    python -m benchmarks.decode
    python -m benchmarks.decode --json-mapping

The compiled scanner beside the reference decoder by opentelemetry-proto, each in this process and
warm. Both are asked for the same requests and must give the same rows. With --json-mapping:
OTLP/JSON to protobuf bytes, beside protobuf's own json_format, which has the same requests in its
own letters.
"""

import argparse
import base64
import json
import time

import numpy as np
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.span_load import fill, templates
from collector.otlp.json_mapping import json_to_protobuf, map_json
from collector.otlp.scan.engine import ENGINE
from collector.otlp.spans_reference import decode_traces_by_reference
from collector.otlp.traces import decode_traces

RUNS = 5
BODIES = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, nargs="+", default=[512, 20], help="in a request")
    parser.add_argument("--json-mapping", action="store_true", help="of OTLP/JSON instead")
    asked = parser.parse_args()
    if asked.json_mapping:
        for spans in asked.spans:
            print(json.dumps(json_mapping(spans)))
        return
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


def json_mapping(spans: int) -> dict[str, object]:
    """Return what a span in JSON costs to be mapped; all three ways must give the same bytes."""
    rng = np.random.default_rng(1)
    bodies = [fill(one, rng, 1_800_000_000 * 10**9) for one in templates(1, spans)[:BODIES]]
    messages = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    theirs = [json_format.MessageToJson(message, indent=None) for message in messages]
    ours = [json.dumps(_otlp(json.loads(text))).encode() for text in theirs]

    def direct(text):
        return json_to_protobuf(ExportTraceServiceRequest, text)

    def mapper(text):
        return map_json(ExportTraceServiceRequest, text)

    def protobuf(text):
        return json_format.Parse(text, ExportTraceServiceRequest()).SerializeToString()

    if [direct(ours[0]), mapper(ours[0])] != [protobuf(theirs[0])] * 2:
        raise SystemExit("the mappings disagree")
    costs = {
        one.__name__: sorted(_cost(one, texts, 1) / spans for _ in range(RUNS))[RUNS // 2]
        for one, texts in ((direct, ours), (mapper, ours), (protobuf, theirs))
    }
    return {
        "question": "json mapping",
        "spans_per_request": spans,
        "bytes_per_span": round(sum(map(len, ours)) / len(ours) / spans),
        "spans_per_cpu_s": {name: round(1 / cost) for name, cost in costs.items()},
        "times_json_format": round(costs["protobuf"] / costs["direct"], 1),
    }


def _otlp(value):
    """Turn protobuf's letters into OTLP's: ids in hex, enums as numbers."""
    if isinstance(value, list):
        return [_otlp(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(item).hex() if key in {"traceId", "spanId", "parentSpanId"}
        else KINDS.index(item) if key == "kind" else _otlp(item)
        for key, item in value.items()
    }  # fmt: skip


KINDS = [f"SPAN_KIND_{kind}" for kind in ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT")]


def _cost(decode, bodies, rounds) -> float:
    """Return the CPU-seconds of one request."""
    began = time.process_time()
    for _ in range(rounds):
        for body in bodies:
            decode(body)
    return (time.process_time() - began) / rounds / len(bodies)


if __name__ == "__main__":
    main()
