"""Forms: the named fields of a multipart/form-data body, byte for byte."""

from __future__ import annotations

from email.message import Message
from email.parser import HeaderParser
from typing import Final

_LINE: Final = b"\r\n"


def fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """The fields by name, the last of a name; empty for what is no form. A field that is broken is left out."""
    boundary = _headers(f"Content-Type: {content_type}").get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        return {}
    found: dict[str, bytes] = {}
    # The boundary stands in no field, or it would be none (RFC 2046, 5.1.1), so the body can be cut at it.
    for piece in (_LINE + body).split(_LINE + b"--" + boundary.encode())[1:]:
        head, blank, content = piece.partition(_LINE * 2)
        name = _headers(head.strip().decode("utf-8", "replace")).get_param("name", header="content-disposition")
        if blank and isinstance(name, str):
            found[name] = content
    return found


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)
