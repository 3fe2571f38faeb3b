"""Dispatcher: the thread of one sink, which sends what waits in its spool, oldest first, and tries again while it is away."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from typing import Final

from snag.core.errors import EventRefused, SinkAway
from snag.line.event import LineEvent
from snag.line.journal import Journal
from snag.line.line_metrics import LineMetrics
from snag.line.sinks.sink import Sink
from snag.line.status import LOG

_BATCH: Final = 20  #: events that leave the spool together: at most so many are sent again after a crash
_IDLE: Final = 1.0  #: seconds between two looks, where nobody wakes it
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0  #: seconds before the next try


class Dispatcher(threading.Thread):
    """Runs until `stop`, which is set after that of the sources."""

    def __init__(
        self, sink: Sink, journal: Journal, metrics: LineMetrics, max_age: float | None, stop: threading.Event
    ) -> None:
        super().__init__(name=f"line {sink.name}", daemon=True)
        self._sink = sink
        self._journal = journal
        self._metrics = metrics
        self._max_age = max_age
        self._stop_event = stop
        self._is_open = False
        self._is_away = False
        self._pause = _FIRST_PAUSE
        self._current: LineEvent | None = None  #: that is being sent
        self._wake = threading.Event()
        self.rests = threading.Event()  #: nothing waits, or nobody takes it

    def wake(self) -> None:
        """There is a new event."""
        self.rests.clear()
        self._wake.set()

    def run(self) -> None:
        """Send for ever."""
        while not self._stop_event.is_set():
            try:
                if not self._is_open:
                    self._sink.open()
                    self._is_open = True
                if not self._send_some():
                    self.rests.set()
                    self._wake.wait(_IDLE)
                    self._wake.clear()
            except (SinkAway, sqlite3.Error) as error:
                self._away(error)
            except Exception as error:  # whatever a sink did not think of: no event may end this thread
                LOG.debug("%s failed", self._sink.name, exc_info=True)
                self._away(SinkAway(sink=self._sink.name, detail=f"{type(error).__name__}: {error}"))
        self._sink.close()

    def _send_some(self) -> int:
        """The next few events; answers how many there were. Raises SinkAway."""
        events = self._journal.waiting(self._sink.name, _BATCH)
        sent: list[int] = []
        try:
            for place, event in events:
                if self._stop_event.is_set() or not self._is_open:
                    break
                self._send(event)
                sent.append(place)
        finally:
            if sent:
                self._journal.sent(self._sink.name, sent)
        if not events:
            self._back()
        return len(events)

    def _send(self, event: LineEvent) -> None:
        if self._left(event) <= 0:
            if self._sink.forget(event):
                self._is_open = False
            self._metrics.dropped.labels(self._sink.name, "old").inc()
            return
        self._current = event
        try:
            self._sink.send(event)
            self._metrics.sent.labels(self._sink.name).inc()
        except EventRefused as error:
            LOG.warning("%s", error)
            self._metrics.dropped.labels(self._sink.name, "refused").inc()
        self._current = None
        self._back()

    def _left(self, event: LineEvent) -> float:
        """Seconds for which it may still be sent."""
        return math.inf if self._max_age is None else event.decided + self._max_age - time.time()

    def _away(self, error: Exception) -> None:
        self._metrics.retries.labels(self._sink.name).inc()
        self._metrics.up.labels(self._sink.name).set(0)
        if not self._is_away:
            LOG.warning("%s; events wait in its spool", error)
        self._is_away = True
        self.rests.set()
        left = math.inf if self._current is None else max(0.0, self._left(self._current))
        self._current = None
        self._stop_event.wait(min(self._pause, left))  # a sink may still bring an event that it has: it is told in time
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _back(self) -> None:
        self._metrics.up.labels(self._sink.name).set(1)
        if self._is_away:
            LOG.warning("%s takes events again", self._sink.name)
        self._is_away, self._pause = False, _FIRST_PAUSE
