"""New versions and configuration pushes around an incident, from what is stored."""

from contextlib import closing

import pytest

from alerts.incidents.changes import read_changes
from collector.otlp.metrics import decode_metrics
from collector.store.store import open_store
from collector.store.writer import Writer
from tests.collector.exports import SECOND, digest, metrics

T0 = 1_800_000_000
HOUR = 3600


def heard(cursor, resource_id, service, version, *stretches):
    row = [resource_id, service, "", version, f"{service}-{version}"]
    cursor.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?, '{}')", row)
    for from_s, to_s in stretches:
        cursor.execute(
            f"INSERT INTO heartbeats SELECT range, {resource_id} FROM range({from_s}, {to_s}, 10)"
        )


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


def changes(store, from_s, to_s):
    with store.snapshot() as cursor:
        return [(one.at_s - T0, one.kind, one.text) for one in read_changes(cursor, from_s, to_s)]


def test_a_new_version_and_the_end_of_the_old_one_are_changes(store):
    cursor = store.cursor()
    heard(cursor, 1, "cart", "v1", (T0 - 5 * HOUR, T0 + 100))
    heard(cursor, 2, "cart", "v2", (T0, T0 + HOUR))
    heard(cursor, 3, "pay", "v1", (T0 - 5 * HOUR, T0 + HOUR))
    assert changes(store, T0 - 1800, T0 + HOUR) == [
        (0, "version", "version v2 of cart was first heard"),
        (90, "version_gone", "version v1 of cart was last heard"),
    ]


def test_a_service_that_was_away_for_a_while_is_not_new(store):
    heard(store.cursor(), 1, "cart", "v1", (T0 - 5 * HOUR, T0 - HOUR), (T0, T0 + HOUR))
    assert changes(store, T0 - 1800, T0 + HOUR) == []


def test_at_the_start_of_a_store_nothing_is_new(store):
    cursor = store.cursor()
    heard(cursor, 1, "cart", "v1", (T0, T0 + HOUR))
    heard(cursor, 2, "pay", "v1", (T0 + 30, T0 + HOUR))
    heard(cursor, 3, "late", "v1", (T0 + 600, T0 + HOUR))
    assert changes(store, T0 - 1800, T0 + HOUR) == [
        (600, "version", "version v1 of late was first heard")
    ]


def test_a_push_is_what_proxies_count_as_updates_within_half_a_minute(store):
    names = ("cluster_manager.cds.update_success", "listener_manager.lds.update_success",
             "listener_manager.lds.update_rejected")  # fmt: skip
    with closing(Writer(store)) as writer:
        for service, at, counts in (
            ("cart", -300, (1, 1, 0)), ("pay", -300, (1, 1, 0)),
            ("cart", 50, (2, 1, 0)), ("pay", 70, (2, 2, 0)),
            ("cart", 200, (2, 1, 1)), ("pay", 200, (2, 2, 0)),
        ):  # fmt: skip
            points = [(name, {}, value) for name, value in zip(names, counts, strict=True)]
            body = metrics(points, start_ns=(T0 - 400) * SECOND, time_ns=(T0 + at) * SECOND,
                           service=service)  # fmt: skip
            writer.submit(decode_metrics(body), digest(body)).result(30)
    assert changes(store, T0 - 60, T0 + 600) == [
        (50, "push", "2 proxies took new clusters, listeners (cart, pay)"),
        (200, "push_refused", "1 proxy refused new listeners (cart)"),
    ]
