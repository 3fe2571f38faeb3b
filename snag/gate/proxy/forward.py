"""Forwarder: takes a question to TorchServe and brings an answer back, asking twice where a worker was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from snag.core.errors import Unavailable
from snag.core.ranks import RANKS_HEADER
from snag.gate.proxy.answer import GateAnswer, UpstreamReply, to_answer
from snag.gate.proxy.question import Question
from snag.gate.settings import GateSettings
from snag.gate.upstream.address import Upstream, key_header
from snag.gate.upstream.state import UpstreamState

_REFUSED: Final = (aiohttp.ClientConnectorError,)
_BROKEN: Final = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, aiohttp.ClientResponseError, ConnectionError)


@dataclass(frozen=True)
class ForwardOutcome:
    """An answer and what it took."""

    answer: GateAnswer
    retries: int


class Forwarder:
    """Asks TorchServe. A verdict changes nothing, so asking for it twice does no harm."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        upstream_state: UpstreamState,
        settings: GateSettings,
        retried: Callable[[str], None],
    ) -> None:
        self._session = session
        self._upstream_state = upstream_state
        self._settings = settings
        self._retried = retried  #: is called with the model's name

    async def ask(self, question: Question) -> ForwardOutcome:
        """The answer of a worker. Raises a RequestError, a ServiceError or InternalError."""
        async with self._upstream_state.patience(question.route, self._settings.answer_seconds):
            for retries in (0, 1):
                reply = await self._reply(question)
                if reply is not None:
                    return ForwardOutcome(self._answer(reply, question), retries)
                if not retries:
                    self._retried(question.route.model)
        raise Unavailable(detail="two workers in a row were lost over this request")

    async def _reply(self, question: Question) -> UpstreamReply | None:
        """One reply; None when the worker or the connection was lost over the question."""
        while True:
            upstream = await self._upstream_state.upstream_for(question.route)
            try:
                reply = await self._send(upstream, question)
                return None if reply.worker_was_lost else reply
            except _REFUSED:  # nothing was sent: TorchServe is gone, and the poller is about to find out
                await self._upstream_state.news()
            except _BROKEN:
                await self._upstream_state.news()
                return None

    async def _send(self, upstream: Upstream, question: Question) -> UpstreamReply:
        url = URL(upstream.inference + question.route.path, encoded=True)
        headers = question.headers | key_header(upstream.inference_key)
        async with self._session.post(url, data=question.body, headers=headers) as answer:
            body = await answer.read()
        told = (answer.headers.get(name) for name in ("Server-Timing", RANKS_HEADER))
        return UpstreamReply(answer.status, body, answer.headers.get("Content-Type", ""), *told)

    def _answer(self, reply: UpstreamReply, question: Question) -> GateAnswer:
        has_workers = self._upstream_state.has_workers(question.route)
        return to_answer(reply, question.route, has_workers, self._settings.max_request_bytes)
