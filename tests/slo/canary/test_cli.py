"""The command against a real server: exit codes, waiting, and what is used wrongly."""

import json
import time

import pytest
from typer.testing import CliRunner

from collector.store.store import open_store
from dashboards.web.app import create_app
from slo.canary import cli
from slo.cli import app
from tests.dashboards.web.canary_shop import seed_canary
from tests.dashboards.web.seeded import NOW_S, deps
from tests.dashboards.web.serving import serve

WIDE = ("--max-error-increase", "0.02", "--quantile", "0.5")
VERSIONS = ("--canary", "v2", "--baseline", "v1")


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


@pytest.fixture
def url(store):
    with serve(create_app(deps(store))) as base:
        yield base


def _run(url, *arguments):
    return CliRunner().invoke(app, ["canary", "payments", *VERSIONS, "--url", url, *arguments])


@pytest.mark.parametrize(
    ("canary", "code", "told"),
    [
        ({"canary": 40}, 0, "promote: payments v2 against v1"),
        ({"canary_errors": 4}, 1, "roll back: payments v2 against v1"),
        ({"canary": 2, "baseline": 38}, 3, "hold: payments v2 against v1"),
    ],
)
def test_the_exit_code_is_the_verdict(store, url, canary, code, told):
    seed_canary(store, **canary)
    result = _run(url, *WIDE)
    assert result.exit_code == code, result.output
    assert result.output.startswith(told)
    assert "v2 (canary)" in result.output


def test_json_is_the_answer_of_the_api(store, url):
    seed_canary(store)
    found = json.loads(_run(url, "--json", "--since", "10m").stdout)
    assert found["canary"]["requests"] == 20 * 60
    assert found["errors"]["margin_ratio"] == 0.001


def test_a_mesh_without_traffic_is_held_and_told(url):
    result = _run(url)
    assert result.exit_code == 3
    assert "payments was not called in this window" in result.output


def test_waiting_goes_on_until_there_is_a_verdict(store, url, monkeypatch):
    def asleep(_seconds):
        if not slept:
            seed_canary(store, canary_errors=5)
        slept.append(1)

    slept = []
    monkeypatch.setattr(cli.time, "sleep", asleep)
    result = _run(url, *WIDE, "--wait")
    assert result.exit_code == 1
    assert len(slept) == 1
    assert "hold: v2 has 0 requests, 0 failed" in result.stderr
    assert "the next look is at 200" in result.stderr


def test_a_wait_may_be_bounded(store, url):
    seed_canary(store, canary=1, baseline=9)
    began = time.monotonic()
    result = _run(url, "--wait", "--timeout", "1", "--json")
    assert result.exit_code == 3
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--since", "5m", "--from", "0"), "--since and --from say the same"),
        (("--since", "soon"), "expected a duration"),
        (("--confidence", "1.5"), "confidence must be in [0.5, 1), got 1.5"),
        (("--from", str(NOW_S + 99)), "must be at least 10 s earlier than to"),
    ],
)
def test_a_wrong_question_exits_two(url, arguments, told):
    result = _run(url, *arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_no_server_is_no_verdict():
    result = _run("http://127.0.0.1:9")
    assert result.exit_code == 2
    assert "hint: start one with `meshscope demo`" in result.output
