"""Debian's Alertmanager with one receiver: a webhook of the test."""

import contextlib
import http.server
import json
import shutil
import subprocess
import threading
from dataclasses import dataclass, field

import httpx
import pytest

from tests.dashboards.running import free_port, wait_until

CONFIG = """
route:
  receiver: test
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: test
    webhook_configs:
      - url: %s
        send_resolved: true
"""


@dataclass
class Hook:
    """What the webhook was told: one entry for each alert of each message."""

    url: str = ""
    told: list = field(default_factory=list)

    def alerts(self, name):
        return [alert for alert in self.told if alert["labels"]["alertname"] == name]

    def states(self, name):
        return [alert["status"] for alert in self.alerts(name)]


@contextlib.contextmanager
def hook():
    found = Hook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            found.told += json.loads(body)["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}/"
        yield found
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def alertmanager(folder, hook_url="", port=None, config=None):
    """Run one until the block ends; gives its URL. ``config`` takes the place of ours."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.fail("Alertmanager is not installed: apt-get install prometheus-alertmanager")
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    (folder / "config.yml").write_text(CONFIG % hook_url if config is None else config)
    command = [program, "--config.file=config.yml", "--storage.path=data",
               f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
               "--log.level=error"]  # fmt: skip
    with subprocess.Popen(command, cwd=folder) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _is_ready(url))
            yield url
        finally:
            process.terminate()


def _is_ready(url):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/-/ready").status_code == 200
    return False
