"""``generate`` writes the boards; ``--check`` compares and never writes."""

import pytest
from typer.testing import CliRunner

from dashboards.grafana.catalog import files
from dashboards.grafana.cli import app


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "new" / "folder"
    assert run("generate", "--out", folder).exit_code == 0
    return folder


def test_generate_writes_every_board(out):
    assert {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()} == files()


def test_check_is_silent_about_fresh_files(out):
    result = run("generate", "--check", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")


def test_check_shows_what_differs_and_mends_nothing(out):
    path = out / "meshscope-oncall.json"
    path.write_text(path.read_text().replace('"Mesh: on-call"', '"Mine"'))
    result = run("generate", "--check", "--out", out)
    assert result.exit_code == 1
    assert '-  "title": "Mine",\n+  "title": "Mesh: on-call",\n' in result.stdout
    assert '"Mine"' in path.read_text()


def test_check_reports_a_missing_file(out):
    (out / "meshscope-debug.json").unlink()
    result = run("generate", "--check", "--out", out)
    assert result.exit_code == 1
    assert "+++ meshscope-debug.json as generated" in result.stdout


def test_check_reports_a_file_that_no_board_writes(out):
    (out / "old.json").write_text("{}\n")
    result = run("generate", "--check", "--out", out)
    assert result.exit_code == 1
    assert "+++ no such board" in result.stdout
