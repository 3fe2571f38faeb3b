"""Listener: one listening address, with aiohttp's low-level server behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Listener:
    """Hands every request to one coroutine: no router, no access log, no page of aiohttp's own."""

    def __init__(self, handler: Handler, address: tuple[str, int], keepalive_seconds: float) -> None:
        self._handler = handler
        self._address = address
        self._keepalive_seconds = keepalive_seconds
        self._server: web.Server | None = None
        self._socket: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._server = web.Server(
            self._handler,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._keepalive_seconds,
            read_bufsize=2**20,
        )
        loop = asyncio.get_running_loop()
        self._socket = await loop.create_server(self._server, *self._address, backlog=512, reuse_address=True)

    def refuse_connections(self) -> None:
        """Listen no longer; what is connected stays."""
        if self._socket is not None:
            self._socket.close()

    async def close(self) -> None:
        """Listen no longer and close every connection."""
        self.refuse_connections()
        if self._server is not None:
            await self._server.shutdown(timeout=1.0)
