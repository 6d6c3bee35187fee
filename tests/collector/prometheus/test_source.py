"""What was exported, as Prometheus sees it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.otlp.exponential import Buckets, Exponential
from collector.prometheus.names import Naming
from collector.prometheus.streams import Streams
from collector.promql.native import from_exponential
from collector.promql.samples import Matcher
from collector.store.store import open_store
from tests.collector.inbox import Inbox
from tests.collector.prometheus.exported import (
    RESOURCE,
    STALE,
    T0_MS,
    Export,
    matchers,
    read,
    source,
)

WHO = (("instance", "cart-0"), ("job", "cart"))


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


def take(store, *exports):
    Inbox(store).take(*(export.bytes() for export in exports))


def labels(**own):
    return tuple(sorted((*WHO, *own.items())))


def test_a_counter_has_its_suffix_its_labels_and_its_integers(store):
    take(store, Export().counter("rq.count", 2**53 - 1, 10, **{"http.code": 200}))

    found = read(source(store), matchers("rq_count_total"))

    assert found == {labels(http_code="200"): [(10, 2**53 - 1)]}


def test_a_gap_is_a_stale_marker_and_an_ordinary_nan_is_a_value(store):
    take(
        store,
        Export().gauge("g", 1.5, 10).gauge("g", math.nan, 20).gauge("g", 0, 30, gap=True),
    )

    ((_, points),) = read(source(store), matchers("g")).items()

    assert points[0] == (10, 1.5)
    assert math.isnan(points[1][1])
    assert points[2] == (30, STALE)


def test_samples_come_in_the_order_of_time_and_the_last_of_a_moment_wins(store):
    inbox = Inbox(store)
    for value, at_s in ((1.0, 30), (2.0, 10), (3.0, 20), (4.0, 10.0001)):
        inbox.take(Export().gauge("g", value, at_s).bytes())

    ((_, points),) = read(source(store), matchers("g")).items()

    assert points == [(10, 4), (20, 3), (30, 1)]


def test_both_ends_of_the_window_belong_to_it(store):
    take(store, *(Export().gauge("g", float(at_s), at_s) for at_s in (9, 10, 15, 20, 21)))

    ((_, points),) = read(source(store), matchers("g"), 10, 20).items()

    assert [at_s for at_s, _ in points] == [10, 15, 20]


def test_streams_with_the_same_labels_are_one_series(store):
    take(
        store,
        Export(scope="one").gauge("g", 1.0, 10),
        Export(scope="two").gauge("g", 2.0, 20),
        Export(RESOURCE | {"service.version": "v2"}).gauge("g", 3.0, 30),
    )

    assert read(source(store), matchers("g")) == {labels(): [(10, 1), (20, 2), (30, 3)]}


def test_of_two_kinds_with_the_same_labels_the_first_is_shown(store):
    take(store, Export().gauge("h_count", 7.0, 10), Export().histogram("h", [1], [1, 1], 10))

    assert read(source(store), matchers("h_count")) == {labels(): [(10, 7)]}


def test_deltas_are_added_up_from_the_first_on_whatever_the_window(store):
    take(
        store,
        *(Export().counter("d", value, at_s, delta=True) for value, at_s in ((5, 10), (2, 30))),
        Export().counter("d", 0, 20, delta=True, gap=True),
        Export(RESOURCE | {"service.version": "v2"}).counter("d", 1, 40, delta=True),
    )

    everything = [(10, 5), (20, STALE), (30, 7), (40, 8)]
    assert read(source(store), matchers("d_total")) == {labels(): everything}
    assert read(source(store), matchers("d_total"), 25, 60) == {labels(): everything[2:]}


def test_a_histogram_is_cumulative_buckets_a_sum_and_a_count(store):
    take(store, Export().histogram("h", [0.5, 1, 2.5], [1, 0, 2, 4], 10, total=12.5))

    buckets = read(source(store), matchers("h_bucket"))

    expected = {"0.5": 1, "1": 1, "2.5": 3, "+Inf": 7}
    assert buckets == {labels(le=le): [(10, count)] for le, count in expected.items()}
    assert read(source(store), matchers("h_sum")) == {labels(): [(10, 12.5)]}
    assert read(source(store), matchers("h_count")) == {labels(): [(10, 7)]}


def test_a_matcher_of_le_chooses_among_the_buckets(store):
    take(store, Export().histogram("h", [0.5, 1], [1, 2, 3], 10))
    wanted = [*matchers("h_bucket"), Matcher("le", "=~", "1|\\+Inf")]

    assert read(source(store), wanted) == {labels(le="1"): [(10, 3)], labels(le="+Inf"): [(10, 6)]}


def test_a_histogram_without_bounds_or_sum_has_only_its_count(store):
    take(store, Export().histogram("h", [], [], 10))

    assert read(source(store), matchers("h_bucket")) == {labels(le="+Inf"): [(10, 0)]}
    assert read(source(store), matchers("h_sum")) == {}


def test_bounds_may_change_and_a_gap_is_one_of_every_bucket(store):
    take(
        store,
        Export().histogram("h", [1], [1, 1], 10),
        Export().histogram("h", [1, 2], [2, 1, 1], 20),
        Export().histogram("h", [], [], 30, gap=True),
    )

    assert read(source(store), matchers("h_bucket")) == {
        labels(le="1"): [(10, 1), (20, 2), (30, STALE)],
        labels(le="2"): [(20, 3), (30, STALE)],
        labels(le="+Inf"): [(10, 2), (20, 4), (30, STALE)],
    }
    assert read(source(store), matchers("h_count")) == {labels(): [(10, 2), (20, 4), (30, STALE)]}


def test_delta_histograms_are_added_up_bucket_by_bucket(store):
    take(
        store,
        *(Export().histogram("h", [1], counts, at_s, delta=True, total=1.5)
          for counts, at_s in (([1, 2], 10), ([3, 0], 20))),
    )  # fmt: skip

    assert read(source(store), matchers("h_bucket"), 15) == {
        labels(le="1"): [(20, 4)],
        labels(le="+Inf"): [(20, 6)],
    }
    assert read(source(store), matchers("h_sum"), 15) == {labels(): [(20, 3)]}


def test_an_exponential_histogram_is_a_native_one(store):
    take(
        store,
        Export().exponential("e", 3, 4, [1, 0, 2], 10),
        Export().exponential("e", 3, 4, [1, 0, 2], 20, gap=True),
    )
    point = Exponential(3, 3, positive=Buckets(4, (1, 0, 2)), sum=3.0)

    assert read(source(store), matchers("e")) == {
        labels(): [(10, from_exponential(point)), (20, STALE)]
    }


def test_delta_exponentials_are_merged(store):
    take(
        store,
        Export().exponential("e", 3, 4, [1], 10, delta=True),
        Export().exponential("e", 2, 2, [5], 20, delta=True),
    )
    merged = Exponential(6, 2, positive=Buckets(2, (6,)), sum=6.0)

    assert read(source(store), matchers("e"), 15) == {labels(): [(20, from_exponential(merged))]}


def test_a_scale_too_coarse_for_native_histograms_is_left_out(store):
    take(store, Export().exponential("e", -5, 0, [1], 10), Export().exponential("e", 0, 0, [1], 20))

    ((_, points),) = read(source(store), matchers("e")).items()

    assert [at_s for at_s, _ in points] == [20]


def test_a_summary_is_a_series_for_each_quantile(store):
    take(
        store,
        Export().summary("s", {0.5: 1.5, 0.99: 9}, 10, 30, 10),
        Export().summary("s", {}, 0, 0, 20, gap=True),
    )

    assert read(source(store), matchers("s")) == {
        labels(quantile="0.5"): [(10, 1.5), (20, STALE)],
        labels(quantile="0.99"): [(10, 9), (20, STALE)],
    }
    assert read(source(store), matchers("s", quantile="0.5")).keys() == {labels(quantile="0.5")}
    assert read(source(store), matchers("s_count")) == {labels(): [(10, 10), (20, STALE)]}


def test_target_info_tells_of_a_resource_when_it_was_heard(store):
    inbox = Inbox(store)
    for at_s in (5, 15, 65):
        body = Export(RESOURCE | {"host.name": "h"}).gauge("g", 1.0, at_s).bytes()
        inbox.take(body, at_ns=(T0_MS + at_s * 1000) * 10**6)

    assert read(source(store), matchers("target_info")) == {
        labels(host_name="h"): [(10, 1), (60, 1)]
    }


def test_new_series_are_seen_by_the_next_query(store):
    streams = Streams()
    take(store, Export().gauge("g", 1.0, 10))
    assert len(read(source(store, streams=streams), matchers("g"))) == 1

    Inbox(store).take(Export().gauge("g", 2.0, 10, pod="b").bytes())

    assert len(read(source(store, streams=streams), matchers("g"))) == 2


def test_other_names_come_with_another_strategy(store):
    take(store, Export().counter("a.b", 1, 10, unit="By", **{"x.y": "z"}))
    found = source(store, streams=Streams(Naming("NoTranslation")))

    assert read(found, matchers("a.b")) == {labels(**{"x.y": "z"}): [(10, 1)]}


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 50), st.integers(0, 1000)),
        max_size=30,
        unique_by=lambda point: point[:2],
    ),
    st.integers(1, 12),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_blocks_of_any_size_hold_the_same_samples(points, block_samples, from_s, to_s):
    with open_store() as store:
        inbox = Inbox(store)
        for pod, at_s, value in points:
            inbox.take(Export().gauge("g", value, at_s, pod=str(pod)).bytes())

        found = read(source(store, block_samples=block_samples), matchers("g"), from_s, to_s)

    expected = {}
    for pod, at_s, value in sorted(points):
        if from_s <= at_s <= to_s:
            expected.setdefault(labels(pod=str(pod)), []).append((at_s, value))
    assert found == expected
