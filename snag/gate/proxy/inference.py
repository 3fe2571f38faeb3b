"""Inference: the public port of predictions, explanations, health, and of what tells how to ask."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from aiohttp import web

from snag.core.errors import BadRequest, InternalError, MethodNotAllowed, NotFound, SnagError, Unauthorised
from snag.core.group import POOLED
from snag.gate.drift import Drift, StreamLine
from snag.gate.health import Readiness, live_answer, ping_answer, readiness, ready_answer
from snag.gate.kserve.description import description, infer_route
from snag.gate.kserve.outputs import in_protocol, infer_answer
from snag.gate.kserve.request import JSON_LENGTH_HEADER, InferRequest, parse_infer
from snag.gate.log import RequestLog
from snag.gate.metrics import GateMetrics
from snag.gate.openapi.handbook import handbook
from snag.gate.proxy.addresses import LIVE, PING, READY, V2, expected_at
from snag.gate.proxy.admission import Admission
from snag.gate.proxy.answer import VERDICT_ALONE, GateAnswer, error_answer, verdict_alone
from snag.gate.proxy.body import Body, read_body
from snag.gate.proxy.digest import picture_digest
from snag.gate.proxy.forward import Forwarder
from snag.gate.proxy.origins import METHODS, AllowedOrigins
from snag.gate.proxy.question import Question, question_of
from snag.gate.proxy.record import Record
from snag.gate.proxy.route import Route, parse_route
from snag.gate.settings import GateSettings
from snag.gate.spool import Spool
from snag.gate.tokens import Guard
from snag.gate.upstream.state import UpstreamState, VersionStatus

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)
_AT_ONCE: Final = 4  #: pictures of one request that are with TorchServe, so that it fills no queue alone
_GONE: Final = 499  #: nginx's status for a client that did not wait; stands in log and metrics alone


class Inference:
    """Answers every request of the port, in Snag's own shape whatever happens."""

    def __init__(
        self,
        settings: GateSettings,
        forwarder: Forwarder,
        upstream_state: UpstreamState,
        admission: Admission,
        guard: Guard | None,
        metrics: GateMetrics,
        drift: Drift,
        log: RequestLog,
        spool: Spool | None = None,
    ) -> None:
        self._settings = settings
        self._forwarder = forwarder
        self._upstream_state = upstream_state
        self._admission = admission
        self._guard = guard
        self._metrics = metrics
        self._drift = drift
        self._log = log
        self._spool = spool
        self._origins = AllowedOrigins(settings.allowed_origins)
        self._handbook = handbook(settings)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        path = request.raw_path.partition("?")[0]
        if not self._origins.are_asked(request) and (told := self._told(path)) is not None:
            response = self._origins.marked(told.response(close=self._must_close(request)), request)
            await self._send(request, response)
            return response
        record = Record(_request_id(request), "other")
        with ExitStack() as stay:  # until the answer is sent, not only found: draining waits for that too
            answer = await self._or_error(self._answer(request, path, record, stay), record)
            if not record.is_told:
                self._finish(record, answer)
            shown = answer
            if path.startswith(f"{V2}/"):
                shown = in_protocol(answer)
            elif VERDICT_ALONE in request.headers.get("Accept", ""):
                shown = verdict_alone(answer)
            response = self._origins.marked(shown.response(record.request_id, close=self._must_close(request)), request)
            await self._send(request, response)
        return response

    def health(self, path: str) -> GateAnswer | None:
        """The answer of a path that tells of health; these need no token."""
        if path == LIVE:
            return live_answer()
        if path not in (PING, READY):
            return None
        statuses, state = self._state()
        return ping_answer(state) if path == PING else ready_answer(statuses, state)

    def _told(self, path: str) -> GateAnswer | None:
        """The answer of a path that needs neither a picture nor a token."""
        if path == V2 or path.startswith(f"{V2}/"):
            return description(path, *self._state())
        return self._handbook.get(path) or self.health(path)

    def _state(self) -> tuple[list[VersionStatus], Readiness]:
        statuses = self._upstream_state.statuses()
        return statuses, readiness(statuses, self._upstream_state.is_fresh, self._admission.is_closed)

    def garbage(self, detail: str) -> GateAnswer:
        """The answer to what is no HTTP."""
        record, answer = Record(uuid.uuid4().hex, "invalid"), error_answer(BadRequest(detail=detail))
        self._finish(record, answer)
        return replace(answer, headers=(("X-Request-Id", record.request_id),))

    def _must_close(self, request: web.BaseRequest) -> bool:
        """Whether the connection ends with this answer: we are stopping, or do not wait for the rest of the body."""
        return self._admission.is_closed or not request.content.is_eof()

    async def _or_error(self, found: Awaitable[GateAnswer], record: Record) -> GateAnswer:
        try:
            return await found
        except SnagError as error:
            self._note_cause(error, record)
            return error_answer(error)
        except ConnectionError:
            self._finish(record, GateAnswer(_GONE, b""))
            raise
        except Exception as error:
            self._log.event("error", "internal_error", request_id=record.request_id, detail=repr(error))
            return error_answer(InternalError())

    async def _answer(self, request: web.BaseRequest, path: str, record: Record, stay: ExitStack) -> GateAnswer:
        if self._origins.are_asked(request):  # a browser shows no token before it knows whether it may
            return self._origins.answer(request)
        if self._guard is not None:
            record.token = self._name(request, self._guard)
        asked = infer_route(path)
        route = asked or parse_route(path)
        if route is None:
            raise NotFound(path=path, expected=expected_at("inference"))
        record.endpoint, record.model, record.version = route.endpoint, route.model, route.version
        methods = METHODS if asked is None else METHODS[:1]
        if request.method not in methods:
            raise MethodNotAllowed(method=request.method, allowed=", ".join((*methods, *self._origins.methods)))
        place = stay.enter_context(self._admission.enter())
        body = await read_body(request, place, self._settings.max_request_bytes, self._settings.body_seconds)
        record.size = body.size
        if asked is None:
            return await self._judge(question_of(request, body, route, record.request_id), record)
        wanted = parse_infer(b"".join(body.chunks), request.headers.get(JSON_LENGTH_HEADER))
        record.is_told = True
        answers = await self._judge_each(wanted, asked, record)
        return infer_answer(answers, asked.model, wanted.identity, wanted.outputs, JSON_LENGTH_HEADER)

    async def _judge_each(self, wanted: InferRequest, route: Route, record: Record) -> list[GateAnswer]:
        """Every picture of a request as if it were a request of its own, each with its line in the log."""
        places, count = asyncio.Semaphore(_AT_ONCE), len(wanted.pictures)

        async def judge(number: int) -> GateAnswer:
            picture = wanted.pictures[number]
            name = record.request_id if count == 1 else f"{record.request_id}/{number}"
            question = Question(route, name, picture.content_type, Body([picture.body]), wanted.options)
            async with places:
                own = Record(name, route.endpoint, route.model, route.version, token=record.token, size=len(picture.body))
                answer = await self._or_error(self._judge(question, own), own)
                self._finish(own, answer)
            return answer

        return await asyncio.gather(*map(judge, range(count)))

    async def _judge(self, question: Question, record: Record) -> GateAnswer:
        """The answer to one picture. Raises what the forwarder raises."""
        # Beside the worker's work, and in a thread: a large picture would hold up all the others.
        digest = asyncio.get_running_loop().run_in_executor(None, picture_digest, question.content_type, question.body.chunks)
        outcome = await self._forwarder.ask(question)
        record.digest = await digest
        record.retries = outcome.retries or None
        if self._spool is not None:
            self._spool.offer(question, outcome.answer)
        return outcome.answer

    async def _send(self, request: web.BaseRequest, response: web.Response) -> None:
        """Send the whole answer. A client that does not read it is hung up on, or it would keep its place for ever."""
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # type: ignore[attr-defined]
            raise ConnectionResetError("the client does not read its answer") from None

    def _name(self, request: web.BaseRequest, guard: Guard) -> str:
        try:
            return guard.name_of(request.headers.get("Authorization"))
        except Unauthorised as error:
            self._metrics.unauthorised.labels(error.details["detail"]).inc()
            raise

    def _note_cause(self, error: SnagError, record: Record) -> None:
        """The client learns no more than that there was a fault; the log does."""
        if isinstance(error, InternalError):
            self._log.event("error", "internal_error", request_id=record.request_id, detail=str(error.__cause__))

    def _finish(self, record: Record, answer: GateAnswer) -> None:
        record.note(answer)
        self._metrics.count(record)
        if record.model is not None and record.ranks is not None:
            said = record.verdict
            line = StreamLine(record.model, said["version"], said.get("threshold_of", POOLED))
            record.is_repeat = self._drift.see(line, record.ranks, record.digest)
        if self._log.takes(record.level):
            self._log.line(record.level, record.fields())


def _request_id(request: web.BaseRequest) -> str:
    """The client's own id where it is a harmless one: it goes into headers and logs."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
