"""What is kept of alerts, for how long, and how many."""

from dataclasses import replace

import pytest

from collector.store.store import open_store
from collector.store.told_alerts import (
    AlertRow,
    EntryRow,
    GroupRow,
    forget,
    put_entry,
    put_message,
    read_told,
    version,
)

ONE = AlertRow("a", 100, None, "g", "{}", "{}", "", ("b", "c"), 7)
GROUP = GroupRow("g", "r", None, 0, 7)


@pytest.fixture
def cursor():
    with open_store() as store:
        yield store.cursor()


def starts(cursor):
    return [one.starts_ns for one in read_told(cursor).alerts]


def test_what_was_put_is_read(cursor):
    entry = EntryRow("a", 100, 8, "note", "ann", "it's here")
    put_message(cursor, [ONE], GROUP)
    put_entry(cursor, entry)

    told = read_told(cursor)
    assert (told.alerts, told.groups, told.entries) == ((ONE,), (GROUP,), (entry,))


def test_the_first_labels_the_last_end_and_the_most_left_out_stay(cursor):
    put_message(cursor, [replace(ONE, ends_ns=300)], replace(GROUP, over_ns=5, left_out=2))
    put_message(
        cursor, [replace(ONE, ends_ns=200, labels="[]", told_ns=9)], replace(GROUP, told_ns=1)
    )
    put_message(cursor, [ONE], replace(GROUP, over_ns=4, left_out=1))

    told = read_told(cursor)
    assert told.alerts == (replace(ONE, ends_ns=300),)
    assert told.groups == (replace(GROUP, over_ns=5, left_out=2),)


def test_a_message_without_alerts_still_tells_of_its_group(cursor):
    put_message(cursor, [], GROUP)
    assert read_told(cursor).groups == (GROUP,)


def test_a_message_that_fails_leaves_nothing(cursor):
    with pytest.raises(Exception, match="NOT NULL"):
        put_message(cursor, [ONE], replace(GROUP, receiver=None))
    assert read_told(cursor).alerts == ()


def test_what_is_over_for_long_is_forgotten_with_what_was_said_of_it(cursor):
    old = replace(ONE, ends_ns=150)
    late = replace(ONE, fingerprint="b", ends_ns=900, group_key="h")
    put_message(cursor, [old], GROUP)
    put_message(cursor, [late], replace(GROUP, group_key="h"))
    for one in (old, late):
        put_entry(cursor, EntryRow(one.fingerprint, one.starts_ns, 1, "note", "x", "y"))

    assert forget(cursor, before_ns=500, most=10) == 1

    told = read_told(cursor)
    assert told.alerts == (late,)
    assert [one.group_key for one in told.groups] == ["h"]
    assert [one.fingerprint for one in told.entries] == ["b"]


def test_no_more_than_the_newest_are_kept(cursor):
    put_message(cursor, [replace(ONE, starts_ns=at) for at in range(10)], GROUP)
    assert forget(cursor, before_ns=0, most=3) == 7
    assert starts(cursor) == [7, 8, 9]


def test_every_change_is_seen_in_the_version(cursor):
    seen = [version(cursor)]
    put_message(cursor, [ONE], GROUP)
    seen.append(version(cursor))
    put_message(cursor, [replace(ONE, ends_ns=200)], GROUP)
    seen.append(version(cursor))
    put_entry(cursor, EntryRow("a", 100, 8, "note", "ann", ""))
    seen.append(version(cursor))
    assert len(set(seen)) == len(seen)
    put_message(cursor, [ONE], GROUP)
    assert version(cursor) == seen[-1]
