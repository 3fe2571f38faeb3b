"""The wire: a request's row to the bytes of a picture; a verdict or an error to a JSON object, and back for clients."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pybase64

from snag.core.errors import BadBase64, BadRequest, InternalError, MissingPicture, SnagError, gate_errors, request_errors
from snag.core.group import is_group
from snag.core.verdict import Verdict

_DATA_URI: Final = re.compile(r"\A\s*data:[\w.+-]*/?[\w.+-]*(;[\w=.+-]+)*;base64,", re.ASCII | re.IGNORECASE)
_LEADING_SPACE: Final = b"\xef\xbb\xbf \t\r\n"  #: what may stand before JSON, a byte order mark included
#: Multipart fields that may hold the picture, in order of preference.
PICTURE_FIELDS: Final = ("image", "data")
#: Names the group of a picture that is sent bare.
GROUP_HEADER: Final = "Snag-Group"
#: What a client may ask for besides the verdict, each by a flag of that name; the answer has it in a field of the same name.
WANTED: Final = ("heatmap", "map", "mask", "overlay", "regions")


@dataclass(frozen=True)
class Request:
    """One picture to judge, and what the answer shall carry besides the verdict."""

    picture: bytes | bytearray
    wants: frozenset[str] = frozenset()  #: of WANTED
    group: str | None = None  #: camera, tool or shift that took it


def parse_request(row: Mapping[str, Any], bare_size: int | None = 1024 * 1024) -> Request:
    """Find the picture in a TorchServe row.

    A row is {"body": parsed JSON | bytearray | str} or {field name: bytearray} for multipart. A body of `bare_size` bytes is
    a picture of bare grey bytes even where its first pixels look like JSON (123 is a brace). Raises MissingPicture, BadBase64,
    BadRequest.
    """
    if "body" in row and not any(field in row for field in PICTURE_FIELDS):
        return _parse_body(row["body"], bare_size)
    for field in PICTURE_FIELDS:
        if field in row:
            return _parse_field(row, field)
    raise MissingPicture(detail=f"its fields are {_names(row)}")


def _parse_field(row: Mapping[str, Any], field: str) -> Request:
    value = row[field]
    if isinstance(value, bytes | bytearray):
        if not value:
            raise MissingPicture(detail=f"field {field!r} is empty")
        return Request(value, _wants(row), group_of(row.get("group")))
    return _parse_json({**row, "image": value})


def _parse_body(body: Any, bare_size: int | None) -> Request:
    if isinstance(body, str):
        body = body.encode(errors="replace")
    if not isinstance(body, bytes | bytearray):
        return _parse_json(body)
    if not body:
        raise MissingPicture(detail="the body is empty")
    if body[:64].lstrip(_LEADING_SPACE)[:1] in (
        b"{",
        b"[",
    ):  # JSON under another content type; no picture format begins like this
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError) as error:
            if len(body) == bare_size:
                return Request(body)
            raise BadRequest(detail="it begins like JSON but is none") from error
        return _parse_json(parsed)
    return Request(body)


def _parse_json(body: Any) -> Request:
    if not isinstance(body, dict):
        raise BadRequest(detail=f'the JSON is {_json_type(body)}; expected an object {{"image": "<base64>"}}')
    image = body.get("image", body.get("data"))
    if image is None:
        raise MissingPicture(detail=f"the JSON object has the keys {_names(body)}")
    if not isinstance(image, str):
        raise BadRequest(detail=f"'image' is {_json_type(image)}; expected a string of base64")
    return Request(decode_base64(image), _wants(body), group_of(body.get("group")))


def group_of(value: Any) -> str | None:
    """The name of a group as a client sends it, in JSON, a form's field or a header; None where there is none.

    Raises BadRequest for what no group can be called.
    """
    try:
        name = value.decode() if isinstance(value, bytes | bytearray) else value
    except UnicodeDecodeError:
        name = False
    if name in (None, ""):
        return None
    if not (isinstance(name, str) and is_group(name)):
        raise BadRequest(detail="'group' is no name; expected up to 64 printable characters, not 'pooled'")
    return name


def group_in_header(value: str | None) -> str | None:
    """The same of GROUP_HEADER, where only ASCII arrives as it was sent. Raises BadRequest."""
    if value is not None and not value.isascii():
        raise BadRequest(detail=f"the header {GROUP_HEADER} is not ASCII; name such a group in JSON or in a form")
    return group_of(value)


def decode_base64(text: str) -> bytes:
    """Base64 in the standard or URL-safe alphabet, with or without padding, line breaks or a data-URI prefix, to bytes.

    Raises MissingPicture where there is none, BadBase64.
    """
    payload = text[prefix.end() :] if (prefix := _DATA_URI.match(text[:256])) else text
    try:
        if picture := pybase64.b64decode(payload, validate=True):
            return picture
    except ValueError:  # binascii.Error is one
        pass  # not as a machine writes it: what is meant may be clear all the same
    payload = "".join(payload.split()).rstrip("=")
    if not payload:
        raise MissingPicture(detail="'image' is empty")
    try:
        return base64.b64decode(payload.translate({ord("-"): "+", ord("_"): "/"}) + "=" * (-len(payload) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadBase64(detail=str(error)) from error


def _wants(fields: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name in WANTED if _flag(name, fields.get(name, False)))


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bytes | bytearray):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        value = value.strip().lower()
    if value in (True, "true", "1"):
        return True
    if value in (False, None, "false", "0", ""):
        return False
    raise BadRequest(detail=f"{name!r} is neither true nor false")


def _names(row: Mapping[str, Any]) -> str:
    return ", ".join(ascii(str(key)[:32]) for key in list(row)[:8]) or "none"


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def verdict_json(verdict: Verdict, model: str, version: str) -> dict[str, Any]:
    """The answer's object. `reason` is there only when there is one, `group` and what belongs to it when one was named."""
    answer: dict[str, Any] = {
        "Anomaly": bool(verdict.is_anomaly),
        "score": float(verdict.score),
        "threshold": float(verdict.threshold),
        "p_value": float(verdict.p_value),
        "reconstruction_error": float(verdict.reconstruction_error),
        "model": model,
        "version": version,
    }
    further = {name: getattr(verdict, name) for name in ("reason", "group", "threshold_of", "promised")}
    return answer | {name: value for name, value in further.items() if value is not None}


def error_json(error: SnagError) -> dict[str, Any]:
    """The only shape in which an error leaves Snag."""
    return {"error": {"code": error.code, "message": str(error)}}


def parse_verdict(answer: Mapping[str, Any]) -> Verdict:
    """Back from `verdict_json`, for clients. Raises KeyError when `answer` is not one."""
    return Verdict(
        is_anomaly=answer["Anomaly"],
        score=answer["score"],
        threshold=answer["threshold"],
        p_value=answer["p_value"],
        reconstruction_error=answer["reconstruction_error"],
        reason=answer.get("reason"),
        group=answer.get("group"),
        threshold_of=answer.get("threshold_of"),
        promised=answer.get("promised"),
    )


def parse_error(answer: Mapping[str, Any]) -> SnagError:
    """Back from `error_json`, for clients: the same class with the same sentence. Raises KeyError when `answer` is not one."""
    problem = answer["error"]
    if not isinstance(problem, Mapping):  # TorchServe's own errors have other shapes
        raise KeyError("error")
    code, message = problem["code"], problem["message"]
    kind = next((known for known in (*request_errors(), *gate_errors()) if known.code == code), InternalError)
    error = kind.__new__(kind)  # its sentence was made by the server; the details it was made from are not sent
    Exception.__init__(error, message)
    error.details = {}
    return error
