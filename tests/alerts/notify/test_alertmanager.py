"""A real Alertmanager hears of alerts, also of those that came and went while it was away."""

import time

import httpx
import pytest

from alerts.evaluation.sending import Notice
from alerts.notify.notifier import Notifier
from tests.alerts.notify.alertmanager import alertmanager, hook
from tests.dashboards.running import free_port, wait_until

pytestmark = pytest.mark.e2e


def notice(name, *, ended=False, minutes=4):
    now_ms = int(time.time() * 1000)
    ends_ms = now_ms - 1 if ended else now_ms + minutes * 60_000
    labels = (("alertname", name), ("region", "own"))
    return Notice(labels, (("summary", "s"),), now_ms - 5_000, ends_ms, "up == 0")


def notifier(*urls):
    return Notifier(
        urls,
        external_url="http://here",
        external_labels={"region": "eu", "site": "x"},
        first_wait_s=0.1,
    )


def test_nothing_is_lost_while_one_of_two_is_away(tmp_path):
    port = free_port()
    with hook() as told:
        telling = notifier(f"http://user:secret@127.0.0.1:{port}")
        telling.tell([notice("Fires"), notice("Ends")])
        time.sleep(0.5)
        telling.tell([notice("Ends", ended=True)])
        assert len(telling.senders[0].outbox) == 2
        with alertmanager(tmp_path / "am", told.url, port):
            wait_until(lambda: told.states("Fires"))
            wait_until(lambda: not len(telling.senders[0].outbox))
            (alert,) = told.alerts("Fires")
            found = httpx.get(f"http://127.0.0.1:{port}/api/v2/alerts").json()
            assert "Ends" not in {one["labels"]["alertname"] for one in found}
            telling.close()
    assert alert["labels"] == {"alertname": "Fires", "region": "own", "site": "x"}
    assert alert["generatorURL"] == "http://here/api/v1/query?query=up+%3D%3D+0"
    name = f"http://127.0.0.1:{port}"
    counts = telling.notified.values()
    assert counts[name, "sent"] == 2
    assert counts[name, "failed"] >= 1


def test_what_is_refused_does_not_hold_up_what_follows(tmp_path):
    with hook() as told, alertmanager(tmp_path / "am", told.url) as url:
        telling = notifier(url)
        bad = Notice((("alertname", "Bad"), ("a b", "c")), (), 1, 0, "x")
        telling.tell([bad])
        wait_until(lambda: (url, "refused") in telling.notified.values())
        telling.tell([notice("Good")])
        wait_until(lambda: told.states("Good"))
        telling.close()
