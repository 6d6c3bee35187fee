"""Silences belong to an incident when they covered one of its alerts while it lasted."""

import pytest

from alerts.incidents.alert import alerts_of
from alerts.incidents.incident import incidents_of
from alerts.incidents.timeline import timeline
from alerts.silencing.silences import Matcher, Silence
from collector.store.told_alerts import AlertRow

T0 = 1_800_000_000
NS = 10**9


def incident(until=600):
    labels = '{"alertname":"A","service":"cart"}'
    ends_ns = None if until is None else (T0 + until) * NS
    row = AlertRow("a", T0 * NS, ends_ns, "g", labels, "{}", "", (), 0)
    (found,) = incidents_of(alerts_of([row], ()))
    return found


def kinds(from_s, to_s, *, service="cart", until=600, now=5000):
    one = Silence("1", (Matcher("service", service),), (T0 + from_s) * 1000, (T0 + to_s) * 1000,
                  "ann", "rollout", "expired")  # fmt: skip
    entries = timeline(incident(until), silences=[one], now_s=T0 + now)
    return [entry.kind for entry in entries if "silence" in entry.kind]


@pytest.mark.parametrize(
    ("from_s", "to_s", "found"),
    [
        (-100, 100, ["silenced", "silence_ended"]),
        (100, 200, ["silenced", "silence_ended"]),
        (100, 9000, ["silenced"]),
        (-200, 0, []),
        (600, 700, []),
    ],
)
def test_a_silence_is_told_when_it_covered_the_incident(from_s, to_s, found):
    assert kinds(from_s, to_s) == found


def test_a_silence_of_others_is_not_told():
    assert kinds(0, 100, service="pay") == []


def test_an_open_incident_lasts_until_now():
    assert kinds(4000, 9000, until=None) == ["silenced"]
    assert kinds(6000, 9000, until=None) == []
