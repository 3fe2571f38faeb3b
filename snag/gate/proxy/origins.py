"""AllowedOrigins: whose pages' scripts may ask for verdicts from within a browser (Fetch standard, CORS protocol)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from snag.core.errors import OriginNotAllowed
from snag.core.wire import GROUP_HEADER
from snag.gate.proxy.answer import GateAnswer
from snag.gate.settings import ANY_ORIGIN

METHODS: Final = ("POST", "PUT")  #: that ask for a verdict
_HEADERS: Final = f"Authorization, Content-Type, {GROUP_HEADER}, X-Request-Id"
_EXPOSED: Final = "Retry-After, Server-Timing, X-Request-Id"
_SECONDS: Final = 600  #: that a browser need not ask again


class AllowedOrigins:
    """Without any, which is how a server starts, no answer says a word of origins."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins)
        self.methods = ("OPTIONS",) if origins else ()  #: that are answered beside METHODS

    def are_asked(self, request: web.BaseRequest) -> bool:
        """Whether a browser asks what it may, before the request itself."""
        return request.method in self.methods

    def answer(self, request: web.BaseRequest) -> GateAnswer:
        """What a page's script may send. Raises OriginNotAllowed."""
        allowed = ", ".join((*METHODS, *self.methods))
        origin = request.headers.get("Origin")
        if origin is None:
            return GateAnswer(204, b"", headers=(("Allow", allowed),))
        if self._shown(origin) is None:
            raise OriginNotAllowed(origin=origin)
        headers = {
            "Allow": allowed,
            "Access-Control-Allow-Methods": f"GET, {', '.join(METHODS)}",
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": str(_SECONDS),
        }
        if "Access-Control-Request-Private-Network" in request.headers:
            headers["Access-Control-Allow-Private-Network"] = "true"
        return GateAnswer(204, b"", headers=tuple(headers.items()))

    def marked(self, response: web.Response, request: web.BaseRequest) -> web.Response:
        """The answer, whatever it says, with the headers by which a browser shows it to an allowed page's script."""
        if not self._origins:
            return response
        if ANY_ORIGIN not in self._origins:
            response.headers["Vary"] = "Origin"
        if (shown := self._shown(request.headers.get("Origin"))) is not None:
            response.headers["Access-Control-Allow-Origin"] = shown
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        return response

    def _shown(self, origin: str | None) -> str | None:
        if origin is None:
            return None
        if ANY_ORIGIN in self._origins:
            return ANY_ORIGIN
        return origin if origin in self._origins else None
