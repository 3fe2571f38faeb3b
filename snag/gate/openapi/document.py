"""The OpenAPI document of one gate: every address with what can be asked there (OpenAPI 3.1.1)."""

from __future__ import annotations

from typing import Any, Final

from snag import __version__
from snag.gate.openapi.errors import JUDGING_ERRORS, error_responses
from snag.gate.openapi.operations import operations, parameters
from snag.gate.openapi.protocol import TAG, protocol_schemas
from snag.gate.openapi.schemas import every_schema
from snag.gate.proxy.addresses import ADDRESSES
from snag.gate.proxy.route import NAME
from snag.gate.settings import GateSettings

_ABOUT: Final = (
    "One picture in each request, one verdict in each answer. Options may stand in the body, the query or a header; "
    "what is not known is refused. Every error has the same shape."
)
_TAGS: Final = {
    "verdicts": "pictures in, verdicts out",
    TAG: "KServe's open inference protocol, version 2, for clients that speak it; several pictures in each request",
    "health": "for load balancers and orchestrators; needs no token",
    "models": "a view that changes nothing, at the management port",
    "metrics": "at the metrics port",
    "documentation": "how to ask; needs no token",
}
_HEADERS: Final = {
    "X-Request-Id": "the request's own id, or one that was made for it; it stands in the log",
    "Server-Timing": "milliseconds that decoding and scoring took",
}


def document(settings: GateSettings) -> dict[str, Any]:
    """What `/openapi.json` answers."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Snag",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "the inference port, which serves this document"}],
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": _paths(settings),
        "components": {
            "schemas": {"Name": {"type": "string", "pattern": f"^{NAME}$"}, **every_schema(), **protocol_schemas()},
            "parameters": parameters(),
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
            "responses": {f"Error{code}": answer for code, answer in error_responses(JUDGING_ERRORS, settings).items()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "asked for where the server has a file of tokens; `snag token add` makes one",
                }
            },
        },
    }


def _paths(settings: GateSettings) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for port, addresses in ADDRESSES.items():
        for path in addresses:
            if path not in paths:  # health is told at two ports
                servers = {} if port == "inference" else {"servers": [_server(port, settings)]}
                paths[path] = {**servers, **operations(path, settings)}
    return paths


def _server(port: str, settings: GateSettings) -> dict[str, Any]:
    """Its host is the client's to fill in: on which address a port listens is nobody else's business."""
    number: int = getattr(settings, port)[1]
    host = {"default": "127.0.0.1", "description": "where the port is reached"}
    return {"url": f"http://{{host}}:{number}", "description": f"the {port} port", "variables": {"host": host}}
