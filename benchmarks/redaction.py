"""What redaction costs: CPU-seconds per million spans, by the share of rows with a secret.

Run: .venv/bin/python benchmarks/redaction.py
"""

import json
import random
import statistics
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.otlp.batch import Batch
from collector.otlp.traces import decode_traces
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor

SPANS = 10_240
RUNS = 5
ATTRIBUTES = {
    "component": "proxy", "downstream_cluster": "-", "http.method": "GET",
    "http.protocol": "HTTP/1.1", "http.status_code": "200", "mesh.direction": "outbound",
    "mesh.route": "cart", "node_id": "gateway-1", "peer.address": "10.0.3.4", "request_size": "0",
    "response_flags": "-", "upstream_cluster": "cart|v1",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
}  # fmt: skip


def batches(size: int, dirty_ratio: float) -> list[Batch]:
    random_ = random.Random(7)
    made = []
    for start in range(0, SPANS, size):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "gateway"
        spans = resource.scope_spans.add().spans
        for number in range(start, min(start + size, SPANS)):
            span = spans.add(
                trace_id=random_.randbytes(16), span_id=random_.randbytes(8), name="ingress",
                start_time_unix_nano=10**18, end_time_unix_nano=10**18 + 5,
            )  # fmt: skip
            own = {
                "guid:x-request-id": random_.randbytes(16).hex(),
                "http.url": f"http://gateway:8080/api/cart/{random_.randrange(10**6)}",
                "response_size": str(random_.randrange(10**5)),
            }
            if random_.random() < dirty_ratio:
                own["user"] = f"user{number}@example.com"
            for key, value in (ATTRIBUTES | own).items():
                span.attributes.add(key=key).value.string_value = value
        made.append(decode_traces(request.SerializeToString()))
    return made


def measure(size: int, dirty_ratio: float) -> dict[str, object]:
    redactor = Redactor(Policy())
    inputs = batches(size, dirty_ratio)
    dirty = sum('"user":' in text for one in inputs for text in one.spans["attributes"].to_pylist())
    seconds = []
    masked = 0
    for _ in range(RUNS):
        started = time.process_time()
        masked = sum(sum(redactor.redact(batch).masked.values()) for batch in inputs)
        seconds.append((time.process_time() - started) / SPANS * 1e6)
    if masked != dirty:
        raise SystemExit(f"{masked} values were masked, {dirty} were planted")
    return {
        "question": "redaction",
        "spans_per_request": size,
        "dirty_ratio": dirty_ratio,
        "masked": masked,
        "cpu_s_per_million": round(statistics.median(seconds), 2),
        "slowest": round(max(seconds), 2),
    }


if __name__ == "__main__":
    for spans in (512, 20):
        for ratio in (0.0, 0.01, 1.0):
            print(json.dumps(measure(spans, ratio)))
