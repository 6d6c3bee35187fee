"""Statements from text to table: a real worker for each, over a store with edges."""

import math
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from collector.edges import latency_bounds_us, latency_bucket
from collector.store.sandbox.errors import SqlError
from collector.store.sandbox.query import Question, Running, ask
from collector.store.sandbox.views import Given
from collector.store.store import open_store
from tests.collector.rollups import put
from tests.collector.spans import (
    HOUR,
    T0,
    Clock,
    put_names,
    put_spans,
    seal,
    some_traces,
    span,
)
from tests.dashboards.web.seeded import FRONTEND, NOW_S, seed

NOBODY = "SELECT count(*) FROM range(100000000000)"


@pytest.fixture(scope="module")
def store():
    with open_store() as opened:
        seed(opened)
        yield opened


def asked(store, sql, *, given=(), running=None, **bounds):
    question = Question(sql, **{"to_s": NOW_S + 5} | bounds)
    return ask(store, question, running or Running(), given)


def refused(store, sql, **bounds):
    with pytest.raises(SqlError) as caught:
        asked(store, sql, **bounds)
    return caught.value


def test_a_statement_reads_what_it_names_of_the_range(store):
    sql = (
        "SELECT source, destination, sum(requests) AS requests, sum(errors) AS errors"
        " FROM edges_10s GROUP BY ALL ORDER BY ALL"
    )

    answer = asked(store, sql)

    assert [tuple(row.values()) for row in answer.table.to_pylist()] == [
        ("external", "frontend", 100, 0),
        ("frontend", "cart", 100, 20),
    ]
    assert answer.table.schema.field("requests").type == pa.int64()
    (read,) = answer.read
    assert (read.view, read.rows, read.to_s - read.from_s) == ("edges_10s", 3, 3600)
    nothing = asked(store, sql, from_s=NOW_S - 7200, to_s=NOW_S - 3600)
    assert (nothing.table.num_rows, nothing.read[0].rows) == (0, 0)


def test_latencies_have_the_bound_of_their_bucket():
    with open_store() as opened:
        seed(opened)
        put(
            opened, FRONTEND, 9, [(NOW_S - 500, 2, 2)], [(NOW_S - 500, 0, 1), (NOW_S - 500, 161, 1)]
        )
        sql = 'SELECT upper_ms, sum("count")::INT FROM latency_10s GROUP BY 1 ORDER BY 1'
        rows = [tuple(row.values()) for row in asked(opened, sql).table.to_pylist()]

    bounds = latency_bounds_us()
    fast, slow = (bounds[latency_bucket(us)] / 1000 for us in (5_000, 90_000))
    assert rows == [
        (0.064, 1),
        (pytest.approx(fast), 180),
        (pytest.approx(slow), 20),
        (math.inf, 1),
    ]


def test_rows_are_bounded_and_the_answer_says_so(store):
    answer = asked(store, "FROM range(100)", limit=7)

    assert (answer.table.num_rows, answer.is_truncated) == (7, True)
    assert not asked(store, "FROM range(7)", limit=7).is_truncated


def test_a_table_of_the_caller_is_read_only_when_it_is_asked_for(store):
    made = []

    def table(window):
        made.append(window)
        return pa.table({"a": [1, 2], "b": ["x", "y"]})

    given = Given("mine", "two rows", {"a": "BIGINT", "b": "VARCHAR"}, table)

    assert asked(store, "SELECT 1", given=[given]).read == ()
    assert made == []
    assert asked(store, "SELECT b FROM mine", given=[given]).table["b"].to_pylist() == ["x", "y"]


def test_mistakes_are_told_with_their_place(store):
    wrong = refused(store, "SELECT 1,\n  nope FROM edges_1m")
    assert (wrong.kind, wrong.line, wrong.column) == ("bad_sql", 2, 3)
    assert "nope" in wrong.message
    assert refused(store, "SELEC 1").kind == "syntax"
    assert refused(store, "SELECT 'a'::BIGINT").kind == "bad_sql"
    assert "nested too deeply" in refused(store, f"SELECT {'abs(' * 600}1{')' * 600}").message


