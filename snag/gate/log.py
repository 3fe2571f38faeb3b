"""Log: one line of JSON for each request and each event, written by a thread of its own so that a slow disk delays nobody."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_QUEUED: Final = 10_000  #: lines that may wait for a disk that hangs; more are dropped and counted
_FILE_BYTES: Final = 50_000_000
_OLD_FILES: Final = 5
_PATIENCE: Final = 5.0  #: seconds for the lines that are still queued at the end


class RequestLog:
    """`lost` is called for every line that could not be written, from whichever thread; a request never notices."""

    def __init__(self, path: Path, level: str, console: bool, lost: Callable[[], None]) -> None:
        self._level = LEVELS[level]
        self._lost = lost
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue(_QUEUED)
        self._handlers: list[logging.Handler] = [_file(path, lost)]
        if console:
            self._handlers.append(_counted(logging.StreamHandler(sys.stdout), lost))
        self._thread = threading.Thread(target=self._write_for_ever, name="log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued and close the file; a disk that hangs is not waited for, and its file is left as it is."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=_PATIENCE)
            self._thread.join(timeout=_PATIENCE)
        if self._thread.is_alive():  # it holds the handlers' locks
            return
        for handler in self._handlers:
            _close(handler)

    def takes(self, level: str) -> bool:
        """Whether lines of this level are written at all."""
        return LEVELS[level] >= self._level

    def event(self, level: str, event: str, **fields: object) -> None:
        """Note that something happened to the server itself."""
        self.line(level, {"event": event, **fields})

    def line(self, level: str, fields: dict[str, Any]) -> None:
        """Note these fields; those that are None are left out."""
        if not self.takes(level):
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            self._queue.put_nowait({"time": time, "level": level, **fields})
        except queue.Full:
            self._lost()

    def _write_for_ever(self) -> None:
        while (fields := self._queue.get()) is not None:
            text = json.dumps({name: value for name, value in fields.items() if value is not None}, default=str)
            record = logging.makeLogRecord({"msg": text})
            for handler in self._handlers:
                handler.handle(record)


def _file(path: Path, lost: Callable[[], None]) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        lost()  # so will every line be
    return _counted(RotatingFileHandler(path, "a", _FILE_BYTES, _OLD_FILES, encoding="utf-8", delay=True), lost)


def _counted(handler: logging.Handler, lost: Callable[[], None]) -> logging.Handler:
    """The handler, counting what it can't write instead of printing a trace for each line."""
    handler.handleError = lambda record: lost()  # type: ignore[method-assign]
    return handler


def _close(handler: logging.Handler) -> None:
    with contextlib.suppress(OSError):  # the disk is still full; each line that it lacks was counted
        handler.close()
