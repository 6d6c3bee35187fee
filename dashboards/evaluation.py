"""Rules evaluated over the store: the evaluator put together with its sources, files and notifier.

Part of the composition root. Without rule files the rules are those generated of the objectives.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from alerts.evaluation.definitions import Group
from alerts.evaluation.reading import read_rules
from alerts.evaluation.recall import Recall
from alerts.evaluation.rules import World
from alerts.evaluator import Evaluator, Moment, Sink
from alerts.generate import Options, mesh_rule_groups, rule_groups
from alerts.notify.notifier import Notifier
from alerts.rule_files import RuleWatch, load_rules
from alerts.rulefile import rule_file
from collector.promql.errors import ExecutionFailed
from collector.promql.samples import Matcher, Samples, Source
from collector.store.store import Store
from collector.store.tiers import TIERS_S
from collector.telemetry import Registry
from dashboards.prometheus.backend import make_backend
from dashboards.prometheus.execution import Stop
from dashboards.prometheus.objectives import EVENTS, TARGET
from slo.corrections import Correction
from slo.errors import OpenSloError
from slo.model import Catalog, Slo

GENERATED: Final = "meshscope"
"""The file that generated groups are said to be in."""
KEPT_S: Final = {"10s": 7 * 3600, "1m": 8 * 86_400}
"""How finely rules see the counters of objectives: by 10 s for 7 hours, by minutes for 8 days, by
hours before. The windows of alerts need no more, and a thousand objectives have room in memory."""


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What is evaluated, and who is told."""

    slos: Sequence[Slo] = ()
    files: Sequence[Path] = ()
    alertmanagers: Sequence[str] = ()
    external_url: str = ""
    external_labels: Mapping[str, str] = field(default_factory=dict)
    corrections: Callable[[], Sequence[Correction]] = tuple


@contextlib.contextmanager
def evaluating(
    rules: RuleSettings,
    store: Store,
    sink: Sink,
    registry: Registry,
    clock_s: Callable[[], float],
) -> Iterator[Evaluator]:
    """Evaluate until the block ends; raise BadRules before that when they cannot be used."""
    groups = rule_groups_of(rules)
    notifier = Notifier(
        rules.alertmanagers,
        external_url=rules.external_url,
        external_labels=rules.external_labels,
    )
    evaluator = Evaluator(
        sessions=store_sessions(store, rules.slos, clock_s, rules.corrections),
        sink=sink,
        tell=notifier.tell,
        world=World(rules.external_url, rules.external_labels),
        clock_s=clock_s,
        recall=new_recall(),
    )
    evaluator.load(groups)
    evaluator.register(registry)
    notifier.register(registry)
    with contextlib.ExitStack() as stack:
        stack.callback(notifier.close)
        evaluator.start()
        stack.callback(evaluator.close)
        if rules.files:
            watch = RuleWatch(rules.files, evaluator.load)
            stack.callback(watch.close)
            registry.gauge("meshscope_rules_fresh", "0: changed rule files cannot be used.",
                           lambda: float(watch.is_fresh))  # fmt: skip
        yield evaluator


def rule_groups_of(rules: RuleSettings) -> tuple[Group, ...]:
    """Return the groups of the files, or those that are generated; raise BadRules."""
    if rules.files:
        return load_rules(rules.files)
    return generated_groups(rules.slos, rules.external_url)


def generated_groups(slos: Sequence[Slo], base_url: str) -> tuple[Group, ...]:
    """Return the groups of the objectives, read as those of a file are."""
    options = Options(base_url=base_url)
    groups = (*rule_groups(Catalog(slos=tuple(slos)), options), *mesh_rule_groups(options))
    return read_rules(rule_file(groups, header=""), file=GENERATED)


def new_recall() -> Recall:
    """Return an empty memory of samples, in which objectives grow old as they do in the store."""
    lengths = list(TIERS_S.values())
    thinning = tuple(
        (kept_s * 1000, longer_s * 1000)
        for kept_s, longer_s in zip(KEPT_S.values(), lengths[1:], strict=True)
    )
    return Recall(thinned={EVENTS: thinning, TARGET: thinning})


def store_sessions(
    store: Store,
    slos: Sequence[Slo],
    clock_s: Callable[[], float],
    corrections: Callable[[], Sequence[Correction]] = tuple,
) -> Callable[[], contextlib.AbstractContextManager[Moment]]:
    """Return what opens a moment of the store for rules."""
    backend = make_backend(store, slos, clock_s, corrections=corrections, kept_s=KEPT_S)

    @contextlib.contextmanager
    def session() -> Iterator[Moment]:
        with backend.session(Stop(float("inf"))) as source:
            yield Worded(source, _revision(corrections))

    return session


def _revision(corrections: Callable[[], Sequence[Correction]]) -> object:
    """Return what changes when the past of an objective does, or its ledger breaks."""
    try:
        return tuple(corrections())
    except OpenSloError as error:
        return str(error)


@dataclass(frozen=True, slots=True)
class Worded:
    """A Source whose failures are those of queries: one bad rule must not spoil its neighbours."""

    source: Source
    revision: object

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give what the source gives; ExecutionFailed when the store fails."""
        try:
            yield from self.source.select(matchers, from_ms, to_ms)
        except duckdb.Error as error:
            raise ExecutionFailed(f"the store failed: {error}") from error
