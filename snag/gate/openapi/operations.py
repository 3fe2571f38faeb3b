"""Operations: what can be asked at each address, with which parameters and bodies, and what comes back."""

from __future__ import annotations

from typing import Any, Final

from snag.core.errors import (
    MethodNotAllowed,
    NotFound,
    OriginNotAllowed,
    SnagError,
    Unauthorised,
    Unavailable,
    UnknownModel,
)
from snag.core.picture_formats import FORMATS
from snag.core.wire import GROUP_HEADER, JSON, WANTED
from snag.gate.openapi.errors import JUDGING_ERRORS, error_responses
from snag.gate.openapi.protocol import protocol_operation
from snag.gate.openapi.schemas import EXTRAS, PLAIN, Schema, group_schema, ref
from snag.gate.proxy.addresses import DESCRIPTIONS, DOCUMENT, HEALTH, JUDGING, LIVE, PAGE, PAGING, PING, READY, SCRAPE, V2
from snag.gate.proxy.answer import VERDICT_ALONE
from snag.gate.proxy.multipart import FORM
from snag.gate.proxy.origins import METHODS
from snag.gate.settings import GateSettings

_BINARY: Final[Schema] = {}  #: a body of any bytes, as OpenAPI 3.1 says it
_TOLD_HEADERS: Final = ("X-Request-Id", "Server-Timing")
_VIEWS: Final = dict(
    zip(
        DESCRIPTIONS,
        (
            ("listModels", "List the models"),
            ("describeModel", "Describe a model by its default version"),
            ("describeVersion", "Describe a version of a model"),
            ("describeVersions", "Describe a model by all of its versions"),
        ),
        strict=True,
    )
)


def operations(path: str, settings: GateSettings) -> dict[str, Any]:
    """The path item of an address: an operation for each method."""
    if path in JUDGING:
        return _judged(path, settings)
    if path in DESCRIPTIONS:
        return {"get": _description(path, settings)}
    if path in HEALTH:
        return {"get": _health(path)}
    if path.startswith(V2):
        return protocol_operation(path, settings, _security(settings))
    return {"get": _TOLD[path]}


def parameters() -> dict[str, Schema]:
    """The document's parameters by name."""
    text: Schema = {"type": "string"}
    flags = {
        name: _parameter(
            "query", name, {"type": "boolean", "default": False}, f"whether the answer shall have `{name}`: {EXTRAS[name]}"
        )
        for name in WANTED
    }
    return {
        "model": _parameter("path", "model", ref("Name"), "name of the model", required=True),
        "version": _parameter("path", "version", ref("Name"), "version of the model; without it the default", required=True),
        **flags,
        "group": _parameter("query", "group", group_schema(), "name of the picture's group"),
        GROUP_HEADER: _parameter("header", GROUP_HEADER, group_schema(), "the same, said in a header; ASCII alone"),
        "X-Request-Id": _parameter("header", "X-Request-Id", text, "comes back in the answer, and stands in the log"),
        **{name: _parameter("query", name, text, "a page of a long list, as TorchServe takes it") for name in PAGING},
    }


def _parameter(place: str, name: str, schema: Schema, description: str, required: bool = False) -> Schema:
    return {"in": place, "name": name, "required": required, "description": description, "schema": schema}


def _judged(path: str, settings: GateSettings) -> dict[str, Any]:
    is_explained, names = path.startswith("/explanations/"), _named(path)
    asked = ("group",) if is_explained else (*WANTED, "group")
    shared = {
        "tags": ["verdicts"],
        "parameters": [ref(name, "parameters") for name in (*asked, GROUP_HEADER, "X-Request-Id")],
        "requestBody": {"required": True, "description": "one picture", "content": _bodies()},
        "responses": {
            "200": _overlay() if is_explained else _verdict(),
            **{status: ref(f"Error{status}", "responses") for status in error_responses(JUDGING_ERRORS, settings)},
        },
        "security": _security(settings),
    }
    summary = "Draw where a picture's anomaly is" if is_explained else "Judge a picture"
    verb = "explain" if is_explained else "predict"
    item: dict[str, Any] = {"parameters": names} | {
        method.lower(): {
            "operationId": f"{verb}{'Version' if len(names) > 1 else ''}By{method.capitalize()}",
            "summary": summary + (" with one version of a model" if len(names) > 1 else ""),
            **shared,
        }
        for method in METHODS
    }
    return {**item, "options": _preflight(f"{verb}{'Version' if len(names) > 1 else ''}Options", settings)}


