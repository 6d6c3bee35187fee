"""The conformance checklist of OTLP, and the page that is made of it: docs/conformance.md.

A point has tests whose names begin with its id. M, S and m are MUST, SHOULD and MAY of the OTLP
specification; P is a rule of ours where the specification leaves it open.
Run as a module, it writes the page.
"""

import re
from pathlib import Path
from typing import NamedTuple


class Point(NamedTuple):
    id: str
    level: str
    meaning: str


HERE = Path(__file__).parent
PAGE = HERE.parents[3] / "docs" / "conformance.md"

PARTS = {
    "Common": (
        Point("C01", "M", "Both transports take plain and gzip bodies; HTTP deflate and zstd too"),
        Point("C02", "S", "A request without telemetry succeeds"),
        Point("C03", "M", "Full success leaves `partial_success` unset: no bytes, or `{}`"),
        Point("C04", "M", "What is partly bad succeeds, with the exact count and the reason"),
        Point("C05", "m", "A warning has a count of 0 and a message: times 24 h off"),
        Point("C06", "M", "What was accepted is durable before the reply"),
        Point("C07", "P", "A repeated request is answered, not counted again"),
        Point("C08", "M", "Unknown fields and enum values, and fields of old senders, do no harm"),
        Point("C09", "P", "Profiles are refused cleanly: UNIMPLEMENTED, 404"),
        Point("C10", "P", "Bad ids are rejected one by one; a span without kind is kept"),
        Point("C11", "P", "Odd times are accepted and warned of"),
        Point("C12", "P", "Text that is not UTF-8 makes the request malformed"),
    ),
    "gRPC": (
        Point("G01", "M", "Three services answer `Export` with their own response"),
        Point("G02", "M", "Over the size limit: RESOURCE_EXHAUSTED without RetryInfo, also gzip"),
        Point("G03", "M", "A response stays below 4 MiB, whatever there is to say"),
        Point("G04", "S", "Overload is UNAVAILABLE or RESOURCE_EXHAUSTED, with RetryInfo"),
        Point("G05", "S", "Bad data are INVALID_ARGUMENT with BadRequest"),
        Point("G06", "M", "What could succeed later has a code that senders retry, all else none"),
        Point("G07", "M", "Many calls share a connection; beyond the bound: UNAVAILABLE"),
        Point("G08", "P", "Pings of clients are welcome; connections may be given an age"),
        Point("G09", "M", "TLS and mTLS, with certificates replaced while running"),
        Point("G10", "P", "A wrong bearer token is UNAUTHENTICATED, before the body is read"),
        Point("G11", "S", "grpc.health.v1 tells whether telemetry would be taken"),
        Point("G12", "P", "At the end calls in flight are committed, later ones UNAVAILABLE"),
    ),
    "HTTP": (
        Point("H01", "M", "POST on three paths, which may be others; else 404, 405, 415"),
        Point("H02", "M", "Protobuf and JSON by Content-Type, answered in kind"),
        Point("H03", "M", "gzip in, gzip out when asked; bad gzip 400, unknown encoding 415"),
        Point("H04", "M", "413 over the limit, also after decompression"),
        Point("H05", "M", "Success is 200 with an export response"),
        Point("H06", "M", "Every error has a google.rpc.Status in the encoding of the request"),
        Point("H07", "M", "Undecodable data are 400 with BadRequest"),
        Point("H08", "M", "Only 429 and 503 for what passes, with Retry-After; never 500"),
        Point("H09", "S", "Connections are kept; slow ones are cut"),
        Point("H10", "P", "Sent again after a lost reply, data are not doubled"),
        Point("H11", "P", "CORS for named origins, off by default"),
        Point("H12", "P", "A wrong bearer token is 401 with a Status"),
        Point("H13", "P", "TLS and mTLS, with certificates replaced while running"),
        Point("H14", "m", "HTTP/1.1 is spoken, and who asks for HTTP/2 is told so at once"),
    ),
    "JSON": (
        Point("J01", "M", "Ids are hex in either case, other bytes base64"),
        Point("J02", "M", "Enums are integers; names are refused"),
        Point("J03", "M", "Unknown keys are ignored"),
        Point("J04", "M", "Keys are lowerCamelCase; snake_case is unknown"),
        Point("J05", "M", "64-bit integers are numbers or text, exact; emitted as text"),
        Point("J06", "M", "Doubles may be NaN and infinite"),
        Point("J07", "M", "null is unset"),
        Point("J08", "P", "An empty body is no JSON; `{}` is an empty request"),
        Point("J09", "M", "Values nest; an empty value is null"),
        Point("J10", "P", "Deep nesting is 400, not a crash"),
        Point("J11", "P", "Of equal keys the last counts"),
        Point("J12", "P", "A byte order mark or trailing text is 400"),
        Point("J13", "P", "Lines of JSON are not OTLP/HTTP"),
        Point("J14", "M", "A request is the same in JSON and in protobuf"),
    ),
    "Metrics": (
        Point("X01", "M", "All five types are accepted whole"),
        Point("X02", "M", "Each temporality is accepted"),
        Point("X03", "M", "A point without a recorded value is accepted"),
        Point("X04", "M", "Another start time is a reset: nothing is lost, nothing doubled"),
        Point("X05", "M", "Buckets that do not fit their bounds are rejected by the point"),
        Point("X06", "M", "A scale outside -10..20 is rejected by the point"),
        Point("X07", "M", "Exemplars are accepted"),
        Point("X08", "M", "Resource, scope, name, unit, type and attributes make a stream"),
        Point("X09", "M", "Late and overlapping points are counted, and told of"),
    ),
}
POINTS = tuple(point for part in PARTS.values() for point in part)


def names_of_tests() -> dict[str, list[str]]:
    """Return the names of the tests by the id they begin with."""
    found: dict[str, list[str]] = {}
    for path in sorted(HERE.glob("test_*.py")):
        for name in re.findall(r"^def (test_[a-z]\d\d_\w+)", path.read_text("utf-8"), re.MULTILINE):
            found.setdefault(name[5:8].upper(), []).append(name)
    return found


def page() -> str:
    """Return the text of docs/conformance.md."""
    lines = [
        "# OTLP conformance",
        "",
        "Made by `make generate` from the checklist of the tests. M, S and m are MUST, SHOULD and",
        "MAY of the [OTLP specification](https://opentelemetry.io/docs/specs/otlp/), P is a rule",
        "of ours where it leaves the choice. Each point is held by the tests named beside it, in",
        "`tests/collector/receiver/conformance/`, which drive real servers over real sockets.",
    ]
    named = names_of_tests()
    for title, points in PARTS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| id | level | what | tests |",
            "| --- | --- | --- | --- |",
        ]
        for point in points:
            names = "<br>".join(f"`{name[5:]}`" for name in named[point.id])
            lines.append(f"| {point.id} | {point.level} | {point.meaning} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
