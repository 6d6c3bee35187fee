"""A synchronous visitor of an ASGI app: one request, one answer, no socket."""

import asyncio

import httpx


class Visitor:
    """Asks the app in-process; ``raise_app_exceptions=False`` sees what a real client would."""

    def __init__(self, app, *, raise_app_exceptions=True):
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=raise_app_exceptions)

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def request(self, method, url, *, cookies=None, **options):
        async def ask():
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://mesh.test", cookies=cookies
            ) as client:
                return await client.request(method, url, **options)

        return asyncio.run(ask())
