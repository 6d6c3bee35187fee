"""What a person meets first: help, and one clear line for what is wrong."""

import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest


def meshscope(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dashboards.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "command",
    [[], ["serve"], ["demo"], ["slo", "status"], ["sql"], ["alerts", "generate"], ["mesh"]],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    told = meshscope(*command, "--help")
    assert told.returncode == 0
    assert "Usage: " in told.stdout


@pytest.mark.parametrize(("flag", "variable"), [("--web", "WEB"), ("--otlp-grpc", "OTLP_GRPC"),
                                                ("--otlp-http", "OTLP_HTTP")])  # fmt: skip
def test_a_port_in_use_is_one_line_with_the_port_and_the_setting(
    flag: str, variable: str, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        addresses = dict.fromkeys(("--web", "--otlp-grpc", "--otlp-http"), "127.0.0.1:0")
        addresses[flag] = f"127.0.0.1:{port}"
        flags = [part for pair in addresses.items() for part in pair]
        told = meshscope("serve", "--store", str(tmp_path / "s.duckdb"), *flags)
    assert told.returncode == 1
    errors = [line for line in told.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert str(port) in errors[0]
    assert flag in errors[0]
    assert f"MESHSCOPE_{variable}" in errors[0]
    assert "Traceback" not in told.stderr


def test_a_file_of_an_older_meshscope_is_refused_until_it_is_migrated(tmp_path: Path) -> None:
    store = tmp_path / "mesh.duckdb"
    schema = Path(__file__).parents[1] / "collector" / "store" / "schema_v1.sql"
    with closing(duckdb.connect(store)) as connection:
        connection.execute(schema.read_text())
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
    flags = [part for flag in ("--web", "--otlp-grpc", "--otlp-http")
             for part in (flag, "127.0.0.1:0")]  # fmt: skip

    told = meshscope("serve", "--store", str(store), *flags)
    assert told.returncode == 1
    assert f"run `meshscope migrate {store}`" in told.stderr
    assert "Traceback" not in told.stderr

    told = meshscope("migrate", str(store))
    assert told.returncode == 0, told.stderr
    assert f"the file as it was: {store}.v1.bak" in told.stdout
    again = meshscope("migrate", str(store))
    assert (again.returncode, "nothing to do" in again.stdout) == (0, True)

    told = meshscope("migrate", str(tmp_path / "none.duckdb"))
    assert told.returncode == 1
    assert told.stderr.startswith("error: cannot open the store")
    assert "Traceback" not in told.stderr


def test_a_broken_objective_is_told_by_file_and_line_before_anything_starts(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: x}\nspec: {}\n")
    told = meshscope("serve", "--store", str(tmp_path / "s.duckdb"), "--slo", str(broken))
    assert told.returncode == 1
    assert f"{broken}:" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "s.duckdb").exists()


def test_the_demo_says_which_port_is_in_use_and_how_to_go_on() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        told = meshscope("demo", "--web", address)
    assert told.returncode == 1
    assert f"in use: {address}" in told.stderr
    assert "--free-ports" in told.stderr


def test_an_unknown_fault_lists_the_known_ones() -> None:
    told = meshscope("demo", "--fault", "earthquake")
    assert told.returncode == 2
    assert "cert-expiry" in told.stderr


def test_a_wrong_duration_says_how_to_write_one() -> None:
    told = meshscope("demo", "--duration", "soon")
    assert told.returncode == 2
    assert "45s" in told.stderr
