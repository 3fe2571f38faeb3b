"""Photographer: the thread of one camera, which reads its frames and brings one under way at each trigger."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from av.error import FFmpegError
from av.video.frame import VideoFrame

from snag.core.errors import CameraAway, SnagError
from snag.line.camera import Camera, png_of, without_password
from snag.line.decision import Decision, Judgement
from snag.line.event import new_id
from snag.line.journal import Journal
from snag.line.line_metrics import LineMetrics
from snag.line.places import Places
from snag.line.recorder import Recorder
from snag.line.shutter import Shutter
from snag.line.status import LOG, LineStatus
from snag.line.tables import CameraTable

_PAUSE: Final = 1.0  #: seconds before a camera that is away is tried again
_LOOK: Final = 0.2
_MOST: Final = 1000  #: pictures of a live camera that may wait for their verdict; further triggers get none
_HAIR: Final = 0.001  #: seconds; a container's clock has no more
_AHEAD: Final = 20  #: of a file: it can wait
#: Errors of source, disk, journal, and of Pillow and FFmpeg over a frame.
_ERRORS: Final = (SnagError, OSError, sqlite3.Error, ValueError, FFmpegError)


class Photographer(threading.Thread):
    """`expire` is called by the thread that judges, which records what gave no picture: it alone may wait for a spool."""

    def __init__(
        self,
        table: CameraTable,
        places: Places,
        recorder: Recorder,
        journal: Journal,
        status: LineStatus,
        metrics: LineMetrics,
        blind: str,
        deadline: float,
        stop: threading.Event,
    ) -> None:
        """`blind`: what becomes of a part whose trigger gave no picture within the deadline."""
        super().__init__(name=f"line camera {table.name}", daemon=True)
        self.shutter = Shutter()
        self.kept: Callable[[], object] = lambda: None  #: is told of each picture, and of each that there is not
        self.has_ended = False  #: its file has no more frames
        self._table = table
        self._camera = Camera(table)
        self._places = places
        self._recorder = recorder
        self._journal = journal
        self._status = status
        self._metrics = metrics
        self._blind = blind
        self._deadline = deadline
        self._stop_event = stop
        self._due = 0.0
        self._missed: deque[tuple[float, str, str]] = deque()  #: time and part of triggers without a picture, and why
        self._note = f"frame of {table.name}"

    def run(self) -> None:
        """Until the line is stopped, or the file has ended."""
        while not self._stop_event.is_set():
            try:
                if self._camera.is_live:
                    self._watch()
                else:
                    self._read()
                    self.has_ended = True
                    return
            except _ERRORS as error:
                # Each trigger of a controller gets its event; where time is the trigger, nobody would notice.
                stops = self._table.trigger == "interval"
                self._status.trouble("blind", self._table.name, stops=stops, detail=str(error))
            self._stop_event.wait(_PAUSE)

    def expire(self) -> None:
        """Record an event for each trigger that has no picture, or waits too long: whoever asked gets an answer."""
        while (pressed := self.shutter.take(older_than=self._deadline)) is not None:
            self._miss(*pressed, f"none within {self._deadline:g} seconds")
        while self._missed:
            self._record(*self._missed[0])
            self._missed.popleft()  # after that: recording may fail

    def press(self, part: str) -> None:
        """Take a picture of a part. Returns at once, whatever waits."""
        if not self.shutter.press(part):
            self._miss(time.time(), part, "too many triggers wait")

    def _watch(self) -> None:
        frames = self._camera.frames()
        while True:
            asked = time.time()
            if (frame := next(frames, None)) is None:
                break
            self._status.over("blind", self._table.name)
            if self._stop_event.is_set():
                return
            if (pressed := self._taken(asked)) is not None:
                self._bring(frame, *pressed)
        raise CameraAway(url=without_password(self._table.url), detail="the stream has ended")

    def _taken(self, asked: float) -> tuple[float, str] | None:
        """The trigger that a frame is for whose reading began at `asked`: one that came later may be of the next part."""
        now = time.monotonic()
        if self._table.trigger != "interval":
            return self.shutter.take(older_than=time.time() - asked)
        if now < self._due:
            return None
        self._due = max(self._due + self._table.every, now)
        return time.time(), ""

    def _bring(self, frame: VideoFrame, when: float, part: str) -> None:
        try:
            if len(self._places.under_way()) >= _MOST:
                self._miss(when, part, f"{_MOST} pictures wait for their verdict")
                return
            self._places.put(png_of(frame), new_id(when), f"{part}.png")
        except _ERRORS as error:
            self._miss(when, part, str(error))
            raise
        self.kept()

    def _read(self) -> None:
        """A file: every frame whose time has come, or the next one at each trigger; those of an earlier run are left out."""
        self._due = 0.0
        last, id = self._taken_before()
        for number, frame in enumerate(self._camera.frames()):
            self._status.over("blind", self._table.name)
            is_due = self._is_due(frame)  # asked of every frame: it counts on
            if number < last or not is_due or (number == last and id and self._is_kept(id)):
                continue
            pressed = self._pressed()
            if pressed is None:
                return
            try:
                self._keep(frame, id if number == last and id else new_id(pressed[0]), number, pressed[1])
            except _ERRORS as error:
                if self._table.trigger != "interval":  # the frame is for the next one
                    self._miss(*pressed, str(error))
                raise
        LOG.info("%s: %s has ended", self._table.name, self._table.url)

    def _is_due(self, frame: VideoFrame) -> bool:
        if self._table.trigger != "interval":
            return True
        if (frame.time or 0.0) + _HAIR < self._due:
            return False
        self._due += self._table.every
        return True

    def _pressed(self) -> tuple[float, str] | None:
        """The next trigger; None when the line ends. One by time comes when there is room."""
        while not self._stop_event.is_set():
            if self._table.trigger == "interval":
                if len(self._places.under_way()) < _AHEAD:
                    return time.time(), ""
                self._stop_event.wait(_LOOK)
            elif self.shutter.wait(_LOOK) and (pressed := self.shutter.take()) is not None:
                return pressed
        return None

    def _keep(self, frame: VideoFrame, id: str, number: int, part: str) -> None:
        """The note comes first: after a crash in between the same frame is taken again, under the same id."""
        self._journal.put_note(self._note, json.dumps([self._table.url, number, id]))
        self._places.put(png_of(frame), id, f"{part or f'{number:06d}'}.png")
        self.kept()

    def _taken_before(self) -> tuple[int, str]:
        """Number and id of the last frame that an earlier run took of this file; (0, "") where there was none."""
        url, number, id = json.loads(self._journal.note(self._note) or '["", 0, ""]')
        if url != self._table.url:
            return 0, ""
        LOG.warning("%s: an earlier run has read up to frame %d; another `folder` of the line reads it anew", url, number)
        return number, id

    def _is_kept(self, id: str) -> bool:
        return self._recorder.known(id) is not None or self._places.has(id)

    def _miss(self, when: float, part: str, why: str) -> None:
        self._metrics.missed.labels(self._table.name).inc()
        if len(self._missed) < _MOST:
            self._missed.append((when, part, why))
            self.kept()

    def _record(self, when: float, part: str, why: str) -> None:
        error = CameraAway(url=without_password(self._table.url), detail=why)
        so = Decision(self._blind, "blind")
        event = self._recorder.event(
            new_id(when), self._table.name, self._table.group, part, "", Judgement("blind", error=error), so
        )
        self._recorder.record(event)
