"""Our own API of traces: search, and one trace with its tree, self times and critical path."""

import pytest

from collector.sampling import UNSAMPLED
from dashboards.web.app import create_app
from tests.collector.exports import ENVOY, ENVOY_TIME_NS, T0
from tests.collector.inbox import Inbox
from tests.collector.spans import HOUR, put_names, put_spans, seal, span
from tests.collector.store.conftest import clock, sealable
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.visitor import Visitor

__all__ = ["clock", "sealable"]

MS = 1_000_000
ENVOY_RANGE = "from=1795405000&to=1795406000"
TRACE = f"{1:016x}{77:016x}"


@pytest.fixture
def envoy(empty_store):
    inbox = Inbox(empty_store)
    for path in sorted((ENVOY / "edges").glob("A-*traces*.pb")):
        inbox.take_spans(path.read_bytes())
    return Visitor(create_app(deps(empty_store)))


def checkout(*, skew_ns=0):
    """Return a trace: a frontend's request, two calls one after the other, the first answered."""
    return [
        span(1, number=0, duration_ns=20 * MS, attributes={"user": "ann"}),
        span(1, number=1, at_ns=2 * MS, duration_ns=10 * MS, kind=3, parent_id=1001),
        span(1, number=2, at_ns=4 * MS + skew_ns, duration_ns=6 * MS, service=1, parent_id=1002),
        span(1, number=3, at_ns=13 * MS, duration_ns=4 * MS, kind=3, parent_id=1001),
        span(1, number=4, at_ns=14 * MS, service=2, parent_id=9),
    ]


@pytest.fixture
def client(sealable):
    return Visitor(create_app(deps(sealable)))


