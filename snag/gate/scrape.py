"""Scrape: the public metrics port, TorchServe's metrics and the gate's own in one text."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
from aiohttp import web

from snag.core.errors import MethodNotAllowed, NotFound, SnagError
from snag.gate.metrics import GateMetrics
from snag.gate.proxy.addresses import SCRAPE, expected_at
from snag.gate.proxy.answer import GateAnswer, error_answer
from snag.gate.upstream.state import UpstreamState

_SECONDS: Final = 5.0
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class MetricsScrape:
    """Answers also while TorchServe does not: then above all one wants to see."""

    def __init__(self, session: aiohttp.ClientSession, upstream_state: UpstreamState, metrics: GateMetrics) -> None:
        self._session = session
        self._upstream_state = upstream_state
        self._metrics = metrics

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        try:
            if request.raw_path.partition("?")[0] != SCRAPE:
                raise NotFound(path=request.raw_path, expected=expected_at("metrics"))
            if request.method != "GET":
                raise MethodNotAllowed(method=request.method, allowed="GET")
            return GateAnswer(200, await self._torchserves() + self._metrics.text(), _TEXT).response()
        except SnagError as error:
            return error_answer(error).response()

    async def _torchserves(self) -> bytes:
        upstream = self._upstream_state.upstream
        if upstream is None:
            return b""
        try:
            async with asyncio.timeout(_SECONDS), self._session.get(f"{upstream.metrics}/metrics") as answer:
                text = await answer.read() if answer.status == 200 else b""
        except (aiohttp.ClientError, OSError):
            return b""
        return text if not text or text.endswith(b"\n") else text + b"\n"
