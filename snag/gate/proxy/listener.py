"""Listener: one listening address, with aiohttp's low-level server behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from snag.cli.hosts import listened_at
from snag.core.errors import InternalError, Overloaded
from snag.core.wire import error_json
from snag.gate.proxy.answer import GateAnswer, error_answer
from snag.gate.settings import GateSettings

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_BACKLOG: Final = 512  #: connections that the kernel keeps while we are busy
_PATIENCE: Final = 0.1  #: seconds for what is still under way when all is closed: draining was the time to wait
_READ_BYTES: Final = 2**20  #: read before the reader is asked to slow down: most pictures arrive in one go


class Listener:
    """Hands every request to one coroutine: no router, no access log, no page of aiohttp's own."""

    def __init__(
        self, handler: Handler, garbage: Callable[[str], GateAnswer], address: tuple[str, int], settings: GateSettings
    ) -> None:
        self._handler = handler
        self._garbage = garbage
        self._address = address
        self._settings = settings
        self._server: _Server | None = None
        self._socket: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._server = _Server(self._handler, self._garbage, self._settings)
        loop = asyncio.get_running_loop()
        host, port = self._address
        self._socket = await loop.create_server(self._server, listened_at(host), port, backlog=_BACKLOG, reuse_address=True)

    def refuse_connections(self) -> None:
        """Listen no longer; what is connected stays."""
        if self._socket is not None:
            self._socket.close()

    async def close(self) -> None:
        """Listen no longer and close every connection."""
        self.refuse_connections()
        if self._server is not None:
            await self._server.shutdown(timeout=_PATIENCE)


class _Server(web.Server):
    """Makes a connection of ours for each client."""

    def __init__(self, handler: Handler, garbage: Callable[[str], GateAnswer], settings: GateSettings) -> None:
        super().__init__(handler)  # type: ignore[arg-type]
        self.garbage = garbage
        self.max_connections = settings.max_connections
        self._options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,
            "keepalive_timeout": settings.keepalive_seconds,  # also for a request's header to arrive
            "lingering_time": settings.linger_seconds,
            "read_bufsize": _READ_BYTES,
        }

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, asyncio.get_running_loop(), self._options)


class _Connection(web.RequestHandler):
    """One client's connection; its errors are Snag's."""

    def __init__(self, server: _Server, loop: asyncio.AbstractEventLoop, options: dict[str, Any]) -> None:
        super().__init__(server, loop=loop, **options)
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._server.connections) < self._server.max_connections:
            super().connection_made(transport)
        else:
            transport.write(_full())  # type: ignore[attr-defined]
            transport.close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is no HTTP, or a fault outside of the handler."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        answer = self._server.garbage(message or str(exc)) if status == 400 else error_answer(InternalError())
        return answer.response(close=True)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Nothing: what concerns a request is in our own log."""


def _full() -> bytes:
    body = json.dumps(error_json(Overloaded(detail="there are too many connections"))).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
