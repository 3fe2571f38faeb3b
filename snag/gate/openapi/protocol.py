"""The open inference protocol in the OpenAPI document: its addresses, and the shapes of what is asked and answered there."""

from __future__ import annotations

from typing import Any, Final

from snag.core.errors import BadRequest, MethodNotAllowed, SnagError, UnknownModel
from snag.core.wire import JSON, PICTURE_FIELDS
from snag.gate.kserve.outputs import OUTPUTS
from snag.gate.kserve.request import INPUT, JSON_LENGTH_HEADER, MOST_PICTURES
from snag.gate.openapi.errors import JUDGING_ERRORS, error_responses, example, sentence
from snag.gate.openapi.schemas import Schema, object_of, ref
from snag.gate.proxy.addresses import V2, V2_INFER, V2_LIVE, V2_MODELS, V2_MODELS_READY, V2_READY
from snag.gate.settings import GateSettings

TAG: Final = "protocol"
_BINARY: Final = "application/octet-stream"
_TEXT: Final[Schema] = {"type": "string"}
#: Address to operation, summary, answer.
_TOLD: Final = {
    V2: ("protocolServer", "Name the server and what of the protocol it knows", "ProtocolServer"),
    V2_LIVE: ("protocolLive", "Whether the server need not be restarted", "ProtocolLive"),
    V2_READY: ("protocolReady", "Whether every version has all of its workers", "ProtocolReady"),
    V2_MODELS[0]: ("protocolModel", "Describe a model", "ProtocolModel"),
    V2_MODELS[1]: ("protocolVersion", "Describe a version of a model", "ProtocolModel"),
    V2_MODELS_READY[0]: ("protocolModelReady", "Whether a model has a worker", "ProtocolReady"),
    V2_MODELS_READY[1]: ("protocolVersionReady", "Whether a version of a model has a worker", "ProtocolReady"),
}


def protocol_operation(path: str, settings: GateSettings, security: list[dict[str, list[str]]]) -> dict[str, Any]:
    """The path item of an address of the protocol."""
    names = [ref(name, "parameters") for name in ("model", "version") if f"{{{name}}}" in path]
    shared: dict[str, Any] = {"parameters": names} if names else {}
    if path in V2_INFER:
        return {**shared, "post": _infer(len(names) > 1, settings, security)}
    name, summary, answer = _TOLD[path]
    responses: dict[str, Schema] = {"200": _content("OK", ref(answer))}
    if answer == "ProtocolReady":
        responses["503"] = _content("Not ready.", ref(answer))
    if names:
        responses["404"] = _content(f"`{UnknownModel.code}`", ref("ProtocolError"))
    return {
        **shared,
        "get": {"operationId": name, "tags": [TAG], "summary": summary, "responses": responses, "security": [{}]},
    }


def _infer(has_version: bool, settings: GateSettings, security: list[dict[str, list[str]]]) -> Schema:
    picture = {"inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [1], "data": ["<base64>"]}]}
    length = {"description": "how many bytes of the body are JSON, where binary tensors follow", "schema": {"type": "integer"}}
    return {
        "operationId": "protocolInferVersion" if has_version else "protocolInfer",
        "tags": [TAG],
        "summary": "Judge pictures one by one" + (" with one version of a model" if has_version else ""),
        "parameters": [{"in": "header", "name": JSON_LENGTH_HEADER, "required": False, **length}],
        "requestBody": {
            "required": True,
            "description": "a tensor with one element for each picture",
            "content": {
                JSON: {"schema": ref("ProtocolRequest"), "example": picture},
                _BINARY: {"schema": {}},
            },
        },
        "responses": {
            "200": {
                "description": "The verdicts. Where none of the pictures could be judged the answer is the first one's error.",
                "headers": {JSON_LENGTH_HEADER: length},
                "content": {JSON: {"schema": ref("ProtocolAnswer")}, _BINARY: {"schema": {}}},
            },
            **_errors(settings),
        },
        "security": security,
    }


def _errors(settings: GateSettings) -> dict[str, Schema]:
    """The errors of a verdict, in the protocol's shape."""
    found = {}
    errors: tuple[type[SnagError], ...] = (*JUDGING_ERRORS, MethodNotAllowed)
    for status, answer in error_responses(errors, settings).items():
        examples = {
            error.code: {
                "summary": sentence(error),
                "value": {"error": str(example(error, settings)), "code": error.code},
            }
            for error in errors
            if str(error.status) == status
        }
        found[status] = {**answer, "content": {JSON: {"schema": ref("ProtocolError"), "examples": examples}}}
    return found


def _content(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def protocol_schemas() -> dict[str, Schema]:
    """The shapes by name."""
    names: Schema = {"type": "array", "items": _TEXT}
    tensors = _tensors()
    flag: Schema = {"type": "boolean"}
    return {
        "ProtocolServer": object_of(("name", "version", "extensions"), name=_TEXT, version=_TEXT, extensions=names),
        "ProtocolLive": object_of(("live",), live=flag),
        "ProtocolReady": object_of(("ready",), ready=flag, name={**_TEXT, "description": "only of a model"}),
        "ProtocolModel": object_of(
            ("name", "versions", "platform", "inputs", "outputs"),
            name=_TEXT,
            versions=names,
            platform=_TEXT,
            inputs=tensors,
            outputs=tensors,
        ),
        "ProtocolRequest": _request(),
        "ProtocolAnswer": _tensor_answer(),
        "ProtocolError": object_of(
            ("error", "code"),
            error={**_TEXT, "description": "for people: what is wrong, and what was expected"},
            code={**_TEXT, "description": f"for programs, for example `{BadRequest.code}`"},
        ),
    }


def _tensors() -> Schema:
    shape: Schema = {"type": "array", "items": {"type": "integer"}}
    return {"type": "array", "items": object_of(("name", "datatype", "shape"), name=_TEXT, datatype=_TEXT, shape=shape)}


def _request() -> Schema:
    count = f"as many elements as there are pictures, 1 to {MOST_PICTURES}"
    sent = object_of(
        ("name", "datatype", "shape"),
        name={"enum": list(PICTURE_FIELDS)},
        datatype={"const": "BYTES"},
        shape={"type": "array", "items": {"type": "integer"}, "description": count},
        data={"type": "array", "description": "base64 of each picture; without it the elements follow the JSON"},
        parameters={"type": "object", "description": "`binary_data_size`, where the elements follow the JSON"},
    )
    asked = object_of(("name",), name={"enum": list(OUTPUTS)}, parameters={"type": "object"})
    return object_of(
        ("inputs",),
        id={**_TEXT, "description": "comes back in the answer"},
        inputs={"type": "array", "items": sent, "minItems": 1, "maxItems": 1},
        outputs={"type": "array", "items": asked, "description": "without it all of them"},
        parameters={"type": "object", "description": "options of the verdicts, as in a query, and `binary_data_output`"},
    )


def _tensor_answer() -> Schema:
    told = ", ".join(f"`{name}` ({one.datatype}): {one.meaning}" for name, one in OUTPUTS.items())
    return object_of(
        ("model_name", "model_version", "outputs"),
        model_name=_TEXT,
        model_version=_TEXT,
        id={**_TEXT, "description": "the request's"},
        outputs={**_tensors(), "description": f"one element for each picture: {told}"},
    )
