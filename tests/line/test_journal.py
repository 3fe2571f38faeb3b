"""The journal: events, their numbers, and what waits for whom."""

import dataclasses
import time

import pytest

from snag.core.errors import BadArtifact
from snag.line.event import LineEvent, event_of, file_name, id_and_name, new_id, taken_at, utc
from snag.line.journal import Journal, SpoolFull


def made(source="in", id=None, **more):
    id = id or new_id()
    texts = {"id": id, "model": "bolt", "source": source, "picture": "a.png", "file": "", "time": utc(taken_at(id))}
    fields = {"number": 0, "group": None, "seconds": 0.5, "decision": "pass", "cause": "verdict", "drifting": False, **texts}
    return LineEvent(**fields | more)


@pytest.fixture
def dropped():
    return []


@pytest.fixture
def journal(tmp_path, dropped):
    opened = Journal(tmp_path / "journal.sqlite", lambda *what: dropped.append(what))
    opened.open_spools({"csv": (3, True), "mqtt": (5, False)})
    yield opened
    opened.close()


def numbers(journal, sink):
    return [event.number for _, event in journal.waiting(sink, 10)]


class TestRecord:
    def test_numbers(self, journal):
        """The events of each source are numbered without a gap."""
        found = [journal.record(made(source)).number for source in ("a", "b", "a", "a")]

        assert found == [1, 1, 2, 3]

    def test_known(self, journal):
        """An event is known by the id of its picture."""
        event = journal.record(made(score=0.5, picture='"ä'))

        assert journal.event(event.id) == event
        assert journal.event(new_id()) is None

    def test_full(self, journal, dropped):
        """In a full spool the oldest gives way and is counted."""
        for _ in range(5):
            journal.record(made())

        assert (numbers(journal, "csv"), numbers(journal, "mqtt")) == ([3, 4, 5], [1, 2, 3, 4, 5])
        assert dropped == [("csv", 1), ("csv", 1)]

    def test_full_and_waits(self, journal, dropped):
        """A spool that may not lose any takes no more; then nothing is written at all."""
        for _ in range(5):
            journal.record(made())
        late = made()

        with pytest.raises(SpoolFull, match="mqtt"):
            journal.record(late)
        assert journal.event(late.id) is None
        assert journal.lengths() == {"csv": 3, "mqtt": 5}

    def test_sent(self, journal):
        """What was sent no longer waits; what gave way meanwhile is not counted twice."""
        for _ in range(3):
            journal.record(made())
        places = [place for place, _ in journal.waiting("csv", 2)]
        journal.record(made())
        journal.sent("csv", places)

        assert (numbers(journal, "csv"), journal.lengths()) == ([3, 4], {"csv": 2, "mqtt": 4})


class TestRestart:
    def test_opened_again(self, tmp_path, journal):
        """What waits is there after a restart, and numbers go on; a sink that is gone loses what it had, which is told."""
        for _ in range(2):
            journal.record(made())
        again = Journal(tmp_path / "journal.sqlite", lambda *_: None)

        gone = again.open_spools({"mqtt": (1, True)})
        numbered = again.record(made())

        assert (gone, numbered.number, numbers(again, "mqtt"), again.lengths()) == ({"csv": 2}, 3, [3], {"mqtt": 1})
        again.close()

    def test_another_file(self, tmp_path):
        """A file that is no journal is refused."""
        (tmp_path / "x").write_text("no database, but long enough to be taken for one" * 9)

        with pytest.raises(BadArtifact, match="no journal of a line"):
            Journal(tmp_path / "x", lambda *_: None)


class TestForget:
    def test_forget(self, journal):
        """Old events go when nobody waits for them and their pictures are moved; all others stay."""
        old = new_id(time.time() - 1000)
        ids = [journal.record(made(id=id)).id for id in (old, new_id(time.time() - 1000), new_id())]
        journal.record(waiting := made(id=new_id(time.time() - 1000)))
        for sink in ("csv", "mqtt"):
            journal.sent(sink, [place for place, event in journal.waiting(sink, 10) if event.id != waiting.id])

        journal.forget([ids[1]])

        assert [journal.event(id) is not None for id in (*ids, waiting.id)] == [False, True, True, True]


class TestEvent:
    def test_json(self):
        """An event comes back from its JSON as it was."""
        event = made(score=0.1, message="ä\n", anomaly=True)

        assert event_of(event.json()) == event
        assert "\n" not in event.json()
        assert event.decided == pytest.approx(taken_at(event.id) + 0.5)
        assert dataclasses.asdict(event)["decision"] == "pass"

    @pytest.mark.parametrize("name", ["a.png", "_a_b.png", "ä" * 200 + ".jpeg", "no suffix", "b\udcf6.png"])
    def test_file_name(self, tmp_path, name):
        """A picture's file says its id and its name, cut where no file system would take it."""
        id = new_id()
        path = tmp_path / file_name(id, name)
        path.touch()

        found = id_and_name(path)

        assert found is not None
        assert found[0] == id
        assert name.startswith(found[1].rpartition(".")[0])
        assert id_and_name(tmp_path / name) is None
