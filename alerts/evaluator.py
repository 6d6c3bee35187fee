"""The one thread that evaluates rules when they are due, and hands on what comes of it.

Never blocks on the store's writer or on an Alertmanager: what is not committed yet is laid over
the store until it is. Sources, clock, writer and notifier are given.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from alerts.evaluation.batches import batch_of
from alerts.evaluation.definitions import Group
from alerts.evaluation.groups import GroupState, begin, continued, ends, evaluate, restore
from alerts.evaluation.overlay import Overlay
from alerts.evaluation.recall import Recall
from alerts.evaluation.rules import World
from alerts.evaluation.schedule import due_after, next_due
from alerts.evaluation.sending import Notice
from alerts.evaluation.series import Sample
from collector.otlp.batch import Batch
from collector.promql.samples import Source
from collector.telemetry import Counter, Registry

_LOG: Final = logging.getLogger(__name__)
_SETTLED: Final = 2
"""Evaluations before a restore: the first ones may lack data that is yet to come."""
_MAX_WAIT_S: Final = 60.0
_DIGEST_BYTES: Final = 32


class Moment(Source, Protocol):
    """A Source of one moment; another ``revision`` tells the past otherwise."""

    @property
    def revision(self) -> object:
        """What is compared."""
        ...


Sessions = Callable[[], AbstractContextManager[Moment]]


class Sink(Protocol):
    """What keeps samples: ``collector.store.writer.Writer``."""

    def submit(self, batch: Batch, digest: bytes) -> Future[Any]:
        """Queue a batch; the future is done after the commit."""
        ...


@dataclass(slots=True)
class _Planned:
    """A group and when it is due."""

    state: GroupState
    due_ms: int
    missed: int = 0


@dataclass(frozen=True, slots=True)
class _Unkept:
    """Samples on their way to the store."""

    waiting: Future[Any]
    samples: tuple[Sample, ...]


class Evaluator:
    """Groups of rules, evaluated until ``close``."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        sink: Sink,
        tell: Callable[[Iterable[Notice]], None],
        world: World,
        clock_s: Callable[[], float],
        restores: bool = True,
        recall: Recall | None = None,
    ) -> None:
        """``restores``: alerts of the first groups may have been active in a former run."""
        self._sessions, self._sink, self._tell = sessions, sink, tell
        self._world, self._clock_s, self._restores = world, clock_s, restores
        self._planned: dict[tuple[str, str], _Planned] = {}
        self._unkept: list[_Unkept] = []
        self._recall = Recall() if recall is None else recall
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self.evaluations, self.failures, self.missed = Counter(), Counter(), Counter()
        self.lost = Counter()

    def start(self) -> None:
        """Evaluate from now on."""
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the evaluation that is under way."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def load(self, groups: Sequence[Group]) -> None:
        """Take these groups from now on; what is known of rules that stay is kept."""
        now_ms = self._now_ms()
        with self._changed:
            before, self._planned = self._planned, {}
            gone: list[Sample] = []
            for group in groups:
                known = before.pop(group.key, None)
                if known is None:
                    state = begin(group, restores=self._restores)
                    self._planned[group.key] = _Planned(state, due_after(group, now_ms))
                    continue
                state, labels = continued(known.state, group)
                gone += ends(labels, now_ms)
                is_same = known.state.group.interval_ms == group.interval_ms
                due_ms = known.due_ms if is_same else due_after(group, now_ms)
                self._planned[group.key] = _Planned(state, due_ms, known.missed)
            for left in before.values():
                gone += ends((one for rule in left.state.rules for one in rule.written), now_ms)
            self._restores = False
            self._changed.notify_all()
        self._keep(gone)

    def groups(self) -> tuple[GroupState, ...]:
        """Return what is known of all groups, in the order of their files."""
        with self._changed:
            return tuple(one.state for one in self._planned.values())

    def run_due(self, now_ms: int) -> int:
        """Evaluate every group that is due by now, once; return how many were."""
        with self._changed:
            due = [(key, one) for key, one in self._planned.items() if one.due_ms <= now_ms]
        due.sort(key=lambda pair: pair[1].due_ms)
        if due:
            self._evaluate(due)
        return len(due)

    def register(self, registry: Registry) -> None:
        """Tell the registry what is counted here."""
        by = ("group",)
        counter, gauge = registry.counter, registry.gauge
        counter("meshscope_rule_evaluations_total", "Rules evaluated, by group.",
                self.evaluations.values, by)  # fmt: skip
        counter("meshscope_rule_evaluation_failures_total", "Rules that had no result, by group.",
                self.failures.values, by)  # fmt: skip
        counter("meshscope_rule_iterations_missed_total", "Evaluations that came too late to be.",
                self.missed.values, by)  # fmt: skip
        counter("meshscope_rule_samples_lost_total", "Samples of rules that were not kept, by why.",
                self.lost.values, ("error",))  # fmt: skip
        gauge("meshscope_rule_group_seconds", "How long the last evaluation of a group took.",
              lambda: {(one.group.name,): one.seconds for one in self.groups()}, by)  # fmt: skip

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._is_closed and (wait_s := self._wait_s()):
                    self._changed.wait(wait_s)
                if self._is_closed:
                    return
            try:
                self.run_due(self._now_ms())
            except Exception:  # noqa: BLE001 - the next evaluation may go well
                _LOG.exception("rules could not be evaluated")
                time.sleep(1.0)

    def _wait_s(self) -> float:
        if not self._planned:
            return _MAX_WAIT_S
        first_ms = min(one.due_ms for one in self._planned.values())
        return min(max((first_ms - self._now_ms()) / 1000, 0.0), _MAX_WAIT_S)

    def _evaluate(self, due: Sequence[tuple[tuple[str, str], _Planned]]) -> None:
        """Evaluate groups over one moment of the store, later ones seeing the earlier ones."""
        with self._changed:
            unkept = self._unkept = [one for one in self._unkept if not one.waiting.done()]
        samples: list[Sample] = []
        with self._sessions() as session:
            kept = self._recall.over(session, self._now_ms(), session.revision)
            source = Overlay(kept)
            for one in unkept:
                source.add(one.samples)
            for key, planned in due:
                if self._is_closed:
                    break
                done = self._evaluated(planned, source)
                source.add(done)
                samples += done
                self._plan(key, planned)
        self._keep(samples)

    def _evaluated(self, planned: _Planned, source: Source) -> Sequence[Sample]:
        at_ms = planned.due_ms
        done = evaluate(planned.state, source, at_ms, world=self._world, clock_s=time.perf_counter)
        state = done.state
        if state.evaluations == _SETTLED:
            state = restore(state, source, at_ms)
        planned.state = state
        name = (state.group.name,)
        self.evaluations.add(name, len(state.rules))
        failed = [one for one in state.rules if one.health == "err"]
        self.failures.add(name, len(failed))
        for one in failed:
            _LOG.warning("rule %s of %s: %s", one.rule, state.group.name, one.last_error)
        self._tell(done.notices)
        return done.samples

    def _plan(self, key: tuple[str, str], planned: _Planned) -> None:
        group = planned.state.group
        due_ms, missed = next_due(planned.due_ms, group.interval_ms, self._now_ms())
        self.missed.add((group.name,), missed)
        with self._changed:
            known = self._planned.get(key)
            if known is None:
                return
            if known is not planned:  # loaded anew meanwhile
                known.state = continued(planned.state, known.state.group)[0]
            known.due_ms, known.missed = due_ms, planned.missed + missed

    def _keep(self, samples: Sequence[Sample]) -> None:
        if not samples:
            return
        try:
            waiting = self._sink.submit(batch_of(samples), secrets.token_bytes(_DIGEST_BYTES))
        except Exception as error:  # noqa: BLE001 - the evaluation goes on without
            _LOG.exception("%d samples of rules are not kept", len(samples))
            self.lost.add((type(error).__name__,), len(samples))
            return
        with self._changed:
            self._unkept = [*self._unkept, _Unkept(waiting, tuple(samples))]

        def done(kept: Future[Any]) -> None:
            error = kept.exception()
            if error is not None:
                _LOG.error("%d samples of rules are not kept: %s", len(samples), error)
                self.lost.add((type(error).__name__,), len(samples))

        waiting.add_done_callback(done)

    def _now_ms(self) -> int:
        return int(self._clock_s() * 1000)
