"""Every call is sent once, recorded once, and carries the trace context of its cause."""

import asyncio
import socket

import pytest
from aiohttp import web
from multidict import CIMultiDict

from proxy.shop.outbound import Outbound, open_session, trace_context
from proxy.shop.shop import service_named
from proxy.shop.tally import Tally
from tests.proxy.shop.sidecar import serving, sidecar

SHOW = service_named("catalog").operation("show-product")
CHARGE = service_named("payments").operation("charge")


async def call(address, operation=SHOW, *, timeout_s=5.0, times=1, **context):
    """Call through an address; return the statuses and what the ledger holds."""
    tally = Tally()
    async with open_session(user_agent="test", timeout_s=timeout_s) as session:
        outbound = Outbound(session, source="frontend", address=address, tally=tally)
        statuses = [
            await outbound.call("catalog", operation, item="17", context=context)
            for _ in range(times)
        ]
    ledger = tally.ledger(is_final=True)
    assert {(e.source, e.destination, e.route) for e in ledger.counts} == {
        ("frontend", "catalog", operation.name)
    }
    return statuses, {e.status: n for e, n in ledger.counts.items()}


@pytest.mark.parametrize("status", [200, 201, 204, 302, 404, 500, 503])
def test_the_status_that_came_back_is_recorded(status):
    async def run():
        async with sidecar(catalog=status) as router:
            return await call(router.url)

    assert asyncio.run(run()) == ([status], {status: 1})


def test_the_host_names_the_destination_and_the_context_goes_along():
    async def run():
        async with sidecar(catalog=200) as router:
            await call(router.url, CHARGE, traceparent="00-ab-cd-01", tracestate="a=1")
        return router.passed

    ((host, method, path, headers),) = asyncio.run(run())
    assert (host, method, path) == ("catalog", "POST", "/charges")
    assert (headers["traceparent"], headers["tracestate"]) == ("00-ab-cd-01", "a=1")


def test_only_the_trace_context_is_taken_from_a_request():
    headers = CIMultiDict(
        [
            ("Traceparent", "00-ab-cd-01"),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
            ("X-Request-Id", "r"),
            ("authorization", "secret"),
            ("x-envoy-attempt-count", "1"),
        ]
    )
    assert trace_context(headers) == {
        "traceparent": "00-ab-cd-01",
        "tracestate": "a=1,b=2",
        "x-request-id": "r",
    }
    assert trace_context(CIMultiDict()) == {}


def test_a_refused_connection_is_no_response():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert asyncio.run(call(address)) == ([0], {0: 1})


def test_an_answer_later_than_the_timeout_is_no_response():
    async def run():
        async with sidecar(delay_s=0.5, catalog=200) as router:
            return await call(router.url, timeout_s=0.1)

    assert asyncio.run(run()) == ([0], {0: 1})


def test_a_request_is_not_sent_again_when_a_kept_connection_is_closed_under_it():
    received = []

    async def first_answers_then_hangs_up(request: web.BaseRequest) -> web.StreamResponse:
        received.append(request.path)
        if len(received) > 1:
            request.transport.abort()
        return web.Response()

    async def run():
        async with serving(first_answers_then_hangs_up) as address:
            return await call(address, times=2)

    assert asyncio.run(run()) == ([200, 0], {200: 1, 0: 1})
    assert len(received) == 2


def test_a_response_that_breaks_off_has_the_status_it_began_with():
    async def begins_only(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        request.transport.abort()
        return response

    async def run():
        async with serving(begins_only) as address:
            return await call(address)

    assert asyncio.run(run()) == ([200], {200: 1})


def test_a_cancelled_call_is_recorded_as_no_response():
    async def run():
        tally = Tally()
        async with (
            sidecar(delay_s=0.3, catalog=200) as router,
            open_session(user_agent="test") as session,
        ):
            outbound = Outbound(session, source="frontend", address=router.url, tally=tally)
            task = asyncio.create_task(outbound.call("catalog", SHOW, item="1"))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return tally.ledger(is_final=True)

    assert {e.status: n for e, n in asyncio.run(run()).counts.items()} == {0: 1}
