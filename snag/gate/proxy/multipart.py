"""Forms: the named fields of a multipart/form-data body, byte for byte.

The gate takes them out itself: TorchServe keeps the last of two fields of one name, and of a form that it can't read some.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from itertools import islice
from typing import Final

from snag.core.errors import BadRequest

FORM: Final = "multipart/form-data"
_LINE: Final = b"\r\n"
_MOST: Final = 32  #: fields of one form; there are eight names
_MOST_MARKS: Final = 1000  #: times that a boundary is looked for; one that is this often part of a picture is ill chosen
_LONGEST: Final = 8192  #: bytes of a field's header
_PLAIN: Final = ("", "binary", "8bit", "7bit")  #: ways to send a field that leave its bytes as they are


def fields(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Names and contents of all fields, in order, equal names too. Raises BadRequest for what is no whole form."""
    boundary = _headers(f"Content-Type: {content_type}").get_param("boundary")
    if not isinstance(boundary, str) or not boundary.isascii() or not boundary:
        raise BadRequest(detail=f"its content type names no boundary; expected {FORM}; boundary=...")
    pieces = list(islice(_pieces(body, b"--" + boundary.encode()), _MOST + 1))
    if len(pieces) > _MOST:
        raise BadRequest(detail=f"the form has more than {_MOST} fields; expected one picture and what is asked for")
    return [_field(body, *piece) for piece in pieces]


def _pieces(body: bytes, mark: bytes) -> Iterator[tuple[int, int]]:
    """Where each field begins and ends: between marks, each a line of its own, the last with two hyphens (RFC 2046, 5.1.1)."""
    begin, at = None, 0 if body.startswith(mark) else _next(body, mark, 0)
    for _ in range(_MOST_MARKS):
        if at < 0:
            break
        after = at + len(mark)
        line = body[after : end if (end := body.find(_LINE, after)) >= 0 else len(body)]
        is_last = line.startswith(b"--")
        if is_last or not line.strip(b" \t"):
            if begin is not None:
                yield begin, at - len(_LINE)
            if is_last:
                return
            begin = after + len(line)
        at = _next(body, mark, after)
    raise BadRequest(detail="the form is broken or cut off: the boundary of its content type does not end it")


def _next(body: bytes, mark: bytes, start: int) -> int:
    found = body.find(_LINE + mark, start)
    return found + len(_LINE) if found >= 0 else -1


def _field(body: bytes, begin: int, end: int) -> tuple[str, bytes]:
    blank = body.find(_LINE * 2, begin, min(begin + _LONGEST, end))
    headers = _headers(body[begin : max(blank, begin)].strip().decode("utf-8", "replace"))
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise BadRequest(detail="the form is broken: a field has no name")
    if headers.get_content_maintype() == "multipart":
        raise BadRequest(detail=f"the field {name[:32]!a} holds several; expected one picture in each request")
    encoding = str(headers.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding not in _PLAIN:
        raise BadRequest(detail=f"the field {name[:32]!a} is sent as {encoding}; expected its bytes as they are")
    return name, body[blank + 2 * len(_LINE) : end]


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)
