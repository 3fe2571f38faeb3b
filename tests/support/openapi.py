"""The gate's OpenAPI document, taken apart for tests; and a TorchServe behind which a real worker's code judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from reference.addresses import resolved as resolved
from snag.core.inspection import Row, RowInspector
from snag.core.serving import ServingSettings
from snag.core.telemetry import MetricsBuffer
from snag.core.wire import OPTIONS_HEADER
from snag.gate.settings import GateSettings
from tests.support.fakes import tiny_artifact, tiny_calibration
from tests.support.torchserve import Behaviour

METHODS = ("get", "post", "put", "options")
Document = dict[str, Any]


def usual_settings(**more: Any) -> GateSettings:
    """A gate's settings on the ports that everybody knows; it is never opened."""
    ports = [("127.0.0.1", port) for port in (8080, 8081, 8082)]
    return GateSettings(*ports, **{"tokens": None, "log_file": Path("requests.log"), **more})


def operations(document: Document) -> list[tuple[str, str, Document]]:
    """Path, method and operation of everything that can be asked."""
    return [(path, method, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item]


def asked(document: Document, path: str, method: str = "post") -> dict[tuple[str, str], Document]:
    """The parameters of an operation by place and name."""
    item = document["paths"][path]
    found = [resolved(document, one) for one in (*item.get("parameters", ()), *item[method].get("parameters", ()))]
    return {(one["in"], one["name"]): one for one in found}


def codes(document: Document) -> set[tuple[str, int]]:
    """Code and status of every error that some operation can answer."""
    found = set()
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            content = resolved(document, answer).get("content", {}).get("application/json", {})
            found |= {(code, int(status)) for code in content.get("examples", ()) if int(status) >= 400}
    return found


def complaints(document: Document, schema: Any, value: Any) -> list[str]:
    """What a schema of the document has against a value."""
    whole = Draft202012Validator({**schema, "components": document["components"]})
    return [error.message for error in whole.iter_errors(value)]


def unlike(document: Document, path: str, method: str, status: int, kind: str, value: Any) -> list[str]:
    """What is wrong with an answer, as the document has it: its status, its type, its body."""
    answers = document["paths"][path][method]["responses"]
    if str(status) not in answers:
        return [f"{method} {path} is not said to answer {status}"]
    content = resolved(document, answers[str(status)]).get("content", {})
    plain = kind.partition(";")[0]
    if plain not in content:
        return [f"{method} {path} is not said to answer {plain or 'nothing'} with {status}"]
    return complaints(document, content[plain]["schema"], value)


def worker(folder: Path) -> Behaviour:
    """Answers as a worker of a tiny model does."""
    artifact = tiny_artifact(folder)
    calibration = tiny_calibration(folder, artifact)
    inspector = RowInspector(artifact, calibration, ServingSettings(), "bolt", "1.0", MetricsBuffer(), pytest.fail)

    async def behave(request: web.Request) -> web.StreamResponse:
        row = Row(
            {"body": bytearray(await request.read())},
            request.headers.get("Content-Type", ""),
            request.headers.get(OPTIONS_HEADER, ""),
            explain=request.path.startswith("/explanations"),
        )
        answer = inspector.answer([row])[0]
        headers = {**answer.headers, "Content-Type": answer.content_type}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    return behave
