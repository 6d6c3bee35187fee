"""What is remembered equals what a scan of everything finds, after whatever happened."""

import contextlib
import time
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import semconv
from collector.edges import latency_bounds_us
from collector.otlp.metrics import decode_metrics
from collector.store.compaction import Retention, compact
from collector.store.quota import _delete_buckets
from collector.store.remembered import Remembered
from collector.store.settled import BEHIND_S, read_settled
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from dashboards.web.exposition import expose
from dashboards.web.mesh_metrics import mesh_families, slo_families
from slo.evaluate import window_end_s
from slo.model import AvailabilitySli, EdgeSelector, LatencySli, Objective, Slo, TimeWindow
from slo.sources.counting import Counting
from tests.collector.exports import SECOND, TAGS, metrics
from tests.collector.inbox import SERVER, Inbox, span
from tests.collector.store.test_precedence import SAYS, T1
from tests.dashboards.running import wait_until

HOUR_S, DAY_S = 3600, 86_400
START_S = T1 + 10 * HOUR_S
SLOS = tuple(
    Slo(name, "payments", sli, Objective(Decimal("0.9")), TimeWindow(30 * DAY_S))
    for name, sli in (
        ("all", AvailabilitySli(EdgeSelector("payments"))),
        ("quick", LatencySli(EdgeSelector("payments", source="frontend"), 5.0)),
    )
)
SHORT = Retention(sli_10s_s=HOUR_S, sli_1m_s=2 * HOUR_S, sli_1h_s=5 * HOUR_S)


@dataclass
class World:
    """A store, its clock, and what a scraper remembers."""

    store: object
    now_s: int = START_S
    number: int = 0
    remembered: Remembered = field(default_factory=Remembered)

    def __post_init__(self):
        self.inbox = Inbox(self.store)

    def tell(self, signal, value, age_s):
        self.number += 1
        self.inbox.take(self._told(signal, value, age_s), at_ns=self.now_s * SECOND)

    def fail(self, signal, value, age_s):
        """Have a transaction undone."""
        self.inbox.cursor.begin()
        decoded = decode_metrics(self._told(signal, value, age_s))
        self.inbox.recorder.add(decoded, self.now_s * SECOND)
        self.inbox.recorder.insert()
        self.inbox.recorder.rollback()
        self.inbox.cursor.rollback()

    def _told(self, signal, value, age_s):
        name, labels = SAYS[signal]
        bounds = latency_bounds_us()
        counts = [0] * (len(bounds) + 1)
        counts[value * 3] = value
        points = [(name, labels, value)]
        if signal == "sli":
            points.append((semconv.SLI_DURATION, TAGS | labels, (bounds, counts)))
        at_s = self.now_s - age_s
        return metrics(points, time_ns=at_s * SECOND, start_ns=(at_s - 1) * SECOND, temporality=1)

    def trace(self, value, age_s):
        """Spans arrive and are counted; ``value`` names the trace."""
        ends_s = self.now_s - age_s - T1_OF_SPANS
        call = (
            span("frontend", 1, trace=value, end_s=ends_s),
            span("payments", 2, 1, SERVER, trace=value, end_s=ends_s),
        )
        self.inbox.take_spans(*call, at_ns=self.now_s * SECOND)
        self.inbox.count_spans(self.now_s * SECOND)

    def wait(self, seconds):
        self.now_s += seconds

    def keep_house(self):
        compact(self.inbox.cursor, self.now_s, Retention())
        self.inbox.recorder.settle(self.inbox.cursor, self.now_s)

    def forget(self):
        compact(self.inbox.cursor, self.now_s, SHORT)

    def run_out_of_room(self, tier):
        for kind in ("sli", "latency"):
            _delete_buckets(self.inbox.cursor, f"{kind}_{tier}")

    def restart(self):
        self.inbox.restart()
        self.remembered = Remembered()

    def restart_writer(self):
        self.inbox.restart()

    def scrape(self):
        """Return what a scraper is told, and what a scan finds, in one snapshot."""
        to_s = window_end_s(self.now_s)
        with self.store.snapshot() as cursor:
            bases = (self.remembered.base(cursor), None)
            return tuple(_exposed(cursor, base, to_s) for base in bases)


def _exposed(cursor, base, to_s):
    def source(spans):
        return Counting().source(cursor, to_s, spans, base)

    families = mesh_families(cursor, SLOS, to_s, (), base)
    return expose([*families, *slo_families(source, SLOS, to_s)])


T1_OF_SPANS = 1_800_000_000
AGES = st.one_of(
    *(st.integers(-30, 120), st.integers(0, 2 * BEHIND_S)),
    *(st.integers(0, 9 * HOUR_S), st.integers(0, 4 * DAY_S)),
)
STEPS = st.sampled_from([10, 60, 300, 1200, 3600, 5000, DAY_S, -60, -3000, -DAY_S])
VALUES = st.integers(1, 9)
SIGNALS = st.sampled_from(["sli", "istio", "envoy_cluster", "linkerd", "linkerd_route"])
OPERATIONS = st.one_of(
    st.tuples(st.just("tell"), SIGNALS, VALUES, AGES),
    st.tuples(st.just("tell"), SIGNALS, VALUES, AGES),
    st.tuples(st.just("fail"), SIGNALS, VALUES, AGES),
    st.tuples(st.just("trace"), VALUES, AGES),
    st.tuples(st.just("wait"), STEPS),
    st.tuples(st.just("keep_house")),
    st.tuples(st.just("keep_house")),
    st.tuples(st.just("forget")),
    st.tuples(st.just("run_out_of_room"), st.sampled_from(["10s", "1m"])),
    st.tuples(st.sampled_from(["restart", "restart_writer"])),
)


