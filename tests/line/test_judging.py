"""Whose fault it is that there is no verdict, and how long the line asks."""

import threading
import time

import pytest

from snag.client.client import SnagClient
from snag.line.judging import LineJudge
from tests.support.line import GOOD


@pytest.fixture
def judge(gate):
    made = LineJudge(lambda: SnagClient("bolt", gate.port), 0.6, threading.Event())
    yield made.judge
    made.close()


def timed(judge, *arguments):
    begun = time.monotonic()
    return judge(*arguments), time.monotonic() - begun


class TestJudge:
    def test_verdict(self, judge):
        """A verdict is one."""
        assert judge(b"picture").verdict == GOOD

    @pytest.mark.parametrize(("picture", "code"), [(b"broken", "broken_picture"), (b"bug", "internal_error")])
    def test_refused(self, judge, picture, code):
        """What the server refuses of a picture is the picture's own fault, and so is that it fails over it again and again."""
        found = judge(picture)

        assert (found.cause, found.error.code) == ("refused", code)

    def test_silent(self, gate, judge):
        """A server that is away is asked until the deadline; for the pictures behind it once, until it is back."""
        gate.stop()
        first, seconds = timed(judge, b"picture")
        second, less = timed(judge, b"picture")
        gate.start()

        assert (first.cause, second.cause, judge(b"picture").cause) == ("silent", "silent", "verdict")
        assert (first.error.code, 0.4 < seconds < 2, less < 0.4) == ("server_unreachable", True, True)

    def test_back_in_time(self, gate, judge):
        """A server that comes back before the deadline gives its verdict: a restart rejects no part."""
        gate.stop()
        threading.Timer(0.2, gate.start).start()

        assert judge(b"picture").cause == "verdict"

    def test_unavailable(self, gate, judge):
        """So is one that says that it can't judge."""
        gate.is_unavailable = True

        found = judge(b"picture")

        assert (found.cause, found.error.code) == ("silent", "unavailable")
        assert len(gate.seen) > 1

    def test_overloaded(self, gate, judge):
        """One that has too much to do is asked again, and is slow in the end."""
        gate.overloaded = 2
        first = judge(b"picture")
        gate.overloaded = 99

        assert (first.cause, judge(b"picture").cause) == ("verdict", "slow")

    def test_slow(self, gate, judge):
        """An answer that does not come within the deadline is not waited for, and does not pass for the next one's."""
        gate.delay = 1.0
        found, seconds = timed(judge, b"bad")
        gate.delay = 0.0

        assert (found.cause, seconds < 0.95) == ("slow", True)
        assert judge(b"picture").verdict == GOOD

    def test_waited(self, gate, judge):
        """A part that has waited too long already is not asked for."""
        assert judge(b"picture", 0.7).cause == "slow"
        assert gate.seen == []
