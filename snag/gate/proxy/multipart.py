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
_LONGEST: Final = 8192  #: bytes of a field's header
_PLAIN: Final = ("", "binary", "8bit", "7bit")  #: ways to send a field that leave its bytes as they are


def fields(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Names and contents of all fields, in order, equal names too. Raises BadRequest for what is no whole form."""
    boundary = _headers(f"Content-Type: {content_type}").get_param("boundary")
    if not isinstance(boundary, str) or not boundary.isascii() or not boundary:
        raise BadRequest(detail=f"its content type names no boundary; expected {FORM}; boundary=...")
    pieces = list(islice(_pieces(_LINE + body, _LINE + b"--" + boundary.encode()), _MOST + 1))
    if len(pieces) > _MOST:
        raise BadRequest(detail=f"the form has more than {_MOST} fields; expected one picture and what is asked for")
    return [_field(piece) for piece in pieces]


def _pieces(body: bytes, mark: bytes) -> Iterator[bytes]:
    """What lies between the marks; each is a line of its own, and the last one ends in two hyphens (RFC 2046, 5.1.1)."""
    begin = None
    at = body.find(mark)
    while at >= 0:
        rest = body[at + len(mark) : body.find(_LINE, at + len(mark)) % (len(body) + 1)]
        is_last = rest.startswith(b"--")
        if is_last or not rest.strip(b" \t"):
            if begin is not None:
                yield body[begin:at]
            if is_last:
                return
            begin = at + len(mark) + len(rest)
        at = body.find(mark, at + len(mark))
    raise BadRequest(detail="the form is broken or cut off: the boundary of its content type does not end it")


def _field(piece: bytes) -> tuple[str, bytes]:
    size = piece.find(_LINE * 2, 0, _LONGEST)
    head, content = piece[: max(size, 0)], piece[size + 2 * len(_LINE) :]
    headers = _headers(head.strip().decode("utf-8", "replace"))
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise BadRequest(detail="the form is broken: a field has no name")
    if headers.get_content_maintype() == "multipart":
        raise BadRequest(detail=f"the field {name[:32]!a} holds several; expected one picture in each request")
    encoding = str(headers.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding not in _PLAIN:
        raise BadRequest(detail=f"the field {name[:32]!a} is sent as {encoding}; expected its bytes as they are")
    return name, content


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)
