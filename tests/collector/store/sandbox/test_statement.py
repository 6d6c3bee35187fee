"""What may be asked, what is refused and where, and what a statement is found to read."""

import re

import duckdb
import pytest

from collector.store.sandbox.errors import SqlError
from collector.store.sandbox.statement import (
    MAX_BYTES,
    TABLE_FUNCTIONS,
    allowed_functions,
    check,
)

VIEWS = {
    "spans": {"time": "TIMESTAMPTZ", "service": "VARCHAR", "duration_ns": "BIGINT"},
    "edges_1m": {"time": "TIMESTAMPTZ", "source": "VARCHAR", "requests": "BIGINT"},
}


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect() as connection:
        yield connection


def refused(engine, text):
    with pytest.raises((SqlError, duckdb.Error)) as caught:
        check(engine, text, VIEWS)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select service, count(*) filter (where duration_ns > 5) from spans group by all",
        "FROM spans LIMIT 3",
        "VALUES (1), (2)",
        "TABLE spans",
        "WITH slow AS (SELECT * FROM spans WHERE duration_ns > 1e9) SELECT count(*) FROM slow",
        "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 9) FROM n",
        "SELECT * FROM spans s JOIN edges_1m e ON s.service = e.source ORDER BY s.time DESC",
        "SELECT *, row_number() OVER (PARTITION BY service ORDER BY time) FROM spans QUALIFY true",
        "SELECT * EXCLUDE (time) REPLACE (duration_ns / 1e6 AS duration_ns) FROM spans",
        "SELECT list_transform([1, 2], lambda x: x * 2), {'a': 1}, [x FOR x IN [1, 2] IF x > 1]",
        "SELECT time_bucket(INTERVAL '5 minutes', time), max(requests) FROM edges_1m GROUP BY 1",
        "SELECT unnest(range(3)), x FROM generate_series(1, 3) AS t(x)",
        "SELECT '{\"a\": 1}'->>'a', '2026-01-01'::TIMESTAMPTZ, 1::DECIMAL(10, 2), x'00'::BLOB",
        "PIVOT edges_1m ON source IN ('a', 'b') USING sum(requests)",
        "SELECT 1 UNION ALL BY NAME SELECT 2 EXCEPT SELECT 3",
        "DESCRIBE spans", "DESCRIBE SELECT 1", "SUMMARIZE spans", "SHOW TABLES",
        "EXPLAIN SELECT * FROM spans", "EXPLAIN ANALYZE SELECT 1", "-- why\nexplain select 1",
        "SELECT 1;", "  SELECT 'a; b'  -- ; DROP TABLE spans",
    ],
)  # fmt: skip
def test_reading_the_views_is_allowed(engine, text):
    assert check(engine, text, VIEWS).text == text


