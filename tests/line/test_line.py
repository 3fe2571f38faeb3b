"""A line from a folder to its sinks, with the gate as the one fake."""

import csv
import json
import os
import sys
import urllib.request

import pytest

from snag.line.event import file_name, new_id
from snag.line.journal import Journal
from snag.line.places import Places
from tests.support.line import configured, drop, names, running, until


def said(receiver):
    """What was decided on each picture, and why."""
    return {event["picture"]: (event["decision"], event["cause"]) for event in receiver.events}


class TestFolder:
    def test_walk(self, tmp_path, gate, receiver):
        """Each picture gets one event, in every sink, and lies where it belongs; the group goes with the request."""
        record = tmp_path / "said.json"
        program = [sys.executable, "-c", f"import sys; open({str(record)!r}, 'a').write(sys.stdin.read() + '\\n')"]
        tables = {
            "folders": [{"name": "in", "path": tmp_path / "in", "settle": 0.05, "poll": 0.02, "group": "camera-1"}],
            "webhook": {"url": receiver.url},
            "csv": {"folder": tmp_path / "log"},
            "sort": {"folder": tmp_path / "sorted"},
            "command": {"run": program},
        }
        for name, content in (("a.png", b"good"), ("b.png", b"bad"), ("c.png", b"broken")):
            drop(tmp_path / "in", name, content)

        with running(configured(tmp_path, gate, **tables)):
            until(lambda: len(receiver.events) == 3 and record.exists() and record.read_text().count("\n") == 3)
            until(lambda: not names(tmp_path / "in" / "working"))
        [table] = (tmp_path / "log").iterdir()
        rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))

        assert said(receiver) == {"a.png": ("pass", "verdict"), "b.png": ("reject", "verdict"), "c.png": ("reject", "refused")}
        assert (names(tmp_path / "in" / "done"), names(tmp_path / "in" / "failed")) == (["a.png", "b.png"], ["c.png"])
        assert (names(tmp_path / "sorted" / "in" / "pass"), names(tmp_path / "sorted" / "in" / "reject")) == (
            ["a.png"],
            ["b.png", "c.png"],
        )
        assert [row["id"] for row in rows] == [event["id"] for event in receiver.events] == receiver.keys
        assert [json.loads(line) for line in record.read_text().splitlines()] == receiver.events
        assert [event["number"] for event in receiver.events] == [1, 2, 3]
        assert set(gate.groups) == {"camera-1"}

    def test_names(self, tmp_path, gate, receiver):
        """A name that comes again, or that is no UTF-8, is no trouble: each picture is kept."""
        odd = os.fsdecode(b"part-\xf6.png")
        with running(configured(tmp_path, gate, webhook={"url": receiver.url}, sort={"folder": tmp_path / "sorted"})) as line:
            for at, name in enumerate(("a.png", "a.png", odd)):
                drop(tmp_path / "in", name, b"picture %d" % at)
                until(lambda at=at: len(receiver.events) == at + 1)
            until(lambda: not line.journal.lengths()["sort"])

        assert [event["picture"] for event in receiver.events] == ["a.png", "a.png", "part-\\xf6.png"]
        assert names(tmp_path / "in" / "done") == names(tmp_path / "sorted" / "in" / "pass") == ["a.png", "a.png", odd]

    def test_keep(self, tmp_path, gate, receiver):
        """Of judged pictures the newest stay where the file says how many; what is no picture of the line's stays."""
        source = {"name": "in", "path": tmp_path / "in", "settle": 0.05, "poll": 0.02, "keep": 1}
        (tmp_path / "in" / "done").mkdir(parents=True)
        (tmp_path / "in" / "done" / "mine.png").touch()
        with running(configured(tmp_path, gate, folders=[source], webhook={"url": receiver.url})) as line:
            for at, name in enumerate(("a.png", "b.png")):
                drop(tmp_path / "in", name, b"picture")
                until(lambda at=at: len(receiver.events) == at + 1 and not names(tmp_path / "in" / "working"))
            line._tidy()

        assert sorted(path.name[-6:] for path in (tmp_path / "in" / "done").iterdir()) == ["_b.png", "ne.png"]

    def test_deleted(self, tmp_path, gate, receiver):
        """A folder that somebody deletes while the line runs is made again, and halves of files beside it stay."""
        with running(configured(tmp_path, gate, webhook={"url": receiver.url})) as line:
            until(lambda: (tmp_path / "in" / "done").is_dir())
            (tmp_path / "in" / "done").rmdir()
            (tmp_path / "in" / "working" / ".half.part").touch()
            drop(tmp_path / "in", "a.png", b"good")
            until(lambda: names(tmp_path / "in" / "done") == ["a.png"] and line.status.is_running)

        assert [path.name for path in (tmp_path / "in" / "working").iterdir()] == [".half.part"]
        assert len(receiver.events) == 1

    def test_drive_away(self, tmp_path):
        """Where all of them are gone the drive may be away: nothing is made in its place."""
        (tmp_path / "in").mkdir()
        Places(tmp_path / "in").mend()

        assert list((tmp_path / "in").iterdir()) == []


