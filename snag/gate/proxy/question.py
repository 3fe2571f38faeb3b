"""Question: what TorchServe is asked for a client's request. Forms end here: behind the gate a picture travels alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from snag.core.errors import BadRequest
from snag.core.wire import (
    GROUP_HEADER,
    JSON,
    JSON_BYTES,
    OPTIONS_HEADER,
    Options,
    options_text,
    picture_and_options,
    read_options,
)
from snag.gate.proxy.body import Body
from snag.gate.proxy.multipart import FORM, fields
from snag.gate.proxy.route import Route

_BYTES: Final = "application/octet-stream"
_HEADERS: Final = GROUP_HEADER.partition("-")[0].lower() + "-"  #: how the names of our own headers begin


@dataclass(frozen=True)
class Question:
    """One request on its way to a worker."""

    route: Route
    request_id: str
    content_type: str
    body: Body
    options: Options = field(default_factory=dict)  #: said outside of the body

    @property
    def headers(self) -> dict[str, str]:
        """What TorchServe gets beside the body, and hands to the worker."""
        said = {OPTIONS_HEADER: options_text(self.options)} if self.options else {}
        return {"Content-Type": self.content_type, "X-Request-Id": self.request_id, **said}


def question_of(request: web.BaseRequest, body: Body, route: Route, request_id: str) -> Question:
    """Raises BadRequest, MissingPicture or BadBase64 for a broken form, and for options that nobody could follow."""
    beside = [*_in_query(request.raw_path.partition("?")[2]), *_in_headers(request)]
    content_type = request.headers.get("Content-Type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if "Content-Range" in request.headers:
        raise BadRequest(detail="Content-Range says that this is a piece; expected the whole picture")
    if kind != FORM and kind.startswith("multipart/"):
        raise BadRequest(detail=f"{kind} is not taken; expected {FORM} with one picture")
    if kind != FORM:
        return Question(route, request_id, content_type_for_torchserve(kind), body, read_options(beside))
    picture, options = picture_and_options(fields(content_type, b"".join(body.chunks)))
    return Question(route, request_id, _BYTES, Body([bytes(picture)]), read_options(options.items(), beside))


def content_type_for_torchserve(kind: str) -> str:
    """The content type that TorchServe gets: it would take plain bytes for text, and read JSON itself, and so spoil them."""
    if kind == JSON or kind.endswith("+json"):
        return JSON_BYTES
    return kind if kind.startswith("image/") and kind.isascii() else _BYTES


def _in_query(query: str) -> Iterable[tuple[str, str]]:
    try:
        said = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:  # UnicodeDecodeError is one
        raise BadRequest(detail="the query can't be read; expected names and values in UTF-8, percent-encoded") from None
    for name, value in said:
        if not value.strip():
            raise BadRequest(detail=f"{name[:32]!a} has no value in the query; expected for example ?heatmap=true")
        yield name, value


def _in_headers(request: web.BaseRequest) -> Iterable[tuple[str, str]]:
    for name, value in request.headers.items():
        if name.lower() == GROUP_HEADER.lower():
            if not value.isascii():  # of anything else nobody knows how it was meant
                raise BadRequest(
                    detail=f"the header {GROUP_HEADER} is not ASCII; name such a group in JSON, a form or the query"
                )
            yield "group", value
        elif name.lower().startswith(_HEADERS):
            raise BadRequest(detail=f"unknown header {name[:32]!a}; known is {GROUP_HEADER}")
