"""A search finds the newest traces that match, wherever their spans lie."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.store.span_conditions import All, AnyOf, Comparison, Field
from collector.store.traces import traces
from collector.traces import query as fields
from collector.traces.evaluate import matched
from collector.traces.query import Aggregate, Both, Either, Query, SpansWhere
from collector.traces.search import Search, search
from collector.traces.trace import split
from collector.traces.traceql import parse
from tests.collector.exports import ENVOY, T0
from tests.collector.inbox import Inbox
from tests.collector.spans import HOUR, put_spans, seal, span

MINUTE = 60 * 10**9
MS = 1_000_000


@pytest.fixture
def store(sealable):
    sealable.cursor().execute("INSERT INTO strings VALUES (3, 'POST /')")
    sealable.cursor().execute(
        "UPDATE resources SET attributes = '{\"zone\":\"z' || resource_id || '\"}'"
    )
    return sealable


def ids(answer):
    return [hit.trace.trace_hi for hit in answer.found]


def found(store, text, **options):
    return ids(search(store, parse(text), **options))


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("{}", [3, 2, 1]),
        ('{ resource.service.name = "cart" }', [2, 1]),
        ('{ resource.zone =~ "z[12]" && kind = client }', [1]),
        ('{ name = "POST /" }', [3]),
        ('{ name != "GET /" }', [3]),
        ("{ duration >= 5ms }", [2]),
        ("{ traceDuration > 1s }", [1]),
        ('{ rootName = "POST /" }', [3]),
        ('{ rootServiceName = "frontend" && resource.service.name = "cart" }', [1]),
        ("{ status = error }", [3]),
        ("{ span.n = 3 }", [3]),
        ('{ span.n = "3" }', [3]),
        ("{ span.n > 1.5 }", [3, 2]),
        ("{ span.code >= 500 }", [3]),
        ("{ .flag }", [2]),
        ("{ span.flag = false }", [3]),
        ("{ span.code = nil && span.n = nil }", [1]),
        ("{ span.zone != nil }", []),
        ("{ .zone != nil }", [3, 2, 1]),
        ('{ .zone = "z0" }', [3, 1]),
        ("{ span.n = 1 } && { kind = client }", [1]),
        ("{ span.n = 2 } && { kind = client }", []),
        ("{ span.n = 2 } || { kind = client }", [2, 1]),
        ("{} | count() > 1", [1]),
        ("{ span.n = 1 } | count() > 1", []),
        ("{} | max(duration) > 4ms", [2]),
        ("{} | sum(span.n) >= 3 | select(name)", [3]),
        ("{} | avg(span.nothing) < 5", []),
        ("{} | { kind = client }", [1]),
    ],
)
def test_each_question_is_answered(store, text, numbers, is_sealed):
    put_spans(
        store,
        [
            span(1, number=0, attributes={"n": 1}),
            span(1, number=1, at_ns=2 * 10**9, service=1, kind=3, parent_id=1001),
            span(2, at_ns=MINUTE, service=1, duration_ns=5 * MS, attributes={"n": 2, "flag": True}),
            span(3, at_ns=2 * MINUTE, name_id=3, status=2)
            | {"attributes": '{"code":"503","flag":false,"n":3}'},
        ],
    )
    if is_sealed:
        seal(store)

    assert found(store, text) == numbers


def test_time_and_limit_choose_by_the_span_that_matches(store):
    put_spans(
        store,
        [
            span(n, number=k, at_ns=(n + 10 * k) * MINUTE, service=k)
            for n in range(1, 6)
            for k in (0, 1)
        ],
    )

    assert found(store, "{}", limit=2) == [5, 4]
    assert found(store, "{}", to_ns=T0 + 4 * MINUTE) == [3, 2, 1]
    late = '{ resource.service.name = "cart" }'
    assert found(store, late, from_ns=T0 + 13 * MINUTE, to_ns=T0 + 15 * MINUTE) == [4, 3]


def test_a_search_for_what_sql_cannot_ask_ends_and_says_so(store):
    put_spans(store, [span(n, at_ns=n * 10**9) for n in range(1, 41)])

    answer = search(store, parse("{ traceDuration > 1h }"), limit=2, most=10)

    assert (answer.found, answer.looked_at, answer.is_complete) == ([], 10, False)


def test_an_answer_of_too_many_spans_ends_with_its_newest_traces_and_says_so(store):
    put_spans(store, [span(n, number=k, at_ns=n * 10**9) for n in range(1, 41) for k in range(3)])

    answer = search(store, parse("{}"), limit=40, most_spans=5)

    assert 2 <= len(answer.found) < 40
    assert ids(answer) == list(range(40, 40 - len(answer.found), -1))
    assert not answer.is_complete


@pytest.fixture
def shop(store):
    """Return a store of what a real Envoy sent, of all cases."""
    store.cursor().execute("DELETE FROM resources; DELETE FROM strings")
    inbox = Inbox(store)
    for path in sorted((ENVOY / "edges").glob("A-*traces*.pb")):
        inbox.take_spans(path.read_bytes())
    return store


@pytest.mark.parametrize(
    ("form", "traces_found", "spans_found"),
    [
        (Search(source="frontend", destination="backend"), 12, 41),
        (Search(destination="backend", is_error=True), 9, 24),
        (Search(source="backend"), 0, 0),
        (Search(source="frontend", destination="backend", route="be-cb"), 6, 12),
        (Search(service="frontend", name="mirror"), 1, 1),
        (Search(service="backend", tags={"service.version": "v2"}), 1, 2),
        (Search(tags={"http.status_code": "504"}), 1, 1),
        (Search(min_duration_ns=200 * MS, max_duration_ns=250 * MS, kind="server"), 1, 2),
    ],
)
def test_a_form_finds_the_traces_of_real_calls(shop, form, traces_found, spans_found):
    answer = search(shop, form.query())

    assert len(answer.found) == traces_found
    assert sum(len(hit.spans) for hit in answer.found) == spans_found


def test_a_form_counts_the_spans_that_the_proxies_sent(shop):
    sent = [
        ExportTraceServiceRequest.FromString(path.read_bytes())
        for path in (ENVOY / "edges").glob("A-*traces*.pb")
    ]
    failed = [
        span
        for request in sent
        for resource in request.resource_spans
        if any(pair.value.string_value == "frontend" for pair in resource.resource.attributes)
        for scope in resource.scope_spans
        for span in scope.spans
        if span.status.code == span.status.STATUS_CODE_ERROR
    ]
    answer = search(shop, Search(service="frontend", status="error").query())

    assert sum(len(hit.spans) for hit in answer.found) == len(failed) > 0
    assert len(answer.found) == len({span.trace_id for span in failed})


KEYS = ("a", "b.c", "zone")
TEXTS = st.sampled_from(["", "1", "z1", "true", 'x"y', "10.0"])
VALUES = TEXTS | st.integers(-2, 12) | st.booleans() | st.sampled_from([0.5, 10.0])
FIELDS = st.builds(Field, st.sampled_from(["span", "resource", "any"]), st.sampled_from(KEYS))
COMPARED = st.sampled_from(["=", "!=", ">", ">=", "<", "<="])
COMPARISONS = (
    st.builds(Comparison, FIELDS, COMPARED, VALUES)
    | st.builds(Comparison, FIELDS, st.sampled_from(["=", "!="]), st.none())
    | st.builds(Comparison, FIELDS | st.just(fields.NAME), st.sampled_from(["=~", "!~"]),
                st.sampled_from(["z.*", "1|true", "(?i)get.*", ""]))
    | st.builds(Comparison, st.just(fields.DURATION), COMPARED, st.integers(1, 4))
    | st.builds(Comparison, st.just(fields.TRACE_DURATION), COMPARED, st.integers(1, MINUTE))
    | st.builds(Comparison, st.just(fields.KIND), st.sampled_from(["=", "!="]),
                st.sampled_from(["server", "client"]))
    | st.builds(Comparison, st.just(fields.ROOT_SERVICE), st.just("="), st.just("cart"))
)  # fmt: skip
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda part: (
        st.builds(All, st.lists(part, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(part, max_size=3).map(tuple))
    ),
    max_leaves=5,
)
SETS = st.recursive(
    st.builds(SpansWhere, CONDITIONS),
    lambda part: st.builds(Both, part, part) | st.builds(Either, part, part),
    max_leaves=3,
)
STAGES = st.builds(Aggregate, st.just("count"), st.none(), COMPARED, st.integers(0, 3))
QUERIES = st.builds(Query, SETS, st.lists(STAGES, max_size=1).map(tuple))
SPANS = st.lists(
    st.fixed_dictionaries(
        {
            "trace": st.integers(1, 6),
            "at_ns": st.integers(0, 3 * HOUR),
            "service": st.integers(0, 2),
            "kind": st.sampled_from([2, 3]),
            "duration_ns": st.integers(0, 5),
            "attributes": st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
        }
    ),
    min_size=1,
    max_size=15,
    unique_by=lambda one: one["at_ns"],
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(SPANS, QUERIES, st.integers(1, 4), st.booleans())
def test_a_search_says_what_looking_at_every_trace_says(store, clock, drawn, query, limit, sealed):
    store.cursor().execute("DELETE FROM spans; DELETE FROM sealed_files; DELETE FROM trace_index")
    clock.now_ns = T0 + 2 * HOUR + 1000 * 10**9
    rows = [
        span(**one, number=number, parent_id=None if number % 3 else 5)
        for number, one in enumerate(drawn)
    ]
    put_spans(store, rows)
    if sealed:
        seal(store)

    every = split(traces(store, [(number, 77) for number in range(1, 7)]))
    expected = {trace.trace_hi: spans for trace in every if (spans := matched(query, trace))}
    answer = search(store, query, limit=limit)

    assert {hit.trace.trace_hi: hit.spans for hit in answer.found}.items() <= expected.items()
    assert len(answer.found) == min(limit, len(expected))
    if isinstance(query.spans, SpansWhere):
        newest = {
            number: max(
                (row["start_ns"] for row in rows if row["trace_hi"] == number),
            )
            for number in expected
        }
        if query.spans.condition == All():
            order = sorted(newest, key=newest.get, reverse=True)
            assert ids(answer) == order[:limit]
