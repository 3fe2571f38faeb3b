"""How an odd request is put together, and which answers may come back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from benchmarks.outcome import JSON, Expected, PreparedRequest

#: What makes one input of a kind. "{model}" in its path stands for the model's name.
Maker = Callable[[Random], PreparedRequest]
Answers = tuple[Expected, ...]

PREDICTIONS, EXPLANATIONS = "/predictions/{model}", "/explanations/{model}"
BYTES: Final = "application/octet-stream"

JUDGED: Final[Answers] = (Expected(200),)
#: Any refusal, as long as it is a client's fault, in Snag's shape, and says what the trouble is.
REFUSED: Final[Answers] = tuple(Expected(status) for status in (400, 404, 405, 408, 411, 413, 414, 415, 431))
ANY: Final[Answers] = JUDGED + REFUSED


def error(status: int, *codes: str) -> Answers:
    """An error with one of the codes."""
    return tuple(Expected(status, code=code) for code in codes)


UNREADABLE: Final[Answers] = error(400, "broken_picture") + error(415, "unsupported_format")
TOO_LARGE: Final[Answers] = error(413, "picture_too_large")


def sent(name: str, body: bytes, answers: Answers, kind: str | None = BYTES, path: str = PREDICTIONS) -> PreparedRequest:
    """A body with its content type, or with none."""
    return PreparedRequest(name, path, body, {} if kind is None else {"Content-Type": kind}, answers)


def sent_json(name: str, content: Any, answers: Answers, kind: str = JSON) -> PreparedRequest:
    """Something as JSON; bytes are taken as they are, JSON or not."""
    return sent(name, content if isinstance(content, bytes) else json.dumps(content).encode(), answers, kind)


def sent_form(name: str, parts: list[tuple[str, bytes]], answers: Answers, boundary: str = "cut") -> PreparedRequest:
    """A multipart form of parts (header lines without the last break, content)."""
    mark = boundary.encode()
    body = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (mark, head.encode(), content) for head, content in parts)
    return sent(name, body + b"--%b--\r\n" % mark, answers, f"multipart/form-data; boundary={boundary}")


def part(field: str, file: str | None = None, kind: str | None = None) -> str:
    """The header lines of a form's part."""
    named = f'Content-Disposition: form-data; name="{field}"' + (f'; filename="{file}"' if file is not None else "")
    return named + (f"\r\nContent-Type: {kind}" if kind else "")


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


def one_of(random: Random, table: Mapping[str, bytes]) -> bytes:
    """A value of the table."""
    return random.choice(list(table.values()))
