"""The wire: a request's row to the bytes of a picture; a verdict or an error to a JSON object, and back for clients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from snag.core.base64_text import decode_base64, is_base64_of_picture
from snag.core.errors import BadRequest, InternalError, MissingPicture, SnagError, gate_errors, request_errors
from snag.core.group import is_group
from snag.core.verdict import Verdict

JSON: Final = "application/json"
#: JSON that TorchServe hands on as bytes: what it reads itself has lost all but the last of two equal keys.
JSON_BYTES: Final = "application/vnd.snag+json"
_LEADING_SPACE: Final = b"\xef\xbb\xbf \t\r\n"  #: what may stand before JSON, a byte order mark included
#: Fields of a form or of JSON of which one holds the picture.
PICTURE_FIELDS: Final = ("image", "data")
#: Names the group of a picture that is sent bare.
GROUP_HEADER: Final = "Snag-Group"
#: Between gate and worker: options said outside of the body, written as a query. TorchServe drops the address's own.
OPTIONS_HEADER: Final = "Snag-Options"
#: What a client may ask for besides the verdict, each by a flag of that name; the answer has it in a field of the same name.
WANTED: Final = ("heatmap", "map", "mask", "overlay", "regions")
_GROUP: Final = "group"
_KNOWN: Final = ", ".join((*PICTURE_FIELDS, _GROUP, *WANTED))
_BODY: Final = "body"  #: TorchServe's name for what is no form

Options = dict[str, bool | str]  #: of WANTED whether it is wanted, and the group; what nobody said is not there


@dataclass(frozen=True)
class Request:
    """One picture to judge, and what the answer shall carry besides the verdict."""

    picture: bytes | bytearray
    wants: frozenset[str] = frozenset()  #: of WANTED
    group: str | None = None  #: camera, tool or shift that took it


def parse_request(
    row: Mapping[str, Any], bare_size: int | None = 1024 * 1024, content_type: str = "", options: str = ""
) -> Request:
    """Find the picture in a TorchServe row.

    A row is {"body": parsed JSON | bytearray | str} or {field name: bytearray} for a form; `options` is OPTIONS_HEADER's. A
    body of `bare_size` bytes is a picture of bare grey bytes even where its first pixels look like JSON (123 is a brace),
    unless its content type says JSON. Raises MissingPicture, BadBase64, BadRequest.
    """
    beside = parse_qsl(options)
    if _BODY not in row:
        picture, said = picture_and_options(row.items())
        return _request(picture, read_options(said.items(), beside))
    beside += [(name, value) for name, value in row.items() if name != _BODY]
    content = _content(row[_BODY], bare_size, content_type)
    if isinstance(content, dict):
        picture, said = picture_and_options(content.items(), "the JSON object has the keys")
        return _request(picture, read_options(said.items(), beside))
    is_text = len(content) != bare_size and is_base64_of_picture(content)
    return _request(_decoded(_BODY, content) if is_text else content, read_options(beside))


def options_text(options: Options) -> str:
    """The value of OPTIONS_HEADER, of ASCII alone."""
    return urlencode({name: value if isinstance(value, str) else str(value).lower() for name, value in options.items()})


def picture_and_options(fields: Iterable[tuple[str, Any]], has: str = "its fields are") -> tuple[bytes | bytearray, Options]:
    """The one picture among the fields of a form or the keys of JSON, and what the others ask for.

    Raises MissingPicture, BadBase64, and BadRequest for two pictures and for what is no option.
    """
    fields = list(fields)
    pictures = [(name, value) for name, value in fields if name in PICTURE_FIELDS and value is not None]
    if not pictures:
        raise MissingPicture(detail=f"{has} {_names(fields)}")
    if len(pictures) > 1:
        detail = f"{len(pictures)} places for a picture, {has} {_names(fields)}; expected one picture in each request"
        raise BadRequest(detail=detail)
    options = read_options([field for field in fields if field[0] not in PICTURE_FIELDS])
    return _decoded(*pictures[0]), options


def read_options(*places: Iterable[tuple[str, Any]]) -> Options:
    """What a request asks for, said in any of several places: form or JSON, query, header.

    Raises BadRequest for an unknown name, a value that can't be read, and two places that differ.
    """
    options: Options = {}
    for name, value in (option for place in places for option in place):
        if name in PICTURE_FIELDS:
            raise BadRequest(detail=f"{name!r} stands beside another picture; expected one picture in each request")
        if name != _GROUP and name not in WANTED:
            raise BadRequest(detail=f"unknown option {_quoted(name)}; known are {_KNOWN}")
        read = _group_of(value) if name == _GROUP else _flag(name, value)
        if read is not None and options.setdefault(name, read) != read:
            raise BadRequest(detail=f"{name!r} is said twice, and not the same")
    return options


def _request(picture: bytes | bytearray, options: Options) -> Request:
    group = options.get(_GROUP)
    return Request(picture, frozenset(name for name in WANTED if options.get(name)), group if isinstance(group, str) else None)


def _decoded(name: str, value: Any) -> bytes | bytearray:
    """The picture in a field: as it is, or out of base64."""
    if isinstance(value, bytes | bytearray):
        if not value:
            raise MissingPicture(detail=f"field {name!r} is empty")
        return decode_base64(value.decode("ascii", "replace"), name) if is_base64_of_picture(value) else value
    if not isinstance(value, str):
        raise BadRequest(detail=f"{name!r} is {_json_type(value)}; expected a string of base64, the one picture of the request")
    return decode_base64(value, name)


def _content(body: Any, bare_size: int | None, content_type: str) -> bytes | bytearray | dict[str, Any]:
    """A body as the object that it holds, or as the bytes that it is."""
    kind = content_type.partition(";")[0].strip().lower()
    if isinstance(body, str) and kind != JSON:  # text that TorchServe has decoded
        body = body.encode(errors="replace")
    if not isinstance(body, bytes | bytearray):
        return _object(body)
    if not body:
        raise MissingPicture(detail="the body is empty")
    is_json = kind == JSON or kind.endswith("+json")
    if not is_json and body[:64].lstrip(_LEADING_SPACE)[:1] not in (b"{", b"["):  # no picture format begins like this
        return body
    try:
        return _object(json.loads(body, object_pairs_hook=_without_twins))
    except (ValueError, RecursionError) as error:
        if is_json:
            raise BadRequest(detail="the content type says JSON, but the body is none") from error
        if len(body) == bare_size:
            return body
        raise BadRequest(detail="it begins like JSON but is none") from error


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(detail=f'the JSON is {_json_type(value)}; expected an object {{"image": "<base64>"}}')
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of two equal keys one would go unseen."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest(detail=f"the JSON has the key {_quoted(name)} twice; expected one picture in each request")
        found[name] = value
    return found


def _group_of(value: Any) -> str | None:
    """The name of a group as a client sends it; None where there is none. Raises BadRequest for what none can be called."""
    try:
        name = value.decode() if isinstance(value, bytes | bytearray) else value
    except UnicodeDecodeError:
        name = False
    if name in (None, ""):
        return None
    if not (isinstance(name, str) and is_group(name)):
        raise BadRequest(detail="'group' is no name; expected up to 64 printable characters, not 'pooled' or 'rest'")
    return name


def _flag(name: str, value: Any) -> bool | None:
    if isinstance(value, bytes | bytearray):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        value = value.strip().lower()
    if value is None:
        return None
    if value in (True, "true", "1"):
        return True
    if value in (False, "false", "0", ""):
        return False
    raise BadRequest(detail=f"{name!r} is neither true nor false")


def _names(fields: Iterable[tuple[Any, Any]]) -> str:
    return ", ".join(_quoted(name) for name, _ in list(fields)[:8]) or "none"


def _quoted(name: Any) -> str:
    return ascii(str(name)[:32])


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
