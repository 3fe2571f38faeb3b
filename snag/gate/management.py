"""ManagementView: the public management port, which describes models and changes nothing."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

from snag.core.errors import MethodNotAllowed, NotFound, SnagError, Unavailable, UnknownModel
from snag.gate.proxy.addresses import PAGING, expected_at
from snag.gate.proxy.answer import GateAnswer, UpstreamReply, error_answer
from snag.gate.proxy.inference import Inference
from snag.gate.proxy.route import is_description
from snag.gate.upstream.address import Upstream, key_header
from snag.gate.upstream.state import UpstreamState

_SECONDS: Final = 10.0


class ManagementView:
    """Models are deployed by whoever can read the server's folder (`make deploy`), never over the network."""

    def __init__(self, session: aiohttp.ClientSession, upstream_state: UpstreamState, inference: Inference) -> None:
        self._session = session
        self._upstream_state = upstream_state
        self._inference = inference

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        path = request.raw_path.partition("?")[0]
        try:
            answer = self._inference.health(path) or await self._describe(request, path)
        except SnagError as error:
            answer = error_answer(error)
        return answer.response()

    async def _describe(self, request: web.BaseRequest, path: str) -> GateAnswer:
        if request.method != "GET":
            raise MethodNotAllowed(method=request.method, allowed="GET")
        if not is_description(path):
            raise NotFound(path=path, expected=expected_at("management"))
        if (upstream := self._upstream_state.upstream) is None:
            raise Unavailable(detail="the model server is starting again")
        query = {name: request.query[name] for name in PAGING if name in request.query}
        reply = await self._get(upstream, path, query)
        if reply.status == 404:
            raise UnknownModel(name=path.removeprefix("/models/"))
        if reply.status != 200:
            raise Unavailable(detail=f"the model server answers {reply.status}")
        return GateAnswer(reply.status, reply.body, reply.content_type)

    async def _get(self, upstream: Upstream, path: str, query: dict[str, str]) -> UpstreamReply:
        url = URL(upstream.management + path, encoded=True).with_query(query)
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._session.get(url, headers=key_header(upstream.management_key)) as answer,
            ):
                return UpstreamReply(answer.status, await answer.read(), answer.headers.get("Content-Type", ""))
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(detail="the model server does not answer") from error