def _named(path: str) -> list[Schema]:
    return [ref(name, "parameters") for name in ("model", "version") if f"{{{name}}}" in path]


def _security(settings: GateSettings) -> list[dict[str, list[str]]]:
    """Either; where the server has a file of tokens, a token."""
    return [{"token": []}] if settings.tokens is not None else [{}, {"token": []}]


def _bodies() -> dict[str, Schema]:
    formats = {f"image/{name.lower()}": {"schema": _BINARY} for name in FORMATS}
    return {
        **formats,
        "application/octet-stream": {"schema": _BINARY},
        FORM: {"schema": ref("PictureInForm")},
        JSON: {"schema": ref("PictureInJson"), "example": {"image": "<base64>", "overlay": True}},
    }


def _verdict() -> Schema:
    schema = {"oneOf": [ref("Verdict"), ref("AnomalyAlone")]}
    examples = {
        "verdict": {"summary": "as it is", "value": PLAIN},
        "alone": {"summary": f"with `Accept: {VERDICT_ALONE}`", "value": {"Anomaly": PLAIN["Anomaly"]}},
    }
    return _answer(
        f"The verdict. With `Accept: {VERDICT_ALONE}` its one word alone.", JSON, schema, examples, headers=_TOLD_HEADERS
    )


def _overlay() -> Schema:
    return _answer("The picture with its anomalies laid over it.", "image/png", _BINARY, headers=_TOLD_HEADERS)


def _answer(
    description: str, kind: str, schema: Schema, examples: dict[str, Any] | None = None, headers: tuple[str, ...] = ()
) -> Schema:
    content = {"schema": schema, **({"examples": examples} if examples else {})}
    said = {name: ref(name, "headers") for name in headers}
    return {"description": description, **({"headers": said} if said else {}), "content": {kind: content}}


def _preflight(name: str, settings: GateSettings) -> Schema:
    errors: tuple[type[SnagError], ...] = (Unauthorised, OriginNotAllowed, NotFound, MethodNotAllowed)
    return {
        "operationId": name,
        "tags": ["verdicts"],
        "summary": "A browser asks whether a page's script may ask; answered only where `--allowed-origins` names any",
        "responses": {"204": {"description": "It may."}, **error_responses(errors, settings)},
        "security": [{}],
    }


def _description(path: str, settings: GateSettings) -> Schema:
    name, summary = _VIEWS[path]
    is_list = name == "listModels"
    errors = (NotFound, MethodNotAllowed, Unavailable) if is_list else (UnknownModel, NotFound, MethodNotAllowed, Unavailable)
    asked = [*_named(path), *(ref(name, "parameters") for name in PAGING)]
    return {
        "operationId": name,
        "tags": ["models"],
        "summary": summary,
        "parameters": asked,
        "responses": {
            "200": _answer("As TorchServe describes it.", JSON, ref("ModelList" if is_list else "ModelDescription")),
            **error_responses(errors, settings),
        },
        "security": [{}],
    }


def _health(path: str) -> Schema:
    name, summary, good = {
        LIVE: ("live", "Whether the server need not be restarted", "Live"),
        READY: ("ready", "Whether every version has all of its workers, with a line for each", "Ready"),
        PING: ("ping", "TorchServe's health, in its own words but truthful", "Ping"),
    }[path]
    bad = {READY: ("NotReady", "Something is missing, and the error says what."), PING: ("Ping", "Some model has no worker.")}
    responses = {"200": _answer("OK", JSON, ref(good))}
    if path in bad:
        schema, description = bad[path]
        responses["503"] = _answer(description, JSON, ref(schema))
    return {"operationId": name, "tags": ["health"], "summary": summary, "responses": responses, "security": [{}]}


def _told(name: str, tag: str, summary: str, kind: str, schema: Schema) -> Schema:
    responses = {"200": _answer("OK", kind, schema)}
    return {"operationId": name, "tags": [tag], "summary": summary, "responses": responses, "security": [{}]}


_TOLD: Final[dict[str, Schema]] = {
    DOCUMENT: _told("document", "documentation", "This document", JSON, {"type": "object"}),
    PAGE: _told("page", "documentation", "A page to try requests", "text/html", {"type": "string"}),
    SCRAPE: _told("metrics", "metrics", "Metrics in Prometheus' text format", "text/plain", {"type": "string"}),
}
