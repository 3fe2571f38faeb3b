"""One request of a command's own to a server on this machine: to the gate, or to the TorchServe behind it."""

from __future__ import annotations

from typing import Any, Final

import requests

from snag.client.session import http_session
from snag.core.errors import ServerUnreachable

_EXCERPT: Final = 200  #: characters of an answer that an error repeats


def request(method: str, url: str, timeout: float, **options: Any) -> requests.Response:
    """The answer, whatever its status; no proxy that the environment names is asked. Raises ServerUnreachable."""
    try:
        with http_session() as session:
            return session.request(method, url, timeout=timeout, **options)
    except requests.RequestException as error:
        raise ServerUnreachable(url=url, detail=type(error).__name__) from error


def excerpt(answer: requests.Response) -> str:
    """The beginning of what was answered, on one line."""
    return " ".join(answer.text[:_EXCERPT].split()) or "nothing"
