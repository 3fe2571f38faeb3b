"""The walk of a folder: every picture once, told by its content; nothing else passes unsaid, and no link leads astray."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snag.core.errors import NoPictures, UnreadableFolder
from snag.core.hidden_files import is_hidden, is_in_hidden
from snag.core.left_out import LeftOut, Reason
from snag.core.picture_files import picture_files, sorted_out, visible_folders, walk
from tests.support.littered import ALL_PICTURES, COUNTS, encoded, write_littered

PNG = encoded("PNG")


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in picture_files(folder).pictures]


def counts(folder: Path) -> dict[str, int]:
    return {reason.value: count for reason, count in picture_files(folder).left_out.counts.items()}


def write(folder: Path, *files: str, content: bytes = PNG) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


class TestLittered:
    def test_all_of_it(self, tmp_path):
        """Of a folder with everything in it the pictures are found, and everything else is counted by its reason."""
        folder = write_littered(tmp_path / "in")

        assert sorted(names(folder)) == ALL_PICTURES
        assert counts(folder) == COUNTS

    def test_the_sentence(self, tmp_path):
        """One sentence counts and names it, what may be a picture first, and says what is read."""
        folder = write(write(tmp_path / "in", "a.jp2", "b.gif", content=b"?"), "c.txt", "d.txt", content=b"?")
        write(folder, ".DS_Store", ".x/a.png", "good.png")

        assert picture_files(folder).sentence == (
            f"left out of {folder}: 2 pictures of formats that Snag does not read (gif, jp2): a.jp2, b.gif; "
            "2 files that are no pictures: c.txt, d.txt; 2 hidden or system files and folders: .DS_Store, .x; "
            "expected PNG, JPEG, BMP, TIFF, WEBP"
        )
        assert picture_files(write(tmp_path / "clean", "a.png")).sentence == ""

    def test_many(self, tmp_path):
        """Of many the first few are named, whatever the order in which the disk gives them."""
        write(tmp_path, *(f"{number}.txt" for number in range(9)), content=b"")

        assert picture_files(tmp_path).left_out.sentence().endswith("pictures: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 4 more")

    def test_for_programs(self):
        """The counts as data, with the formats; and whether pictures may be among it that somebody believes to be judged."""
        mixed, harmless = LeftOut(), LeftOut()
        for name, kind in (("b.jp2", "jp2"), ("a.gif", "gif"), ("c.gif", "gif")):
            mixed.add(Reason.FORMAT, name, kind)
        harmless.add(Reason.HIDDEN, ".x")

        assert mixed.as_json() == {"format": {"count": 3, "names": ["a.gif", "b.jp2", "c.gif"], "kinds": {"gif": 2, "jp2": 1}}}
        assert harmless.as_json() == {"hidden": {"count": 1, "names": [".x"]}}
        assert (mixed.is_grave, harmless.is_grave) == (True, False)

    def test_no_pictures(self, tmp_path):
        """Where there is none, the error names what is there instead."""
        write(tmp_path, "a.heic", content=b"")

        with pytest.raises(
            NoPictures, match=r"expected bolts; left out: 1 picture of a format .* \(heic\): a\.heic; expected PNG"
        ):
            picture_files(tmp_path).required("bolts")


class TestFormats:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
    @pytest.mark.parametrize("name", ["a", "a.dat", "a.jpe", "a.JFIF", "a.png", "a.gif", "a.png.1"])
    def test_content_counts(self, tmp_path, kind, name):
        """A format that is read is a picture under every name, also under that of one that is not."""
        write(tmp_path, name, content=encoded(kind, mode="RGB"))

        assert names(tmp_path) == [name]

    @pytest.mark.parametrize("kind", ["GIF", "JPEG2000", "PPM", "AVIF", "DDS"])
    @pytest.mark.parametrize("name", ["a", "a.dat"])
    def test_unread_by_content(self, tmp_path, kind, name):
        """A picture of another format is known as such by its content alone."""
        write(tmp_path, name, content=encoded(kind, mode="RGB"))

        assert counts(tmp_path) == {"format": 1}

    @pytest.mark.parametrize(
        "name", ["a.gif", "a.JP2", "a.heic", "a.pgm", "a.tga", "a.exr", "a.psd", "a.npy", "a.dcm", "a.svg"]
    )
    def test_unread_by_name(self, tmp_path, name):
        """What claims to be a picture is one of a format that is not read, whatever it holds."""
        write(tmp_path, name, content=b"")

        assert picture_files(tmp_path).left_out.as_json()["format"] == {
            "count": 1, "names": [name], "kinds": {name[2:].lower(): 1}
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["a.nef", "a.DNG", "a.cr2", "a.arw"])
    def test_raw(self, tmp_path, name):
        """A camera's raw file begins as a TIFF does, with a preview: it is none."""
        write(tmp_path, name, content=encoded("TIFF"))

        assert counts(tmp_path) == {"format": 1}

    @pytest.mark.parametrize("content", [b"", b"hello", b"P1 is a part\n", b"BMW", b"IIx", b"%PDF-1.7", b"PK\3\4", b"\0\0\1\0"])
    def test_no_picture(self, tmp_path, content):
        """Other files are no pictures."""
        write(tmp_path, "a", "b.txt", content=content)

        assert counts(tmp_path) == {"other": 2}

    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JFIF", "a.tif"])
    @pytest.mark.parametrize("content", [b"", b"hello"])
    def test_broken(self, tmp_path, name, content):
        """What claims a format that is read is a picture: that it can't be read is an error of whoever reads it."""
        write(tmp_path, name, content=content)

        assert names(tmp_path) == [name]