def live(operations):
    """Do all of it; return how often there was something to remember."""
    used = 0
    with open_store() as store:
        world = World(store)
        world.tell("sli", 3, 2 * HOUR_S)
        world.keep_house()
        for name, *arguments in operations:
            getattr(world, name)(*arguments)
            told, scanned = world.scrape()
            assert told == scanned
            used += world.remembered._base is not None
    return used


@given(st.lists(OPERATIONS, min_size=3, max_size=14))
@settings(max_examples=8, deadline=None)
def test_what_is_remembered_equals_a_scan_whatever_happens(operations):
    live(operations)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(st.lists(OPERATIONS, min_size=3, max_size=40))
@settings(max_examples=300, deadline=None)
def test_what_is_remembered_equals_a_scan_for_long(operations):
    live(operations)


@pytest.fixture
def world():
    with open_store() as store:
        made = World(store)
        made.tell("sli", 3, 2 * HOUR_S)
        made.keep_house()
        yield made


def changes(world):
    return read_settled(world.inbox.cursor).changes


def test_what_comes_in_time_leaves_the_sums_standing_and_moves_them_on(world):
    for minute in range(25):
        world.wait(60)
        world.tell("sli", 5, 20)
        if minute % 5 == 0:
            world.trace(minute + 1, 30)
        world.keep_house()
        told, scanned = world.scrape()
        assert told == scanned
    assert changes(world) == 0
    assert world.remembered._base.to_s == world.now_s - BEHIND_S
    assert sum(world.remembered._base.rows("sli")["requests"].to_pylist()) > 3


@pytest.mark.parametrize(
    ("happened", "is_change"),
    [
        (("tell", "sli", 4, BEHIND_S + 120), True),
        (("tell", "sli", 4, 5 * HOUR_S), True),
        (("tell", "sli", 4, BEHIND_S - 120), False),
        (("tell", "sli", 4, -3600), False),
        (("fail", "sli", 4, 5 * HOUR_S), False),
        (("trace", 7, 300), False),
        (("keep_house",), False),
        (("forget",), True),
        (("run_out_of_room", "1m"), True),
    ],
    ids=str,
)
def test_a_change_of_what_is_settled_is_told_and_nothing_else(world, happened, is_change):
    world.scrape()
    before = changes(world)
    name, *arguments = happened
    getattr(world, name)(*arguments)
    assert (changes(world) > before) == is_change
    told, scanned = world.scrape()
    assert told == scanned


def test_a_change_of_the_last_day_leaves_what_is_older_standing(world):
    world.wait(3 * DAY_S)
    world.tell("sli", 5, 60)
    world.keep_house()
    world.scrape()
    old = world.remembered._base.old
    assert old["sli"]["requests"].to_pylist() == [3]
    for age_s in (2 * BEHIND_S, 5 * HOUR_S, 23 * HOUR_S):
        world.tell("sli", 2, age_s)
        told, scanned = world.scrape()
        assert told == scanned
        assert world.remembered._base.old is old
    world.tell("sli", 2, 3 * DAY_S)
    told, scanned = world.scrape()
    assert told == scanned
    assert world.remembered._base.old["sli"]["requests"].to_pylist() == [5]


@pytest.mark.parametrize("later_s", [300, 2 * HOUR_S, 2 * DAY_S])
def test_a_snapshot_taken_before_the_last_scrape_is_told_its_own_numbers(world, later_s):
    with world.store.snapshot() as early:
        early.execute("SELECT 1 FROM meta").fetchall()  # from here on it sees nothing new
        world.wait(later_s)
        world.tell("sli", 5, BEHIND_S + 120)
        world.keep_house()
        told, scanned = world.scrape()
        assert told == scanned
        base = world.remembered.base(early)
        families = [
            expose(mesh_families(early, SLOS, window_end_s(world.now_s), (), one))
            for one in (base, None)
        ]
    assert base is not None
    assert families[0] == families[1] != told
    told, scanned = world.scrape()
    assert told == scanned


def test_hours_that_retention_drops_lower_the_counters(world):
    world.wait(4 * HOUR_S)
    world.tell("sli", 5, 60)
    world.keep_house()
    before, _ = world.scrape()
    world.wait(2 * HOUR_S)
    world.forget()
    told, scanned = world.scrape()
    assert told == scanned
    assert told != before
    assert 'destination="payments",version="v2",route="default",code="200",flags="-"} 5' in told


def test_a_better_signal_moves_what_was_remembered_of_its_hour(world):
    world.wait(50 * 60)
    world.tell("envoy_cluster", 6, 45 * 60)
    world.keep_house()
    world.scrape()
    world.tell("istio", 7, 30)
    told, scanned = world.scrape()
    assert told == scanned


def test_a_store_that_nobody_keeps_has_nothing_to_remember():
    with open_store() as store, store.snapshot() as cursor:
        assert Remembered().base(cursor) is None


def test_the_writer_settles_what_it_keeps(tmp_path):
    with (
        open_store(tmp_path / "mesh.duckdb") as store,
        contextlib.closing(Writer(store, limits=WriterLimits(compact_every_s=0.05))),
        contextlib.closing(store.cursor()) as cursor,
    ):
        wait_until(lambda: read_settled(cursor) is not None, 20)
        behind_s = time.time() - read_settled(cursor).to_s
    assert BEHIND_S <= behind_s < BEHIND_S + 80
