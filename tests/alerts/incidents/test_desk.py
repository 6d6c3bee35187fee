"""The desk over a store: who called whom, what is forgotten, and Alertmanagers that are away."""

from contextlib import closing

import pytest

from alerts.incidents.desk import Desk, SaidTooMuch, UnknownIncident, forgetting
from collector.store.store import open_store
from collector.store.told_alerts import read_told
from collector.store.writer import Writer, WriterLimits
from dashboards.web.incidents import SharedSilences
from tests.alerts.incidents.told import SECOND, T0, alert, message
from tests.dashboards.running import free_port, wait_until
from tests.dashboards.web.failing_shop import edge, steadily


@pytest.fixture
def store():
    with open_store(clock_ns=lambda: (T0 + 1000) * SECOND) as opened:
        yield opened


@pytest.fixture
def desk(store):
    with closing(Writer(store)) as writer:
        yield Desk(store, writer, store.clock_ns)


def test_callers_and_callees_of_the_hour_before_are_kept_with_an_alert(store, desk):
    calls = (("web", "cart", T0 - 600), ("cart", "db", T0 - 600), ("old", "cart", T0 - 7200),
             ("external", "cart", T0 - 600))  # fmt: skip
    for number, (source, destination, from_s) in enumerate(calls, start=1):
        steadily(store, edge(source, destination), number, from_s, from_s + 60, 1)
    desk.take(message(alert(service="cart")))
    (kept,) = read_told(store.cursor()).alerts
    assert kept.peers == ("db", "web")


def test_an_alert_of_an_edge_is_about_both_ends(desk):
    one = alert("MeshRetryAmplification", service="", source="web", destination="cart")
    desk.take(message(one, alert("X", service="", source="external", destination="cart")))
    (found,) = desk.incidents()
    assert found.services == ("cart", "web")


def test_what_is_past_its_time_is_forgotten_by_the_writer(store):
    limits = WriterLimits(compact_every_s=0.05)
    steps = (("incidents", forgetting(keep_s=500)),)
    with closing(Writer(store, limits=limits, steps=steps)) as writer:
        desk = Desk(store, writer, store.clock_ns)
        desk.take(message(alert(service="old", until=100), alert(service="new", until=900)))
        wait_until(lambda: len(desk.incidents()) == 1)
        assert desk.incidents()[0].services == ("new",)


def test_a_note_stays_with_its_alerts_when_an_earlier_one_comes_late(desk):
    desk.take(message(alert("B", at=60)))
    name = desk.incidents()[0].id
    desk.say(name, "note", by="ann", text="seen")
    desk.take(message(alert("A")))
    (found,) = desk.incidents()
    assert found.id != name
    assert desk.find(name) is found
    assert [one.text for one in found.entries] == ["seen"]


def test_no_more_than_so_much_is_kept_of_what_is_said(desk, monkeypatch):
    monkeypatch.setattr("alerts.incidents.desk.MOST_ENTRIES", 2)
    desk.take(message(alert()))
    name = desk.incidents()[0].id
    for _ in range(2):
        desk.say(name, "note", by="ann", text="again")
    with pytest.raises(SaidTooMuch, match="2 things were said"):
        desk.say(name, "note", by="ann", text="again")


def test_an_unknown_name_is_told(desk):
    with pytest.raises(UnknownIncident, match="no incident named x"):
        desk.say("x", "note", by="a", text="b")


def test_an_alertmanager_that_is_away_is_told_without_its_password_and_asked_rarely():
    port = free_port()
    known = SharedSilences([f"http://user:secret@127.0.0.1:{port}"], kept_s=60)
    found, told = known.read()
    assert found == ()
    assert told == (f"Its silences are not known: http://127.0.0.1:{port} cannot be asked.",)
    assert known.read() == (found, told)
    assert SharedSilences([]).read() == ((), ())