class TestHidden:
    @pytest.mark.parametrize(
        "name",
        [
            *(".ipynb_checkpoints", ".Trash-1000", ".git", ".snapshot", ".zfs", ".@__thumb", "@eaDir", "@Recycle", "#recycle"),
            *("@Recently-Snapshot", "#snapshot", "$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found"),
        ],
    )
    def test_folders(self, tmp_path, name):
        """A folder of a drive, a notebook or a system is not entered, and counts as one, wherever it lies."""
        write(tmp_path, "a.png", f"{name}/b.png", f"{name}/c/d.png", f"deep/{name}/e.png")

        assert (names(tmp_path), counts(tmp_path)) == (["a.png"], {"hidden": 2})
        assert [folder.name for folder in visible_folders(tmp_path)] == ["deep"]

    @pytest.mark.parametrize(
        "name",
        [
            *("._a.png", ".a.png.swp", ".~lock.a.png#", "~$a.png", "a.png.part", "a.png.crdownload", "a.tmp", "a.png.filepart"),
            *("Thumbs.db", "desktop.ini", "a.png~", "a.png.bak", "a.jpg_original", "a.png@SynoEAStream"),
        ],
    )
    def test_files(self, tmp_path, name):
        """So is a file, though it begins like a picture."""
        write(tmp_path, name)

        assert (names(tmp_path), counts(tmp_path)) == ([], {"hidden": 1})

    @pytest.mark.parametrize("name", ["a.part", "#3", "@line", "rust~", "lost", "_a", "scratch.old", "x.tmp"])
    def test_folders_of_users(self, tmp_path, name):
        """A folder of a user's own is entered, though a file of that name might be half a copy."""
        write(tmp_path, f"{name}/a.png")

        assert names(tmp_path) == [f"{name}/a.png"]

    def test_a_hidden_folder_that_the_user_names(self, tmp_path):
        """Only what lies below the folder counts."""
        assert names(write(tmp_path / ".config" / "@eaDir", "a.png")) == ["a.png"]

    def test_paths(self):
        """A path is hidden with any of its parts."""
        hidden = ["./a/._b.png", "__MACOSX/a/b.png", "a/b.png~"]

        assert [is_in_hidden(name) for name in (*hidden, "./a/b.png", "a~/b.png")] == [True, True, True, False, False]


