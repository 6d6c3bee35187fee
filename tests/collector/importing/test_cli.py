"""`meshscope import prometheus` against a real Prometheus, killed in the middle and resumed."""

import contextlib
import json
import math
import subprocess
import sys
import time

import pytest

from collector.store.store import open_store
from tests.dashboards.running import free_port, running, wait_until

MINUTE_S = 60
HOURS = 26
SERIES = 8


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Return blocks of a Prometheus, and {(labels, ms): value} of what is in them."""
    directory = tmp_path_factory.mktemp("history")
    end_s = int(time.time()) // MINUTE_S * MINUTE_S - 3600
    lines, wanted = ["# HELP orders All orders.", "# TYPE orders counter"], {}
    for number in range(SERIES):
        shop = f'north "{number}"\\'
        escaped = shop.replace("\\", "\\\\").replace('"', '\\"')
        for step, at_s in enumerate(range(end_s - HOURS * 3600, end_s, MINUTE_S)):
            value = step * (number + 1) / 7
            lines.append(f'orders_total{{job="shop",shop="{escaped}"}} {value} {at_s}.{number}25')
            wanted[shop, at_s * 1000 + number * 100 + 25] = value
    text = directory / "history.txt"
    text.write_text("\n".join([*lines, "# EOF\n"]))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, directory / "tsdb"]
    subprocess.run(command, check=True, capture_output=True)
    return directory, wanted


@pytest.fixture(scope="module")
def prometheus(history):
    directory, _ = history
    address = f"127.0.0.1:{free_port()}"
    config = directory / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1m}\n")
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}",
             f"--web.listen-address={address}"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_until(lambda: "ready to receive" in (directory / "prometheus.log").read_text())
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(20)


def _command(url, *flags):
    command = [sys.executable, "-m", "dashboards.cli", "import", "prometheus", url]
    return [*command, "--since", "2d", *map(str, flags)]


def _import(url, *flags):
    command = _command(url, *flags)
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def _stored(path):
    """Return [(shop, ms, value)] of all rows: what is stored twice is there twice."""
    with contextlib.closing(open_store(path)) as store:
        return sorted(
            store.cursor()
            .execute(
                "SELECT s.attributes->>'shop', time_ns // 1000000, value_double"
                " FROM metric_points JOIN metric_series s USING (series_id)"
                " WHERE name = 'orders_total'"
            )
            .fetchall()
        )


@pytest.mark.e2e
def test_an_import_that_is_killed_is_resumed_without_loss_or_repetition(
    history, prometheus, tmp_path
):
    _, wanted = history
    path, journal = tmp_path / "mesh.duckdb", tmp_path / "journal"
    with running(path) as server:
        flags = ("--to", f"http://{server.web}", "--journal", journal, "--piece", "1000")
        slow = _command(prometheus, *flags, "--max-rate", "4000")
        with subprocess.Popen(slow, stderr=subprocess.PIPE) as process:
            wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 2)
            process.kill()
        refused = _import(prometheus, *flags)
        resumed = _import(prometheus, *flags, "--resume", "--json")
        assert server.end() == 0
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    assert resumed.returncode == 0, resumed.stderr
    told = json.loads(resumed.stdout)
    assert 0 < told["samples_written"] < len(wanted)
    parts = ("samples_written", "samples_present_already", "samples_of_earlier_runs")
    assert sum(told[part] for part in parts) == len(wanted)
    assert not journal.exists()
    assert _stored(path) == sorted((shop, at, value) for (shop, at), value in wanted.items())


@pytest.mark.e2e
def test_the_file_of_a_stopped_server_takes_history_too(history, prometheus, tmp_path):
    _, wanted = history
    path = tmp_path / "mesh.duckdb"
    for _ in range(2):
        done = _import(prometheus, "--store", path, "--match", 'orders_total{shop=~".*3.*"}')
        assert done.returncode == 0, done.stderr
    assert "there already" in done.stdout
    chosen = sorted((shop, at, value) for (shop, at), value in wanted.items() if "3" in shop)
    assert _stored(path) == chosen


@pytest.mark.e2e
def test_a_dry_run_counts_and_a_step_thins_out(history, prometheus, tmp_path):
    _, wanted = history
    path = tmp_path / "mesh.duckdb"
    dry = _import(prometheus, "--store", path, "--dry-run", "--json")
    assert math.isclose(json.loads(dry.stdout)["samples_read"], len(wanted), rel_tol=0.01)
    done = _import(prometheus, "--store", path, "--step", "1h", "--json")
    assert done.returncode == 0, done.stderr
    stored = _stored(path)
    assert len(stored) == json.loads(done.stdout)["samples_written"]
    assert {at % 3_600_000 for _, at, _ in stored} == {0}
    assert abs(len(stored) - SERIES * HOURS) <= SERIES


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (("--match", '{job="nobody"}'), 1, "no such series"),
        (("--match", "rate(up[5m])"), 2, "is no selector"),
        (("--since", "yesterday"), 2, "is no duration"),
        (("--resume",), 2, "begin one without --resume"),
    ],
)
def test_what_cannot_be_is_told_with_an_exit_code(prometheus, tmp_path, flags, code, told):
    done = _import(prometheus, "--store", tmp_path / "mesh.duckdb", *flags)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("http://127.0.0.1:1", 3, "cannot reach http://127.0.0.1:1"),
        ("prometheus:9090", 2, "is no URL"),
    ],
)
def test_who_does_not_answer_is_named(tmp_path, url, code, told):
    done = _import(url, "--store", tmp_path / "mesh.duckdb")
    assert done.returncode == code
    assert told in done.stderr
