"""A webhook body is taken, or refused with the field that is wrong."""

import orjson
import pytest

from alerts.incidents.message import BadMessage, read_message
from tests.alerts.incidents.told import SECOND, T0, alert, body


def test_a_message_is_read_whole():
    told = read_message(body(alert(at=1.5), alert("Other", until=60), truncatedAlerts=3))

    assert (told.group_key, told.receiver, told.state, told.left_out) == (
        "{}:{}", "meshscope", "firing", 3)  # fmt: skip
    firing, resolved = told.alerts
    assert firing.starts_ns == T0 * SECOND + SECOND * 3 // 2
    assert firing.ends_ns is None
    assert firing.labels["service"] == "cart"
    assert resolved.ends_ns == (T0 + 60) * SECOND
    assert told.over_ns is None


def test_a_group_that_is_resolved_says_until_when_what_was_cut_off_is_over():
    ended = (alert(until=5), alert("B", until=9))
    assert read_message(body(*ended, truncatedAlerts=1)).over_ns == (T0 + 9) * SECOND
    assert read_message(body(*ended)).over_ns is None
    assert read_message(body(*ended, truncatedAlerts=1, status="firing")).over_ns is None


def test_nanoseconds_and_time_zones_are_read():
    one = alert() | {"startsAt": "2027-01-15T09:00:00.123456789+01:00"}
    (told,) = read_message(body(one)).alerts
    assert told.starts_ns == T0 * SECOND + 123_456_000


def test_an_alert_that_comes_twice_in_a_message_is_one_and_its_end_holds():
    (told,) = read_message(body(alert(), alert(until=9))).alerts
    assert told.ends_ns == (T0 + 9) * SECOND


def test_labels_name_an_alert_without_a_fingerprint():
    bare = [{key: one[key] for key in one if key != "fingerprint"} for one in
            (alert(), alert(), alert("Other"))]  # fmt: skip
    names = [read_message(body(one)).alerts[0].fingerprint for one in bare]
    assert names[0] == names[1] != names[2]


def changed(**fields):
    return body(alert() | fields)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (b"{", "body: not JSON"),
        (b"[]", "body: must be an object, got a list"),
        (body(version="3"), "version: must be '4', got '3'"),
        (body(version=None), "version: must be '4', got None"),
        (body(alerts=None), "alerts: must be a list, got nothing"),
        (body(alerts=[1]), "alerts[0]: must be an object, got a number"),
        (body(alerts=[alert()] * 10_001), "alerts: has 10001 alerts, at most 10000 are taken"),
        (body(status="ok"), "status: must be firing or resolved, got 'ok'"),
        (body(groupKey=5), "groupKey: must be a text, got a number"),
        (body(truncatedAlerts=-1), "truncatedAlerts: must be a count, got -1"),
        (body(truncatedAlerts=True), "truncatedAlerts: must be a count, got True"),
        (changed(status="pending"), "alerts[0].status: must be firing or resolved"),
        (changed(labels=[]), "alerts[0].labels: must be an object of texts, got a list"),
        (changed(labels={"a": 1}), "alerts[0].labels.a: must be a text, got a number"),
        (changed(annotations={"a": None}), "alerts[0].annotations.a: must be a text, got nothing"),
        (changed(startsAt="soon"), "alerts[0].startsAt: must be a time of RFC 3339"),
        (changed(startsAt="2027-01-15T08:00:00"), "alerts[0].startsAt: must be a time"),
        (changed(startsAt="0001-01-01T00:00:00Z"), "alerts[0].startsAt: must be a time"),
        (changed(status="resolved", endsAt=7), "alerts[0].endsAt: must be a text, got a number"),
        (changed(annotations={"a": "x" * 65_537}), "alerts[0].annotations.a: has 65537 characters"),
    ],
)
def test_a_bad_body_names_the_field(bad, told):
    with pytest.raises(BadMessage) as error:
        read_message(bad)
    assert str(error.value).startswith(told)
    assert told.startswith(f"{error.value.field}:")


def test_what_a_later_alertmanager_adds_is_ignored():
    found = orjson.loads(body(alert()))
    found["new"] = {"x": 1}
    assert len(read_message(orjson.dumps(found)).alerts) == 1
