"""Sources and plan of offline scoring: which pictures there are, each once, in one order, without holding them all."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from snag.core.errors import BadDataset, UnreadableFile
from snag.core.file_names import original
from snag.core.left_out import LeftOut, Reason
from snag.offline.plan import find, make_plan, pictures
from snag.offline.sources import Entry, entries, read
from tests.support.littered import ALL_PICTURES, COUNTS, encoded, write_littered


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

    @pytest.mark.parametrize("end", ["", "/**", "/**/*"])
    def test_folder_with_litter(self, tmp_path, end):
        """A folder, and a pattern for any depth, are walked as everywhere else, and what is left out is counted."""
        folder = write_littered(tmp_path / "in")
        left_out = LeftOut()
        prefix = f"{folder}/" if end else ""

        found = {original(entry.name) for entry in entries(f"{folder}{end}", left_out)}

        assert found == {f"{prefix}{name}" for name in ALL_PICTURES}
        assert {reason.value: count for reason, count in left_out.counts.items()} == COUNTS

    def test_pattern_for_one_depth(self, tmp_path):
        """What a pattern without `**` fits is told in the same way; a hidden folder that it names itself is meant."""
        for name in ("a/x", "@eaDir/y.png", ".mine/z.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(encoded("PNG"))
        left_out = LeftOut()

        found = {entry.name for pattern in ("*/*", ".mine/*") for entry in entries(f"{tmp_path}/{pattern}", left_out)}

        assert found == {f"{tmp_path}/a/x", f"{tmp_path}/.mine/z.png"}
        assert left_out.names == {Reason.HIDDEN: [f"{tmp_path}/@eaDir/y.png"]}

    def test_pattern_whose_folders_are_hidden(self, tmp_path):
        """A hidden folder that a pattern fits above its `**` is passed over and counted; one that it names is meant."""
        for name in ("a/x.png", "@eaDir/y.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(encoded("PNG"))
        left_out = LeftOut()

        found = [entry.name for entry in entries(f"{tmp_path}/*/**", left_out)]

        assert found == [f"{tmp_path}/a/x.png"]
        assert left_out.names == {Reason.HIDDEN: [f"{tmp_path}/@eaDir"]}
        assert [entry.name for entry in entries(f"{tmp_path}/@eaDir/**")] == [f"{tmp_path}/@eaDir/y.png"]

    def test_list_of_odd_names(self, tmp_path):
        """A list names files by their bytes, or as results spell them; a pipe in it is refused, not waited for."""
        (tmp_path / "gr\udcf6sse.png").write_bytes(b"here")
        os.mkfifo(tmp_path / "pipe.png")
        listing = tmp_path / "some.txt"
        listing.write_bytes(b"gr\xf6sse.png\ngr\\xf6sse.png\npipe.png\n")

        first, second, pipe = entries(str(listing))

        assert (first.name, read(first), read(second)) == (second.name, b"here", b"here")
        with pytest.raises(UnreadableFile, match="it is no regular file"):
            read(pipe)

    def test_list_that_is_none(self, tmp_path):
        """A file that is no text is no list."""
        (tmp_path / "a.png").write_bytes(encoded("PNG"))

        with pytest.raises(BadDataset, match="is not text; expected one path a line"):
            list(entries(str(tmp_path / "a.png")))

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
