"""An alert's states are what a reading of the whole history says, after every step."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.evaluation.sending import due
from alerts.evaluation.states import RESOLVED_KEPT_MS, Seen, advance

LABELS = (("alertname", "A"),)
MINUTE = 60_000


class History:
    """Says by definition, from all that was seen, what an alert is at a step. Naive on purpose."""

    def __init__(self, present, times, hold_ms, keep_ms):
        self.present, self.times = present, times
        self.hold_ms, self.keep_ms = hold_ms, keep_ms
        self.is_alive, self.start, self.fired_at = map(
            cache, (self.is_alive, self.start, self.fired_at)
        )  # else their recursion takes for ever

    def is_alive(self, at):
        if at < 0:
            return False
        if self.present[at]:
            return True
        if not self.is_alive(at - 1) or not self.fires(at - 1):
            return False
        last = max(step for step in range(at) if self.present[step])
        return self.times[at] - self.times[last + 1] < self.keep_ms

    def start(self, at):
        return self.start(at - 1) if self.is_alive(at - 1) else at

    def fired_at(self, at):
        """The step of this life at which it began to fire; None if it did not."""
        begun = self.times[self.start(at)]
        steps = range(self.start(at), at + 1)
        held = (one for one in steps if self.present[one])
        return next((one for one in held if self.times[one] - begun >= self.hold_ms), None)

    def fires(self, at):
        return self.is_alive(at) and self.fired_at(at) is not None

    def resolved_at(self, at):
        """The step at which the last firing life ended, if nothing was seen since."""
        ends = [one for one in range(1, at + 1) if self.fires(one - 1) and not self.is_alive(one)]
        if not ends or any(self.present[ends[-1] : at + 1]):
            return None
        return ends[-1]


def walked(present, times, hold_ms, keep_ms):
    alerts, found = {}, []
    for is_there, at_ms in zip(present, times, strict=True):
        seen = {LABELS: Seen(float(at_ms))} if is_there else {}
        alerts = advance(alerts, seen, at_ms, hold_ms=hold_ms, keep_firing_ms=keep_ms)
        found.append(alerts.get(LABELS))
    return found


steps = st.lists(st.tuples(st.booleans(), st.sampled_from([1, 2, 8])), min_size=20, max_size=40)
lengths = st.sampled_from([0, 1, 2, 4])


@settings(max_examples=300, deadline=None)
@given(steps, lengths, lengths)
def test_states_are_those_of_the_history(given_steps, hold, keep):
    present = [is_there for is_there, _ in given_steps]
    times, at_ms = [], 0
    for _, minutes in given_steps:
        at_ms += minutes * MINUTE
        times.append(at_ms)
    history = History(present, times, hold * MINUTE, keep * MINUTE)
    for at, alert in enumerate(walked(present, times, hold * MINUTE, keep * MINUTE)):
        if history.is_alive(at):
            fired = history.fired_at(at)
            assert alert.state == ("pending" if fired is None else "firing")
            assert alert.active_ms == times[history.start(at)]
            assert alert.fired_ms == (None if fired is None else times[fired])
            continue
        resolved = history.resolved_at(at)
        is_kept = resolved is not None and (
            resolved == at or times[at - 1] - times[resolved] <= RESOLVED_KEPT_MS
        )
        if is_kept and times[at] - times[resolved] <= RESOLVED_KEPT_MS:
            assert alert.state == "inactive"
            assert alert.resolved_ms == times[resolved]
        else:
            assert alert is None


@given(steps, lengths, lengths)
def test_whoever_hears_the_notices_knows_what_fires(given_steps, hold, keep):
    """Alertmanager believes an alert until its end: what fires is believed, what ended is not."""
    alerts, at_ms, believed_until = {}, 0, 0
    for is_there, minutes in given_steps:
        at_ms += min(minutes, 4) * MINUTE
        seen = {LABELS: Seen(1.0)} if is_there else {}
        alerts = advance(alerts, seen, at_ms, hold_ms=hold * MINUTE, keep_firing_ms=keep * MINUTE)
        notices, after = due(alerts.values(), at_ms, 4 * MINUTE, "up == 0")
        alerts = {alert.labels: alert for alert in after}
        for notice in notices:
            believed_until = notice.ends_ms
        fires = any(alert.state == "firing" for alert in alerts.values())
        assert fires == (believed_until > at_ms)


def test_a_resolved_alert_is_told_of_each_minute_for_fifteen_minutes():
    alerts, told = {}, []
    for minute in range(30):
        seen = {LABELS: Seen(1.0)} if minute < 2 else {}
        alerts = advance(alerts, seen, minute * MINUTE)
        notices, after = due(alerts.values(), minute * MINUTE, MINUTE // 2, "x")
        alerts = {alert.labels: alert for alert in after}
        told += [(minute, one.ends_ms // MINUTE) for one in notices]
    # Every second minute, because "longer than a minute ago" is not "a minute ago".
    assert told[0] == (0, 4)
    assert told[1] == (2, 2)
    assert told[-1] == (16, 2)
    assert not alerts
