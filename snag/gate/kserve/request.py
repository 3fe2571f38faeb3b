"""InferRequest: what a request of the protocol carries. Its pictures are one tensor of BYTES, in base64 or as they are."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from snag.core.errors import BadRequest
from snag.core.wire import JSON_BYTES, PICTURE_FIELDS, Options, read_options
from snag.gate.kserve.outputs import OUTPUTS

#: How many bytes of a body with binary tensors are JSON.
JSON_LENGTH_HEADER: Final = "Inference-Header-Content-Length"
INPUT: Final = PICTURE_FIELDS[0]
MOST_PICTURES: Final = 64  #: of one request; each takes a worker as long as a request of its own
_HOW_MANY: Final = f"expected 1 to {MOST_PICTURES} pictures in each request"
_BYTES: Final = "application/octet-stream"
_BINARY: Final = "binary_data_output"
#: What clients say to a scheduler; there is none here, and nothing depends on it.
_SCHEDULING: Final = frozenset({"sequence_id", "sequence_start", "sequence_end", "priority", "timeout"})
_LENGTH: Final = struct.Struct("<I")
_MOST_DIGITS: Final = 10  #: of a length: Python takes long to read thousands
_MOST_DIMENSIONS: Final = 8


@dataclass(frozen=True)
class EncodedPicture:
    """One element of the tensor, as a worker takes it."""

    content_type: str
    body: bytes


@dataclass(frozen=True)
class InferRequest:
    """A whole request."""

    identity: str | None  #: that the answer repeats
    pictures: tuple[EncodedPicture, ...]
    options: Options
    outputs: tuple[tuple[str, bool], ...]  #: names of OUTPUTS that the answer shall have, and whether as binary tensors


def parse_infer(body: bytes, json_length: str | None) -> InferRequest:
    """Take a request apart; `json_length` is JSON_LENGTH_HEADER's. Raises BadRequest with what was expected."""
    head = len(body)
    if json_length is not None:
        is_number = json_length.isascii() and json_length.isdigit() and len(json_length) <= _MOST_DIGITS
        if not (is_number and int(json_length) <= head):
            raise BadRequest(detail=f"{JSON_LENGTH_HEADER} is no length within the body")
        head = int(json_length)
    try:
        said = json.loads(body[:head])
    except (ValueError, RecursionError) as error:
        raise BadRequest(detail="the body is no JSON; expected a request of the open inference protocol") from error
    if not isinstance(said, dict):
        raise BadRequest(detail="the JSON is no object; expected a request of the open inference protocol")
    parameters = _object(said, "parameters")
    identity = said.get("id")
    if not isinstance(identity, str | None):
        raise BadRequest(detail="'id' is no string")
    options = {name: value for name, value in parameters.items() if name != _BINARY and name not in _SCHEDULING}
    return InferRequest(
        identity or None,
        tuple(_pictures(said, body[head:])),
        read_options(options.items()),
        _outputs(said, parameters.get(_BINARY) is True),
    )


def _pictures(said: dict[str, Any], binary: bytes) -> Iterator[EncodedPicture]:
    inputs = said.get("inputs")
    if not (isinstance(inputs, list) and len(inputs) == 1 and isinstance(inputs[0], dict)):
        raise BadRequest(detail=f"expected one input, {INPUT!r}, a tensor of BYTES with one element for each picture")
    tensor = inputs[0]
    if tensor.get("name") not in PICTURE_FIELDS or tensor.get("datatype") != "BYTES":
        raise BadRequest(
            detail=f"the input is {tensor.get('name')!a} of {tensor.get('datatype')!a}; expected {INPUT!r} of BYTES"
        )
    size = _object(tensor, "parameters").get("binary_data_size")
    if size is None:
        found = [EncodedPicture(JSON_BYTES, json.dumps({INPUT: text}).encode()) for text in _texts(tensor.get("data"))]
    elif size != len(binary):
        raise BadRequest(detail=f"binary_data_size is {size!a}, behind the JSON are {len(binary)} bytes")
    else:
        found = [EncodedPicture(_BYTES, element) for element in _elements(binary)]
    if not found:
        raise BadRequest(detail=_HOW_MANY)
    if not _is_shape(tensor.get("shape"), len(found)):
        raise BadRequest(detail=f"the input has {len(found)} elements; expected a shape of as many")
    yield from found


def _is_shape(shape: Any, elements: int) -> bool:
    """Whether it is one of so many elements. What no request can have is not multiplied: that can take seconds."""
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS:
        return False
    return all(type(one) is int and 0 <= one <= MOST_PICTURES for one in shape) and math.prod(shape) == elements


def _texts(data: Any) -> list[str]:
    """Elements in JSON; the protocol lets them be nested as their shape is."""
    texts: list[str] = []
    for row in data if isinstance(data, list) else [None]:
        for one in row if isinstance(row, list) else [row]:
            if not isinstance(one, str):
                raise BadRequest(detail=f"the data of {INPUT!r} are not all strings; expected base64 of each picture")
            if len(texts) == MOST_PICTURES:
                raise BadRequest(detail=_HOW_MANY)
            texts.append(one)
    return texts


def _elements(binary: bytes) -> list[bytes]:
    """Elements of a binary tensor: each behind its length, 4 bytes, the least first."""
    found: list[bytes] = []
    at = 0
    while at < len(binary):
        end = at + _LENGTH.size
        end += _LENGTH.unpack_from(binary, at)[0] if end <= len(binary) else 0
        if end > len(binary):
            raise BadRequest(detail="the binary tensor is cut off; expected each element behind its length of 4 bytes")
        if len(found) == MOST_PICTURES:
            raise BadRequest(detail=_HOW_MANY)
        found.append(binary[at + _LENGTH.size : end])
        at = end
    return found


def _outputs(said: dict[str, Any], binary: bool) -> tuple[tuple[str, bool], ...]:
    asked = said.get("outputs") or []
    if not asked:
        return tuple((name, binary) for name in OUTPUTS)
    names = [str(one.get("name")) for one in (asked if isinstance(asked, list) else [{}]) if isinstance(one, dict)]
    if not isinstance(asked, list) or len(names) < len(asked) or not set(names) <= set(OUTPUTS) or len(names) > len(set(names)):
        raise BadRequest(detail=f"'outputs' names something else, or one twice; expected some of {', '.join(OUTPUTS)}")
    own = [_object(one, "parameters").get("binary_data", binary) is True for one in asked]
    return tuple(zip(names, own, strict=True))


def _object(said: dict[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    if not isinstance(found, dict | None):
        raise BadRequest(detail=f"{name!r} is no object")
    return found or {}
