"""A recorder without its writer's thread: one commit, one pass at a time, when the test says so."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import semconv
from collector.otlp.metrics import decode_metrics
from collector.otlp.traces import decode_traces
from collector.store import reader
from collector.store.recorder import Recorder
from collector.store.span_edges import PASS_SPANS, read_stretch
from tests.collector.exports import SECOND, T0, digest, put_attributes

EVER = (0, 2**40)
CLIENT, SERVER, PRODUCER, CONSUMER, INTERNAL = 3, 2, 4, 5, 1


class Inbox:
    """Takes export bodies into a store; ``restart`` forgets all but the tables."""

    def __init__(self, store):
        self.store = store
        self.cursor = store.cursor()
        self.restart()

    def restart(self):
        self.recorder = Recorder(self.cursor)

    def take(self, *bodies, decode=decode_metrics, at_ns=T0):
        """Commit bodies together."""
        self.cursor.begin()
        for body in bodies:
            self.recorder.note(digest(body), at_ns)
            self.recorder.add(decode(body), at_ns)
        self.recorder.insert()
        self.cursor.commit()
        self.recorder.commit()

    def take_spans(self, *bodies, at_ns=T0):
        self.take(*bodies, decode=decode_traces, at_ns=at_ns)

    def count_spans(self, at_ns=T0 + 120 * SECOND, most_spans=PASS_SPANS):
        self.recorder.watch_spans()
        while stretch := read_stretch(self.cursor, at_ns // SECOND, most_spans=most_spans):
            self.recorder.put_spans(self.cursor, stretch)

    def rows(self, *by, canonical=True):
        """Return (*by, requests, attempts) of everything."""
        table = reader.edge_counts(self.cursor, *EVER, by=by, canonical=canonical)
        return [
            (*(row[name] for name in by), row["requests"], row["attempts"])
            for row in table.to_pylist()
        ]

    def total(self):
        return self.rows()[0][0]


def span(
    service, number, parent=0, kind=CLIENT, *, trace=1, version="v1", state="", end_s=5.0, **more
):
    """Return an export of one span that took 2 ms; ``more`` are attributes, status and name."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    identity = {semconv.SERVICE_NAME: service, semconv.SERVICE_VERSION: version}
    put_attributes(resource.resource.attributes, identity)
    end_ns = T0 + int(end_s * SECOND)
    one = resource.scope_spans.add().spans.add(
        trace_id=trace.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=more.get("name", "GET /"),
        kind=kind,
        trace_state=state,
        start_time_unix_nano=end_ns - 2_000_000,
        end_time_unix_nano=end_ns,
    )
    one.status.code = more.get("status", 0)
    put_attributes(one.attributes, more.get("attributes", {}))
    return request.SerializeToString()
