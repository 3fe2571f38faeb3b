"""Base64 as clients write it, to the bytes of a picture."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import pybase64

from snag.core.errors import BadBase64, MissingPicture

_DATA_URI: Final = re.compile(r"\A\s*data:[\w.+-]*/?[\w.+-]*(;[\w=.+-]+)*;base64,", re.ASCII | re.IGNORECASE)
#: How base64 of a PNG, JPEG, WebP, TIFF or BMP begins, and a data URI: no picture format begins like any of them.
_TEXT_OF_PICTURE: Final = re.compile(rb"\s*(data:[^,]{0,200};base64,|iVBORw0KGgo|/9j/|UklGR|SUk[qr]|TU0A|Qk[0-3])")


def is_base64_of_picture(data: bytes | bytearray) -> bool:
    """Whether bytes that should be a picture are the base64 of one, as where a form's text field holds it."""
    return _TEXT_OF_PICTURE.match(data) is not None


def decode_base64(text: str, field: str = "image") -> bytes:
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
        raise MissingPicture(detail=f"{field!r} is empty")
    try:
        return base64.b64decode(payload.translate({ord("-"): "+", ord("_"): "/"}) + "=" * (-len(payload) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadBase64(detail=str(error)) from error
