"""ExportTraceServiceRequest -> a Batch of spans.

Never samples, never joins spans. A span with a bad id or time is left out and counted, its
neighbours stay. The compiled scanner does what it is sure of; the reference decoder does the rest,
and all of it until the scanner is compiled. Both give the same batch.
Spec: https://opentelemetry.io/docs/specs/otlp/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from collector.otlp.batch import Batch, BatchBuilder, Resource
from collector.otlp.errors import MalformedPayload
from collector.otlp.scan.engine import ENGINE
from collector.otlp.scan.requests import Scanned, Telling, scan_bodies
from collector.otlp.span_errors import is_span_error
from collector.otlp.span_parts import KNOWN_PARTS, spans_request
from collector.otlp.span_table import span_table, with_others
from collector.otlp.spans_reference import (
    BAD_ID,
    BAD_TIME,
    decode_traces_by_reference,
    id_numbers,
)

__all__ = ["decode_traces", "id_numbers", "is_span_error"]

_NOTHING: Final = BatchBuilder().build(0)


@dataclass(frozen=True, slots=True)
class DecodedTogether:
    """Requests as one batch. Lists have an item for each request; its rows follow those before.

    ``rejections`` are how many spans were left out, and why; ``resources`` are ResourceSpans.
    """

    batch: Batch
    rows: tuple[int, ...]
    resources: tuple[int, ...]
    rejections: tuple[tuple[int, str], ...]


def decode_traces(body: bytes) -> Batch:
    """Decode one request; raise MalformedPayload when it is none."""
    scan = ENGINE.scan()
    found = None if scan is None else scan_bodies(scan, [body])
    try:
        batch = None if found is None or found.is_unknown(0) else _batch(found, len(body))
    except MalformedPayload:
        batch = None  # the reference says it of the whole request, in one voice
    return decode_traces_by_reference(body) if batch is None else batch


def decode_traces_together(bodies: Sequence[bytes]) -> DecodedTogether | None:
    """Decode requests by one call of the scanner; None when any has to be decoded by itself."""
    scan = ENGINE.scan()
    if scan is None:
        return None
    found = scan_bodies(scan, bodies)
    tellings = [found.tellings(place) for place in range(len(bodies))]
    if any(telling.verdict < 0 for telling in tellings):
        return None
    try:
        batch = _batch(found, sum(map(len, bodies)))
    except MalformedPayload:
        return None
    if batch is None:
        return None
    return DecodedTogether(
        replace(batch, signal="traces", rejected=0, message=""),
        rows=_steps(telling.row_end for telling in tellings),
        resources=_steps(telling.segment_end for telling in tellings),
        rejections=tuple(_rejections(telling) for telling in tellings),
    )


def _steps(ends: Iterable[int]) -> tuple[int, ...]:
    return tuple(end - start for start, end in pairwise((0, *ends)))


def _batch(found: Scanned, body_bytes: int) -> Batch | None:
    """Return the batch of a scanned request; None when the reference has to see all of it."""
    for piece in found.checks():
        KNOWN_PARTS.check_scope(piece)
    positions: dict[Resource, int] = {}
    segments = []
    for piece in found.resources():
        resource = KNOWN_PARTS.resource(piece)
        if resource is None:
            return None
        segments.append(positions.setdefault(resource, len(positions)))
    spans, strings = span_table(found, segments), found.texts()
    left = found.left()
    if left:
        others = decode_traces_by_reference(spans_request([piece for piece, _ in left]))
        if others.rejected or others.warnings:
            return None
        spans = with_others(spans, others.spans, [row for _, row in left], len(strings))
        strings = (*strings, *others.strings)
    rejected, message = _rejections(found.tellings(0))
    return replace(
        _NOTHING,
        resources=tuple(positions),
        strings=strings,
        spans=spans,
        rejected=rejected,
        message=message,
        body_bytes=body_bytes,
    )


def _rejections(told: Telling) -> tuple[int, str]:
    reasons = [(told.bad_ids, BAD_ID), (told.bad_times, BAD_TIME)]
    if told.is_time_first:
        reasons.reverse()
    message = "; ".join(f"{count} x {reason}" for count, reason in reasons if count)
    return told.bad_ids + told.bad_times, message
