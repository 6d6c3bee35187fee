"""Bodies that no honest sender makes, from requests that a real Envoy sent.

``CORPUS`` names each kind of trouble once; ``mutated`` makes more of them from a seed.
"""

import gzip
import json
import math
import random
import zlib
from typing import NamedTuple

from backports import zstd
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.receiver.export import SIGNALS
from tests.collector.exports import T0, envoy, span_request
from tests.collector.otlp.test_json_mapping import as_otlp_json
from tests.collector.otlp.test_malformed_signals import bomb
from tests.collector.receiver.conformance.rig import json_request, json_span, log_request

MIB = 2**20
FIXTURES = {
    "traces": envoy("A-16-canary-20pct__traces"),
    "metrics": envoy("A-16-canary-20pct__metrics__fe"),
    "logs": envoy("A-05-timeout__logs"),
}
JSON_FIXTURES = {
    name: as_otlp_json(SIGNALS[name].request_type, body).encode() for name, body in FIXTURES.items()
}
PIECES = (b"", b"\xff", b"\x00", b"\xf0\x9f", b"\x0a\xff\xff\xff\xff\x0f", b"\x80" * 11, b"{", b'"',
          b"\\ud800", b"NaN", b"1e999", b"-1", b"null", b"[" * 40, b"9" * 400)  # fmt: skip


class Hostile(NamedTuple):
    """A body and how it is sent; ``is_json`` goes over HTTP alone."""

    name: str
    signal: str
    body: bytes
    is_json: bool = False
    encoding: str = ""


def mutated(signal: str, seed: int, *, is_json: bool = False) -> Hostile:
    """Return a fixture cut, with bits flipped, pieces put in, or a part of itself repeated."""
    chance = random.Random(seed)
    body = bytearray((JSON_FIXTURES if is_json else FIXTURES)[signal])
    if chance.random() < 0.4:
        del body[chance.randrange(len(body)) :]
    for _ in range(chance.randrange(5)):
        if not body:
            break
        at = chance.randrange(len(body))
        match chance.randrange(4):
            case 0:
                body[at] ^= 1 << chance.randrange(8)
            case 1:
                body[at : at + chance.randrange(9)] = chance.choice(PIECES)
            case 2:
                end = at + chance.randrange(200)
                body[at:at] = body[at:end]
            case _:
                body[at : at + 8] = chance.randbytes(8)
    return Hostile(f"{signal} {seed}", signal, bytes(body), is_json)


def _numbers(value: float) -> bytes:
    request = ExportMetricsServiceRequest()
    found = request.resource_metrics.add().scope_metrics.add().metrics
    times = {"time_unix_nano": T0, "start_time_unix_nano": T0 - 10**9}
    found.add(name="gauge").gauge.data_points.add(**times, as_double=value)
    total = found.add(name="sum").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    total.data_points.add(**times, as_double=value)
    found.add(name="histogram").histogram.data_points.add(
        **times, count=2, sum=value, min=value, explicit_bounds=[value], bucket_counts=[1, 1]
    )
    found.add(name="exp").exponential_histogram.data_points.add(
        **times, count=1, sum=value, scale=0, zero_threshold=value
    )
    summary = found.add(name="summary").summary.data_points.add(**times, count=1, sum=value)
    summary.quantile_values.add(quantile=value, value=value)
    return request.SerializeToString()


def _nested_json(levels: int) -> bytes:
    value = '{"arrayValue":{"values":[' * levels + "{}" + "]}}" * levels
    return json_request(json_span(attributes=[{"key": "a", "value": "@"}])).replace(
        b'"@"', value.encode()
    )


