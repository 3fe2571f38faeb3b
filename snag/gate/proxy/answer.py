"""Answer: what a client gets, and how TorchServe's own replies become it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from snag.core.errors import (
    InternalError,
    MethodNotAllowed,
    Overloaded,
    RequestTooLarge,
    ServiceError,
    SnagError,
    Unauthorised,
    Unavailable,
    UnknownModel,
)
from snag.core.wire import JSON, error_json
from snag.gate.proxy.route import Route
from snag.gate.upstream import messages

#: In `Accept`: whoever asks so gets `{"Anomaly": true}` or `{"Anomaly": false}` and nothing else, as from the program before.
VERDICT_ALONE: Final = "application/vnd.snag.anomaly+json"
_SERVER: Final = "snag"


@dataclass(frozen=True)
class GateAnswer:
    """One whole answer."""

    status: int
    body: bytes
    content_type: str = JSON
    server_timing: str | None = None
    ranks: str | None = None  #: of the picture among the calibration pictures; not for the client
    headers: tuple[tuple[str, str], ...] = ()

    def response(self, request_id: str | None = None, close: bool = False) -> web.Response:
        """As aiohttp sends it; `close` ends the connection behind it."""
        headers = {"Server": _SERVER, **({"Content-Type": self.content_type} if self.body else {}), **dict(self.headers)}
        if request_id is not None:
            headers["X-Request-Id"] = request_id
        if self.server_timing is not None:
            headers["Server-Timing"] = self.server_timing
        response = web.Response(status=self.status, body=self.body, headers=headers)
        if close:
            response.force_close()
        return response


def json_answer(value: Any, status: int = 200) -> GateAnswer:
    """An answer of JSON."""
    return GateAnswer(status, json.dumps(value).encode())


def verdict_alone(answer: GateAnswer) -> GateAnswer:
    """Of a verdict its one word; any other answer as it is."""
    if answer.status != HTTPStatus.OK or answer.content_type != JSON:
        return answer
    return replace(answer, body=json.dumps({"Anomaly": json.loads(answer.body)["Anomaly"]}).encode())


def error_answer(error: SnagError) -> GateAnswer:
    """The answer that carries an error, with the headers that HTTP wants beside it."""
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, Unauthorised):
        headers = (("WWW-Authenticate", 'Bearer realm="snag"'),)
    elif isinstance(error, MethodNotAllowed):
        headers = (("Allow", str(error.details["allowed"])),)
    elif isinstance(error, ServiceError):
        headers = (("Retry-After", str(error.retry_after)),)
    return GateAnswer(error.status, json.dumps(error_json(error)).encode(), headers=headers)


@dataclass(frozen=True)
class UpstreamReply:
    """What TorchServe said."""

    status: int
    body: bytes
    content_type: str
    server_timing: str | None = None
    ranks: str | None = None

    @property
    def is_snags(self) -> bool:
        """Whether the handler said it; TorchServe's own errors have another shape, or none."""
        return self.status < 400 or isinstance(self._said.get("error"), dict)

    @property
    def complaint(self) -> tuple[str, str]:
        """Type and message of TorchServe's own error."""
        return str(self._said.get("type", "")), str(self._said.get("message", ""))

    @property
    def worker_was_lost(self) -> bool:
        """Whether the worker died over the request, or just when it got it."""
        return self.status == 507 or (self.status == 500 and self.complaint[1].startswith(messages.WORKER_DIED))

    @property
    def _said(self) -> dict[str, Any]:
        try:
            said = json.loads(self.body)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


def to_answer(reply: UpstreamReply, route: Route, has_workers: bool, limit: int) -> GateAnswer:
    """The answer that a reply amounts to.

    Raises the error that TorchServe meant: its own texts say one thing for several, and quote the client's bytes.
    """
    if reply.is_snags:
        return GateAnswer(reply.status, reply.body, reply.content_type, reply.server_timing, reply.ranks)
    kind, message = reply.complaint
    if reply.status == 404 and kind in (messages.MODEL_UNKNOWN, messages.VERSION_UNKNOWN):
        raise UnknownModel(name=route.name)
    if reply.status == 413:
        raise RequestTooLarge(limit=limit)
    if reply.status == 503 and kind == messages.NO_WORKER:  # the same words for a full queue and for no worker
        raise (
            Overloaded(detail="its queue is full") if has_workers else Unavailable(detail=f"no worker of {route.name} is ready")
        )
    if reply.status == 400 and kind == messages.KEY_REFUSED:
        raise Unavailable(detail="the model server does not take the gate's key")
    words = message if kind == messages.SERVER_FAULT else ""  # others quote what the client sent
    raise InternalError from Exception(f"TorchServe answered {reply.status} {kind} {words}")
