"""The walk to the suspect, over edges that got worse."""

from alerts.incidents.cause import suggest
from alerts.incidents.changes import Change
from alerts.incidents.worsening import WorseEdge, in_order

T0 = 1_800_000_000


def failed(source, destination, began=0, *, errors=50, kind="errors", flags=None, codes=None):
    ratio = errors / 100 if kind == "errors" else None
    return WorseEdge(source, destination, kind, T0 + began, T0 + 600, 100, errors, ratio, 0.0,
                     900.0, 90.0, codes or {}, flags or {})  # fmt: skip


def cause(services, *edges, changes=()):
    return suggest(services, in_order(edges), changes).cause


def test_the_walk_ends_at_the_deepest_callee_that_got_worse():
    found = cause(["web"], failed("ext", "web", 30), failed("web", "cart", 20),
                  failed("cart", "db", 10), failed("other", "thing", 0))  # fmt: skip
    assert (found.service, found.path) == ("db", ("web", "cart", "db"))
    assert "cart > db worsened first; web > cart 10 s later, ext > web 20 s later" in found.reasons


def test_of_two_branches_the_one_that_began_first_is_named_and_failures_before_slowness():
    late, early = failed("web", "search", 40), failed("web", "cart", 10)
    assert cause(["web"], late, early).service == "cart"
    slow = failed("web", "slow", 0, kind="latency", errors=0)
    assert cause(["web"], late, slow).service == "search"


def test_slowness_below_a_failure_is_the_cause():
    slow = failed("cart", "db", 5, kind="latency", errors=0)
    found = cause(["web"], failed("ext", "web", 30), failed("web", "cart", 20), slow)
    assert found.service == "db"
    assert found.reasons[0].startswith("db answers cart slowly since 08:00:05: the p95 is 900 ms")


def test_an_alert_on_the_failing_service_itself_needs_no_walk():
    found = cause(["db"], failed("cart", "db", codes={"503": 3, "0": 40}, flags={"UF": 43}))
    assert (found.source, found.service, found.path) == ("cart", "db", ("db",))
    assert found.reasons[0].endswith("without any response")
    assert found.reasons[1].startswith("response flag UF on 43 of them: upstream connection failed")


def test_a_circle_is_told_and_ends():
    found = cause(["a"], failed("a", "b"), failed("b", "a", 5))
    assert any("fail in a circle" in reason for reason in found.reasons)


def test_a_change_at_the_suspect_before_it_began_is_a_reason_and_others_are_not():
    changes = [
        Change(T0 - 30, "version", "version v2 of db was first heard", ("db",)),
        Change(T0 - 20, "version", "version v9 of far was first heard", ("far",)),
        Change(T0 - 5000, "push", "1 proxy took new clusters (db)", ("db",)),
        Change(T0 + 300, "push", "1 proxy took new routes (db)", ("db",)),
    ]
    found = cause(["web"], failed("web", "cart", 5), failed("cart", "db"), changes=changes)
    told = [reason for reason in found.reasons if "heard" in reason or "proxy" in reason]
    assert told == ["version v2 of db was first heard, 30 s before it began"]


def test_without_a_worse_call_near_it_there_is_no_cause():
    found = suggest(["web"], [failed("far", "away")], ())
    assert found.cause is None
    assert found.reason.endswith("elsewhere these did: far > away.")
    assert "name no service" in suggest([], [failed("far", "away")], ()).reason


def test_many_edges_are_walked_in_time():
    edges = [failed(f"s{a}", f"s{b}", a) for a in range(12) for b in range(12) if a != b]
    assert cause([f"s{a}" for a in range(12)], *edges) is not None
