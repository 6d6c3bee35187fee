"""Export requests as Envoys send them, seeded: and a sender that waits for each answer.

    python -m benchmarks.span_load PORT --seconds 20 --spans 512

A request is a template whose ids, times and request ids are written anew each time, so that making
it costs the sender little and no two are the same. Trace ids of many traces lie interleaved.
"""

import argparse
import json
import random
import threading
import time
from dataclasses import dataclass

import grpc
import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVICES = ("gateway", "frontend", "cart", "catalog", "checkout", "payment", "search", "users")
TEMPLATES = 24
SPANS_PER_TRACE = 8
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


@dataclass(frozen=True, slots=True)
class Template:
    """Bytes of a request, and where in it each span has its ids, times and request id."""

    body: bytes
    traces: np.ndarray
    spans: np.ndarray
    parents: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    durations: np.ndarray
    guids: np.ndarray


def template(chance: random.Random, spans: int) -> Template:
    """Return a request of one Envoy."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    service, version = chance.choice(SERVICES), chance.choice(("v1", "v2"))
    instance = f"{service}-{version}-{chance.randrange(4)}"
    for key, value in {
        "telemetry.sdk.language": "cpp",
        "telemetry.sdk.name": "envoy",
        "service.name": service,
        "service.namespace": "shop",
        "service.version": version,
        "service.instance.id": instance,
        "mesh.proxy": "sidecar",
    }.items():
        resource_spans.resource.attributes.add(key=key).value.string_value = value
    scope = resource_spans.scope_spans.add()
    scope.scope.name, scope.scope.version = "envoy", "1.40.0"
    marks: dict[str, list[int]] = {name: [] for name in ("traces", "spans", "parents", "guids")}
    secrets = []
    for _ in range(spans):
        ids = [chance.randbytes(size) for size in (16, 8, 8)]
        guid = chance.randbytes(18).hex().encode()
        upstream = chance.choice(SERVICES)
        is_client = chance.random() < 0.5
        span = scope.spans.add(
            trace_id=ids[0],
            span_id=ids[1],
            parent_span_id=ids[2],
            name=f"egress {upstream}" if is_client else "ingress",
            kind=3 if is_client else 2,
            start_time_unix_nano=2**62,
            end_time_unix_nano=2**62,
            flags=257,
        )
        for key, value in _attributes(chance, instance, upstream, is_client=is_client).items():
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="guid:x-request-id").value.string_value = guid.decode()
        secrets.append((*ids, guid))
    body = request.SerializeToString()
    at = 0
    for secret in secrets:
        for name, mark in zip(("traces", "spans", "parents", "guids"), secret, strict=True):
            at = body.index(mark, at)
            marks[name].append(at)
    parents = np.array(marks["parents"])
    name_bytes = np.array([body[at + 9] for at in marks["parents"]])
    starts = parents + 8 + 2 + name_bytes + 2 + 1
    durations = np.array([int(chance.lognormvariate(15.5, 1.2)) for _ in range(spans)])
    return Template(
        body, np.array(marks["traces"]), np.array(marks["spans"]), parents,
        starts, starts + 9, durations, np.array(marks["guids"]),
    )  # fmt: skip


def _attributes(
    chance: random.Random, instance: str, upstream: str, *, is_client: bool
) -> dict[str, str]:
    status = chance.choices(("200", "404", "503", "201"), (94, 3, 1, 2))[0]
    found = {
        "component": "proxy",
        "http.protocol": "HTTP/1.1",
        "http.status_code": status,
        "response_flags": "UF" if status == "503" else "-",
        "upstream_cluster": f"{upstream}|v1",
        "upstream_cluster.name": f"{upstream}|v1",
        "peer.address": f"10.0.{chance.randrange(4)}.{chance.randrange(250)}",
        "mesh.direction": "outbound" if is_client else "inbound",
        "mesh.route": f"{upstream}-{chance.randrange(3)}",
        "mesh.attempts": "1",
    }
    if chance.random() < 0.7:
        found |= {
            "node_id": instance,
            "zone": f"z{chance.randrange(3)}",
            "http.url": f"http://{upstream}/api/{chance.randrange(40)}/items/{chance.randrange(10**6)}",
            "http.method": chance.choices(("GET", "POST", "PUT"), (8, 2, 1))[0],
            "downstream_cluster": "-",
            "user_agent": "-",
            "request_size": str(chance.choice((0, 0, 0, chance.randrange(4000)))),
            "response_size": str(chance.randrange(20_000)),
            "mesh.host_version": "v1",
            "mesh.subset": "v1",
            "mesh.code_details": "via_upstream",
            "mesh.peer.upstream": f"spiffe://mesh.local/ns/shop/sa/{upstream}",
            "mesh.route_meta": f"{upstream}-route",
        }
    pairs = list(found.items())
    chance.shuffle(pairs)
    return dict(pairs)


def fill(made: Template, rng: np.random.Generator, now_ns: int) -> bytes:
    """Return the request with new ids and with times that end now."""
    body = np.frombuffer(made.body, np.uint8).copy()
    count = len(made.traces)
    traces = rng.integers(1, 255, (-(-count // SPANS_PER_TRACE), 16), np.uint8)
    _put(body, made.traces, rng.permutation(traces.repeat(SPANS_PER_TRACE, axis=0)[:count]))
    _put(body, made.spans, rng.integers(1, 255, (count, 8), np.uint8))
    _put(body, made.parents, rng.integers(1, 255, (count, 8), np.uint8))
    starts = now_ns - made.durations - rng.integers(0, 10**9, count)
    _put(body, made.starts, starts.astype("<u8").view(np.uint8).reshape(count, 8))
    _put(body, made.ends, (starts + made.durations).astype("<u8").view(np.uint8).reshape(count, 8))
    _put(body, made.guids, HEX[rng.integers(0, 16, (count, 36), np.uint8)])
    return body.tobytes()


def _put(body: np.ndarray, at: np.ndarray, values: np.ndarray) -> None:
    body[at[:, None] + np.arange(values.shape[1])] = values


def templates(seed: int, spans: int) -> list[Template]:
    """Return the templates of one seed."""
    chance = random.Random(seed)
    return [template(chance, spans) for _ in range(TEMPLATES)]


def send(
    port: int, *, seconds: float, spans: int, senders: int, seed: int, rate: float
) -> dict[str, object]:
    """Send for some time from several threads, each waiting for its answer; return the ledger.

    ``rate`` is in spans a second, of all senders; 0 sends as fast as there are answers.
    """
    made = templates(seed, spans)
    until = time.monotonic() + seconds
    waits: list[float] = []
    failures: list[str] = []
    pause_s = senders * spans / rate if rate else 0.0

    def run(number: int) -> None:
        rng = np.random.default_rng([seed, number])
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
            export = channel.unary_unary(METHOD)
            turn = number
            due = time.monotonic() + number * pause_s / senders
            while time.monotonic() < until:
                if rate:
                    time.sleep(max(due - time.monotonic(), 0))
                    due += pause_s
                body = fill(made[turn % len(made)], rng, time.time_ns())
                began = time.perf_counter()
                try:
                    export(body, timeout=60)
                except grpc.RpcError as error:
                    failures.append(f"{error.code().name}: {error.details()}")
                    time.sleep(0.2)
                    continue
                waits.append(time.perf_counter() - began)
                turn += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(senders)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "acked_spans": len(waits) * spans,
        "requests": len(waits),
        "seconds": time.monotonic() - began,
        "ack_ms": [round(wait * 1000, 2) for wait in waits],
        "failures": failures,
        "bytes_per_span": sum(len(one.body) for one in made) / len(made) / spans,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--spans", type=int, default=512)
    parser.add_argument("--senders", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0, help="spans a second; 0: all it takes")
    asked = parser.parse_args()
    print(json.dumps(send(asked.port, seconds=asked.seconds, spans=asked.spans,
                          senders=asked.senders, seed=asked.seed, rate=asked.rate)))  # fmt: skip


if __name__ == "__main__":
    main()