class TestLinks:
    def test_folder_and_file(self, tmp_path):
        """Links to folders and to files are followed, and so is the folder itself."""
        write(tmp_path / "store", "day/a.png", "b.png")
        (tmp_path / "good").mkdir()
        (tmp_path / "good/monday").symlink_to(tmp_path / "store/day")
        (tmp_path / "good/c.png").symlink_to(tmp_path / "store/b.png")
        (tmp_path / "link").symlink_to(tmp_path / "good")

        assert names(tmp_path / "link") == ["c.png", "monday/a.png"]

    def test_loops(self, tmp_path):
        """A link that leads back up ends there, be it inside the folder or above it; a link to itself leads nowhere."""
        write(tmp_path / "data/test", "a.png")
        write(tmp_path / "data/good/deep", "b.png")
        (tmp_path / "data/good/deep/loop").symlink_to("..")
        (tmp_path / "data/good/above").symlink_to(tmp_path / "data")
        (tmp_path / "data/good/self").symlink_to("self")

        assert names(tmp_path / "data/good") == ["deep/b.png"]
        assert counts(tmp_path / "data/good") == {"again": 2, "dangling": 1}

    def test_every_folder_once(self, tmp_path):
        """Folders that all link to one another would have more paths than there are atoms: each is read once, where it lies."""
        for day in range(30):
            write(tmp_path, f"{day:02d}/a.png")
            for other in range(30):
                (tmp_path / f"{day:02d}/to{other:02d}").symlink_to(tmp_path / f"{other:02d}")

        assert names(tmp_path) == [f"{day:02d}/a.png" for day in range(30)]
        assert counts(tmp_path) == {"again": 900}

    def test_special_files(self, tmp_path, monkeypatch):
        """A pipe and a socket are not opened, by whatever name, nor is what a link leads to."""
        os.mkfifo(tmp_path / "a.png")
        os.mkfifo(tmp_path / "b")
        (tmp_path / "c.png").symlink_to("/dev/zero")
        monkeypatch.chdir(tmp_path)  # the path of a socket must be short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("d.png")

        assert (names(tmp_path), counts(tmp_path)) == ([], {"special": 4})
        assert sorted_out(tmp_path / "a.png").reason is Reason.SPECIAL

    @pytest.mark.parametrize("below", ["", "deep"])
    def test_unreadable_folder(self, tmp_path, monkeypatch, below):
        """A folder that can't be listed is an error that names it, never an empty one."""
        folder, scandir = write(tmp_path, "deep/a.png") / below, os.scandir

        def refusing(path):
            if Path(path) == folder:
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refusing)

        with pytest.raises(UnreadableFolder, match=f"the folder {folder} can't be read: Permission denied"):
            picture_files(tmp_path)

    def test_unreadable_file(self, tmp_path, monkeypatch):
        """A file that can't be opened to see what it is, is named."""
        write(tmp_path, "a")
        monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))

        assert counts(tmp_path) == {"locked": 1}

    def test_nothing_there(self, tmp_path):
        """No folder has no pictures."""
        assert (names(tmp_path / "none"), names(write(tmp_path, "a.png") / "a.png")) == ([], [])


#: A folder's content: files by what they hold, folders, and links by the number of the folder that they lead to.
FILES = {"png": PNG, "gif": encoded("GIF"), "text": b"text"}
labels = st.sampled_from(["a", "b.png", ".c", "d.txt", "@eaDir", "e~", "f\udcf6", "G.TMP", "h i.gif", "j.part"])
trees = st.recursive(
    st.sampled_from([*FILES, 0, 1, 2, 3]), lambda inner: st.dictionaries(labels, inner, max_size=4), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


def build(tree: dict, folder: Path, made: list[Path], links: list[tuple[Path, int]]) -> None:
    folder.mkdir()
    made.append(folder)
    for name, content in tree.items():
        if isinstance(content, dict):
            build(content, folder / name, made, links)
        elif isinstance(content, int):
            links.append((folder / name, content))
        else:
            (folder / name).write_bytes(FILES[content])


def is_passed_over(path: Path, root: Path) -> bool:
    """Whether something on the way from the root to here is hidden, links in between left as they are."""
    return any(
        is_hidden(part.name, part.is_dir()) for part in (path, *path.parents) if part.is_relative_to(root) and part != root
    )


@settings(max_examples=80, deadline=None)
@given(trees)
@example({"a": {"b.png": "png", "j.part": 0}, "f\udcf6": 1})
def test_of_any_tree_every_file_is_a_picture_or_counted(tree):
    """Of any tree with any links: pictures are sorted, none is hidden or met twice, and each thing has one reason."""
    with tempfile.TemporaryDirectory() as place:
        root, made, links = Path(place).resolve() / "root", [], []
        build(tree, root, made, links)
        for link, number in links:
            link.symlink_to(made[number % len(made)])
        found = list(walk(root))
        files = picture_files(root)
        real = [path for folder in made for path in folder.iterdir() if path.is_file()]
        visible = {path for path in real if not is_passed_over(path, root)}

        assert files.pictures == sorted(one.path for one in found if one.reason is None)
        assert sum(files.left_out.counts.values()) + len(files.pictures) == len(found) == len({one.path for one in found})
        reached = [one.path.resolve() for one in found if one.path.is_file() and one.reason is not Reason.HIDDEN]
        assert len(reached) == len(set(reached))
        assert {one.path.resolve() for one in found} >= visible
        assert not any(is_passed_over(path, root) for path in files.pictures)
