"""Error responses: which errors an address answers with, grouped by status, in the words of `snag.core.errors`."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterable
from string import Formatter
from typing import Any, Final

from snag.core.errors import (
    MethodNotAllowed,
    OriginNotAllowed,
    RequestTooLarge,
    ServiceError,
    SlowRequest,
    SnagError,
    Timeout,
    Unauthorised,
    gate_errors,
    request_errors,
)
from snag.core.wire import error_json
from snag.gate.openapi.schemas import Schema, errors_schema
from snag.gate.settings import GateSettings

#: What a request for a verdict can be answered with. The other two belong to another method: a browser's first question.
JUDGING_ERRORS: Final = tuple(
    error for error in (*request_errors(), *gate_errors()) if error not in (OriginNotAllowed, MethodNotAllowed)
)
#: Headers beside an error, as `snag.gate.proxy.answer.error_answer` sets them.
_HEADERS: Final[dict[type[SnagError], tuple[str, str]]] = {
    Unauthorised: ("WWW-Authenticate", "how to show a token"),
    MethodNotAllowed: ("Allow", "methods that are possible"),
    ServiceError: ("Retry-After", "seconds after which to ask again"),
}


def sentence(error: type[SnagError]) -> str:
    """What the error means, in one sentence."""
    return (inspect.getdoc(error) or error.code).partition("\n")[0]


def example(error: type[SnagError], settings: GateSettings | None = None) -> SnagError:
    """The error as it may be: what depends on the request in angle brackets, limits filled in where the server is told."""
    details: dict[str, Any] = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(error.message) if name}
    known: dict[type[SnagError], dict[str, Any]] = {}
    if settings is not None:
        known = {
            RequestTooLarge: {"limit": settings.max_request_bytes},
            SlowRequest: {"seconds": settings.body_seconds},
            Timeout: {"seconds": settings.answer_seconds},
        }
    return error(**details | known.get(error, {}))


def error_responses(errors: Iterable[type[SnagError]], settings: GateSettings) -> dict[str, Schema]:
    """The responses that these errors make, by status."""
    by_status: defaultdict[int, list[type[SnagError]]] = defaultdict(list)
    for error in errors:
        by_status[error.status].append(error)
    return {str(status): _response(by_status[status], settings) for status in sorted(by_status)}


def _response(errors: list[type[SnagError]], settings: GateSettings) -> Schema:
    examples = {error.code: {"summary": sentence(error), "value": error_json(example(error, settings))} for error in errors}
    headers = {
        name: {"description": meaning, "schema": {"type": "string"}}
        for kind, (name, meaning) in _HEADERS.items()
        if any(issubclass(error, kind) for error in errors)
    }
    return {
        "description": ", ".join(f"`{error.code}`" for error in errors),
        **({"headers": headers} if headers else {}),
        "content": {"application/json": {"schema": errors_schema(errors), "examples": examples}},
    }
