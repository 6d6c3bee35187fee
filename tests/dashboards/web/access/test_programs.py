"""A server that asks for tokens, and those who must get by with one: as each sends it itself."""

import contextlib
import ssl

import httpx
import pytest
import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from typer.testing import CliRunner

import meshscope
from dashboards.cli import app
from tests.collector.receiver.conformance.rig import Authority
from tests.dashboards.prometheus.test_remote_write import _prometheus
from tests.dashboards.running import free_port, running, wait_until
from tests.dashboards.web.access.asked import ADMIN, VIEWER, basic, bearer

pytestmark = pytest.mark.e2e

PROMETHEUS = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: by-file
  metrics_path: /metrics/mesh
  authorization: {{credentials_file: {viewer}}}
  static_configs: &server [{{targets: ["{server}"]}}]
- job_name: by-password
  basic_auth: {{username: prometheus, password: {token}}}
  static_configs: *server
- job_name: without
  static_configs: *server
remote_write:
- url: http://{server}/api/v1/write
  authorization: {{credentials_file: {admin}}}
  queue_config: {{batch_send_deadline: 1s}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    (folder / "admin").write_text(f"{ADMIN}\n")
    (folder / "viewer").write_text(f"{VIEWER}\n")
    files = {"web_token_file": str(folder / "admin")}
    corrections = str(folder / "corrections.yaml")
    with running(
        folder / "mesh.duckdb", web_viewer_token=VIEWER, slo_corrections=corrections, **files
    ) as server:
        yield server, folder


def command(server, *words, token):
    environment = {"MESHSCOPE_URL": server.url, "MESHSCOPE_TOKEN": token}
    done = CliRunner().invoke(app, list(words), env=environment)
    return done.exit_code, done.output


@contextlib.contextmanager
def client(url, **options):
    """Give a PrometheusConnect, and close what it leaves open."""
    session = requests.Session()
    with contextlib.closing(session):
        yield PrometheusConnect(url, session=session, **options)


def jobs(asked):
    """Return which targets are up."""
    try:
        return {one["metric"]["job"]: one["value"][1] for one in asked.custom_query("up")}
    except OSError:  # it is still starting
        return {}


def test_a_real_prometheus_scrapes_and_writes(served, tmp_path):
    server, folder = served
    config = tmp_path / "prometheus.yml"
    config.write_text(
        PROMETHEUS.format(
            server=server.web, token=VIEWER, viewer=folder / "viewer", admin=folder / "admin"
        )
    )
    address = f"127.0.0.1:{free_port()}"
    expected = {"by-file": "1", "by-password": "1", "without": "0"}
    with (
        client(f"http://{address}") as theirs,
        client(server.url, headers=bearer(VIEWER)) as ours,
        client(server.url) as nobody,
        _prometheus(tmp_path, config, address),
    ):
        wait_until(lambda: jobs(theirs) == expected)
        wait_until(lambda: jobs(ours) == expected)
        assert ours.check_prometheus_connection()
        with pytest.raises(PrometheusApiClientException, match="HTTP Status Code 401"):
            nobody.custom_query("up")


def test_a_notebook_connects_with_a_token_and_is_told_to_without(served):
    server, _ = served
    with pytest.raises(meshscope.ServerUnreachable, match="it asks who you are"):
        meshscope.connect(server.url)
    with contextlib.closing(meshscope.connect(server.url, token=VIEWER)) as m:
        assert list(m.sql("SELECT 1 AS one")["one"]) == [1]
        assert len(m.services()) == 0


def test_the_command_line_sends_its_token(served):
    server, _ = served
    for words in (["slo", "status"], ["sql", "SHOW TABLES"], ["slo", "correct", "list"]):
        assert command(server, *words, token=VIEWER)[0] == 0
        code, told = command(server, *words, token="no-token-of-this-server")
        assert code in {1, 2}
        assert "--token or MESHSCOPE_TOKEN" in told
    withdraw = ["slo", "correct", "remove", "x", "--by", "ann", "--why", "a mistake"]
    assert "this token may only look" in command(server, *withdraw, token=VIEWER)[1]
    assert "no correction has the id 'x'" in command(server, *withdraw, token=ADMIN)[1]


def test_an_import_asks_both_servers_with_their_tokens(served, tmp_path):
    server, _ = served
    words = ["import", "prometheus", server.url, "--json", "--since", "1h", "--to", server.url]
    words += ["--journal", str(tmp_path / "journal")]
    code, told = command(server, *words, "--token", VIEWER, token=ADMIN)
    assert code == 0, told
    code, told = command(server, *words, "--token", VIEWER, token="no-token-of-this-server")
    assert (code, "give --to-token" in told) == (3, True), told


def test_tls_is_on_with_a_certificate_which_may_be_replaced(tmp_path):
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key = ours.issue("server")
    trusting = ssl.create_default_context(cafile=ours.path)
    tls = {"web_tls_cert": str(certificate), "web_tls_key": str(key), "web_token": ADMIN}
    with running(tmp_path / "mesh.duckdb", trusting, **tls) as server:
        assert server.get("/api/slos").status_code == 401
        assert server.get("/api/slos", headers=basic(ADMIN)).json() == []
        answer = httpx.post(f"{server.url}/login", data={"token": ADMIN}, verify=trusting)
        assert "Secure" in answer.headers["set-cookie"].split("; ")
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://{server.web}/healthz")

        for old, new in zip((certificate, key), theirs.issue("new"), strict=True):
            old.write_bytes(new.read_bytes())
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            server.get("/healthz")
        server.trusting = ssl.create_default_context(cafile=theirs.path)
        assert server.get("/healthz").status_code == 200
