"""Silences in a real Alertmanager, by the commands that people and pipelines run."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from alerts.cli import app
from alerts.silencing.holding import silenced
from alerts.silencing.silences import Matcher, change_silence, silences
from tests.alerts.notify.alertmanager import alertmanager
from tests.dashboards.running import free_port, wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with alertmanager(tmp_path_factory.mktemp("am"), "http://127.0.0.1:9/") as address:
        yield address


def run(url, *arguments):
    command, *rest = arguments
    return CliRunner().invoke(app, [command, "--alertmanager", url, *rest])


def listed(url, *arguments):
    return json.loads(run(url, "silences", "--json", *arguments).output)


@contextlib.contextmanager
def during(url, *command):
    """Run ``during`` as a pipeline does."""
    flags = ["--alertmanager", url, "--service", "cart", "--reason", "rollout", "--", *command]
    with subprocess.Popen(
        [sys.executable, "-m", "dashboards.cli", "alerts", "during", *flags],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def test_a_silence_is_made_listed_and_ended(url):
    what = ["--service", "cart", "--match", "slo=~cart-.*", "--match", "severity!=page"]
    made = run(url, "silence", *what, "--for", "20m", "--reason", "a rollout", "--by", "ann")
    assert made.exit_code == 0, made.output
    name = made.output.strip()

    (one,) = listed(url)
    assert (one["id"], one["state"], one["created_by"], one["comment"]) == (
        name, "active", "ann", "a rollout")  # fmt: skip
    assert one["ends_ms"] - one["starts_ms"] == pytest.approx(1_200_000, abs=2000)
    (found,) = [one for one in silences(url) if one.id == name]
    assert found.covers({"service": "cart", "slo": "cart-latency", "severity": "ticket"})
    assert not found.covers({"service": "cart", "slo": "cart-latency", "severity": "page"})
    assert not found.covers({"service": "cart", "severity": "ticket"})
    shown = run(url, "silences").output
    assert 'service="cart", slo=~"cart-.*", severity!="page"' in shown

    assert run(url, "unsilence", name).exit_code == 0
    assert listed(url) == []
    assert [one["state"] for one in listed(url, "--all") if one["id"] == name] == ["expired"]


def test_silences_of_a_service_are_ended_together_and_others_stay(url):
    for service in ("pay", "pay", "search"):
        assert run(url, "silence", "--service", service, "--reason", "x").exit_code == 0

    assert run(url, "unsilence", "--service", "pay").output.count("ended ") == 2

    (left,) = listed(url)
    assert left["matchers"][0]["value"] == "search"
    assert run(url, "unsilence", "--service", "pay").exit_code == 1
    run(url, "unsilence", left["id"])


def test_during_silences_while_the_command_runs_and_exits_as_it_does(url):
    with during(url, "sh", "-c", "sleep 1; exit 7") as process:
        wait_until(lambda: listed(url))
        assert process.poll() is None
        assert process.wait(30) == 7
    assert listed(url) == []


def test_a_signal_reaches_the_command_and_the_silence_is_ended(url):
    with during(url, "sleep", "60") as process:
        wait_until(lambda: listed(url))
        assert "silenced by" in process.stderr.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert listed(url) == []


def test_a_command_that_is_not_there_leaves_no_silence(url):
    told = run(url, "during", "--service", "cart", "--reason", "x", "--", "/no/such/command")
    assert told.exit_code == 127
    assert "error: /no/such/command: No such file" in told.output
    assert listed(url) == []


def test_without_a_silence_the_command_is_not_run(tmp_path):
    mark = tmp_path / "ran"
    away = f"http://127.0.0.1:{free_port()}"
    told = run(away, "during", "--service", "cart", "--reason", "x", "--", "touch", str(mark))
    assert told.exit_code == 3
    assert "error: not run: http://127.0.0.1:" in told.output
    assert not mark.exists()


def test_a_lease_is_prolonged_while_the_block_runs(url):
    matchers = (Matcher("service", "lease"),)
    clock = {"ms": time.time_ns() // 10**6}
    with silenced(url, matchers, by="a", why="b", now_ms=lambda: clock["ms"], lease_s=3.0) as name:
        (first,) = [one for one in silences(url) if one.id == name]
        clock["ms"] += 60_000
        wait_until(lambda: ends(url) > first.ends_ms + 50_000)
        (found,) = [one for one in silences(url) if one.state == "active"]
        assert replace(found, ends_ms=first.ends_ms) == first
    assert not [one for one in silences(url) if one.state == "active"]


def ends(url):
    return max(one.ends_ms for one in silences(url) if one.state == "active")


def test_what_alertmanager_refuses_is_told(url):
    told = run(url, "unsilence", "00000000-0000-0000-0000-000000000000")
    assert told.exit_code == 2
    assert "error: http://127.0.0.1:" in told.output
    bad = run(url, "silence", "--match", "a b=c", "--reason", "x")
    assert bad.exit_code == 2
    assert "invalid label name" in bad.output


def test_a_silence_that_is_not_there_cannot_be_changed(url):
    with pytest.raises(Exception, match="404"):
        change_silence(url, "00000000-0000-0000-0000-000000000000", to_ms=0)
