"""Sinks one by one: what each does with a full disk, a crash, and what others say."""

import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from snag.core.errors import SinkAway
from snag.line.dispatcher import Dispatcher
from snag.line.event import LineEvent, new_id
from snag.line.journal import Journal
from snag.line.line_metrics import LineMetrics
from snag.line.sink_tables import CommandTable, CsvTable, WebhookTable
from snag.line.sinks.command import CommandSink
from snag.line.sinks.csv_log import CsvSink
from snag.line.sinks.sink import Sink
from snag.line.sinks.webhook import WebhookSink
from snag.line.status import LineStatus
from tests.support.line import Receiver, until
from tests.support.source import ROOT

#: Sends what waits for the table, and is killed when it has written so many rows.
KILLED = """
import os, pathlib, signal, sys, threading
from snag.line.dispatcher import Dispatcher
from snag.line.journal import Journal
from snag.line.line_metrics import LineMetrics
from snag.line.sink_tables import CsvTable
from snag.line.sinks.csv_log import CsvSink
from snag.line.status import LineStatus

class Dying(CsvSink):
    left = int(sys.argv[2])

    def send(self, event):
        super().send(event)
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)

folder, stop = pathlib.Path(sys.argv[1]), threading.Event()
journal = Journal(folder / "journal.sqlite", lambda *_: None)
journal.open_spools({"csv": (100, True)})
metrics = LineMetrics(LineStatus(), journal.lengths)
Dispatcher(Dying(CsvTable(folder=folder / "log"), stop), journal, metrics, None, stop).run()
"""


def made(number=1):
    return LineEvent(
        id=new_id(1764603866.0 + number),
        number=number,
        model="bolt",
        source="in",
        group=None,
        picture="a.png",
        file="",
        time="2025-12-01T15:44:26.000Z",
        seconds=0.1,
        decision="pass",
        cause="verdict",
        drifting=False,
    )


@pytest.fixture
def stop():
    stop = threading.Event()
    yield stop
    stop.set()


@pytest.fixture
def dispatched(tmp_path, stop):
    """Has a dispatcher send so many events to a sink; answers the journal and the metrics."""

    def dispatched(sink, count=1, max_age=None):
        journal = Journal(tmp_path / "journal.sqlite", lambda *_: None)
        journal.open_spools({sink.name: (100, True)})
        metrics = LineMetrics(LineStatus(), journal.lengths)
        for number in range(count):
            journal.record(replace(made(number), id=new_id()))
        Dispatcher(sink, journal, metrics, max_age, stop).start()
        return journal, metrics

    return dispatched


def rows(folder):
    """The ids of a table."""
    [table] = folder.iterdir()
    return [line.partition(",")[0] for line in table.read_text().splitlines()[1:]]


class TestCsv:
    def test_full_disk(self, tmp_path, stop):
        """A row that a full disk cuts short is written anew when there is room, and the next one stands below it."""
        sink, events = CsvSink(CsvTable(folder=tmp_path), stop), [made(number) for number in range(3)]
        sink.open()
        sink.send(events[0])
        [table] = tmp_path.iterdir()
        was = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (table.stat().st_size + 40, was[1]))
        try:
            with pytest.raises(SinkAway):
                sink.send(events[1])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, was)
        half = table.read_text().splitlines()[-1]
        for event in events[1:]:
            sink.send(event)

        assert half.startswith(events[1].id)
        assert rows(tmp_path) == [event.id for event in events]

    def test_killed_before_they_left_the_spool(self, tmp_path):
        """Twenty events leave the spool together; when it is killed after twelve rows, none comes twice."""
        journal = Journal(tmp_path / "journal.sqlite", lambda *_: None)
        journal.open_spools({"csv": (100, True)})
        events = [journal.record(made(number)) for number in range(20)]
        journal.close()
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        codes = [
            subprocess.run([*command, left], cwd=ROOT, env=dict(os.environ), timeout=60).returncode for left in ("12", "20")
        ]

        assert codes == [-signal.SIGKILL] * 2
        assert rows(tmp_path / "log") == [event.id for event in events]


class TestCommand:
    def test_no_utf8(self, dispatched, stop):
        """A program may say bytes that are no text: it counts how it ends, and what it said is shown as far as it goes."""
        says = [sys.executable, "-c", "import sys; sys.stderr.buffer.write(b'lamp \\xff off'); sys.exit({code})"]
        well, ill = (CommandSink(CommandTable(run=[*says[:2], says[2].format(code=code)]), stop) for code in (0, 3))
        journal, _ = dispatched(well)
        until(lambda: not journal.lengths()["command"])

        with pytest.raises(SinkAway, match="ended with 3: lamp \ufffd off"):
            ill.send(made())


class TestWebhook:
    @pytest.mark.parametrize("status", [302, 304])
    def test_only_2xx_has_it(self, stop, status):
        """An answer that is no 2xx has not taken the event; what stands of the address in the log is no secret."""
        with Receiver() as receiver:
            receiver.statuses = [status]
            url = f"http://user:hunter2@127.0.0.1:{receiver.port}/secret/path?token=secret"
            sink = WebhookSink(WebhookTable(url=url), stop)
            with pytest.raises(SinkAway) as error:
                sink.send(made())
            sink.close()
            receiver.stop()
            with pytest.raises(SinkAway) as away:
                sink.send(made())

        place = f"webhook takes no events: http://127.0.0.1:{receiver.port}"
        assert str(error.value) == f"{place} answered {status}"
        assert str(away.value) == f"{place}: ConnectionError"


class Odd(Sink):
    """Fails in a way that nobody thought of, so many times."""

    name = "odd"

    def __init__(self, stop, failures):
        super().__init__(stop)
        self.failures = failures
        self.taken = []

    def send(self, event):
        if self.failures:
            self.failures -= 1
            raise KeyError("lamp")
        self.taken.append(event.id)


class TestDispatcher:
    def test_unexpected(self, dispatched, stop, caplog):
        """A sink that fails unexpectedly counts as away, the log says how, and it gets the event when it no longer does."""
        sink = Odd(stop, 2)
        journal, metrics = dispatched(sink)
        until(lambda: not journal.lengths()["odd"])

        assert len(sink.taken) == 1
        assert metrics.registry.get_sample_value("snag_line_sink_failures_total", {"sink": "odd"}) == 2
        assert [line for line in caplog.messages if "odd takes no events: KeyError: 'lamp'" in line]
