"""Recorder: makes the event of a part and puts it into the journal, and waits where a spool may not lose any."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from snag.core.file_names import spelled
from snag.line.decision import Decision, Judgement
from snag.line.event import LineEvent, taken_at, utc
from snag.line.journal import Journal, SpoolFull
from snag.line.line_metrics import LineMetrics
from snag.line.status import LOG, LineStatus

_PAUSE: Final = 0.2


class Recorder:
    """For all sources of a line."""

    def __init__(self, model: str, journal: Journal, status: LineStatus, metrics: LineMetrics, stop: threading.Event) -> None:
        self._model = model
        self._journal = journal
        self._status = status
        self._metrics = metrics
        self._stop = stop
        self._wake: list[Callable[[], None]] = []

    def wakes(self, wake: Iterable[Callable[[], None]]) -> None:
        """Whom to tell of each new event."""
        self._wake = list(wake)

    def known(self, id: str) -> LineEvent | None:
        """The event that a picture has already."""
        return self._journal.event(id)

    def event(
        self, id: str, source: str, group: str | None, picture: str, file: str, judgement: Judgement, so: Decision
    ) -> LineEvent:
        """The event of a decision made now, which gets its number when it is recorded."""
        verdict, error = judgement.verdict, judgement.error
        names = ("score", "threshold", "p_value", "reason", "threshold_of", "promised")
        return LineEvent(
            id=id,
            number=0,
            model=self._model,
            source=source,
            group=group,
            picture=spelled(picture),
            file=spelled(file),
            time=utc(taken_at(id)),
            seconds=round(max(0.0, time.time() - taken_at(id)), 6),
            decision=so.decision,
            cause=so.cause,
            drifting=self._status.has("drifting"),
            anomaly=None if verdict is None else verdict.is_anomaly,
            error=None if error is None else error.code,
            message=None if error is None else str(error),
            **({} if verdict is None else {name: getattr(verdict, name) for name in names}),
        )

    def record(self, event: LineEvent) -> bool:
        """Write it, and wake the sinks. False: the line was stopped while a spool was full; nothing is written."""
        while True:
            try:
                numbered = self._journal.record(event)
                break
            except SpoolFull as error:
                sink = str(error)
                self._status.trouble("spool", sink, stops=True)
                if self._stop.wait(_PAUSE):
                    return False
        for sink in self._journal.lengths():
            self._status.over("spool", sink)
        self._metrics.count(numbered)
        LOG.info("%s", _line(numbered))
        for wake in self._wake:
            wake()
        return True


def _line(event: LineEvent) -> str:
    said = f"{event.source} {event.number} {event.picture or '-'}: {event.decision} ({event.cause})"
    if event.score is not None:
        return f"{said}, score {event.score:.4g}, threshold {event.threshold:.4g}"
    return f"{said}: {event.message}" if event.message else said
