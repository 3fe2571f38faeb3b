"""The server's alarms for drift: when one is new, and what holds while nobody can read them."""

import pytest

from snag.core.errors import ServerUnreachable
from snag.line.drift_poll import ACKNOWLEDGE, DriftPoll
from snag.line.journal import Journal
from snag.line.status import LineStatus
from tests.support.line import FakeGate, Receiver, configured, drop, running, until

ALARMS = 'snag_drift_alarms_total{{model_name="bolt",model_version="1.0",group="pooled",cause="parts"}} {}\n'
START = "snag_start_timestamp_seconds {}\n"


class Server:
    """Says `text` as its metrics; without one it is away."""

    model, timeout = "bolt", 0.0

    def __init__(self):
        self.text = None

    def scrape(self):
        if self.text is None:
            raise ServerUnreachable(url="x", detail="connection refused")
        return self.text


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite", lambda *_: None)
    yield journal
    journal.close()


@pytest.fixture
def poll(journal):
    """Makes a poll of a new process over one journal: (poll, server, status)."""

    def made(stops=False):
        server, status = Server(), LineStatus()
        return DriftPoll(lambda: server, journal, status, 1.0, stops, None), server, status

    return made


class TestAlarms:
    def test_restart(self, poll, journal):
        """An alarm of a server that was restarted while the line was off is new, though the count is one that is known."""
        found = []
        for start, acknowledges in ((100.0, True), (100.0, False), (200.0, False), (200.0, True), (200.0, False)):
            poller, server, status = poll()
            server.text = START.format(start) + ALARMS.format(2)
            if acknowledges:
                journal.put_note(ACKNOWLEDGE, "1")
            poller.look()
            found.append(status.has("drifting"))

        assert found == [False, False, True, False, False]

    def test_older_server(self, poll, journal):
        """One that does not say when it was started is known by its count alone."""
        poller, server, status = poll()
        server.text = ALARMS.format(2)
        journal.put_note(ACKNOWLEDGE, "1")
        poller.look()
        known = status.has("drifting")
        server.text = ALARMS.format(3)
        poller.look()

        assert (known, status.has("drifting")) == (False, True)


class TestUnwatched:
    @pytest.mark.parametrize("stops", [True, False])
    def test_stops(self, poll, stops):
        """While the metrics can't be read the line has that trouble, and stops for it where it would for drift."""
        poller, server, status = poll(stops)
        poller.look()
        first = status.beat()
        server.text = ""
        poller.look()

        assert (first.state, first.troubles) == ("stopped" if stops else "running", ["unwatched"])
        assert status.beat().troubles == []

    def test_first_part(self, tmp_path):
        """With `reject` not even the first part passes by a verdict whose drift nobody knows."""
        with FakeGate() as gate, FakeGate() as metrics, Receiver() as receiver:
            metrics.stop()
            drop(tmp_path / "in", "a.png", b"good")
            ports = {"inference_port": gate.port, "metrics_port": metrics.port}
            settings = {"drifting": "reject", "drift_poll": 0.02}
            configuration = configured(tmp_path, gate, server=ports, fail_safe=settings, webhook={"url": receiver.url})
            with running(configuration) as line:
                until(lambda: receiver.events)
                metrics.start()
                until(lambda: not line.status.has("unwatched"))
                drop(tmp_path / "in", "b.png", b"good")
                until(lambda: len(receiver.events) == 2)

        assert [(one["decision"], one["cause"]) for one in receiver.events] == [("reject", "unwatched"), ("pass", "verdict")]
