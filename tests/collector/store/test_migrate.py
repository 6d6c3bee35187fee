"""An older file forward: the same tables as a new one, and every row still there."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from collector.otlp.metrics import decode_metrics
from collector.store import reader
from collector.store.errors import (
    BackupRefused,
    MigrationFailed,
    SchemaTooNew,
    SchemaTooOld,
    StoreUnavailable,
)
from collector.store.migrate import migrate
from collector.store.store import SCHEMA_VERSION, open_store
from collector.store.writer import Writer
from tests.collector.exports import SECOND, T0, digest, requests

FIRST_SCHEMA = Path(__file__).with_name("schema_v1.sql").read_text()
EDGE = (1, "source", "frontend", "backend", "v1", "r", 200, "-", "mtls", True)
ROWS = {
    "resources": [(1, "frontend", "ns", "v1", "fe", "{}")],
    "strings": [(1, "GET /"), (2, "-")],
    "spans": [
        (7, n, n + 1, None, 1, 1, 2, T0 + n, 5, 0, 200, False, 1, 2, "", '{"a":1}', None, None)
        for n in range(1000, 2000)
    ],
    "metric_series": [(1, 1, "", "requests", "1", "sum", 2, True, "{}")],
    "metric_points": [(1, T0 + n, T0, n, None) for n in range(100, 200)],
    "histogram_points": [(1, T0, T0, 3, 1.5, [1.0, 2.0], [1, 1, 1])],
    "logs": [(T0, 1, 7, 1, 2, 9, "hello", "{}")],
    "edges": [EDGE],
    "sli_10s": [(T0 // SECOND, 1, 41, 42)],
    "sli_1m": [(T0 // SECOND, 1, 41, 42)],
    "sli_1h": [(T0 // SECOND, 1, 41, 42)],
    "latency_10s": [(T0 // SECOND, 1, 40, 41)],
    "heartbeats": [(T0 // SECOND, 1)],
    "export_requests": [(T0, b"digest")],
}


@pytest.fixture
def old(tmp_path):
    """A file that version 1 made, with rows in every kind of table."""
    path = tmp_path / "mesh.duckdb"
    with closing(duckdb.connect(path)) as connection:
        connection.execute(FIRST_SCHEMA)
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
        for table, rows in ROWS.items():
            places = ", ".join("?" * len(rows[0]))
            connection.begin()
            for row in rows:
                connection.execute(f"INSERT INTO {table} VALUES ({places})", row)
            connection.commit()
    return path


def columns(connection):
    """Return type and nullability of every column by table; their order may differ."""
    found = {}
    for table, *column in connection.execute(
        "SELECT table_name, column_name, data_type, is_nullable, column_default"
        " FROM duckdb_columns() WHERE NOT internal"
    ).fetchall():
        found.setdefault(table, set()).add(tuple(column))
    return found


def version(path):
    with closing(duckdb.connect(path)) as connection:
        return connection.execute("SELECT * FROM meta WHERE key = 'schema_version'").fetchone()[1]


def test_a_migrated_file_has_the_tables_of_a_new_one(old):
    migrate(old)

    with open_store(old) as migrated, open_store() as fresh:
        assert columns(migrated.connection) == columns(fresh.connection)


def test_every_row_is_still_there(old):
    with closing(duckdb.connect(old)) as connection:
        before = {table: columns(connection)[table] for table in ROWS}
        names = {t: [c[0] for c in connection.table(t).description] for t in ROWS}

    migrate(old)

    with open_store(old) as store:
        after = columns(store.connection)
        for table, rows in ROWS.items():
            kept = {name for name, *_ in before[table]} & {name for name, *_ in after[table]}
            chosen = [name for name in names[table] if name in kept]
            expected = [[row[names[table].index(name)] for name in chosen] for row in rows]
            found = store.connection.execute(
                f"SELECT {', '.join(chosen)} FROM {table} ORDER BY ALL"
            )
            assert [list(row) for row in found.fetchall()] == sorted(expected, key=repr)
        counts = reader.edge_counts(store.cursor(), 0, 2**40, by=())
        assert counts["requests"].to_pylist() == [41]


def test_a_migrated_file_takes_new_exports(old):
    migrate(old)

    with open_store(old, clock_ns=lambda: T0) as store, closing(Writer(store)) as writer:
        body = requests(5, time_ns=T0 + SECOND)
        assert not writer.submit(decode_metrics(body), digest(body)).result(30).is_repeat


def test_an_older_file_is_refused_with_the_command_to_run(old):
    said = rf"version 1.* needs {SCHEMA_VERSION}: run `meshscope migrate {old}`"
    with pytest.raises(SchemaTooOld, match=said):
        open_store(old)


def test_the_file_as_it_was_is_kept_unless_declined(old):
    before = old.read_bytes()
    told = []

    done = migrate(old, tell=told.append)

    assert done.backup == old.with_name("mesh.duckdb.v1.bak")
    assert done.backup.read_bytes() == before
    assert told[-1] == f"{old} has schema version {SCHEMA_VERSION}"
    done.backup.unlink()
    assert migrate(old).backup is None
    assert not done.backup.exists()


def test_without_a_copy_only_the_file_is_left(old):
    assert migrate(old, keep_backup=False).backup is None

    assert list(old.parent.iterdir()) == [old]


def test_what_only_the_log_held_is_in_the_copy(old, tmp_path):
    connection = duckdb.connect(old)
    connection.execute("SET wal_autocheckpoint = '1TB'; PRAGMA disable_checkpoint_on_shutdown")
    connection.execute("INSERT INTO strings VALUES (3, 'late')")
    connection.close()
    assert old.with_name("mesh.duckdb.wal").exists()

    done = migrate(old)

    with closing(duckdb.connect(done.backup)) as copy:
        assert copy.execute("SELECT count(*) FROM strings").fetchone() == (3,)


def test_a_copy_that_is_there_is_not_overwritten(old):
    kept = old.with_name("mesh.duckdb.v1.bak")
    kept.write_text("precious")

    with pytest.raises(BackupRefused, match=r"v1.bak is there already: move it away"):
        migrate(old)

    assert kept.read_text() == "precious"
    assert version(old) == "1"


def test_a_step_that_fails_changes_nothing(old):
    with closing(duckdb.connect(old)) as connection:
        connection.execute("DROP TABLE meta; CREATE VIEW meta AS SELECT 'schema_version' AS key,"
                           " '1' AS value")  # fmt: skip

    said = rf"cannot bring .*mesh.duckdb to schema version {SCHEMA_VERSION}"
    with pytest.raises(MigrationFailed, match=said):
        migrate(old)

    with closing(duckdb.connect(old)) as connection, closing(duckdb.connect()) as first:
        first.execute(FIRST_SCHEMA)
        first.execute("DROP TABLE meta; CREATE VIEW meta AS SELECT 'schema_version' AS key,"
                      " '1' AS value")  # fmt: skip
        assert columns(connection) == columns(first)
    assert list(old.parent.iterdir()) == [old]


def test_a_newer_file_another_file_or_none_is_told(tmp_path):
    path = tmp_path / "mesh.duckdb"
    with pytest.raises(StoreUnavailable, match="there is no such file"):
        migrate(path)
    with closing(duckdb.connect(path)) as connection:
        connection.execute("CREATE TABLE other (a INTEGER)")
    with pytest.raises(StoreUnavailable, match="not one of meshscope"):
        migrate(path)
    with closing(duckdb.connect(path)) as connection:
        connection.execute("CREATE TABLE meta AS SELECT 'schema_version' AS key, '99' AS value")
    with pytest.raises(SchemaTooNew):
        migrate(path)
    assert list(tmp_path.iterdir()) == [path]
