"""Laws of redaction over whole batches: nothing planted survives, nothing clean is touched."""

from dataclasses import fields, is_dataclass

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.otlp.logs import decode_logs
from collector.otlp.metrics import decode_metrics
from collector.otlp.traces import decode_traces
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from tests.collector.exports import ENVOY, T0, put_attributes
from tests.collector.redaction.secrets import CLEAN, PLANTED

REDACTOR = Redactor(Policy())
HASHING = Redactor(Policy(salt="a salt of sixteen"))
SLOW = Redactor(Policy(patterns={"never": "a^"}))
"""Looks at every row: the naive twin of the one that looks at suspects."""


def words(value):
    """Every text of a batch, wherever it stands."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, pa.Table):
        for column in value.columns:
            yield from words(column.to_pylist())
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from words(item)
    elif isinstance(value, dict):
        yield from words([*value.keys(), *value.values()])
    elif is_dataclass(value):
        for field in fields(value):
            yield from words(getattr(value, field.name))


def decoded(value):
    """Every text of a batch with all JSON taken apart, so that no escape hides a secret."""
    for text in words(value):
        yield text
        if text[:1] in {"{", "["}:
            try:
                yield from decoded(orjson.loads(text))
            except orjson.JSONDecodeError:
                continue


def spans_with(texts):
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    put_attributes(resource.resource.attributes, {"service.name": "cart", "note": texts[0]})
    for text in texts:
        span = resource.scope_spans.add().spans.add(
            trace_id=b"\1" * 16, span_id=b"\2" * 8, start_time_unix_nano=T0, end_time_unix_nano=T0,
            name=text, trace_state=text,
        )  # fmt: skip
        put_attributes(span.attributes, {"plain": text, text: "x", "n": 1})
        span.attributes.add(key="list").value.array_value.values.add(string_value=text)
        nested = span.attributes.add(key="nested").value.kvlist_value.values.add(key="k")
        nested.value.string_value = text
        put_attributes(span.events.add(name=text, time_unix_nano=T0).attributes, {"e": text})
        link = span.links.add(trace_id=b"\3" * 16, span_id=b"\4" * 8, trace_state=text)
        put_attributes(link.attributes, {"l": text})
    return decode_traces(request.SerializeToString())


def logs_with(texts):
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    put_attributes(resource.resource.attributes, {"service.name": texts[0]})
    for text in texts:
        record = resource.scope_logs.add().log_records.add(time_unix_nano=T0)
        record.body.string_value = text
        put_attributes(record.attributes, {"a": text})
    return decode_logs(request.SerializeToString())


def metrics_with(texts):
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    put_attributes(resource.resource.attributes, {"service.name": "cart"})
    scope = resource.scope_metrics.add()
    scope.scope.name = texts[0]
    for text in texts:
        metric = scope.metrics.add(name=text, unit=text, description=text)
        point = metric.gauge.data_points.add(time_unix_nano=T0, as_int=1)
        put_attributes(point.attributes, {"a": text})
        exemplar = point.exemplars.add(time_unix_nano=T0, as_int=1)
        put_attributes(exemplar.filtered_attributes, {"f": text})
    return decode_metrics(request.SerializeToString())


BATCHES = (spans_with, logs_with, metrics_with)


@pytest.mark.parametrize("batch_of", BATCHES)
@settings(deadline=None, max_examples=25)
@given(planted=st.lists(PLANTED, min_size=1, max_size=3), clean=CLEAN)
def test_no_planted_secret_survives_anywhere(batch_of, planted, clean):
    texts = [clean, *(text for _, text in planted)]
    redacted = REDACTOR.redact(batch_of(texts))

    left = [text for secret, _ in planted for text in decoded(redacted.batch) if secret in text]
    assert left == []
    assert sum(redacted.masked.values()) > 0


@pytest.mark.parametrize("batch_of", BATCHES)
@settings(deadline=None, max_examples=25)
@given(texts=st.lists(CLEAN, min_size=1, max_size=4))
def test_a_clean_batch_is_the_very_same_one(batch_of, texts):
    batch = batch_of(texts)
    redacted = REDACTOR.redact(batch)

    assert redacted.batch is batch
    assert redacted.masked == {}


@pytest.mark.parametrize("redactor", [REDACTOR, HASHING], ids=["mask", "hash"])
@settings(deadline=None, max_examples=25)
@given(planted=PLANTED, other=PLANTED)
def test_twice_is_once(redactor, planted, other):
    once = redactor.redact(spans_with([planted[1], planted[1] + other[1]])).batch
    again = redactor.redact(once)

    assert again.batch is once
    assert again.masked == {}


@settings(deadline=None, max_examples=25)
@given(texts=st.lists(st.one_of(CLEAN, PLANTED.map(lambda pair: pair[1])), min_size=1, max_size=5))
def test_a_look_at_the_suspects_finds_what_a_look_at_all_finds(texts):
    batch = spans_with(texts)

    assert list(words(REDACTOR.redact(batch).batch)) == list(words(SLOW.redact(batch).batch))


@settings(deadline=None, max_examples=25)
@given(texts=st.lists(st.one_of(st.text(), PLANTED.map(lambda pair: pair[1])), min_size=1))
def test_valid_json_stays_valid_and_rows_stay_where_they_are(texts):
    before = spans_with(texts)
    after = REDACTOR.redact(before).batch

    assert after.spans.schema == before.spans.schema
    assert len(after.spans) == len(before.spans)
    for column in ("attributes", "events", "links"):
        for text in after.spans[column].to_pylist():
            orjson.loads(text)
    assert [one.service for one in after.resources] == ["cart"]


@pytest.mark.parametrize("path", sorted(ENVOY.glob("*.pb")), ids=lambda path: path.stem)
def test_what_envoy_sends_by_itself_has_no_secrets(path):
    decode = next(one for name, one in
                  (("traces", decode_traces), ("metrics", decode_metrics), ("logs", decode_logs))
                  if f"__{name}__" in path.name)  # fmt: skip
    batch = decode(path.read_bytes())

    assert REDACTOR.redact(batch).batch is batch


def test_counts_are_by_the_service_of_the_row_and_by_kind():
    request = ExportLogsServiceRequest()
    for service, body in (("cart", "bob@example.com and eve@example.com"), ("pay", "password=x1")):
        resource = request.resource_logs.add()
        put_attributes(resource.resource.attributes, {"service.name": service})
        record = resource.scope_logs.add().log_records.add(time_unix_nano=T0)
        record.body.string_value = body
    redacted = REDACTOR.redact(decode_logs(request.SerializeToString()))

    assert redacted.masked == {("cart", "email"): 2, ("pay", "credential"): 1}
    assert redacted.batch.logs["body"].to_pylist() == [
        "[redacted:email] and [redacted:email]",
        "password=[redacted:credential]",
    ]


def test_a_hash_joins_equal_secrets_and_parts_others():
    batch = HASHING.redact(logs_with(["to bob@example.com", "cc bob@example.com", "eve@a.org"]))
    first, second, third = batch.batch.logs["body"].to_pylist()

    assert first.removeprefix("to ") == second.removeprefix("cc ")
    assert third not in first


def test_every_layout_of_text_that_arrow_knows_is_looked_at():
    batch = logs_with(["x", "bob@example.com", "y"])
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        place = batch.logs.schema.get_field_index("body")
        logs = batch.logs.set_column(place, "body", batch.logs["body"].cast(kind))
        after = REDACTOR.redact(type(batch)(**{
            field.name: getattr(batch, field.name) for field in fields(batch)
        } | {"logs": logs})).batch.logs["body"]  # fmt: skip

        assert after.type == kind
        assert after.to_pylist() == ["x", "[redacted:email]", "y"]