def test_files_are_out_of_reach_also_without_the_check(store):
    """What the check refuses, the worker's engine would refuse as well."""
    told = refused(store, "FROM read_text('/etc/passwd')")
    assert (told.kind, told.line) == ("refused", 1)
    engine = duckdb.connect(config={"enable_external_access": False})
    with pytest.raises(duckdb.PermissionException):
        engine.execute("FROM read_text('/etc/passwd')")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT len(range(1000000000))",
        "SELECT len(repeat('x', 4000000000))",
        "SELECT list(a.range) FROM range(100000) a, range(100000) b",
        "WITH RECURSIVE x AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM x) SELECT max(s) FROM x",
    ],
)  # fmt: skip
def test_memory_is_bounded_by_the_operating_system(store, sql):
    before = _bytes_of_this_process()

    assert refused(store, sql).kind in {"memory", "bad_sql"}
    assert _bytes_of_this_process() - before < 100 * 2**20


def test_an_answer_or_a_reading_that_is_too_large_is_refused(store):
    assert refused(store, "SELECT repeat('x', 1000000) FROM range(100)").kind == "too_large"
    told = refused(store, "SELECT source FROM edges_10s", feed_bytes=10)
    assert told.kind == "too_large"
    assert "source of edges_10s" in told.message


def test_an_interrupt_ends_the_worker(store):
    running = Running()
    threading.Timer(1.0, running.interrupt).start()
    began = time.monotonic()

    with pytest.raises(SqlError):
        asked(store, NOBODY, running=running, timeout_s=60)

    assert time.monotonic() - began < 30
    assert _children() == []
    with pytest.raises(SqlError):
        asked(store, "SELECT 1", running=running)


def test_a_worker_has_nothing_of_our_environment_or_files(tmp_path, monkeypatch):
    monkeypatch.setenv("MESHSCOPE_REDACTION_SALT", "a secret that no worker needs")

    with open_store(tmp_path / "mesh.duckdb") as opened, Running().worker() as process:
        assert asked(opened, "SELECT 1").table.num_rows == 1
        seen = [pair for pair in _environment(process.pid) if "secret" in pair]
        files = [str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").glob("*")]

    assert seen == []
    assert files
    assert [name for name in files if str(tmp_path) in name] == []


def test_spans_are_read_with_names_whether_hot_or_sealed(tmp_path):
    clock = Clock(T0)
    sql = "SELECT * FROM spans ORDER BY trace_id, span_id"
    with open_store(tmp_path / "mesh.duckdb", clock_ns=clock) as opened:
        put_names(opened)
        put_spans(opened, some_traces(5, parent_id=3))
        odd = {"a": None, "b": [1, None], "c": {"d": "it's"}, 'e"': 1.5, "UP": True, "up": False}
        put_spans(opened, [span(9, attributes=odd), span(10, attributes={})])
        bounds = {"from_s": T0 // 10**9 - 60, "to_s": T0 // 10**9 + 3600}
        hot = asked(opened, sql, **bounds)
        clock.now_ns = T0 + 3 * HOUR
        assert seal(opened) > 0
        sealed = asked(opened, sql, **bounds)

    assert sealed.table.equals(hot.table)
    assert hot.table.num_rows == 17
    first = hot.table.to_pylist()[0]
    assert (first["service"], first["name"], first["kind"]) == ("frontend", "GET /", "server")
    assert first["trace_id"] == "0000000000000001000000000000004d"
    assert first["parent_id"] == "0000000000000003"
    assert first["attributes"] == '{"k":"0","n":1}'


def _bytes_of_this_process():
    with Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _children():
    with Path(f"/proc/self/task/{os.getpid()}/children").open() as children:
        return [pid for pid in children.read().split() if _is_worker(pid)]


def _is_worker(pid):
    with suppress(OSError), Path(f"/proc/{pid}/cmdline").open() as command:
        return "sandbox.worker" in command.read()
    return False


def _environment(pid):
    with Path(f"/proc/{pid}/environ").open() as environment:
        return environment.read().split("\0")
