"""The webhook and the API of incidents: what is told, by whom, and what comes of it."""

import threading

import orjson
import pytest

from collector.receiver.access import Access
from collector.receiver.tokens import Tokens
from collector.store.errors import StoreBroken
from collector.store.store import open_store
from dashboards.web.app import create_app
from dashboards.web.incidents import SharedDossiers, SharedSilences
from tests.alerts.incidents.told import T0, alert, body, message
from tests.dashboards.web.failing_shop import BEGAN_S, HOOK, NOW_S, fired, seed, serving, slow
from tests.dashboards.web.visitor import Visitor

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def shop():
    with open_store() as store:
        seed(store)
        yield store


@pytest.fixture
def visitor(shop):
    with serving(shop) as given:
        yield Visitor(create_app(given))
    for table in ("told_alerts", "alert_groups", "incident_entries"):
        shop.cursor().execute(f"DELETE FROM {table}")


def tell(visitor, *alerts, **changes):
    return visitor.request("POST", HOOK, content=body(*alerts, **changes))


def only(visitor):
    (line,) = visitor.get("/api/incidents").json()
    return visitor.get(f"/api/incidents/{line['id']}").json()


def test_without_an_alert_there_is_no_incident(visitor):
    assert visitor.get("/api/incidents").json() == []


def test_alerts_of_a_callee_and_its_callers_are_one_incident(visitor):
    assert tell(visitor, *fired()).json() == {"alerts": 3, "truncated": 0}

    found = only(visitor)
    line = found["incident"]
    assert line["services"] == ["payment", "checkout", "frontend"]
    assert (line["state"], line["severity"], line["firing"]) == ("open", "page", 3)
    assert line["title"] == "ErrorBudgetBurn of payment"
    assert line["from_s"] == T0
    assert line["seconds"] == NOW_S - T0


def test_the_cause_is_the_deepest_service_that_fails_with_its_reasons(visitor):
    tell(visitor, *fired()[::-1])

    cause = only(visitor)["cause"]
    assert (cause["service"], cause["source"]) == ("payment", "checkout")
    assert cause["path"] == ["frontend", "checkout", "payment"]
    assert cause["began_s"] == BEGAN_S, "to ten seconds"
    how, flag, order, deepest = cause["reasons"]
    assert "of checkout to payment failed from 07:57:10 to 08:10:00 (" in how
    assert "0.00 % in the hour before), mostly with 503" in how
    assert flag.startswith("response flag UH on ")
    assert "no healthy upstream" in flag
    assert order == (
        "checkout > payment worsened first; frontend > checkout 10 s later, "
        "external > frontend 20 s later"
    )
    assert deepest == "payment calls nobody that got worse: the failure goes no deeper"