ATTACKS = [
    # files, by function, by name, by any of the ways the engine has
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/tmp/x.json')",
    "SELECT * FROM read_parquet('/tmp/x.parquet')",
    "SELECT * FROM parquet_metadata('/tmp/x.parquet')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'x.csv'",
    'SELECT * FROM "/etc/passwd.csv"',
    "FROM 'https://example.org/x.parquet'",
    "SELECT * FROM read_duckdb('/tmp/x.duckdb')",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "WITH a AS (SELECT * FROM read_text('/etc/passwd')) SELECT 1",
    "SELECT * FROM spans WHERE EXISTS (FROM glob('/*'))",
    'WITH "/etc/passwd.csv" AS (SELECT 1) SELECT * FROM "/etc/passwd.csv"',
    "DESCRIBE SELECT * FROM read_csv('/etc/passwd')",
    "SUMMARIZE '/etc/passwd.csv'",
    "EXPLAIN ANALYZE SELECT * FROM read_csv('/etc/passwd')",
    "COPY spans TO '/tmp/x.csv'", "COPY (SELECT 1) TO '/tmp/x.csv'", "COPY spans FROM '/tmp/x'",
    "EXPORT DATABASE '/tmp/x'", "IMPORT DATABASE '/tmp/x'",
    # other databases, extensions, network
    "ATTACH '/tmp/x.duckdb'", "ATTACH 'postgres:host=h' AS p (TYPE postgres)", "DETACH main",
    "USE main", "INSTALL httpfs", "LOAD httpfs", "CREATE SECRET (TYPE s3, KEY_ID 'k')",
    # settings, environment, what the engine knows of itself
    "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_databases()", "SELECT * FROM duckdb_temporary_files()",
    "SELECT current_setting('memory_limit')", "SELECT getenv('HOME')", "SELECT getvariable('x')",
    "SELECT * FROM pragma_version()", "SELECT * FROM pragma_database_size()",
    "SELECT * FROM duckdb_tables", "SELECT * FROM sqlite_master",
    "SELECT * FROM information_schema.tables", "SELECT * FROM pg_catalog.pg_class",
    "WITH duckdb_views AS (SELECT 1) SELECT * FROM duckdb_views",
    "WITH x AS (SELECT 1), sqlite_master AS (SELECT * FROM sqlite_master) FROM sqlite_master",
    "PRAGMA database_list", "PRAGMA version", "SET threads = 64", "RESET memory_limit",
    "SET VARIABLE x = 1", "SELECT * FROM duckdb_logs()", "SELECT version()",
    # SQL in SQL
    "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "SELECT * FROM query_table('spans')", "SELECT * FROM query_table(['spans', 'meta'])",
    "SELECT * FROM json_execute_serialized_sql('{}')", "PRAGMA json_execute_serialized_sql('{}')",
    "SELECT json_serialize_plan('SELECT 1')", "SELECT json_deserialize_sql('{}')",
    "SELECT * FROM histogram('spans', time)", "SELECT * FROM seq_scan('spans')",
    "PREPARE x AS SELECT 1", "EXECUTE x", "CALL pragma_version()",
    # tables behind the views, other schemas
    "SELECT * FROM meta", "SELECT * FROM resources", "SELECT * FROM main.spans",
    "SELECT * FROM temp.spans", "SELECT * FROM memory.main.spans",
    "WITH spans AS (SELECT 1) SELECT * FROM spans",
    # changes
    "INSERT INTO spans VALUES (1)", "UPDATE spans SET service = ''", "DELETE FROM spans",
    "DROP TABLE spans", "CREATE TABLE x (a INT)", "CREATE TABLE x AS SELECT 1",
    "CREATE VIEW x AS SELECT 1", "CREATE MACRO f() AS 1", "ALTER TABLE spans ADD COLUMN x INT",
    "CHECKPOINT", "SELECT * FROM checkpoint()", "SELECT * FROM force_checkpoint()", "VACUUM",
    "ANALYZE", "BEGIN", "COMMIT", "SELECT nextval('s')", "SELECT write_log('x')",
    "SELECT * FROM enable_logging()", "SELECT setseed(0.5)", "SELECT pg_sleep(9)",
    "SELECT sleep_ms(9000)", "MERGE INTO spans USING edges_1m ON true WHEN MATCHED THEN DELETE",
    # more, or less, than one statement
    "SELECT 1; SELECT 2", "SELECT 1; COPY spans TO '/tmp/x'", "", "   ", ";", "-- nothing",
    "EXPLAIN COPY spans TO '/tmp/x'", "EXPLAIN DELETE FROM spans", "EXPLAIN EXPLAIN SELECT 1",
    "EXPLAIN (FORMAT json) SELECT 1", "PIVOT spans ON service",
    "SELECT ?", "SELECT $1", "SELECT $x", "SELECT 1\0",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_all_else_is_refused(engine, text):
    refused(engine, text)


@pytest.mark.parametrize(
    "name", ["Read_CSV", '"read_csv"', "main.read_csv", "system.main.read_csv"]
)
def test_a_function_has_no_other_way_in(engine, name):
    refused(engine, f"SELECT * FROM {name}('/etc/passwd')")


@pytest.mark.parametrize(
    "place",
    [
        "SELECT {}", "SELECT 1 WHERE {} IS NULL", "SELECT 1 ORDER BY {}", "SELECT 1 LIMIT {}",
        "SELECT count(*) FILTER (WHERE {} = 1)", "SELECT sum({}) OVER ()", "SELECT [{}]",
        "SELECT 1 GROUP BY {}", "SELECT 1 HAVING {} = 1", "SELECT CASE WHEN {} THEN 1 END",
        "SELECT list_transform([1], lambda x: {})", "SELECT sum(1 ORDER BY {})", "VALUES ({})",
        "SELECT * FROM spans JOIN edges_1m ON {} = 1", "SELECT * FROM unnest([{}])",
        "SELECT sum(1) OVER (PARTITION BY {})", "SELECT sum(1) OVER (ORDER BY {})",
        "SELECT row_number() OVER w WINDOW w AS (ORDER BY {})", "SELECT {}::VARCHAR",
        "SELECT * REPLACE ({} AS service) FROM spans", "SELECT DISTINCT ON ({}) 1",
        "SELECT 1 QUALIFY {} = 1", "SELECT COLUMNS(x -> {}) FROM spans",
        "SELECT {} BETWEEN 1 AND 2",
        "SELECT (SELECT {})", "SELECT 1 UNION SELECT {}", "WITH a AS (SELECT {}) SELECT 1",
        "PIVOT edges_1m ON source IN ('a') USING sum({})",
        "SELECT sum(1) OVER (ROWS BETWEEN {} PRECEDING AND CURRENT ROW)",
        "SELECT * FROM spans, LATERAL (SELECT {})", "SELECT 'x' COLLATE nocase = {}",
    ],
)  # fmt: skip
def test_a_function_is_found_wherever_it_stands(engine, place):
    check(engine, place.format("abs(1)"), VIEWS)
    assert "current_setting" in str(
        refused(engine, place.format("current_setting('memory_limit')"))
    )


def test_a_refusal_says_where(engine):
    error = refused(engine, "SELECT 'ä',\n  getenv('HOME')")

    assert (error.kind, error.line, error.column) == ("refused", 2, 3)
    assert error.told == "line 2, column 3: the function getenv is not allowed"
    hidden = refused(engine, "EXPLAIN\nSELECT version()")
    assert (hidden.line, hidden.column) == (2, 8)


def test_a_long_statement_is_refused(engine):
    assert "65536 bytes" in str(refused(engine, "SELECT 1 --" + "x" * MAX_BYTES))


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("SELECT count(*) FROM spans", {"spans": ("time",)}),
        ("SELECT Service FROM SPANS", {"spans": ("service",)}),
        ("FROM spans", {"spans": ("time", "service", "duration_ns")}),
        ("SELECT s FROM spans s", {"spans": ("time", "service", "duration_ns")}),
        ("SELECT a FROM spans AS t(a, b, c)", {"spans": ("time", "service", "duration_ns")}),
        ("SUMMARIZE edges_1m", {"edges_1m": ("time", "source", "requests")}),
        ("SELECT 1", {}),
        (
            "SELECT requests FROM edges_1m WHERE source IN (SELECT service FROM spans)",
            {"spans": ("service",), "edges_1m": ("source", "requests")},
        ),
        ("SELECT 1 FROM spans JOIN edges_1m USING (time)",
         {"spans": ("time",), "edges_1m": ("time",)}),
        ("SELECT 1 FROM spans NATURAL JOIN edges_1m",
         {"spans": ("time", "service", "duration_ns"), "edges_1m": ("time", "source", "requests")}),
    ],
)  # fmt: skip
def test_it_is_found_what_a_statement_reads(engine, text, needs):
    assert {need.view: need.columns for need in check(engine, text, VIEWS).needs} == needs


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("FROM spans LIMIT 7", 7),
        ("SELECT service, time FROM spans LIMIT 7 OFFSET 3", 10),
        ("FROM spans WHERE service = 'a' LIMIT 7", None),
        ("FROM spans ORDER BY time LIMIT 7", None),
        ("SELECT count(*) FROM spans LIMIT 7", None),
        ("SELECT DISTINCT service FROM spans LIMIT 7", None),
        ("FROM spans, spans AS t LIMIT 7", None),
        ("FROM spans LIMIT 7 %", None),
        ("FROM spans LIMIT (SELECT 7)", None),
        ("FROM (FROM spans LIMIT 7)", None),
    ],
)
def test_only_a_limit_over_nothing_else_spares_rows(engine, text, rows):
    (need,) = check(engine, text, VIEWS).needs
    assert need.rows == rows


def test_every_allowed_function_is_one_of_the_engine_and_changes_nothing(engine):
    found = engine.execute(
        "SELECT lower(function_name), bool_or(function_type = 'table'),"
        " bool_or(coalesce(has_side_effects, false)) FROM duckdb_functions() GROUP BY ALL"
    ).fetchall()
    known = {name for name, _, _ in found}
    acting = {name for name, _, acts in found if acts}
    assert sorted(allowed_functions() - known) == []
    assert allowed_functions() & acting <= {"gen_random_uuid", "random", "uuid", "uuidv4", "uuidv7"}
    tables = {name for name, is_table, _ in found if is_table}
    assert allowed_functions() & tables <= TABLE_FUNCTIONS | {"repeat"}
    named = re.compile("setting|secret|pragma|duckdb|read_|scan|env|query|sql|sleep|write|variable")
    assert [name for name in allowed_functions() if named.search(name)] == []
