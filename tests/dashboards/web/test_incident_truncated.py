"""A real Alertmanager that cuts its messages off: what it leaves out is counted, and ends, too."""

import time

import httpx
import pytest

from collector.store.store import open_store
from dashboards.web.app import create_app
from tests.alerts.incidents.told import iso
from tests.alerts.notify import alertmanager as debian
from tests.dashboards.running import wait_until
from tests.dashboards.web.failing_shop import HOOK, serving
from tests.dashboards.web.serving import serve

pytestmark = pytest.mark.e2e


def post(manager, *names, ended=False):
    now_s = time.time()
    alerts = [
        {
            "labels": {"alertname": "Storm", "service": "cart", "instance": name},
            "startsAt": iso(now_s - 60 if ended else now_s - 30),
            "endsAt": iso(now_s - 1 if ended else now_s + 600),
        }
        for name in names
    ]
    answer = httpx.post(f"{manager}/api/v2/alerts", json=alerts, timeout=20)
    assert answer.status_code == 200, answer.text


def test_alerts_that_max_alerts_cuts_off_are_counted_and_end_with_their_group(
    tmp_path, monkeypatch
):
    config = debian.CONFIG.replace(
        "send_resolved: true", "send_resolved: true\n        max_alerts: 2"
    )
    monkeypatch.setattr(debian, "CONFIG", config)
    with (
        open_store() as store,
        serving(store, now_s=time.time) as given,
        serve(create_app(given)) as base,
        debian.alertmanager(tmp_path / "am", f"{base}{HOOK}") as manager,
    ):

        def found():
            lines = httpx.get(f"{base}/api/incidents").json()
            return [httpx.get(f"{base}/api/incidents/{one['id']}").json() for one in lines]

        post(manager, "a", "b")
        wait_until(lambda: [len(one["alerts"]) for one in found()] == [2])
        post(manager, "c", "d", "e")
        wait_until(lambda: [one["left_out"] for one in found()] == [3])
        assert found()[0]["incident"]["state"] == "open"
        post(manager, "a", "b", "c", "d", "e", ended=True)
        wait_until(lambda: [one["incident"]["state"] for one in found()] == ["resolved"])
