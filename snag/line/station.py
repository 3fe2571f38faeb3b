"""Station: the thread of one source, which takes what is finished, has it judged, records it and moves it on."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from snag.core.errors import BrokenPicture, SnagError
from snag.core.file_names import original
from snag.line.decision import Decision, Judgement, decide
from snag.line.event import id_and_name, taken_at
from snag.line.judging import LineJudge
from snag.line.line_metrics import LineMetrics
from snag.line.places import Places
from snag.line.recorder import Recorder
from snag.line.status import LOG, LineStatus
from snag.line.tables import FailSafeTable

_PAUSE: Final = 0.5  #: seconds before what failed, or was stopped for, is tried again
_DOUBTS: Final = ("drifting", "unwatched")  #: of a verdict
_JUDGED: Final = ("verdict", *_DOUBTS)


class Station(threading.Thread):
    """`take` brings what has come under way."""

    def __init__(
        self,
        name: str,
        group: str | None,
        places: Places,
        take: Callable[[], None],
        judge: LineJudge,
        recorder: Recorder,
        fail_safe: FailSafeTable,
        status: LineStatus,
        metrics: LineMetrics,
        stop: threading.Event,
        poll: float,
        counts_waiting: bool = False,
    ) -> None:
        """`counts_waiting`: the deadline begins when a picture is taken, not when its turn comes."""
        super().__init__(name=f"line {name}", daemon=True)
        self.source = name
        self._group = group
        self.places = places
        self._take = take
        self._judge = judge
        self._recorder = recorder
        self._fail_safe = fail_safe
        self._status = status
        self._metrics = metrics
        self._stop_event = stop
        self._poll = poll
        self._counts_waiting = counts_waiting
        self.wake = threading.Event()
        self.moved = time.monotonic()  #: when it last went round

    def run(self) -> None:
        """Until the line is stopped. What fails is told and tried again: a full disk, a drive that is away."""
        while not self._stop_event.is_set():
            self.moved = time.monotonic()
            try:
                self._round()
                self._status.over("fault", self.source)
                self.wake.wait(self._poll)
                self.wake.clear()
            except (SnagError, OSError, sqlite3.Error) as error:
                self._metrics.failures.labels(self.source).inc()
                self._status.trouble("fault", self.source, stops=True, detail=str(error))
                with suppress(OSError):
                    self.places.mend()
                self._stop_event.wait(_PAUSE)
        self._judge.close()

    def _round(self) -> None:
        self._take()
        for path in self.places.under_way():
            if self._stop_event.is_set():
                return
            self.moved = time.monotonic()
            self._handle(path)

    def _handle(self, path: Path) -> None:
        named = id_and_name(path)
        if named is None:
            return
        event = self._recorder.known(named[0])
        file = Path(original(event.file)) if event is not None else self._decided(path, *named)
        if file is not None:
            path.rename(file)

    def _decided(self, path: Path, id: str, name: str) -> Path | None:
        """Have a picture judged and recorded; answers where it belongs, None where the line was stopped before that."""
        begun = taken_at(id) if self._counts_waiting else time.time()
        try:
            data = self._read(path)
        except FileNotFoundError:
            LOG.warning("%s was taken away before it was judged", path)
            return None
        while not self._stop_event.is_set():
            judgement = self._judged(data, time.time() - begun if self._counts_waiting else 0.0)
            so = decide(judgement, self._fail_safe, next(filter(self._status.has, _DOUBTS), None))
            self._tell(judgement, so)
            if so is not None:
                target = self.places.target(path, so.cause in _JUDGED)
                event = self._recorder.event(id, self.source, self._group, name, str(target), judgement, so)
                return target if self._recorder.record(event) else None
            self.moved = time.monotonic()
            begun = time.time()  # the line has stopped: who waits for it knows
            self._stop_event.wait(_PAUSE)
        return None

    def _judged(self, data: bytes | BrokenPicture, waited: float) -> Judgement:
        if isinstance(data, BrokenPicture):
            return Judgement("refused", error=data)
        return self._judge.judge(data, waited)

    def _read(self, path: Path) -> bytes | BrokenPicture:
        """The file, read while nobody wrote to it. Raises FileNotFoundError."""
        while True:
            before = path.stat()
            try:
                data = path.read_bytes()
            except PermissionError as error:
                return BrokenPicture(detail=f"the file can't be read ({error.strerror})")
            after = path.stat()
            if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) or self._stop_event.wait(_PAUSE):
                return data

    def _tell(self, judgement: Judgement, so: Decision | None) -> None:
        for kind in ("silent", "slow"):
            if judgement.cause == kind:
                self._status.trouble(kind, self.source, stops=so is None, detail=str(judgement.error))
            elif judgement.cause != "refused":
                self._status.over(kind, self.source)


def taker(finished: Callable[[], list[Path]], places: Places, new_id: Callable[[], str]) -> Callable[[], None]:
    """Brings finished files under way."""

    def take() -> None:
        claimed = 0
        for path in finished():
            try:
                places.claim(path, new_id())
                claimed += 1
            except FileNotFoundError:  # somebody took it away
                continue
        if claimed:
            places.kept()

    return take
