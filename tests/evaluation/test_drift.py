"""Drift drawn from a server's log: the same alarms as the server's own watch, with the times at which they were due."""

from __future__ import annotations

import csv
import json

import pytest
from PIL import Image

from snag.evaluation.drift import ASSUMPTION, logged_verdicts, main
from snag.gate.drift import Drift, StreamLine

USUAL, EXTREME = (f"1a2b3c4d score=30-30/65 exposure={rank}-{rank}/65" for rank in (30, 64))


def entry(second, ranks=USUAL, **more):
    """A line of the log."""
    fields = {"time": f"2026-01-01T00:{second // 60:02}:{second % 60:02}", "model": "bolt", "version": "1.0", "ranks": ranks}
    return json.dumps(fields | more)


def alarms(folder):
    """The rows of alarms.csv."""
    with (folder / "drift/alarms.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def log(tmp_path):
    """A log of 60 usual verdicts and 100 of pictures that are darker than all of calibration's, in three files."""
    folder = tmp_path / "logs"
    folder.mkdir()
    lines = [entry(second, USUAL if second < 60 else EXTREME) for second in range(160)]
    for name, part in (("requests.log.2", lines[:50]), ("requests.log.1", lines[50:90]), ("requests.log", lines[90:])):
        (folder / name).write_text("\n".join(part) + "\n")
    return folder / "requests.log"


def test_the_alarms_are_the_servers_own(log, tmp_path, capsys):
    """The same verdicts give the same alarms, each with its time and its cause."""
    own = []
    watched = Drift(None, lambda line, alarm: own.append(alarm), print)
    for second in range(160):
        watched.see(StreamLine("bolt", "1.0", "pooled"), USUAL if second < 60 else EXTREME)

    assert main(["--log", str(log)]) == 0

    found = alarms(tmp_path)
    assert [(row["cause"], int(row["pictures_of_the_watch"])) for row in found] == [(one.cause, one.pictures) for one in own]
    assert (
        found[0]["time"] == f"2026-01-01T00:{(int(found[0]['picture']) - 1) // 60:02}:{(int(found[0]['picture']) - 1) % 60:02}"
    )
    assert f"bolt 1.0, pooled: 160 pictures; alarms: pictures {len(own)}\n" in (said := capsys.readouterr().out)
    assert ASSUMPTION in said
    with Image.open(tmp_path / "drift/drift.png") as drawn:
        assert drawn.width > 500


def test_lines_are_drawn_apart(log, tmp_path, capsys):
    """Versions and groups each have their course; a new calibration begins a new watch, and all pictures are counted."""
    more = [
        *(entry(second, EXTREME, version="2.0") for second in range(5)),
        *(entry(second, EXTREME, threshold_of="camera-2") for second in range(5)),
        *(entry(second, EXTREME.replace("1a2b3c4d", "ffffffff"), version="2.0") for second in range(100)),
    ]
    log.write_text("\n".join(more))
    for older in log.parent.glob("requests.log.*"):
        older.unlink()

    assert main(["--log", str(log), "--out", str(tmp_path / "drift")]) == 0
    assert "bolt 2.0, pooled: 105 pictures; alarms: " in capsys.readouterr().out

    assert {(row["version"], row["group"]) for row in alarms(tmp_path)} == {("2.0", "pooled")}
    assert max(int(row["pictures_of_the_watch"]) for row in alarms(tmp_path)) <= 100


def test_what_is_no_verdict_is_passed_over(log):
    """Events, errors, and what a full disk left of a line."""
    log.write_text(
        '{"event": "drift"}\n[1]\n{"time": "2026\n' + entry(0) + "\n" + json.dumps({"ranks": 5, "model": "x"}) + "\n"
    )

    assert sum("ranks" in fields for fields in logged_verdicts(log)) == 92
    assert main(["--log", str(log)]) == 0


@pytest.mark.parametrize("content", [None, "", '{"event": "ready"}\n'])
def test_a_log_without_verdicts(tmp_path, content, capsys):
    """Is an error that says what was expected."""
    if content is not None:
        (tmp_path / "requests.log").write_text(content)

    assert main(["--log", str(tmp_path / "requests.log")]) == 2

    assert "log" in capsys.readouterr().err


def test_pictures_that_were_sent_again_are_watched_once(log, tmp_path, capsys):
    """As the server did: what it marked as a repeat says nothing, also where a log begins with one; they are counted."""
    lines = [
        entry(0, EXTREME, repeat=True, group="x", threshold_of="x"),
        *(entry(9, EXTREME, repeat=one > 0) for one in range(80)),
    ]
    (tmp_path / "logs/requests.log").write_text("\n".join(lines) + "\n")

    assert main(["--log", str(log)]) == 0

    assert "bolt 1.0, pooled: 91 pictures and 79 sent again, which are not watched; alarms: " in capsys.readouterr().out