class TestRestart:
    def test_under_way(self, tmp_path, gate, receiver):
        """A picture that was under way is judged after a restart; one that has its event is moved, and not judged again."""
        configuration = configured(tmp_path, gate, webhook={"url": receiver.url})
        working = tmp_path / "in" / "working"
        drop(tmp_path / "in", "a.png", b"first")
        with running(configuration):
            until(lambda: len(receiver.events) == 1 and names(tmp_path / "in" / "done"))
        [done] = (tmp_path / "in" / "done").iterdir()
        done.rename(working / done.name)  # as if the process had been killed between its event and its move
        (working / file_name(new_id(), "b.png")).write_bytes(b"second")
        (working / ".c.png.x.part").write_bytes(b"half")

        with running(configuration):
            until(lambda: len(receiver.events) == 2 and not list(working.iterdir()))

        assert gate.seen == [b"first", b"second"]
        assert [event["number"] for event in receiver.events] == [1, 2]
        assert names(tmp_path / "in" / "done") == ["a.png", "b.png"]


class TestFailSafe:
    def test_reject(self, tmp_path, gate, receiver):
        """Without a server parts are rejected, as the file says; their pictures lie in failed, to be dropped again."""
        gate.stop()
        drop(tmp_path / "in", "a.png", b"good")
        settings = {"deadline": 0.3}
        with running(configured(tmp_path, gate, fail_safe=settings, webhook={"url": receiver.url})) as line:
            until(lambda: receiver.events)
            troubles, runs = line.status.beat().troubles, line.status.is_running
            gate.start()
            drop(tmp_path / "in", "b.png", b"good")
            until(lambda: len(receiver.events) == 2 and not line.status.has("silent"))

        assert (troubles, runs) == (["silent", "unwatched"], True)
        assert said(receiver) == {"a.png": ("reject", "silent"), "b.png": ("pass", "verdict")}
        assert receiver.events[0]["error"] == "server_unreachable"
        assert names(tmp_path / "in" / "failed") == ["a.png"]

    def test_stop(self, tmp_path, gate, receiver):
        """A line that stops keeps its picture, its heartbeat stands still, and it goes on when the server is back."""
        gate.stop()
        drop(tmp_path / "in", "a.png", b"good")
        settings = {"deadline": 0.2, "silent": "stop"}
        with running(configured(tmp_path, gate, fail_safe=settings, webhook={"url": receiver.url})) as line:
            until(lambda: not line.status.is_running)
            first, second = line.status.beat(), line.status.beat()
            gate.start()
            until(lambda: receiver.events and line.status.is_running)

        assert (first.state, first.heartbeat) == ("stopped", second.heartbeat)
        assert said(receiver) == {"a.png": ("pass", "verdict")}

    @pytest.mark.parametrize(("action", "so"), [("pass", ("pass", "verdict")), ("reject", ("reject", "drifting"))])
    def test_drifting(self, tmp_path, gate, receiver, action, so):
        """While an alarm for drift is not acknowledged, each event says so, and the file decides; then all is as before."""
        labels = 'model_name="bolt",model_version="1.0"'
        gate.tells(f'snag_drift_alarms_total{{{labels},group="pooled",cause="parts"}} 2\nsnag_default_version{{{labels}}} 1\n')
        settings = {"drifting": action, "drift_poll": 0.02}
        configuration = configured(tmp_path, gate, fail_safe=settings, webhook={"url": receiver.url})
        with running(configuration) as line:
            until(lambda: line.status.has("drifting"))
            drop(tmp_path / "in", "a.png", b"good")
            until(lambda: receiver.events)
            line.journal.put_note("acknowledge", "1")
            until(lambda: not line.status.has("drifting"))
            drop(tmp_path / "in", "b.png", b"good")
            until(lambda: len(receiver.events) == 2)

        assert said(receiver) == {"a.png": so, "b.png": ("pass", "verdict")}
        assert [event["drifting"] for event in receiver.events] == [True, False]