def _times(time_ns: int) -> list[Hostile]:
    span = span_request(start_time_unix_nano=time_ns, end_time_unix_nano=time_ns // 2)
    text = json_request(json_span(startTimeUnixNano=str(time_ns), endTimeUnixNano=time_ns))
    return [
        Hostile(f"span at {time_ns}", "traces", span),
        Hostile(f"log at {time_ns}", "logs", log_request(time_unix_nano=time_ns)),
        Hostile(f"json at {time_ns}", "traces", text, is_json=True),
    ]


def _halves() -> list[Hostile]:
    bodies = [(name, body, False) for name, body in FIXTURES.items()]
    bodies += [(name, body, True) for name, body in JSON_FIXTURES.items()]
    return [
        Hostile(f"half of {name}, JSON: {is_json}", name, body[: len(body) // 2], is_json)
        for name, body, is_json in bodies
    ]


def _texts() -> list[Hostile]:
    name = span_request(name="bad bad").replace(b"bad bad", b"\xff\xc0bad\xfe!")
    severity = log_request(severity_text="bad!").replace(b"bad!", b"\xed\xa0\x80!")
    huge = [{"key": "k", "value": {"stringValue": "x" * 10 * MIB}}]
    return [
        Hostile("a name not UTF-8", "traces", name),
        Hostile("a severity not UTF-8", "logs", severity),
        Hostile("10 MB attribute", "traces", span_request({"huge": "x" * 10 * MIB})),
        Hostile("10 MB name", "traces", span_request(name="n" * 10 * MIB)),
        Hostile("10 MB secret", "traces", span_request({"a": "Bearer " + "=" * 10 * MIB})),
        Hostile("10 MB of at signs", "traces", span_request({"a": "a@" * 5 * MIB})),
        Hostile("5000 attributes", "traces", span_request({f"key {n}": n for n in range(5000)})),
        Hostile("10 MB in JSON", "traces", json_request(json_span(attributes=huge)), is_json=True),
    ]


def _bombs() -> list[Hostile]:
    zeros = bytes(65 * MIB)
    packed = {
        "gzip": gzip.compress(zeros),
        "deflate": zlib.compress(zeros),
        "zstd": zstd.compress(zeros),
    }
    return [
        *(Hostile(f"{how} bomb", "traces", body, encoding=how) for how, body in packed.items()),
        Hostile("gzip of gzip", "traces", gzip.compress(packed["gzip"]), encoding="gzip"),
        Hostile("no gzip", "traces", FIXTURES["traces"], encoding="gzip"),
        Hostile("half a gzip", "traces", packed["gzip"][:-9], encoding="gzip"),
        *(Hostile(f"a log nested {depth} deep", "logs", bomb(depth)) for depth in (40, 99, 5000)),
        *(
            Hostile(f"JSON nested {depth} deep", "traces", _nested_json(depth), is_json=True)
            for depth in (45, 46, 1000, 100_000)
        ),
        Hostile("brackets without end", "traces", b"[" * MIB, is_json=True),
    ]


def _ids() -> list[Hostile]:
    sizes = (0, 1, 7, 15, 17, 4096)
    names = ("trace_id", "span_id", "parent_span_id")
    none = json_request(json_span(traceId="", spanId=""))
    return [
        *(
            Hostile(f"ids of {n} bytes", "traces", span_request(**dict.fromkeys(names, b"\1" * n)))
            for n in sizes
        ),
        Hostile("ids without digits", "traces", none, is_json=True),
    ]


def corpus() -> list[Hostile]:
    """Return each kind of trouble once."""
    ends_of_time = (0, 1, 10**9, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
    odd = (math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308)
    odd_json = ('"NaN"', '"Infinity"', "1e999", "NaN", "-0", '"1e400"')
    return [
        *_halves(),
        *_texts(),
        *_bombs(),
        *_ids(),
        *(one for time_ns in ends_of_time for one in _times(time_ns)),
        *(Hostile(f"numbers that are {one}", "metrics", _numbers(one)) for one in odd),
        *(
            Hostile(f"JSON of {one}", "metrics", _json_number(one), is_json=True)
            for one in odd_json
        ),
        Hostile("a length beyond the end", "traces", b"\x0a\xff\xff\xff\xff\x07" + b"x" * 9),
        Hostile("a varint without end", "metrics", b"\x80" * 4096),
        Hostile("a group without end", "logs", b"\x0b" * 4096),
        Hostile("text", "traces", b"GET / HTTP/1.1\r\n\r\n"),
        Hostile("empty JSON", "traces", b"", is_json=True),
    ]


def _json_number(text: str) -> bytes:
    point = {"timeUnixNano": str(T0), "asDouble": "@"}
    metrics = [{"name": "m", "gauge": {"dataPoints": [point]}}]
    document = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}
    return json.dumps(document).replace('"@"', text).encode()
