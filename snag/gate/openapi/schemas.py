"""Schemas: the shapes of requests and answers, as JSON Schema 2020-12, made from the functions that write and read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from snag.core.errors import SnagError, gate_errors, request_errors
from snag.core.group import POOLED, REST
from snag.core.regions import MOST
from snag.core.verdict import Verdict
from snag.core.wire import PICTURE_FIELDS, WANTED, verdict_json

Schema = dict[str, Any]
#: JSON's names of Python's types.
_TYPES: Final = {bool: "boolean", float: "number", str: "string", int: "integer"}
#: What the fields of a verdict mean.
MEANINGS: Final = {
    "Anomaly": "whether the score is greater than the threshold",
    "score": "anomaly score, in the calibration's unit; higher is more anomalous",
    "threshold": "what calibration set, or people by hand",
    "p_value": "share of good pictures that look at least as anomalous; small is suspicious",
    "reconstruction_error": "plain mean squared error between the prepared picture and its reconstruction",
    "model": "name of the model that answered",
    "version": "version of the model that answered",
    "reason": "only where the picture is an anomaly before any look at its surface, e.g. `not_aligned`",
    "group": "only where the request named a group: that name",
    "threshold_of": "only with a group: whose threshold it is, the group's, `rest` or `pooled`",
    "promised": "only with a group: whether a false-alarm rate is promised for such pictures",
}
#: What an answer has besides when it is asked for; all but the last are pictures, PNG as base64, of the picture's own size.
EXTRAS: Final = {
    "heatmap": "8 bit with a palette: where the anomaly is, in colours; 128 and more lie above the level",
    "map": "16 bit: position on the scale; 32768 and more lie above the level",
    "mask": "255 above the level at which a part is rejected, 0 elsewhere",
    "overlay": "the picture in grey with what lies above the level in colours",
    "regions": f"places above the level, highest first, at most {MOST}",
}
_FULL: Final = verdict_json(
    Verdict(True, 8.29, 3.71, 0.0167, 0.0419, "not_aligned", "camera-1", "pooled", True), "screw", "1.0"
)
#: An answer to a picture of no group that was judged by its surface.
PLAIN: Final = verdict_json(Verdict(True, 8.29, 3.71, 0.0167, 0.0419), "screw", "1.0")


def ref(name: str, kind: str = "schemas") -> Schema:
    """A reference to a component of the document."""
    return {"$ref": f"#/components/{kind}/{name}"}


def object_of(required: Sequence[str] = (), /, **properties: Schema) -> Schema:
    """An object that has at least these properties."""
    return {"type": "object", **({"required": list(required)} if required else {}), "properties": properties}


def every_schema() -> dict[str, Schema]:
    """The document's schemas by name."""
    codes = [error.code for error in (*request_errors(), *gate_errors())]
    return {
        "Verdict": verdict_schema(),
        "Region": _region(),
        "AnomalyAlone": {**object_of(("Anomaly",), Anomaly={"type": "boolean"}), "additionalProperties": False},
        "Error": object_of(("error",), error=ref("Problem")),
        "Problem": object_of(
            ("code", "message"),
            code={"type": "string", "enum": codes, "description": "for programs; stays as it is"},
            message={"type": "string", "description": "for people: what is wrong, and what was expected"},
        ),
        "PictureInJson": picture_schema({"type": "string", "contentEncoding": "base64"}, {"type": "boolean"}),
        "PictureInForm": picture_schema(
            {"type": "string", "format": "binary"}, {"type": "string", "enum": ["true", "false"], "default": "false"}
        ),
        **_health(),
        **_models(),
    }


def verdict_schema() -> Schema:
    """Every field that `verdict_json` writes, and what may be asked for besides."""
    fields: dict[str, Schema] = {
        name: {"type": _TYPES[type(value)], "description": MEANINGS[name]} for name, value in _FULL.items()
    }
    png = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
    extras: dict[str, Schema] = {name: {**png, "description": EXTRAS[name]} for name in WANTED if name != "regions"}
    regions = {"type": "array", "maxItems": MOST, "items": ref("Region"), "description": EXTRAS["regions"]}
    return object_of(tuple(PLAIN), **fields, **extras, regions=regions)


def errors_schema(errors: Sequence[type[SnagError]]) -> Schema:
    """The error's shape with the codes that are possible here."""
    codes = {"enum": [error.code for error in errors]}
    return {"allOf": [ref("Error"), object_of(error=object_of(code=codes))]}


def picture_schema(picture: Schema, flag: Schema) -> Schema:
    """One picture under one of its names, and options beside it; nothing else is taken."""
    pictures = {name: {**picture, "description": "the picture"} for name in PICTURE_FIELDS}
    flags = {name: {**flag, "description": f"whether the answer shall have `{name}`"} for name in WANTED}
    return {
        **object_of(**pictures, **flags, group=group_schema()),
        "oneOf": [{"required": [name]} for name in PICTURE_FIELDS],
        "additionalProperties": False,
    }


def group_schema() -> Schema:
    """The name of a group; `snag.core.group` has the rule."""
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "not": {"enum": [POOLED, REST]},
        "description": "camera, tool or shift that took the picture, up to 64 printable characters",
    }


def _region() -> Schema:
    corner = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
    box = {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 4,
        "maxItems": 4,
        "description": "left, top, right, bottom",
    }
    fields: dict[str, Schema] = {
        "box": box,
        "polygon": {"type": "array", "items": corner, "description": "outline, clockwise, not closed"},
        "area": {"type": "integer", "description": "pixels"},
        "peak": {"type": "number", "description": "greatest value of the map inside"},
        "peak_at": {**corner, "description": "x and y of the pixel that has it"},
        "p_value": {"type": "number", "description": "share of good parts whose map rises as high anywhere"},
    }
    return {**object_of(tuple(fields), **fields), "description": "Coordinates count pixels' edges from the upper left."}


def _health() -> dict[str, Schema]:
    text, count, flag = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
    row = object_of(
        ("model", "version", "default", "workers", "ready", "required"),
        model=text,
        version=text,
        default={**flag, "description": "whether it answers where no version is named"},
        workers={**count, "description": "workers that it should have"},
        ready={**count, "description": "workers that can take a request"},
        required={**flag, "description": "whether the server is ready only when this version is"},
        failed={**text, "description": "only where it could not be loaded: why"},
    )
    models = {"type": "array", "items": ref("VersionHealth")}
    lacking = object_of(("status", "models"), status={"enum": ["partial", "not_ready", "draining"]}, models=models)
    return {
        "VersionHealth": row,
        "Live": object_of(("status",), status={"const": "alive"}),
        "Ready": object_of(("status", "models"), status={"const": "ready"}, models=models),
        "NotReady": {"allOf": [ref("Error"), lacking]},
        "Ping": object_of(("status",), status={"enum": ["Healthy", "Partial Healthy", "Unhealthy"]}),
    }


def _models() -> dict[str, Schema]:
    text = {"type": "string"}
    listed = object_of(("modelName", "modelUrl"), modelName=text, modelUrl=text)
    paging = {**text, "description": "only where there are more: the `next_page_token` that asks for them"}
    described = object_of(("modelName", "modelVersion"), modelName=text, modelVersion=text, workers={"type": "array"})
    return {
        "ModelList": object_of(("models",), models={"type": "array", "items": listed}, nextPageToken=paging),
        "ModelDescription": {
            "type": "array",
            "items": {**described, "description": "a version, as TorchServe describes it, with further fields of its own"},
        },
    }
