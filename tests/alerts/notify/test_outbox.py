"""An outbox keeps the last word on each alert, and no more than it may."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.sending import Notice
from alerts.notify.outbox import Outbox


def notice(number, at_ms=0):
    return Notice((("alertname", str(number)),), (), at_ms, at_ms, "x")


words = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40)


@given(words, st.integers(1, 5))
def test_every_alert_is_told_by_its_last_notice_or_was_dropped(said, most):
    box, last, dropped = Outbox(most), {}, 0
    for at_ms, (number, taken) in enumerate(said):
        one = notice(number, at_ms)
        dropped += box.put([one])
        last[one.labels] = one
        for gone in (held := box.peek(taken, 0)):
            last.pop(gone.labels)
        box.done(held)
    left = box.peek(100, 0)
    assert len(left) <= most
    assert all(last[one.labels] is one for one in left)
    assert dropped >= len(last) - len(left)
    assert (dropped == 0) <= (len(last) == len(left))


def test_a_notice_that_came_meanwhile_stays():
    box = Outbox()
    box.put([notice(1, 1)])
    held = box.peek(10, 0)
    box.put([notice(1, 2)])
    box.done(held)
    assert box.peek(10, 0) == [notice(1, 2)]


def test_without_alerts_there_is_nothing_to_wait_for_once_closed():
    box = Outbox()
    box.close()
    assert box.peek(10) == []
