"""A camera's thread: which frame a trigger gets, and what becomes of it when something fails."""

import sqlite3
import threading
import time

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the packages of the extra `line`")
pytest.importorskip("paho.mqtt", reason="needs the packages of the extra `line`")

from av.video.frame import VideoFrame
from PIL import Image

from snag.core.errors import CameraAway
from snag.line import photographer
from snag.line.line import Line
from tests.support.line import FakeGate, Receiver, configured, running, until
from tests.support.videos import write_video


def frame(level):
    return VideoFrame.from_ndarray(np.full((16, 16), level, np.uint8), format="gray")


def _full(_):
    raise OSError("full")


class Stream:
    """A live camera whose frames are what `frames` makes."""

    is_live = True

    def __init__(self, frames):
        self.frames = frames


@pytest.fixture
def made(tmp_path):
    """A line of one camera that waits for triggers, open but not started, and its photographer."""
    with FakeGate() as gate, Receiver() as receiver:
        top = {"name": "top", "url": "rtsp://nowhere/1", "trigger": "mqtt", "topic": "x"}
        tables = {"mqtt": {"port": 1}, "webhook": {"url": receiver.url, "spool": 1, "when_full": "wait"}}
        line = Line(configured(tmp_path, gate, cameras=[top], **tables))
        line.stations[0].places.open()
        yield line, line._eyes[0]
        line.stop()


def test_frame_in_transport(made):
    """A trigger gets no frame whose reading had begun before it, but the next one."""
    line, eye = made

    def frames():
        yield frame(1)
        time.sleep(0.02)
        eye.press("A")
        time.sleep(0.02)
        yield frame(2)
        yield frame(3)

    eye._camera = Stream(frames)
    with pytest.raises(CameraAway, match="the stream has ended"):
        eye._watch()

    assert [Image.open(path).getpixel((0, 0)) for path in line.stations[0].places.under_way()] == [3]


def test_never_waits(made):
    """Who presses the shutter never waits, not even where it is full and no spool takes an event; the station records."""
    line, eye = made
    line.journal.open_spools({"webhook": (1, False)})
    presses = threading.Thread(target=lambda: [eye.press(str(at)) for at in range(103)], daemon=True)
    presses.start()
    presses.join(5.0)
    returned = not presses.is_alive()
    recorder = threading.Thread(target=eye.expire, daemon=True)
    recorder.start()
    until(lambda: line.status.has("spool"))  # the second one waits in the station's own thread
    line._ends.set()
    recorder.join(5.0)

    assert returned
    assert [event.picture for _, event in line.journal.waiting("webhook", 9)] == ["100"]


@pytest.mark.parametrize("error", [OSError("no folder"), sqlite3.OperationalError("disk"), ValueError("odd frame")])
def test_goes_on(tmp_path, monkeypatch, error):
    """What fails over a frame is told, ends no camera, and the same frame is taken when it works again."""
    failing = [error, error]
    png_of = photographer.png_of

    def fails(one):
        if failing:
            raise failing.pop()
        return png_of(one)

    monkeypatch.setattr(photographer, "png_of", fails)
    monkeypatch.setattr(photographer, "_PAUSE", 0.2)
    write_video(tmp_path / "a.mkv", [1, 2])
    top = {"name": "top", "url": str(tmp_path / "a.mkv"), "every": 0.1}
    with (
        FakeGate() as gate,
        Receiver() as receiver,
        running(configured(tmp_path, gate, cameras=[top], webhook={"url": receiver.url})) as line,
    ):
        until(lambda: line.status.has("blind") and not line.status.is_running)
        until(lambda: len(receiver.events) == 2 and line._eyes[0].has_ended)
        until(lambda: not line._eyes[0].is_alive())
        line.turn()
        running_at_last = line.status.is_running

    assert running_at_last  # a file that has ended is no trouble


def test_failed_trigger_is_told(made, monkeypatch):
    """A trigger whose picture can't be written gets its event: whoever asked gets an answer."""
    line, eye = made
    line.journal.open_spools({"webhook": (5, False)})
    monkeypatch.setattr(photographer, "png_of", _full)
    with pytest.raises(OSError, match="full"):
        eye._bring(frame(1), time.time(), "A")
    eye.expire()

    assert [(event.picture, event.cause) for _, event in line.journal.waiting("webhook", 9)] == [("A", "blind")]


def test_thread_that_ended(made, monkeypatch):
    """A camera's thread that ends by whatever else stops the line: nobody would notice."""
    line, eye = made
    monkeypatch.setattr(eye, "run", lambda: None)
    eye.start()
    eye.join()
    line.turn()

    assert line.status.has("stuck")
    assert any(who == eye.name for kind, who in line.status._troubles if kind == "stuck")
