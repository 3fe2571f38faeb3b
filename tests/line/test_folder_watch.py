"""Which files of a folder are finished."""

import os

import pytest

from snag.line.folder_watch import FolderWatch


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def look(tmp_path, clock):
    """The names of what is finished, at a time."""
    watch = FolderWatch(tmp_path, 0.5, clock)

    def look(now):
        clock.now = now
        return [path.name for path in watch.finished()]

    return look


class TestFinished:
    def test_still(self, tmp_path, look):
        """A file is finished when size and time have not changed for a while."""
        (tmp_path / "a.png").write_bytes(b"1")

        assert [look(0.0), look(0.4), look(0.5)] == [[], [], ["a.png"]]

    def test_growing(self, tmp_path, look):
        """A file that grows is not, however long that takes."""
        (tmp_path / "a.png").write_bytes(b"1")
        assert look(0.0) == []
        for second in range(1, 5):
            with (tmp_path / "a.png").open("ab") as file:
                file.write(b"1")
            assert look(float(second)) == []

        assert [look(4.4), look(4.5)] == [[], ["a.png"]]

    def test_moved_in(self, tmp_path, look):
        """A file that was moved in whole is finished at once."""
        (tmp_path / ".half").write_bytes(b"1")
        os.utime(tmp_path / ".half", (1000, 1000))
        (tmp_path / ".half").rename(tmp_path / "a.png")

        assert look(0.0) == ["a.png"]

    def test_empty(self, tmp_path, look):
        """An empty file waits longer: a writer may have made it and not begun."""
        (tmp_path / "a.png").touch()

        assert [look(0.0), look(1.0), look(30.0)] == [[], [], ["a.png"]]

    def test_order(self, tmp_path, look):
        """The files come in the order in which they were written."""
        for at, name in enumerate(("c.png", "a.png", "b.png")):
            (tmp_path / name).write_bytes(b"1")
            os.utime(tmp_path / name, (at, at))

        assert look(0.0) == ["c.png", "a.png", "b.png"]

    def test_others(self, tmp_path, look, caplog):
        """Halves of copies and folders are passed over; what is no picture too, which is said once."""
        for name in ("a.png.part", ".b.png", "notes.txt"):
            (tmp_path / name).write_bytes(b"text")
            os.utime(tmp_path / name, (1000, 1000))
        (tmp_path / "done").mkdir()

        assert [look(0.0), look(9.0)] == [[], []]
        assert [record.getMessage() for record in caplog.records] == [
            f"{tmp_path}/notes.txt is no picture and is left where it is"
        ]

    def test_unread_format(self, tmp_path, look):
        """A picture of a format that is not read is taken: the server says so, and nobody waits for it in vain."""
        (tmp_path / "a.heic").write_bytes(b"1")
        os.utime(tmp_path / "a.heic", (1000, 1000))

        assert look(0.0) == ["a.heic"]
