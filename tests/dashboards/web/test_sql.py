"""POST /api/sql: one statement over HTTP, its answer in two forms, its errors in one."""

import math
import re
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from collector.store.sandbox.query import Answer
from dashboards.web.sql_answer import ABOUT, ARROW, rows_answer
from tests.dashboards.web.seeded import NOW_S

COUNTED = "SELECT destination, sum(requests) AS requests FROM edges_10s GROUP BY ALL ORDER BY ALL"

PAGE = Path(__file__).parents[3] / "docs" / "sql.md"
EXAMPLES = re.search(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1].split("\n\n")


def ask(client, sql, *, accept="application/json", **bounds):
    body = orjson.dumps({"sql": sql} | bounds)
    headers = {"content-type": "application/json", "accept": accept}
    return client.request("POST", "/api/sql", content=body, headers=headers)


def test_json_has_names_types_and_rows(client):
    answer = ask(client, COUNTED)

    assert answer.status_code == 200
    body = answer.json()
    assert body["columns"] == [
        {"name": "destination", "type": "string"},
        {"name": "requests", "type": "int64"},
    ]
    assert body["rows"] == [["cart", 100], ["frontend", 100]]
    assert body["truncated"] is False
    assert [(one["view"], one["rows"]) for one in body["read"]] == [("edges_10s", 3)]


def test_arrow_has_the_same_when_it_is_accepted(client):
    answer = ask(client, COUNTED, accept=ARROW, limit=1)

    assert answer.headers["content-type"] == ARROW
    assert orjson.loads(answer.headers[ABOUT])["truncated"] is True
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.to_pylist() == [{"destination": "cart", "requests": 100}]


def test_objectives_are_views_with_the_numbers_of_their_pages(client):
    slos = ask(client, "SELECT slo, good, total, budget_remaining_ratio FROM slos").json()["rows"]
    events = ask(client, "SELECT sum(bad) FROM slo_events WHERE slo = 'cart-latency'").json()

    asked = client.get("/api/slos").json()
    assert slos == [
        [one["name"], one["good"], one["total"], one["budget_remaining_ratio"]] for one in asked
    ]
    assert events["rows"] == [[next(o["bad"] for o in asked if o["name"] == "cart-latency")]]


def test_a_range_bounds_every_view(client):
    bounded = ask(client, COUNTED, **{"from": str(NOW_S - 7200), "to": str(NOW_S - 3600)}).json()

    assert bounded["rows"] == []
    assert bounded["read"][0]["to_s"] - bounded["read"][0]["from_s"] == 3610


def test_views_are_listed_as_statements_see_them(client):
    listed = {one["name"]: one["columns"] for one in client.get("/api/sql").json()}

    shown = {row[0] for row in ask(client, "SHOW TABLES").json()["rows"]}
    assert shown == set(listed)
    for name in ("spans", "slo_events"):
        rows = ask(client, f"DESCRIBE {name}").json()["rows"]
        types = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
        assert [row[:2] for row in rows] == [
            [column, types.get(type_, type_)] for column, type_ in listed[name].items()
        ]


@pytest.mark.parametrize(
    ("sql", "status", "error"),
    [
        ("SELECT *\nFROM read_csv('/etc/passwd')", 400, ("refused", 2, 6)),
        ("COPY spans TO '/tmp/x'", 400, ("refused", None, None)),
        ("SELECT nope FROM spans", 400, ("bad_sql", 1, 8)),
        ("SELEC", 400, ("syntax", 1, 1)),
        ("SELECT repeat('x', 1000000) FROM range(100)", 422, ("too_large", None, None)),
    ],
)
def test_an_error_says_what_and_where(client, sql, status, error):
    answer = ask(client, sql)

    assert answer.status_code == status
    told = answer.json()["error"]
    assert (told["type"], told["line"], told["column"]) == error


@pytest.mark.parametrize(
    "bounds",
    [{"limit": 0}, {"limit": 10**9}, {"timeout_s": 0}, {"timeout_s": 61}, {"file": "/etc/passwd"},
     {"from": "soon"}, {"from": "now", "to": "now-1h"}],
)  # fmt: skip
def test_bounds_have_bounds(client, bounds):
    assert ask(client, "SELECT 1", **bounds).status_code == 400


def test_a_statement_that_takes_too_long_is_ended(client):
    answer = ask(client, "SELECT count(*) FROM range(100000000000)", timeout_s=1.5)

    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "timeout"


def test_json_has_a_form_for_every_type():
    table = pa.table(
        {
            "wide": pa.array([2**70], pa.decimal128(38, 0)),
            "money": pa.array(["1.50"]).cast(pa.decimal128(9, 2)),
            "bytes": pa.array([b"\x00\xff"]),
            "nan": pa.array([math.nan]),
            "list": pa.array([[1, None]]),
            "struct": pa.array([{"a": b"\x01"}]),
            "length": pa.array([1_500_000], pa.duration("us")),
            "none": pa.array([None], pa.int64()),
        }
    )

    (row,) = orjson.loads(rows_answer(Answer(table, is_truncated=False, read=())).body)["rows"]

    assert row == [str(2**70), "1.50", "00ff", None, [1, None], {"a": "01"}, "0:00:01.500000", None]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_the_examples_of_the_page_work(client, example):
    answer = ask(client, example)

    assert answer.status_code == 200, answer.text
    assert answer.json()["columns"]


def test_the_page_names_every_view(client):
    text = PAGE.read_text("utf-8")
    assert [
        one["name"] for one in client.get("/api/sql").json() if f"`{one['name']}`" not in text
    ] == []
