"""The canary over HTTP: the verdict, the hooks, the page, and what is refused."""

import pytest

from collector.store.store import open_store
from dashboards.web.app import create_app
from tests.collector.rollups import put
from tests.dashboards.web.canary_shop import BUCKETS, CHARGE, FROM_S, seed_canary
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.visitor import Visitor

ASKED = "service=payments&canary=v2&baseline=v1&max_error_increase=0.02&quantile=0.5"


@pytest.fixture
def visit():
    """Give a visitor of a server whose canary is as told."""
    stores = []

    def start(**canary):
        store = stores[-1] if stores else open_store()
        stores.append(store)
        if canary:
            seed_canary(store, **canary)
        return Visitor(create_app(deps(store)))

    yield start
    for store in set(stores):
        store.close()


def _canary(visitor, query=ASKED):
    answer = visitor.get(f"/api/canary?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_counts_are_those_of_the_store_and_of_the_topology(visit):
    visitor = visit(canary_errors=1, baseline_errors=2)
    found = _canary(visitor)
    assert (found["canary"]["requests"], found["baseline"]["requests"]) == (1200, 10_800)
    assert (found["canary"]["errors"], found["baseline"]["errors"]) == (60, 120)
    assert (found["canary"]["retries"], found["baseline"]["retries"]) == (60, 60)
    assert sum(found["distribution"]["canary"]) == 1140
    assert (found["from_s"], found["to_s"]) == (FROM_S, FROM_S + 600)
    assert found["versions"] == {"v1": 10_800, "v2": 1200}
    (edge,) = visitor.get("/api/topology").json()["edges"]
    assert edge["versions"] == found["versions"]
    assert edge["errors"] == 180


@pytest.mark.parametrize(
    ("canary", "verdict", "go_on"),
    [
        ({}, "promote", {"rollout", "confirm-traffic-increase", "confirm-promotion"}),
        ({"canary": 3, "baseline": 27}, "hold", {"rollout", "confirm-traffic-increase"}),
        ({"canary_errors": 4}, "roll_back", {"rollback"}),
        ({"slower": 3.0}, "roll_back", {"rollback"}),
    ],
)
def test_a_hook_is_answered_by_its_status_code(visit, canary, verdict, go_on):
    visitor = visit(canary=canary.pop("canary", 40), **canary)
    assert _canary(visitor)["verdict"] == verdict
    call = {
        "name": "payments",
        "namespace": "shop",
        "phase": "Progressing",
        "checksum": "68b8d9c4",
        "metadata": {
            "canary": "v2", "baseline": "v1", "max_error_increase": "0.02", "quantile": "0.5"
        },
    }  # fmt: skip
    for hook in ("rollout", "confirm-traffic-increase", "confirm-promotion", "rollback"):
        answer = visitor.request("POST", f"/api/canary/hooks/{hook}", json=call)
        assert answer.status_code == (200 if hook in go_on else 409), hook
        assert answer.json()["verdict"] == verdict
        assert answer.json()["reasons"]


def test_asked_about_the_past_only_the_past_counts(visit):
    visitor = visit(canary_errors=4)
    found = _canary(visitor, f"{ASKED}&from={FROM_S + 103}&to={FROM_S + 157}")
    assert (found["from_s"], found["to_s"]) == (FROM_S + 100, FROM_S + 150)
    assert found["canary"]["requests"] == 20 * 5


def test_without_a_start_it_begins_with_the_first_request_of_the_canary(visit):
    visitor = visit(canary=20, baseline=0)
    store = visitor._transport.app.state.deps.store
    put(store, CHARGE, 30, [(FROM_S - 3000 + 10 * step, 50, 50) for step in range(360)])
    found = _canary(visitor)
    assert found["from_s"] == FROM_S
    assert found["baseline"]["requests"] == 50 * BUCKETS


def test_one_caller_or_route_can_be_asked_about(visit):
    visitor = visit(canary=20)
    assert _canary(visitor, f"{ASKED}&source=checkout&route=charge")["canary"]["requests"] == 1200
    assert _canary(visitor, f"{ASKED}&route=other")["verdict"] == "hold"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("service=payments&canary=v2", "baseline: Field required"),
        ("service=payments&canary=v2&baseline=v2", "must be another version than the baseline"),
        (f"{ASKED}&confidence=2", "confidence must be in [0.5, 1), got 2.0"),
        (f"{ASKED}&from=now-9d", "must be at most 7 days before to"),
        (f"{ASKED}&from=now", "must be at least 10 s earlier than to"),
        (f"{ASKED}&from=soon", "from=soon"),
    ],
)
def test_a_question_that_is_wrong_is_refused_by_name(visit, query, told):
    answer = visit().get(f"/api/canary?{query}")
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"canary": "v2"}, "baseline: must be named in the metadata of the hook"),
        ({"canary": "v2", "baseline": "v1", "cmd": "x"}, "cmd: is no parameter; there are base"),
        ({"canary": "v2", "baseline": "v1", "quantile": "high"}, "must be a number, got 'high'"),
        ({"canary": "v2", "baseline": "v1", "ignore_latency": "y"}, "must be true or false"),
    ],
)
def test_a_hook_that_is_set_up_wrongly_is_told_so(visit, metadata, told):
    call = {"name": "payments", "namespace": "shop", "metadata": metadata}
    answer = visit().request("POST", "/api/canary/hooks/rollout", json=call)
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]


def test_the_page_shows_the_verdict_of_the_api(visit):
    visitor = visit(canary_errors=4)
    text = visitor.get("/canary/payments?max_error_increase=0.02").text
    assert 'data-verdict="roll_back"' in text
    assert "payments: v2 against v1" in text
    assert "240 of 1,200 requests to v2 failed" in text
    assert 'href="/canary/payments"' in visitor.get("/services").text


def test_the_versions_of_the_page_can_be_chosen(visit):
    text = visit(canary=20).get("/canary/payments?canary=v1").text
    assert "payments: v1 against v2" in text


@pytest.mark.parametrize(
    ("canary", "told"),
    [
        ({"canary": 0}, "Only v1 of payments was called"),
        (None, "payments was not called in the last day"),
    ],
)
def test_a_page_without_two_versions_says_how_to_get_them(visit, canary, told):
    text = visit(**(canary or {})).get("/canary/payments").text
    assert told in text
    assert "weights: {v1: 95, v2: 5}" in text


def test_a_page_asked_nonsense_is_a_page_that_says_so(visit):
    answer = visit().get("/canary/payments?quantile=9")
    assert answer.status_code == 400
    assert "quantile must be in (0, 1), got 9.0" in answer.text


def test_names_never_become_markup(visit):
    text = visit().get("/canary/%3Cimg%20src=x%3E").text
    assert "<img src=x" not in text
