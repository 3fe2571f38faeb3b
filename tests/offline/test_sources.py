"""Sources and plan of offline scoring: which pictures there are, each once, in one order, without holding them all."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from snag.core.errors import BadDataset, UnreadableFile
from snag.offline.plan import find, make_plan, pictures
from snag.offline.sources import Entry, entries, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures in two folders, and a file that is none."""
    place = tmp_path / "archive"
    for name in ("b.png", "a.PNG", "deep/er/c.jpg", "notes.txt"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(name.encode())
    return place


def names(source: str) -> set[str]:
    return {entry.name for entry in entries(source)}


class TestSources:
    def test_folder(self, folder):
        """A folder is searched to its bottom for files with a picture's ending; names are relative to it."""
        assert names(str(folder)) == {"b.png", "a.PNG", "deep/er/c.jpg"}

    def test_pattern(self, folder):
        """A glob pattern picks files by name; their paths are their names."""
        assert names(f"{folder}/**/*.jpg") == {f"{folder}/deep/er/c.jpg"}

    def test_list(self, folder):
        """A list's paths are relative to the list; a file that is not there is listed all the same, and refused when read."""
        listing = folder / "some.txt"
        listing.write_text("b.png\n\ngone.png\n")

        found = {entry.name: entry for entry in entries(str(listing))}

        assert set(found) == {"b.png", "gone.png"}
        assert read(found["b.png"]) == b"b.png"
        with pytest.raises(UnreadableFile, match="No such file"):
            read(found["gone.png"])

    def test_tar(self, folder, tmp_path):
        """A tar's members are read where they lie in it, not unpacked; links and other files in it are no pictures."""
        archive = tmp_path / "all.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(folder, "top")
            link = tarfile.TarInfo("top/link.png")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
            tar.addfile(link)

        found = {entry.name: read(entry) for entry in entries(str(archive))}

        assert found == {"top/b.png": b"b.png", "top/a.PNG": b"a.PNG", "top/deep/er/c.jpg": b"deep/er/c.jpg"}

    @pytest.mark.parametrize("ending", ["tar.gz", "tgz", "tar.xz"])
    def test_compressed(self, tmp_path, ending):
        """A compressed tar can't be read in parts: the message names the command that helps."""
        (tmp_path / f"all.{ending}").touch()

        with pytest.raises(BadDataset, match="-d` it first"):
            entries(str(tmp_path / f"all.{ending}"))

    def test_neither(self, tmp_path):
        """What is not there is refused, saying what could be."""
        with pytest.raises(BadDataset, match=r"expected a folder, a glob in quotes, a \.tar or a text file"):
            entries(str(tmp_path / "nowhere"))

    def test_shortened(self, folder):
        """A file that lost bytes since it was listed is refused, not scored half."""
        entry = next(entry for entry in entries(str(folder)) if entry.name == "b.png")
        Path(entry.path).write_bytes(b"b")

        with pytest.raises(UnreadableFile, match="1 bytes of 5 are there"):
            read(entry)

    def test_strange_name(self, tmp_path):
        """A name that is no UTF-8 gets one, and its file is still found."""
        path = os.fsencode(tmp_path) + b"/\xff.png"
        Path(os.fsdecode(path)).write_bytes(b"here")
        plan = make_plan(entries(str(tmp_path)), tmp_path / "plan.sqlite")

        (entry,) = pictures(plan.path, 0, 1)

        assert entry.name == "\\xff.png"
        assert read(entry) == b"here"


class TestPlan:
    def test_order_and_once(self, tmp_path):
        """Whatever the order in which pictures are found, the plan is the same, and a name that comes twice is there once."""
        found = [Entry(f"{number:03d}.png", f"/{number}", 0, number, number) for number in range(50)]

        plan, again = (
            make_plan(listed, tmp_path / name) for listed, name in ((found, "one"), (found[::-1] + found[:9], "other"))
        )

        assert (plan.count, plan.digest) == (again.count, again.digest) == (50, plan.digest)
        assert pictures(again.path, 0, 20) + pictures(again.path, 20, 50) == found
        assert find(plan.path, "007.png") == found[7]

    @pytest.mark.parametrize("changed", [Entry("a", "/a", 0, 2, 1), Entry("a", "/a", 0, 1, 2), Entry("b", "/a", 0, 1, 1)])
    def test_digest(self, tmp_path, changed):
        """Another name, size or time stamp is another source; where the files lie is not."""
        base, moved, other = (
            make_plan([entry], tmp_path / "plan").digest
            for entry in (Entry("a", "/a", 0, 1, 1), Entry("a", "/elsewhere", 0, 1, 1), changed)
        )

        assert base == moved != other