class TestSinks:
    def test_away(self, tmp_path, gate, receiver):
        """Events wait for a sink that is away, also over a restart of the line, and come in their order."""
        receiver.stop()
        configuration = configured(tmp_path, gate, webhook={"url": receiver.url})
        with running(configuration) as line:
            for name in ("a.png", "b.png"):
                drop(tmp_path / "in", name, b"good")
                until(lambda name=name: name in names(tmp_path / "in" / "done"))
            waiting = line.journal.lengths()
        receiver.start()
        with running(configuration):
            until(lambda: len(receiver.events) == 2)

        assert waiting == {"webhook": 2}
        assert [event["picture"] for event in receiver.events] == ["a.png", "b.png"]

    def test_refused(self, tmp_path, gate, receiver):
        """An event that a receiver refuses for good holds up no other; one that it can't take now is sent again."""
        receiver.statuses = [422, 503, 429]
        with running(configured(tmp_path, gate, webhook={"url": receiver.url})) as line:
            for name in ("a.png", "b.png"):
                drop(tmp_path / "in", name, b"good")
                until(lambda name=name: name in names(tmp_path / "in" / "done"))
            until(lambda: receiver.events)
            dropped = line.metrics.registry.get_sample_value(
                "snag_line_dropped_total", {"sink": "webhook", "reason": "refused"}
            )

        assert [event["picture"] for event in receiver.events] == ["b.png"]
        assert dropped == 1

    def test_full(self, tmp_path, gate, receiver):
        """A line whose spool may not lose any stops while it is full, judges nothing further, and goes on after."""
        receiver.stop()
        with running(configured(tmp_path, gate, webhook={"url": receiver.url, "spool": 1, "when_full": "wait"})) as line:
            drop(tmp_path / "in", "a.png", b"good")
            until(lambda: names(tmp_path / "in" / "done"))
            drop(tmp_path / "in", "b.png", b"good")
            until(lambda: line.status.has("spool"))
            runs = line.status.is_running
            receiver.start()
            until(lambda: len(receiver.events) == 2 and line.status.is_running)

        assert runs is False
        assert max(receiver.ids.values()) == 1

    def test_old(self, tmp_path, gate, receiver):
        """No event is sent that is older than the file allows: nothing moves by an old verdict."""
        receiver.stop()
        with running(configured(tmp_path, gate, webhook={"url": receiver.url, "max_age": 0.2})) as line:
            drop(tmp_path / "in", "a.png", b"good")
            until(lambda: line.metrics.registry.get_sample_value("snag_line_sink_failures_total", {"sink": "webhook"}))
            label = {"sink": "webhook", "reason": "old"}
            until(lambda: line.metrics.registry.get_sample_value("snag_line_dropped_total", label))
            receiver.start()
            drop(tmp_path / "in", "b.png", b"good")
            until(lambda: receiver.events)

        assert [event["picture"] for event in receiver.events] == ["b.png"]

    def test_command_fails(self, tmp_path, gate):
        """A program that fails is run again, until it does not."""
        once = tmp_path / "once"
        code = f"import os, sys; there = os.path.exists({str(once)!r}); open({str(once)!r}, 'a').close(); sys.exit(not there)"
        with running(configured(tmp_path, gate, command={"run": [sys.executable, "-c", code]})) as line:
            drop(tmp_path / "in", "a.png", b"good")
            until(lambda: once.exists() and not line.journal.lengths()["command"])
            failures = line.metrics.registry.get_sample_value("snag_line_sink_failures_total", {"sink": "command"})

        assert failures == 1

    def test_csv_once(self, tmp_path, gate):
        """The row of an event that is sent again after a crash is not written again, and half a row is cut."""
        configuration = configured(tmp_path, gate, csv={"folder": tmp_path / "log"})
        drop(tmp_path / "in", "a.png", b"good")
        with running(configuration) as line:
            until(lambda: names(tmp_path / "in" / "done") and not line.journal.lengths()["csv"])
        journal = Journal(tmp_path / "line" / "journal.sqlite", lambda *_: None)
        journal._base.execute("INSERT INTO waiting (sink, id) SELECT 'csv', id FROM event")
        journal.close()
        [table] = (tmp_path / "log").iterdir()
        whole = table.read_bytes()
        table.write_bytes(whole + b"17646")

        with running(configuration) as line:
            until(lambda: not line.journal.lengths()["csv"])

        assert table.read_bytes() == whole


class TestMetrics:
    def test_scrape(self, tmp_path, gate, receiver):
        """The line's own port tells its events, spools, troubles and heartbeat."""
        gate.stop()
        drop(tmp_path / "in", "a.png", b"good")
        more = {"fail_safe": {"deadline": 0.2}, "metrics": {"port": 0}, "webhook": {"url": receiver.url}}
        with running(configured(tmp_path, gate, **more)) as line:
            until(lambda: receiver.events)
            port = line.metrics._server[0].server_port
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                scrape = answer.read().decode()

        for sample in (
            'snag_line_events_total{cause="silent",decision="reject",source="in"} 1.0',
            'snag_line_trouble{trouble="silent"} 1.0',
            'snag_line_trouble{trouble="spool"} 0.0',
            'snag_line_spool_length{sink="webhook"} 0.0',
            "snag_line_running 1.0",
        ):
            assert sample in scrape
