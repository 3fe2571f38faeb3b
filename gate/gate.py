"""Gate: the public ports of the server, from opening to closing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from gate.body import Body
from gate.listener import Listener
from gate.settings import GateSettings
from gate.upstream import Upstream


@dataclass(frozen=True)
class Wanted:
    """One version of a model that should serve."""

    model: str
    version: str
    failed: str | None = None  #: why it does not, where loading it failed


class Gate:
    """What clients talk to. All methods belong to one running event loop."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._upstream: Upstream | None = None
        self._wanted: tuple[Wanted, ...] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._in_flight = 0
        self._listeners = {
            name: Listener(handler, address, settings.keepalive_seconds)
            for name, handler, address in (
                ("inference", self._inference, settings.inference),
                ("management", self._management, settings.management),
                ("metrics", self._metrics, settings.metrics),
            )
        }

    async def open(self) -> None:
        """Listen on the three ports. Raises OSError when one is taken."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        for listener in self._listeners.values():
            await listener.open()

    def connect(self, upstream: Upstream | None) -> None:
        """TorchServe listens there now; None: it is gone, requests wait for a while and are then refused."""
        self._upstream = upstream

    def expect(self, wanted: Iterable[Wanted] | None) -> None:
        """What must be ready for the server to be; None, as at first: whatever TorchServe has registered."""
        self._wanted = None if wanted is None else tuple(wanted)

    async def drain(self, seconds: float) -> int:
        """Take no more predictions and wait for those in flight; how many of them were not done in time."""
        self._listeners["inference"].refuse_connections()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._in_flight and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        return self._in_flight

    async def close(self) -> None:
        """Close every port and connection. Safe to call again."""
        for listener in self._listeners.values():
            await listener.close()
        if self._session is not None:
            await self._session.close()

    async def _inference(self, request: web.BaseRequest) -> web.StreamResponse:
        self._in_flight += 1
        try:
            if self._upstream is None:
                return web.Response(status=503)
            return await self._pass_on(request, self._upstream.inference, self._upstream.inference_key)
        finally:
            self._in_flight -= 1

    async def _management(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET":
            return web.Response(status=405)
        if self._upstream is None:
            return web.Response(status=503)
        return await self._pass_on(request, self._upstream.management, self._upstream.management_key)

    async def _metrics(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._upstream is None:
            return web.Response(status=503)
        return await self._pass_on(request, self._upstream.metrics, None)

    async def _pass_on(self, request: web.BaseRequest, base: str, key: str | None) -> web.StreamResponse:
        assert self._session is not None, "the gate is not open"  # noqa: S101
        headers = {"Content-Type": request.content_type} | ({"Authorization": f"Bearer {key}"} if key else {})
        chunks = []
        while chunk := await request.content.readany():
            chunks.append(chunk)
        body = Body(chunks) if chunks else None
        async with self._session.request(request.method, base + request.path, data=body, headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)
