"""/api/topology and its live stream (server-sent events).

The stream sends ``graph`` when the graph changed and ``tick`` when it did not, so that a silent
stream means a broken one. Tabs that watch the same window share one scan.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

import anyio
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dashboards.web.answers import ErrorAnswer, encode, json_answer
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps, Range, Views
from dashboards.web.timerange import parse_window
from dashboards.web.topology import SharedViews, TopologyView

ROUTER: Final = APIRouter(
    prefix="/api/topology", tags=["topology"], responses={400: {"model": ErrorAnswer}}
)
_RECONNECT_MS: Final = 2000


class EventStream(StreamingResponse):
    """An endless answer: when the server goes down it ends, and the browser comes back later."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves or the server cancels us, which is no failure."""
        try:
            await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@ROUTER.get("", responses={200: {"model": TopologyView}})
def topology(views: Views, asked: Range) -> Response:
    """Who calls whom, how much, how well, over a time range."""
    return json_answer(views.read(asked))


@ROUTER.get("/stream", responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    request: Request,
    deps: AppDeps,
    views: Views,
    window: Annotated[str, Query(description="length of the range that ends now")] = "15m",
) -> Response:
    """Follow the graph of the last ``window``."""
    parse_window(window, now_s=deps.clock_s())
    return EventStream(
        _events(request, deps, views, window),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    request: Request, deps: Deps, views: SharedViews, window: str
) -> AsyncIterator[bytes]:
    yield f"retry: {_RECONNECT_MS}\n\n".encode()
    sent = b""
    while not await request.is_disconnected():
        asked = parse_window(window, now_s=deps.clock_s())
        graph = encode(await to_thread.run_sync(views.read, asked))
        yield (
            b"event: tick\ndata: {}\n\n"
            if graph == sent
            else (b"event: graph\ndata: " + graph + b"\n\n")
        )
        sent = graph
        await anyio.sleep(request.app.state.tick_s)
