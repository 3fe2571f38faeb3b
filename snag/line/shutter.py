"""Shutter: triggers that wait for their picture, and the part that each names."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Final

_MOST: Final = 100  #: triggers that may wait
_LONGEST: Final = 64
_ODD: Final = re.compile(r"[^A-Za-z0-9._ -]|^[. ]|[. ]$")  #: what a file's name does better without


class Shutter:
    """For all threads; oldest first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, str]] = []

    def press(self, part: str = "") -> bool:
        """Ask for a picture. False: so many wait already that this one is refused."""
        with self._changed:
            if len(self._waiting) >= _MOST:
                return False
            self._waiting.append((time.time(), part))
            self._changed.notify_all()
            return True

    def take(self, older_than: float = 0.0) -> tuple[float, str] | None:
        """The oldest trigger, with its time in seconds since 1970; None where none waits, or none so many seconds."""
        with self._changed:
            if not self._waiting or time.time() - self._waiting[0][0] < older_than:
                return None
            return self._waiting.pop(0)

    def wait(self, seconds: float) -> bool:
        """Whether a trigger waits; wait for one for so long."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._waiting), seconds)


def part_of(message: bytes) -> str:
    """The part that a trigger's message names: JSON with a key `part`, or text; what no file can be called is replaced."""
    text = message.decode(errors="replace").strip()
    if text.startswith("{"):
        try:
            text = str(json.loads(text).get("part", ""))
        except (ValueError, RecursionError):  # RecursionError: brackets within brackets
            text = ""
    return _ODD.sub("_", text[:_LONGEST])
