"""The command line against a real HTTP server that answers real statuses."""

import json
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from slo.cli import app
from slo.evaluate import evaluate
from slo.sources.fixed import FixedCountSource, FixedRow
from tests.slo.strategies import NOW_S, slo
from tests.slo.test_openslo import GOOD, SHOP

WELL = [FixedRow(NOW_S - 100, "cart", 1000)]
DOWN = [FixedRow(NOW_S - 100, "payments", 100, code=503)]
SLOS = [slo(), slo("payments-latency", destination="payments", threshold_ms=500)]


@pytest.fixture
def serve():
    """Start a server that answers /api/slos with the statuses of rows, and stop it afterwards."""
    servers = []

    def start(rows, body=None):
        statuses = [asdict(item) for item in evaluate(SLOS, FixedCountSource(rows), NOW_S)]
        answer = json.dumps(statuses).encode() if body is None else body

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/api/slos" else 404)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _run(*arguments, **environment):
    return CliRunner().invoke(app, list(arguments), env=environment)


def test_status_prints_a_row_per_objective_and_exits_zero(serve):
    result = _run("status", "--url", serve(WELL + DOWN))
    assert result.exit_code == 0, result.output
    first, second = result.output.splitlines()[1:]
    assert first.split()[:3] == ["payments-latency", "payments", "exhausted"]
    assert "page 1h/5m" in first
    assert "100/100" in first
    assert "100.000 %" in second


def test_the_server_may_be_named_by_the_environment(serve):
    result = _run("status", "-o", "json", MESHSCOPE_URL=serve(WELL))
    assert [item["name"] for item in json.loads(result.output)] == [
        "payments-latency",
        "cart-availability",
    ]


def test_status_of_one_service_shows_no_other(serve):
    result = _run("status", "--url", serve(WELL), "--service", "cart", "-o", "json")
    assert [item["service"] for item in json.loads(result.output)] == ["cart"]


def test_check_fails_only_when_a_budget_burns_or_is_gone(serve):
    url = serve(WELL + DOWN)
    assert _run("status", "--url", url, "--check").exit_code == 1
    assert _run("status", "--url", url, "--check", "--service", "cart").exit_code == 0


@pytest.mark.parametrize("body", [b"<html>", b'{"error": {}}'])
def test_an_answer_that_is_no_list_of_statuses_is_no_server_of_ours(serve, body):
    result = _run("status", "--url", serve([], body))
    assert result.exit_code == 3
    assert "hint: " in result.output


def test_an_unreachable_server_exits_three_with_a_hint():
    result = _run("status", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "hint: start one with `meshscope demo`" in result.output


def test_validate_praises_right_files_and_lists_what_is_wrong_with_others(tmp_path):
    assert _run("validate", str(SHOP)).output == "8 services and 16 SLOs are right\n"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(GOOD.replace("0.999", "1.2"))
    result = _run("validate", str(wrong))
    assert result.exit_code == 1
    assert f"{wrong}:31: spec.objectives[0].target: must be in [0, 1), got 1.2" in result.output


def test_validate_notes_tiers_that_can_never_fire(tmp_path):
    low = tmp_path / "low.yaml"
    low.write_text(GOOD.replace("0.999", "0.9"))
    result = _run("validate", str(low))
    assert result.exit_code == 0
    assert "note: cart-availability: page-1h cannot fire: a full outage burns 10x" in result.output
    assert "the target must be above 93.06 %" in result.output