def test_the_cost_is_the_bad_events_of_the_counts(visitor):
    tell(visitor, *fired(until=600))

    found = only(visitor)
    payment = next(one for one in found["impacts"] if one["slo"] == "payment-availability")
    assert [one["slo"] for one in found["impacts"]] == [
        "payment-availability", "frontend-availability"]  # fmt: skip
    assert (payment["from_s"], payment["to_s"]) == (T0 - 180, T0 + 600)
    assert payment["bad"] == 50 * ((600 + 170) // 10)
    assert payment["total"] == payment["bad"] + 100 * (600 + 180) // 10
    whole = (7200 + 600) * 10 + payment["bad"]
    assert payment["budget_events"] == pytest.approx(whole / 100)
    assert payment["budget_burnt_ratio"] == pytest.approx(payment["bad"] / whole * 100)


def test_an_incident_whose_calls_did_not_get_worse_says_so(visitor):
    tell(visitor, alert(service="search"))
    found = only(visitor)
    assert found["cause"] is None
    assert found["no_cause"].startswith("No call to search, nor of them, got worse")
    assert "checkout > payment" in found["no_cause"]
    tell(visitor, alert("MeshTelemetryAbsent", service="", at=5000))
    lone = visitor.get("/api/incidents").json()[0]["id"]
    found = visitor.get(f"/api/incidents/{lone}").json()
    assert "The alerts name no service" in found["no_cause"]
    assert found["impacts"] == []


def test_slowness_is_a_cause_too():
    with open_store() as store:
        slow(store)
        with serving(store) as given:
            visitor = Visitor(create_app(given))
            tell(visitor, alert(service="search"))
            cause = only(visitor)["cause"]
    assert (cause["service"], cause["kind"], cause["began_s"]) == ("search", "latency", T0 - 1200)
    assert cause["reasons"][0].startswith("search answers frontend slowly since 07:40:00: the p95")


def test_the_timeline_has_everything_in_its_order(visitor):
    tell(visitor, *fired())
    name = only(visitor)["incident"]["id"]
    visitor.request("POST", f"/api/incidents/{name}/ack", json={"by": "ann", "text": "on it"})
    visitor.request(
        "POST", f"/api/incidents/{name}/note", json={"by": "bob", "text": "rolled back"}
    )
    tell(visitor, *fired(until=900))

    found = only(visitor)
    assert [(one["kind"], one["who"]) for one in found["timeline"]] == [
        ("began", ""), ("fired", ""), ("fired", ""), ("fired", ""),
        ("resolved", ""), ("resolved", ""), ("resolved", ""),
        ("acknowledged", "ann"), ("note", "bob"),
    ]  # fmt: skip
    assert found["incident"]["acknowledged"] == {"by": "ann", "at_s": NOW_S, "text": "on it"}
    assert (found["incident"]["state"], found["incident"]["to_s"]) == ("resolved", T0 + 900)


def test_repeated_and_reordered_messages_change_nothing(visitor):
    tell(visitor, *fired(until=900))
    before = only(visitor)
    for _ in range(2):
        tell(visitor, *fired()[::-1])
        tell(visitor, fired(until=900)[1])
    assert only(visitor) == before


def test_a_message_that_was_cut_off_is_told_and_its_end_ends_the_rest(visitor):
    tell(visitor, *fired(), group="g")
    tell(visitor, fired(until=900)[0], group="g", truncatedAlerts=2)

    found = only(visitor)
    assert found["incident"]["state"] == "resolved"
    assert found["left_out"] == 2


def test_one_reading_answers_until_the_incident_changes(shop):
    with serving(shop) as given:
        desk, known = given.desk, SharedDossiers(SharedSilences(()))
        desk.take(message(*fired()))
        (first,) = desk.incidents()
        once = known.read(given, desk, first)
        assert known.read(given, desk, first) is once
        (again,) = [desk.say(first.id, "note", by="ann", text="x")]
        assert known.read(given, desk, again).timeline != once.timeline
        few = SharedDossiers(SharedSilences(()), most=1, kept_s=0)
        assert few.read(given, desk, again) is not few.read(given, desk, again)
    for table in ("told_alerts", "alert_groups", "incident_entries"):
        shop.cursor().execute(f"DELETE FROM {table}")


def test_lists_are_narrowed_by_state_and_service(visitor):
    tell(visitor, alert(service="search", until=60))
    tell(visitor, alert(service="payment", at=4000))

    def services(query):
        return [one["services"] for one in visitor.get(f"/api/incidents?{query}").json()]

    assert services("") == [["payment"], ["search"]]
    assert services("state=resolved") == [["search"]]
    assert services("service=payment") == [["payment"]]
    assert visitor.get("/api/incidents?state=odd").status_code == 400


@pytest.mark.parametrize("name", ["ack", "note"])
@pytest.mark.parametrize("asked", [{}, {"by": " ", "text": " "}, {"by": "a\nb", "text": "x"},
                                   {"by": "a", "text": "x" * 4001}])  # fmt: skip
def test_what_nobody_said_is_refused(visitor, name, asked):
    tell(visitor, alert())
    answer = visitor.request("POST", f"/api/incidents/{only(visitor)['incident']['id']}/{name}",
                             json=asked)  # fmt: skip
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_an_incident_that_is_not_there_is_a_404(visitor):
    for path in ("/api/incidents/x", "/api/incidents/x/report"):
        assert visitor.get(path).status_code == 404
    answer = visitor.request("POST", "/api/incidents/x/ack", json={"by": "a"})
    assert answer.json()["error"]["message"] == "There is no incident named x."


def test_the_name_of_any_alert_finds_the_incident(visitor):
    tell(visitor, *fired())
    found = only(visitor)
    for one in found["alerts"]:
        assert visitor.get(f"/api/incidents/{one['id']}").json() == found


def test_reports_are_drafts_in_three_formats(visitor):
    tell(visitor, *fired(until=900))
    found = only(visitor)
    path = f"/api/incidents/{found['incident']['id']}/report"

    text = visitor.get(path)
    assert text.headers["content-disposition"].endswith(f'incident-{found["incident"]["id"]}.md"')
    assert text.text.startswith(f"# Incident {found['incident']['id']}: ErrorBudgetBurn of payment")
    for part in ("| time to detect | 2.8 m |", "| payment-availability | 3,850 |", "## Actions",
                 "response flag UH", "| 2027-01-15 08:00 | alert |"):  # fmt: skip
        assert part in text.text
    assert visitor.get(f"{path}?format=json").json() == found
    page = visitor.get(f"{path}?format=html")
    assert page.headers["content-type"].startswith("text/html")
    assert "<td>payment-availability</td>" in page.text
    assert visitor.get(f"{path}?format=pdf").status_code == 400


def test_names_never_become_markup_in_a_report(visitor):
    evil = alert(service="<img src=x>")
    evil["annotations"] = {"summary": "<script>x</script> | **b**"}
    tell(visitor, evil)
    path = f"/api/incidents/{only(visitor)['incident']['id']}/report"
    page = visitor.get(f"{path}?format=html").text
    assert "<script>" not in page
    assert "<img" not in page
    assert "<strong>b" not in page


def test_a_bad_body_is_a_400_that_names_the_field(visitor):
    answer = visitor.request("POST", HOOK, content=body(alert() | {"startsAt": "soon"}))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("alerts[0].startsAt: must be a time")
    assert visitor.get("/api/incidents").json() == []


def test_a_body_that_is_too_large_is_a_413(shop):
    with serving(shop) as given:
        visitor = Visitor(create_app(given))
        assert visitor.request("POST", HOOK, content=b"x" * (8 * 2**20 + 1)).status_code == 413


def test_a_webhook_with_a_token_wants_to_see_it(shop):
    with serving(shop, access=Access(tokens=Tokens.of(TOKEN))) as given:
        visitor = Visitor(create_app(given))
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
            answer = visitor.request("POST", HOOK, content=body(alert()), headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert visitor.get("/api/incidents").json() == []
        right = {"authorization": f"Bearer {TOKEN}"}
        assert visitor.request("POST", HOOK, content=body(), headers=right).status_code == 200


def test_a_server_that_only_shows_a_store_takes_nothing(client):
    answer = client.request("POST", HOOK, content=body(alert()))
    assert answer.status_code == 404
    assert "meshscope serve" in answer.json()["error"]["message"]


def test_what_may_succeed_later_is_a_503(shop):
    class Broken:
        def between(self, _work):
            raise StoreBroken("gone")

    with serving(shop) as given:
        given.desk._sink = Broken()
        answer = tell(Visitor(create_app(given)), alert())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_many_messages_at_once_lose_nothing(visitor):
    alerts = [alert(f"A{number}", f"s{number}") for number in range(12)]

    def insist(one):
        while (answer := tell(visitor, one)).status_code != 200:
            assert answer.status_code == 503, "too many at once: Alertmanager asks again"

    threads = [threading.Thread(target=insist, args=(one,)) for one in alerts * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(visitor.get("/api/incidents").json()) == 12


def test_an_alert_that_was_told_is_there_after_a_restart(tmp_path):
    path = tmp_path / "mesh.duckdb"
    with open_store(path) as store, serving(store) as given:
        tell(Visitor(create_app(given)), *fired())
        before = Visitor(create_app(given)).get("/api/incidents").json()
    with open_store(path) as store, serving(store) as given:
        visitor = Visitor(create_app(given))
        assert visitor.get("/api/incidents").json() == before
        tell(visitor, *fired(until=60))
        assert visitor.get("/api/incidents").json()[0]["state"] == "resolved"


def test_the_answer_says_what_was_taken(visitor):
    assert orjson.loads(tell(visitor, alert(), truncatedAlerts=7).content) == {
        "alerts": 1, "truncated": 7}  # fmt: skip
