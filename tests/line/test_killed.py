"""The command `snag line` in a process of its own, killed while parts come."""

import os
import signal
import subprocess
import sys

import pytest

from snag.line.event import id_and_name
from tests.support.line import FakeGate, Receiver, drop, names, until
from tests.support.source import ROOT

FILE = """model = "bolt"
folder = "{folder}/line"
[server]
inference_port = {gate}
metrics_port = {gate}
[[folders]]
name = "in"
path = "{folder}/in"
settle = 0.05
poll = 0.02
[webhook]
url = "{url}"
[csv]
folder = "{folder}/log"
"""


@pytest.fixture
def start(tmp_path):
    """Starts the command; all that it started is gone at the end."""
    started = []

    def start(*flags):
        command = [sys.executable, "-m", "snag", "line", "--config", str(tmp_path / "line.toml"), *flags]
        with (tmp_path / "out.txt").open("ab") as out:
            started.append(subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT, env=dict(os.environ)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_killed_again_and_again(tmp_path, start):
    """Each part is judged into one event, and every event arrives, however often the process is killed with SIGKILL."""
    with FakeGate() as gate, Receiver() as receiver:
        (tmp_path / "line.toml").write_text(FILE.format(folder=tmp_path, gate=gate.port, url=receiver.url))
        gate.delay = 0.01
        for part in range(60):
            drop(tmp_path / "in", f"{part:02}.png", b"part %02d" % part)
        for least in (5, 20, 40):
            process = start()
            until(lambda least=least: len(receiver.ids) >= least)
            process.send_signal(signal.SIGKILL)
            process.wait()
        process = start()
        until(lambda: len(receiver.ids) == 60 and len(names(tmp_path / "in" / "done")) == 60)
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
    rows = [line.partition(",")[0] for path in (tmp_path / "log").iterdir() for line in path.read_text().splitlines()[1:]]

    assert code == 0
    assert sorted(event["number"] for event in {event["id"]: event for event in receiver.events}.values()) == list(range(1, 61))
    assert names(tmp_path / "in" / "done") == [f"{part:02}.png" for part in range(60)]
    assert sorted(rows) == sorted(receiver.ids)
    assert {id_and_name(path)[0] for path in (tmp_path / "in" / "done").iterdir()} == set(receiver.ids)


def test_one_line_for_a_folder(tmp_path, start):
    """A second line with the same folder is refused while the first one runs; to acknowledge drift is not."""
    with FakeGate() as gate, Receiver() as receiver:
        (tmp_path / "line.toml").write_text(FILE.format(folder=tmp_path, gate=gate.port, url=receiver.url))
        first = start()
        until(lambda: (tmp_path / "line" / "journal.sqlite").exists() and (tmp_path / "in" / "done").exists())
        codes = [start().wait(20), start("--acknowledge").wait(20)]
        first.terminate()
        first.wait(20)

    assert codes == [2, 0]
    assert "another command is running a line in" in (tmp_path / "out.txt").read_text()