def test_a_trace_comes_in_the_order_of_its_tree_with_what_it_waited_for(client, sealable):
    put_spans(sealable, checkout())
    found = client.get(f"/api/traces/{TRACE}").json()

    assert [row["span_id"] for row in found["spans"]] == [
        f"{number:016x}" for number in (1001, 1002, 1003, 1004, 1005)
    ]
    assert [row["depth"] for row in found["spans"]] == [0, 1, 2, 1, 0]
    assert [row["parent"] for row in found["spans"]] == [None, 0, 1, 0, None]
    assert [row["self_ns"] // MS for row in found["spans"]] == [6, 4, 6, 4, 1]
    assert [row["critical_ns"] // MS for row in found["spans"]] == [6, 4, 6, 4, 0]
    assert found["roots"] == [0, 4]
    assert found["spans"][4]["warnings"] == ["the parent span is missing"]
    assert found["spans"][0]["attributes"] == {"user": "ann"}
    assert [(one["row"], one["from_ns"] // MS, one["to_ns"] // MS)
            for one in found["critical_path"]] == [
        (0, 0, 2), (1, 2, 4), (2, 4, 10), (1, 10, 12), (0, 12, 13), (3, 13, 17), (0, 17, 20),
    ]  # fmt: skip
    assert found["line"] | {"matched": []} == {
        "trace_id": TRACE,
        "root_service": "frontend",
        "root_name": "GET /",
        "start_us": T0 // 1000,
        "duration_ns": 20 * MS,
        "spans": 5,
        "errors": 0,
        "services": {"cart": 1, "frontend": 3, "payment": 1},
        "keep_reason": None,
        "matched": [],
    }


def test_a_sealed_trace_is_the_same_and_says_why_it_was_kept(client, sealable):
    put_spans(sealable, checkout())
    hot = client.get(f"/api/traces/{TRACE}").json()
    seal(sealable)
    sealed = client.get(f"/api/traces/{TRACE}").json()

    assert (sealed["line"].pop("keep_reason"), sealed.pop("keep_ratio")) == (UNSAMPLED, 1.0)
    assert (hot["line"].pop("keep_reason"), hot.pop("keep_ratio")) == (None, None)
    assert sealed == hot


def test_clock_skew_is_mended_or_left_as_asked(client, sealable):
    put_spans(sealable, checkout(skew_ns=-50 * MS))
    mended = client.get(f"/api/traces/{TRACE}").json()["spans"][2]
    left = client.get(f"/api/traces/{TRACE}?skew=false").json()
    server = Visitor(create_app(deps(sealable, max_skew_ns=0)))

    assert mended["moved_ns"] == 50 * MS
    assert mended["warnings"] == ["clock skew: the span was moved by +50.000 ms"]
    assert all(row["moved_ns"] == 0 for row in left["spans"])
    assert server.get(f"/api/traces/{TRACE}").json() == left


def test_attributes_can_be_left_out(client, sealable):
    put_spans(sealable, checkout())
    found = client.get(f"/api/traces/{TRACE}?attributes=false").json()

    assert {row["attributes"] for row in found["spans"]} == {None}


def test_a_trace_of_20_000_spans_comes_whole(client, sealable):
    count = 20_000
    put_spans(
        sealable,
        [
            span(
                1,
                number=number,
                at_ns=number * 1000,
                service=number % 3,
                kind=2 + number % 2,
                duration_ns=(count - number) * 2000,
                parent_id=None if not number else 1001 + (number - 1) // (1 + number % 7),
            )
            for number in range(count)
        ],
    )
    found = client.get(f"/api/traces/{TRACE}?attributes=false").json()

    assert len(found["spans"]) == found["line"]["spans"] == count
    assert sum(row["critical_ns"] for row in found["spans"]) == count * 2000
    assert len(client.get(f"/jaeger/api/traces/{TRACE}").json()["data"][0]["spans"]) == count
    batches = client.get(f"/tempo/api/traces/{TRACE}").json()["batches"]
    assert sum(len(batch["scopeSpans"][0]["spans"]) for batch in batches) == count


@pytest.mark.parametrize(
    ("asked", "traces", "matched"),
    [
        ("", 12, 52),
        ("source=frontend&destination=backend", 12, 41),
        ("source=frontend&destination=backend&error=true", 9, 24),
        ("service=backend", 7, 23),
        ("service=frontend&route=be-retry-503", 1, 4),
        ("service=backend&kind=server", 7, 12),
        ("min_duration=200ms&service=backend", 2, 4),
        ("tags=x-case%3Dmirror", 1, 6),
        ("q=%7Bname%3D%22mirror%22%7D", 1, 1),
    ],
)
def test_a_search_finds_the_traces_behind_an_edge(envoy, asked, traces, matched):
    found = envoy.get(f"/api/traces?{ENVOY_RANGE}&{asked}").json()

    assert len(found["traces"]) == traces
    assert sum(len(line["matched"]) for line in found["traces"]) == matched
    assert found["is_complete"] is True


def test_sealing_changes_no_answer(sealable, clock):
    sealable.cursor().execute("DELETE FROM resources; DELETE FROM strings")
    clock.now_ns = ENVOY_TIME_NS + 3 * HOUR
    inbox = Inbox(sealable)
    for path in sorted((ENVOY / "edges").glob("A-*traces*.pb")):
        inbox.take_spans(path.read_bytes())
    client = Visitor(create_app(deps(sealable)))
    (line,) = client.get(f"/api/traces?{ENVOY_RANGE}&name=mirror").json()["traces"]
    asked = [
        "/jaeger/api/services",
        "/jaeger/api/operations?service=backend",
        "/jaeger/api/traces?service=frontend",
        "/jaeger/api/traces?service=backend&tags=http.status_code%3D503",
        f"/jaeger/api/traces/{line['trace_id']}",
        f"/tempo/api/traces/{line['trace_id']}",
        f"/tempo/api/v2/traces/{line['trace_id']}",
        "/tempo/api/search?q=%7Bspan.http.status_code%3E%3D500%7D%7Ccount()%3E1",
        "/tempo/api/search?tags=component%3Dprox",
        "/tempo/api/v2/search/tags",
        "/tempo/api/v2/search/tag/span.http.url/values",
        "/tempo/api/v2/search/tag/name/values",
        f"/api/traces/{line['trace_id']}?attributes=false&skew=false",
    ]
    hot = [client.get(path).json() for path in asked]
    assert seal(sealable) == 1
    sealed = [client.get(path).json() for path in asked]
    for answer in (hot[-1], sealed[-1]):
        del answer["line"]["keep_reason"], answer["keep_ratio"]

    assert sealed == hot


def test_only_the_range_is_searched(envoy):
    assert envoy.get("/api/traces").json()["traces"] == []
    early = envoy.get("/api/traces?from=1795405710&to=1795405720").json()["traces"]
    assert [line["start_us"] // 1_000_000 for line in early] == [1795405719, 1795405719]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/1", 404, "There is no trace 1."),
        ("/x", 400, "a trace id is 1 to 32 hexadecimal digits"),
        ("?min_duration=5", 400, "parameter 'min_duration' is a duration such as 1.2ms, got '5'"),
        ("?q={", 400, "TraceQL, at character 2: expected a field or a value, got the end"),
        ("?tags=x", 400, "parameter 'tags' is a JSON object or key=value"),
        ("?limit=0", 400, "limit: "),
        ("?from=x", 400, "from=x: expected now"),
    ],
)
def test_mistakes_are_named(client, path, status, message):
    answer = client.get(f"/api/traces{path}")

    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)


def test_a_span_that_came_twice_is_shown_once_and_told(client, sealable):
    put_spans(sealable, [*checkout(), *checkout()])
    found = client.get(f"/api/traces/{TRACE}").json()

    assert (len(found["spans"]), found["copies"]) == (5, 5)
    (jaeger,) = client.get(f"/jaeger/api/traces/{TRACE}").json()["data"]
    assert jaeger["warnings"] == ["5 spans came more than once; each is shown once"]


def test_names_that_nobody_knows_any_more_are_empty(empty_store):
    put_names(empty_store)
    put_spans(empty_store, [span(1, name_id=404, service=99)])
    client = Visitor(create_app(deps(empty_store)))

    (row,) = client.get(f"/api/traces/{TRACE}").json()["spans"]
    assert row["name"] == ""
    assert client.get(f"/jaeger/api/traces/{TRACE}").json()["data"][0]["processes"]["p1"]
    assert client.get(f"/tempo/api/traces/{TRACE}").status_code == 200
