"""LineJudge: asks the server for a verdict within a deadline, and says whose fault it is where none comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import requests

from snag.client.client import SnagClient
from snag.core.errors import (
    BadBase64,
    BadRequest,
    BrokenPicture,
    InternalError,
    MissingPicture,
    Overloaded,
    PictureTooLarge,
    RequestError,
    RequestTooLarge,
    ServerAnswer,
    ServerUnreachable,
    ServiceError,
    SnagError,
    Timeout,
    UnsupportedFormat,
)
from snag.line.decision import Judgement

_PAUSE: Final = 0.1  #: seconds between two tries
_LEAST: Final = 0.05  #: seconds that a try gets, however late it is
_ITS_OWN_FAULT: Final = (
    BadBase64,
    BadRequest,
    BrokenPicture,
    MissingPicture,
    PictureTooLarge,
    RequestTooLarge,
    UnsupportedFormat,
)


class LineJudge:
    """Belongs to one thread."""

    def __init__(self, make_client: Callable[[], SnagClient], deadline: float, stop: threading.Event) -> None:
        self._make_client = make_client
        self._client = make_client()
        self._deadline = deadline
        self._stop = stop
        self._is_silent = False  #: since the last picture: then the next ones are tried once, so that no queue builds up

    def judge(self, picture: bytes, waited: float = 0.0) -> Judgement:
        """Ask, and again while the server is away, until the deadline; the part has `waited` some seconds of it already."""
        end = time.monotonic() + self._deadline - waited
        if time.monotonic() >= end:
            return Judgement("slow", error=Timeout(seconds=f"{self._deadline:g}"))
        while True:
            judgement = self._ask(picture, max(_LEAST, end - time.monotonic()))
            is_last = time.monotonic() + _PAUSE >= end or (self._is_silent and judgement.cause == "silent")
            is_over = judgement.cause not in ("silent", "slow")
            if is_over or is_last or self._stop.wait(_PAUSE):
                self._is_silent = judgement.cause == "silent"
                return self._settled(judgement)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, picture: bytes, seconds: float) -> Judgement:
        self._client.timeout = seconds
        try:
            return Judgement("verdict", self._client.predict(picture))
        except _ITS_OWN_FAULT as error:
            return Judgement("refused", error=error)
        except (RequestError, ServiceError, InternalError, ServerAnswer, ServerUnreachable) as error:
            if _took_too_long(error):
                self._client.close()  # an answer that comes late must not pass for the next one's
                self._client = self._make_client()
                return Judgement("slow", error=error)
            return Judgement("silent", error=error)

    def _settled(self, judgement: Judgement) -> Judgement:
        """A picture that makes a server that answers fail every time must not hold up the others for ever."""
        return Judgement("refused", error=judgement.error) if isinstance(judgement.error, InternalError) else judgement


def _took_too_long(error: SnagError) -> bool:
    if isinstance(error, Timeout | Overloaded):
        return True
    return isinstance(error.__cause__, requests.ReadTimeout)
