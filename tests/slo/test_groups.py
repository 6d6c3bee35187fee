"""Groups: a budget for each consumer that is seen, and the whole is the sum of its members."""

import string
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.edges import Edge
from collector.store.store import open_store
from slo.corrections import Correction, excluded
from slo.evaluate import evaluate
from slo.groups import MAX_MEMBERS, expanded, members_of
from slo.model import AvailabilitySli, Composite, EdgeSelector, LatencySli, Member, Slices
from slo.sources.counting import Counting
from slo.sources.fixed import FixedCountSource
from slo.sources.minutes import MinuteSource
from tests.collector.rollups import put
from tests.slo.strategies import NOW_S, ROWS, slo

TO_S = NOW_S // 10 * 10 + 10
SAFE = set(string.ascii_letters + string.digits + "._-~@,")
CART = AvailabilitySli(EdgeSelector("cart"))


def _seen(rows):
    def seen(one):
        counted = {}
        for row in rows:
            if row.destination == "cart" and row.bucket_s < TO_S:
                values = tuple(getattr(row, column) for column in one.group_by)
                counted[values] = counted.get(values, 0) + row.requests
        return list(counted.items())

    return seen


@settings(max_examples=50, deadline=None)
@given(
    rows=ROWS,
    sli=st.sampled_from([CART, LatencySli(CART.edges, 250), Slices(CART, 60, Decimal("0.9"))]),
    columns=st.sampled_from([("source",), ("route",), ("version", "source")]),
)
def test_the_members_of_a_group_add_up_to_the_whole(rows, sli, columns):
    whole = replace(slo(), sli=sli, group_by=columns)
    slos = expanded([whole], _seen(rows))
    source = MinuteSource(FixedCountSource(rows), None, TO_S)
    by_name = {status.name: status for status in evaluate(slos, source, TO_S - 1)}
    members = [status for status in by_name.values() if status.group]
    assert all(status.total for status in members)
    if not isinstance(sli, Slices):
        assert sum(status.total for status in members) == by_name[whole.name].total
        assert sum(status.good for status in members) == by_name[whole.name].good
    assert len(by_name) == len(slos)


def test_a_member_is_there_from_its_first_request_and_gone_a_window_after_its_last():
    ask = replace(slo(window_s=3600), group_by=("source",))
    with open_store() as store:
        for number, source in enumerate(["web", "app/1"]):
            edge = Edge("source", source, "cart", "v1", "", 200, "-", "mtls")
            put(store, edge, number, [(TO_S - 600 - 600 * number, 5, 5)])
        cursor = store.cursor()
        names = {
            at: [one.name for one in Counting().slos(cursor, [ask], at)]
            for at in (TO_S - 1500, TO_S - 800, TO_S, TO_S + 3010)
        }
    assert names[TO_S - 1500] == ["cart-availability"]
    assert names[TO_S - 800] == ["cart-availability", "cart-availability@app~2F1"]
    assert names[TO_S] == [
        "cart-availability",
        "cart-availability@app~2F1",
        "cart-availability@web",
    ]
    assert names[TO_S + 3010] == ["cart-availability"]


def test_a_member_is_narrowed_labelled_and_judged_like_the_whole():
    whole = replace(slo(labels={"team": "a"}), group_by=("source", "route"), tiers=())
    (one,) = members_of(whole, lambda _: [(("web", ""), 3)])
    assert one.sli == AvailabilitySli(EdgeSelector("cart", source="web", route=""))
    assert (one.group, one.group_by, one.labels, one.tiers) == (
        {"source": "web", "route": ""},
        (),
        {"team": "a"},
        (),
    )
    assert one.display_name == "cart-availability: source web, route none"
    assert one.belongs_to == "cart-availability"


@settings(deadline=None)
@given(st.lists(st.text(max_size=5), min_size=2, max_size=2, unique=True))
def test_two_members_never_have_one_name(values):
    found = members_of(replace(slo(), group_by=("source",)), lambda _: [((v,), 1) for v in values])
    names = {one.name for one in found}
    assert len(names) == 2
    assert all(set(name) <= SAFE for name in names)


def test_only_consumers_that_are_meant_are_members():
    ask = replace(
        slo(), sli=AvailabilitySli(EdgeSelector("cart", consumers=("web",))), group_by=("source",)
    )
    with open_store() as store:
        for number, source in enumerate(["web", "app"]):
            edge = Edge("source", source, "cart", "v1", "", 200, "-", "mtls")
            put(store, edge, number, [(TO_S - 600, 5, 5)])
        found = Counting().slos(store.cursor(), [ask], TO_S)
    assert [one.name for one in found] == ["cart-availability", "cart-availability@web"]
    assert found[1].sli == AvailabilitySli(EdgeSelector("cart", source="web"))


def test_members_are_bounded_to_those_with_most_requests():
    seen = [((f"s{n:03}",), n) for n in range(MAX_MEMBERS + 50)]
    found = members_of(replace(slo(), group_by=("source",)), lambda _: seen)
    assert len(found) == MAX_MEMBERS
    assert found[0].group == {"source": "s050"}


def test_a_composite_is_grouped_step_by_step():
    pay = AvailabilitySli(EdgeSelector("pay"))
    whole = replace(slo(), sli=Composite((Member(CART), Member(pay))), group_by=("source",))
    (one,) = members_of(whole, lambda _: [(("web",), 3)])
    assert [member.sli.edges.source for member in one.sli.members] == ["web", "web"]


@pytest.mark.parametrize("corrected", ["cart.1@web", "cart.1", "cart"])
def test_a_correction_may_name_the_member_the_objective_or_the_declaration(corrected):
    one = replace(slo("cart.1@web"), belongs_to="cart.1")
    made = Correction("a", (corrected,), 0, 60, "ann", "why", 0)
    assert excluded([made], *one.names) == ((0, 60),)
    assert excluded([made], *slo("other").names) == ()
