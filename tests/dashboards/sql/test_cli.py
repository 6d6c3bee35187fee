"""`meshscope sql` as a person runs it, against a served store."""

import json

import pytest
from typer.testing import CliRunner

from dashboards.cli import app as cli
from dashboards.web.app import create_app
from tests.dashboards.web.conftest import empty_store, store  # noqa: F401 - fixtures
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.serving import serve

COUNTED = "SELECT destination, sum(requests) AS requests FROM edges_10s GROUP BY ALL ORDER BY ALL"


@pytest.fixture
def run(store):  # noqa: F811 - the fixture
    with serve(create_app(deps(store))) as url:
        yield lambda *words, **more: CliRunner().invoke(cli, ["sql", "--url", url, *words], **more)


def test_a_table_is_shown_and_what_was_read_is_told_beside_it(run):
    told = run(COUNTED)

    assert told.exit_code == 0
    assert [line.split() for line in told.stdout.splitlines() if line.strip()] == [
        ["destination", "requests"],
        ["cart", "100"],
        ["frontend", "100"],
    ]
    assert "read 3 rows of edges_10s" in told.stderr


def test_json_and_csv_are_for_programs(run):
    assert json.loads(run("--json", COUNTED).stdout)[0] == {"destination": "cart", "requests": 100}
    csv = run("--csv", "-", input=COUNTED).stdout
    assert csv == "destination,requests\ncart,100\nfrontend,100\n"
    assert run("--csv", "--json", "SELECT 1").exit_code == 2


def test_a_mistake_is_shown_in_its_line(run):
    told = run("SELECT 1,\n  nope FROM spans")

    assert told.exit_code == 1
    assert "line 2, column 3" in told.stderr
    assert "    nope FROM spans\n    ^" in told.stderr
    assert "more than these 2 rows" in run("--limit", "2", "FROM range(9)").stderr


def test_a_server_that_is_not_there_is_exit_code_3():
    told = CliRunner().invoke(cli, ["sql", "--url", "http://127.0.0.1:1", "SELECT 1"])
    assert told.exit_code == 3
    assert "meshscope demo" in told.stderr
