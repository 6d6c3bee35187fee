"""A workload answers from its row of the table and ends without losing a request."""

import asyncio
import time

import pytest
from aiohttp import ClientSession

from proxy.shop.ledger import Exchange
from proxy.shop.workload import parse_settings
from tests.proxy.shop.processes import workload
from tests.proxy.shop.sidecar import sidecar

ARGUMENTS = ["--outbound", "http://127.0.0.1:1", "--ledger", "x"]


async def get(session, url, method="GET", **headers):
    async with session.request(method, url, headers=headers) as response:
        is_json = response.content_type == "application/json"
        return response.status, await response.json() if is_json else await response.text()


def test_a_workload_serves_its_operations_carries_the_trace_on_and_knows_what_it_received(tmp_path):
    async def run():
        async with (
            sidecar(catalog=200, recommendations=500, shipping=200) as router,
            workload("frontend", outbound=router.url, path=tmp_path) as frontend,
            ClientSession() as session,
        ):
            shown = await get(
                session, f"{frontend.url}/products/17", traceparent="00-ab-cd-01", secret="s"
            )
            lost = await get(session, f"{frontend.url}/products/17", method="DELETE")
            stats = await get(session, f"{frontend.url}/_workload/stats")
            health = await get(session, f"{frontend.url}/_workload/health")
            return shown, lost, stats, health, router.passed, await frontend.stop()

    shown, lost, stats, health, passed, ledger = asyncio.run(run())
    status, body = shown
    assert (status, body["operation"]) == (200, "show-product")
    assert body["degraded"] == ["recommendations"]
    assert lost[0] == 404
    assert stats[1]["received"] == {"show-product": 1}
    assert stats[1]["in_flight"] == 0
    assert health == (200, "ok\n")
    assert ("catalog", "GET", "/products/17") in [p[:3] for p in passed]
    assert all(p[3]["traceparent"] == "00-ab-cd-01" and "secret" not in p[3] for p in passed)
    assert ledger.total == len(passed)
    assert ledger.counts[Exchange("frontend", "catalog", "show-product", 200)] == 1
    assert ledger.counts[Exchange("frontend", "recommendations", "recommend", 500)] == 1


@pytest.mark.parametrize(("upstream", "answer"), [(402, 402), (500, 502), (503, 503), (403, 502)])
def test_a_critical_failure_ends_the_request_and_later_calls_are_not_made(
    tmp_path, upstream, answer
):
    async def run():
        async with (
            sidecar(cart=200, shipping=200, catalog=200, payments=upstream) as router,
            workload("checkout", outbound=router.url, path=tmp_path) as checkout,
            ClientSession() as session,
        ):
            status, _ = await get(session, f"{checkout.url}/orders", method="POST")
            return status, await checkout.stop()

    status, ledger = asyncio.run(run())
    assert status == answer
    assert ledger.counts == {
        Exchange("checkout", "cart", "view-cart", 200): 1,
        Exchange("checkout", "shipping", "quote", 200): 1,
        Exchange("checkout", "catalog", "show-product", 200): 1,
        Exchange("checkout", "payments", "charge", upstream): 1,
    }


def test_a_bad_release_fails_by_itself(tmp_path):
    async def run():
        more = ("--failure-ratio", "1")
        async with (
            workload(
                "payments",
                version="v2",
                outbound="http://127.0.0.1:1",
                path=tmp_path,
                more=more,
            ) as payments,
            ClientSession() as session,
        ):
            return await get(session, f"{payments.url}/charges", method="POST")

    status, body = asyncio.run(run())
    assert status == 500
    assert body["version"] == "v2"


def test_a_request_in_flight_at_sigterm_is_answered_and_recorded(tmp_path):
    async def run():
        async with (
            sidecar(delay_s=0.6, catalog=200) as router,
            workload("frontend", outbound=router.url, path=tmp_path) as frontend,
            ClientSession() as session,
        ):
            request = asyncio.create_task(get(session, f"{frontend.url}/products"))
            await router.was_called.wait()
            ledger = await frontend.stop()
            return (await request)[0], ledger

    status, ledger = asyncio.run(run())
    assert status == 200
    assert ledger.is_final
    assert ledger.counts == {Exchange("frontend", "catalog", "list-products", 200): 1}


def test_a_call_that_outlasts_the_grace_is_cut_and_recorded_as_no_response(tmp_path):
    async def run():
        async with (
            sidecar(delay_s=6, catalog=200) as router,
            workload(
                "frontend", outbound=router.url, path=tmp_path, more=("--grace-s", "0.4")
            ) as frontend,
            ClientSession() as session,
        ):
            request = asyncio.create_task(get(session, f"{frontend.url}/products"))
            await router.was_called.wait()
            started = time.monotonic()
            ledger = await frontend.stop()
            ended_s = time.monotonic() - started
            await asyncio.wait([request])
            assert request.exception() is not None
            return ledger, ended_s

    ledger, ended_s = asyncio.run(run())
    assert ledger.is_final
    assert ledger.counts == {Exchange("frontend", "catalog", "list-products", 0): 1}
    assert ended_s < 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--service", "attic", "--listen", "127.0.0.1:0"], "no service 'attic'"),
        (["--service", "cart", "--version", "v9", "--listen", "127.0.0.1:0"], "no version 'v9'"),
        (["--service", "cart", "--listen", "8080"], "HOST:PORT"),
        (["--service", "cart", "--listen", "127.0.0.1:http"], "HOST:PORT"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(arguments, message, capsys):
    with pytest.raises(SystemExit):
        parse_settings([*arguments, *ARGUMENTS])
    assert message in capsys.readouterr().err
