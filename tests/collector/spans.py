"""Spans put straight into the hot table, for tests that seal and read."""

import orjson
import pyarrow as pa

from collector.store.sealed_files import sealed_folder
from collector.store.sealing import Sealer, SealingSettings
from collector.store.traces import SpanFilter, find_spans
from tests.collector.exports import T0

HOUR = 3600 * 10**9
DECIDED = ("keep_reason", "keep_ratio")
SERVICES = ("frontend", "cart", "payment")


def put_names(store, services=SERVICES, strings=("GET /", "cart-route", "-")):
    """Intern the services as resources 0, 1... and the strings likewise."""
    cursor = store.cursor()
    for number, service in enumerate(services):
        cursor.execute(
            "INSERT INTO resources BY NAME SELECT ?::INTEGER AS resource_id, ? AS service,"
            " '' AS namespace, 'v1' AS version, '' AS instance, '{}' AS attributes",
            [number, service],
        )
    for number, value in enumerate(strings):
        cursor.execute("INSERT INTO strings VALUES (?, ?)", [number, value])


def span(trace, *, number=0, at_ns=0, service=0, attributes=None, **fields):
    """Return a row; ``trace`` is a small number, ``at_ns`` counts from T0."""
    row = {
        "trace_hi": trace,
        "trace_lo": 77,
        "span_id": trace * 1000 + number + 1,
        "parent_id": None,
        "resource_id": service,
        "name_id": 0,
        "kind": 2,
        "start_ns": T0 + at_ns,
        "duration_ns": 1_000_000,
        "status": 0,
        "http_status": 200,
        "is_error": False,
        "route_id": 1,
        "flags_id": 2,
        "trace_state": "",
        "attributes": orjson.dumps(attributes or {}, option=orjson.OPT_SORT_KEYS).decode(),
        "events": None,
        "links": None,
    }
    return row | fields


def put_spans(store, rows):
    """Insert rows, all at once."""
    if not rows:
        return
    cursor = store.cursor()
    ids = dict.fromkeys(("trace_hi", "trace_lo", "span_id", "parent_id"), pa.uint64())
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) for row in rows], ids.get(name)) for name in names}
    cursor.register("incoming", pa.table(columns))
    cursor.execute("INSERT INTO spans BY NAME SELECT * FROM incoming")
    cursor.close()


class Clock:
    """A time that a test sets."""

    def __init__(self, now_ns):
        self.now_ns = now_ns

    def __call__(self):
        return self.now_ns


def seal(store, **settings):
    sealer = Sealer(store, SealingSettings(**settings))
    try:
        return sealer.run_once()
    finally:
        sealer.close()


def rows(store, table):
    return store.cursor().execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def every_span(store):
    """Return what a search finds, without what sealing adds."""
    found = find_spans(store, SpanFilter(), limit=100_000, whole=True)
    return found.drop_columns(DECIDED).to_pylist()


def files(store):
    folder = sealed_folder(store.path)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def some_traces(count=20, **fields):
    return [
        span(
            n, number=k, service=k, at_ns=n * 10**9 + k, attributes={"n": n, "k": str(k)}, **fields
        )
        for n in range(1, count + 1)
        for k in range(3)
    ]


def kept(store):
    return {
        row["trace_hi"]: row["keep_reason"] for row in find_spans(store, SpanFilter()).to_pylist()
    }
