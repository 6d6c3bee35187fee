"""A request does not arrive before it was sent, whatever the clocks say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.traces.clockskew import adjust
from collector.traces.tree import span_tree
from tests.collector.traces.shapes import anything

CLIENT, SERVER, PRODUCER, CONSUMER, INTERNAL = 3, 2, 4, 5, 1
FAR = 10**9
HOSTS = st.text("abc", min_size=25, max_size=25)


def moved(*spans, most_ns=FAR):
    """Return how far each of a chain of (kind, host, start, duration) is moved."""
    tree = span_tree(
        list(range(1, len(spans) + 1)), [None, *range(1, len(spans))], [one[0] for one in spans]
    )
    kinds, hosts, starts, durations = zip(*spans, strict=True)
    return adjust(tree, starts, durations, kinds, hosts, most_ns=most_ns)


@pytest.mark.parametrize(
    ("server", "by"),
    [
        pytest.param((SERVER, "b", 110, 80), 0, id="within its caller"),
        pytest.param((SERVER, "b", 95, 40), 35, id="before its caller: to the middle"),
        pytest.param((SERVER, "b", 180, 40), -50, id="after its caller: to the middle"),
        pytest.param((SERVER, "b", 90, 120), 10, id="longer than its caller: to its start"),
        pytest.param((SERVER, "b", 110, 120), 0, id="longer, but not before: a timeout"),
        pytest.param((SERVER, "a", 95, 40), 0, id="on the same host: one clock"),
        pytest.param((CONSUMER, "b", 500, 40), 0, id="a message may come later"),
        pytest.param((INTERNAL, "b", 95, 40), 0, id="not a server"),
    ],
)
def test_a_server_is_moved_into_its_caller(server, by):
    adjusted = moved((CLIENT, "a", 100, 100), server)

    assert adjusted.moved_ns == [0, by]
    assert adjusted.start_ns == [100, server[2] + by]
    assert (1 in adjusted.warnings) == bool(by)


def test_what_it_called_on_its_host_moves_along_and_says_so():
    adjusted = moved(
        (CLIENT, "a", 100, 100), (SERVER, "b", 0, 50), (CLIENT, "b", 10, 30), (SERVER, "c", 115, 10)
    )

    assert adjusted.moved_ns == [0, 125, 125, 30]
    assert adjusted.warnings[2] == ["clock skew: the span was moved by +0.000 ms"]


def test_more_than_the_limit_is_only_told():
    adjusted = moved((CLIENT, "a", 0, 10), (SERVER, "b", 5_000_000, 4), most_ns=2_000_000)

    assert adjusted.moved_ns == [0, 0]
    assert adjusted.warnings == {
        1: ["clock skew of -5.000 ms is more than the limit of +2.000 ms: the span was not moved"]
    }


@given(anything(), st.data())
def test_off_it_changes_nothing(shape, data):
    tree = span_tree(shape.span_ids, shape.parent_ids, shape.kinds)
    hosts = data.draw(HOSTS)
    adjusted = adjust(tree, shape.start_ns, shape.duration_ns, shape.kinds, hosts, most_ns=0)

    assert list(adjusted.start_ns) == shape.start_ns
    assert adjusted.warnings == {}


@given(anything(), st.data())
def test_every_server_ends_within_its_caller_or_begins_with_it(shape, data):
    tree = span_tree(shape.span_ids, shape.parent_ids, shape.kinds)
    hosts = data.draw(HOSTS)
    adjusted = adjust(tree, shape.start_ns, shape.duration_ns, shape.kinds, hosts, most_ns=FAR)

    starts, durations = adjusted.start_ns, shape.duration_ns
    for span, parent in enumerate(tree.parent):
        is_moved = adjusted.moved_ns[span] != 0
        assert starts[span] == shape.start_ns[span] + adjusted.moved_ns[span]
        assert (span in adjusted.warnings) == is_moved
        if (
            parent >= 0
            and hosts[span] != hosts[parent]
            and (shape.kinds[parent], shape.kinds[span]) == (CLIENT, SERVER)
        ):
            assert starts[span] >= starts[parent]
            if durations[span] <= durations[parent]:
                assert starts[span] + durations[span] <= starts[parent] + durations[parent]
