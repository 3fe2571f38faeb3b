"""Names of files as they are written: in tables, JSON, pages and sentences, whatever bytes they have.

A file's name is bytes, and need not be UTF-8. Python carries such bytes as lone surrogates, which no table, page or terminal
takes. So a name is written as it is, but for what can't be printed: a byte that is no UTF-8 as `\\xf6`, a control character as
`\\x0a` or `\\u2028`, and a backslash that would be read as the begin of one of these as `\\x5c`. `original` takes that back.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Final

#: Controls, line separators, what turns the direction of writing, and surrogates.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: Those of them that a line of a sentence may hold.
_LINES: Final = "\n\t"
#: What stands for them.
_ESCAPE: Final = r"x(?:[01][0-9a-f]|5c|7f|[89a-f][0-9a-f])|u(?:00[89][0-9a-f]|202[89a-e]|206[6-9]|d[89a-f][0-9a-f]{2})"
_WRITTEN: Final = re.compile(rf"\\(?:{_ESCAPE})")
_AMBIGUOUS: Final = re.compile(rf"\\(?={_ESCAPE})")
_FIRST_BYTE: Final = 0xDC00  #: of what stands for bytes that are no UTF-8 (PEP 383)


def spelled(name: str | os.PathLike[str]) -> str:
    """A file's name or path as it is written everywhere: printable, on one line, and different for different names."""
    text = os.fspath(name)
    with suppress(UnicodeEncodeError):  # a text that no file system gave
        text = os.fsencode(text).decode("utf-8", "surrogateescape")  # the same in every locale
    return _UNPRINTABLE.sub(_escape, _AMBIGUOUS.sub(r"\\x5c", text))


def original(spelling: str) -> str:
    """The name that `spelled` wrote; any other text is taken as it is."""
    text = _WRITTEN.sub(_unescape, spelling)
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return text


def readable(text: str) -> str:
    """A sentence or a file's text with what can't be written in UTF-8 or printed spelt out; line breaks stay."""
    return _UNPRINTABLE.sub(lambda found: found[0] if found[0] in _LINES else _escape(found), text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if _FIRST_BYTE + 0x80 <= code <= _FIRST_BYTE + 0xFF:
        return f"\\x{code - _FIRST_BYTE:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def _unescape(found: re.Match[str]) -> str:
    code = int(found[0][2:], 16)
    return chr(_FIRST_BYTE + code) if found[0][1] == "x" and code >= 0x80 else chr(code)
