"""Which alerts are one incident; and that neither order nor repetition of messages matters."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incidents.alert import alerts_of
from alerts.incidents.incident import CALM_NS, CASCADE_NS, incidents_of
from collector.store.store import open_store
from collector.store.told_alerts import AlertRow, GroupRow, put_message, read_told

MINUTE = 60 * 10**9
T0 = 1_800_000_000 * 10**9


def row(name, at, until=None, *, service="cart", peers=(), severity="page", group="g", told=0):
    labels = f'{{"alertname":"{name}","service":"{service}","severity":"{severity}"}}'
    ends_ns = None if until is None else T0 + until
    return AlertRow(name, T0 + at, ends_ns, group, labels, "{}", "", tuple(peers), told)


def parts(*rows, groups=()):
    """Return the names of the alerts of each incident, the oldest first."""
    found = incidents_of(alerts_of(rows, groups))
    return sorted([one.labels["alertname"] for one in each.alerts] for each in found)


def test_alerts_of_one_service_are_one_incident_until_it_was_calm():
    first, again = row("A", 0, 10 * MINUTE), row("B", 15 * MINUTE, 16 * MINUTE)
    late = row("C", 21 * MINUTE + 1)

    assert parts(first, again, late) == [["A", "B"], ["C"]]
    assert parts(row("A", 0), late) == [["A", "C"]], "an alert that fires is not calm"


def test_a_callee_and_its_callers_are_one_incident_within_minutes():
    payment = row("P", 0, service="payment", peers=["checkout"])
    checkout = row("C", 14 * MINUTE, service="checkout", peers=["payment", "frontend"])
    frontend = row("F", 29 * MINUTE, service="frontend")
    apart = row("S", MINUTE, service="search", peers=["catalog"])

    assert parts(payment, checkout, frontend, apart) == [["P", "C", "F"], ["S"]]
    later = row("C", 15 * MINUTE + 1, service="checkout", peers=["payment"])
    assert parts(payment, later) == [["C"], ["P"]]


def test_alerts_of_no_service_go_by_their_rule():
    def mesh(name, at):
        return AlertRow(name + str(at), T0 + at, T0 + at, "g", f'{{"alertname":"{name}"}}', "{}",
                        "", (), 0)  # fmt: skip

    assert len(parts(mesh("PushSlow", 0), mesh("PushSlow", 5), mesh("Other", 5))) == 2


def test_a_watchdog_is_no_incident():
    assert parts(row("Watchdog", 0, severity="none")) == []


@pytest.mark.parametrize("reverse", [False, True])
def test_a_start_that_moved_back_is_the_same_alert(reverse):
    """Alertmanager keeps the earliest start of several senders: an end comes with another."""
    rows = [row("A", 5), row("A", 0, MINUTE)]
    (found,) = alerts_of(rows[::-1] if reverse else rows, ())
    assert (found.starts_ns, found.ends_ns) == (T0, T0 + MINUTE)
    assert len(found.ids) == 2


def test_an_end_that_never_came_is_not_two_alerts():
    (found,) = alerts_of([row("A", 0), row("A", MINUTE, 2 * MINUTE)], ())
    assert (found.starts_ns, found.ends_ns) == (T0, T0 + 2 * MINUTE)


def test_a_group_that_is_over_ends_alerts_that_were_cut_off_its_message():
    rows = [row("A", 0), row("B", 9)]
    groups = [GroupRow("g", "r", T0 + 5, 1, 0)]
    ended, firing = alerts_of(rows, groups)
    assert (ended.ends_ns, firing.ends_ns) == (T0 + 5, None)


def test_every_name_of_an_alert_finds_its_incident_and_the_first_names_it():
    (found,) = incidents_of(alerts_of([row("A", 0), row("B", 1)], ()))
    assert found.id == found.alerts[0].id
    assert found.ids == {one.id for one in found.alerts}
    assert found.id.startswith("20270115-")


def test_the_most_severe_alert_leads():
    (found,) = incidents_of(alerts_of([row("T", 0, severity="ticket"), row("P", 1)], ()))
    assert (found.severity, found.title) == ("page", "P")


SERVICES = ("a", "b", "c", "d")


@st.composite
def told_rows(draw):
    """Draw a row; a name and a service always have the same labels, as a fingerprint has."""
    name, service = draw(st.sampled_from("ABC")), draw(st.sampled_from(SERVICES))
    at = draw(st.integers(0, 60)) * MINUTE
    length = draw(st.none() | st.integers(0, 40 * MINUTE))
    peers = draw(st.lists(st.sampled_from(SERVICES), max_size=2))
    until = None if length is None else at + length
    one = row(name, at, until, service=service, peers=set(peers) - {service})
    return replace(one, fingerprint=name + service)


def naive(alerts):
    """Join whatever is related, pair by pair, until nothing changes."""
    sets = [{place} for place in range(len(alerts))]
    for left, one in enumerate(alerts):
        for right, other in enumerate(alerts[:left]):
            if related(one, other):
                mine = next(found for found in sets if left in found)
                theirs = next(found for found in sets if right in found)
                if mine is not theirs:
                    mine |= theirs
                    sets.remove(theirs)
    return sorted(sorted(alerts[place].id for place in found) for found in sets)


def related(one, other):
    first, last = sorted((one, other), key=lambda alert: alert.starts_ns)
    if set(one.services) & set(other.services):
        ends_ns = 2**63 if first.ends_ns is None else first.ends_ns
        return last.starts_ns <= ends_ns + CALM_NS
    calls = set(one.peers) & set(other.services) or set(other.peers) & set(one.services)
    return bool(calls) and last.starts_ns - first.starts_ns <= CASCADE_NS


@settings(max_examples=60, deadline=None)
@given(st.lists(told_rows(), max_size=10))
def test_incidents_are_what_joining_pair_by_pair_gives(rows):
    alerts = alerts_of(rows, ())
    found = incidents_of(alerts)
    assert sorted(sorted(one.id for one in each.alerts) for each in found) == naive(alerts)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(told_rows(), max_size=6, unique_by=lambda one: (one.fingerprint, one.starts_ns)),
    st.randoms(use_true_random=False),
)
def test_neither_order_nor_repetition_changes_what_is_kept(rows, random):
    """Each alert is told as firing and, when it ended, as resolved: in any order, often."""
    told = [replace(one, ends_ns=None) for one in rows]
    told += [one for one in rows if one.ends_ns is not None]
    other = [*told, *(random.choice(told) for _ in range(5 if told else 0))]
    random.shuffle(other)
    assert stored(told) == stored(other) == tuple(plain(one) for one in sorted(rows, key=key))


def plain(one):
    return replace(one, peers=frozenset(one.peers))


def key(one):
    return one.starts_ns, one.fingerprint


@cache
def kept_store():
    return open_store()


def stored(told):
    cursor = kept_store().cursor()
    for table in ("told_alerts", "alert_groups"):
        cursor.execute(f"DELETE FROM {table}")
    for one in told:
        put_message(cursor, [one], GroupRow(one.group_key, "r", None, 0, 0))
    kept = read_told(cursor)
    assert len(kept.groups) == bool(told)
    return tuple(plain(one) for one in kept.alerts)
