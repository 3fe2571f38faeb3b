"""Unpacking what nobody vouches for: nothing lands outside, nothing but files, and no more than allowed."""

import tarfile
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snag.core.errors import BadDataset
from snag.training.data.sources import Budget
from snag.training.data.unpack import safe_parts, unpack
from tests.support.data_sets import data_set, png, read_folder, under, write_folder, write_tar, write_zip

ROOM = 10_000_000


def unpacked(source, into, wanted=None, fallback="fallback", room=ROOM, files=1000):
    """Unpack with a budget; names and files."""
    found = unpack(source, into, wanted, fallback, Budget(room, files))
    return found, read_folder(into)


SOURCES = {
    "folder": write_folder,
    "zip": write_zip,
    "tar": write_tar,
    "tar.gz": lambda path, files: write_tar(path, files, "w:gz"),
    "tar.xz": lambda path, files: write_tar(path, files, "w:xz"),
    "tar.bz2": lambda path, files: write_tar(path, files, "w:bz2"),
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("prefix", ["screw", "mvtec/screw", "./a/b/screw"])
def test_every_kind_of_source(tmp_path, kind, prefix):
    """A category comes out the same from a folder, a zip and every kind of tar, however deep it lies."""
    source = SOURCES[kind](tmp_path / "source", under(prefix, data_set()))

    assert unpacked(source, tmp_path / "out") == (["screw"], under("screw", data_set()))


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.xz"])
def test_all_categories_or_one(tmp_path, kind):
    """Without a category all come out, with their licences; with one that alone; litter and other files never."""
    license_text = {"mvtec/screw/license.txt": b"CC"}
    files = under("mvtec/screw", data_set()) | under("mvtec/bottle", data_set(50)) | license_text
    litter = {"__MACOSX/screw/train/good/._000.png": b"x", "mvtec/screw/.DS_Store": b"x", "mvtec/paper.pdf": b"x"}
    source = SOURCES[kind](tmp_path / "source", files | litter)
    screw = under("screw", data_set() | {"license.txt": b"CC"})

    assert unpacked(source, tmp_path / "all") == (["bottle", "screw"], screw | under("bottle", data_set(50)))
    assert unpacked(source, tmp_path / "one", wanted="screw") == (["screw"], screw)


def test_data_set_at_the_top(tmp_path):
    """A data set without a folder of its own is named by the category asked for, or by its source."""
    source = write_zip(tmp_path / "source", data_set())

    assert unpacked(source, tmp_path / "a") == (["fallback"], under("fallback", data_set()))
    assert unpacked(source, tmp_path / "b", wanted="screw") == (["screw"], under("screw", data_set()))


def test_category_that_is_not_there(tmp_path):
    """Asking for a category that is not there names those that are."""
    source = write_zip(tmp_path / "source", under("screw", data_set()) | under("bottle", data_set()))

    with pytest.raises(BadDataset, match="expected a folder nut with train/good/<pictures>; it has bottle, screw"):
        unpacked(source, tmp_path / "out", wanted="nut")


@pytest.mark.parametrize("files", [{}, {"a.txt": b""}, under("screw", {"test/good/0.png": png(0)})])
def test_no_data_set(tmp_path, files):
    """A source without train/good is no data set."""
    with pytest.raises(BadDataset, match="holds no data set"):
        unpacked(write_zip(tmp_path / "source", files), tmp_path / "out")


def test_two_folders_of_one_name(tmp_path):
    """Two categories of one name are not mixed."""
    source = write_zip(tmp_path / "source", under("a/screw", data_set()) | under("b/screw", data_set()))

    with pytest.raises(BadDataset, match="two folders called screw: a/screw and b/screw"):
        unpacked(source, tmp_path / "out")


NAMES = [
    "../evil/train/good/0.png",
    "screw/train/good/../../../../evil.png",
    "/tmp/evil/train/good/0.png",  # noqa: S108
    "C:/evil/train/good/0.png",
    "screw\\..\\train/good/0.png",
    "screw/train/good/\x1b[31m.png",
    "screw/train/good/" + "x" * 300,
    "/".join("a" * 40) + "/train/good/0.png",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_name_that_leads_elsewhere(tmp_path, name, kind):
    """A name that is absolute, climbs, or can't be a file's is refused, and nothing is written beside the target."""
    (tmp_path / "home").mkdir()
    source = SOURCES[kind](tmp_path / "source", data_set() | {name: b"evil"})

    with pytest.raises(BadDataset, match=r"was refused: it holds a file"):
        unpacked(source, tmp_path / "home/out")

    assert [path.name for path in (tmp_path / "home").iterdir()] in ([], ["out"])


pieces = st.sampled_from(
    ["..", ".", "", "train", "good", "screw", "a", "\\", "..\\..", "C:", "~", "$HOME", "\x00", "\n", "é", "…"]
)


@settings(max_examples=60)
@given(parts=st.lists(pieces, min_size=1, max_size=6), lead=st.sampled_from(["", "/", "//", "./", "../"]))
@example(parts=["..", "..", "train", "good", "x"], lead="/")
def test_no_name_leaves_the_target(parts, lead):
    """Whatever a member is called, every file written lies inside the target."""
    name = lead + "/".join(parts) + "/train/good/0.png"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for kind, write in (("z.zip", write_zip), ("t.tar", write_tar)):
            source = write(home / kind, {name: b"x"})
            target = home / f"{kind}.deep/er/out"
            before = {path for path in home.rglob("*") if path.is_file()}

            with suppress(BadDataset):
                unpacked(source, target)

            after = {path for path in home.rglob("*") if path.is_file()} - before
            assert all(path.resolve().is_relative_to(target.resolve()) for path in after)


@given(st.text(max_size=30))
def test_safe_parts_are_safe(name):
    """What passes joins to a path that stays below its root, and has no part that a shell or terminal would take amiss."""
    try:
        parts = safe_parts(name)
    except BadDataset:
        return

    assert parts
    assert Path("/root", *parts).relative_to("/root").parts == parts
    assert not {"..", ".", ""} & set(parts)
    assert not any(ord(sign) < 32 or ord(sign) == 127 for sign in name)


@pytest.mark.parametrize("type_", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE])
def test_tar_with_links_or_devices(tmp_path, type_):
    """A link, device, pipe or sparse file in a tar is refused by name, wherever it points."""
    info = tarfile.TarInfo("screw/train/good/9.png")
    info.type, info.linkname = type_, "/etc/passwd"
    source = write_tar(tmp_path / "source", under("screw", data_set()), extra=[info])

    with pytest.raises(BadDataset, match=r"refused|can't be unpacked"):
        unpacked(source, tmp_path / "out")

    assert not (tmp_path / "out/screw/train/good/9.png").exists()


def test_zip_with_a_link(tmp_path):
    """A symbolic link in a zip is refused."""
    source = tmp_path / "source"
    with zipfile.ZipFile(source, "w") as archive:
        info = zipfile.ZipInfo("screw/train/good/0.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")

    with pytest.raises(BadDataset, match=r"it holds a link or device 'screw/train/good/0\.png'"):
        unpacked(source, tmp_path / "out")


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_in_a_rare_packing(tmp_path, packing):
    """Packings whose inflation zipfile can't bound are refused."""
    source = tmp_path / "source"
    with zipfile.ZipFile(source, "w", packing) as archive:
        archive.writestr("screw/train/good/0.png", b"0" * 1000)

    with pytest.raises(BadDataset, match="rare packing; expected deflate"):
        unpacked(source, tmp_path / "out")


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("place", ["screw/train/good/bomb.png", "elsewhere/bomb.bin"])
def test_bomb(tmp_path, kind, place):
    """A source that unpacks to more than allowed is refused as soon as it does, even in files that are not wanted."""
    source = SOURCES[kind](tmp_path / "source", under("screw", data_set()) | {place: bytes(20_000_000)})
    skipped = kind in ("folder", "zip") and place.startswith("elsewhere")  # these are never opened

    if skipped:
        assert unpacked(source, tmp_path / "out", room=1_000_000)[0] == ["screw"]
    else:
        with pytest.raises(BadDataset, match="more bytes than allowed; --max-gigabytes sets the limit"):
            unpacked(source, tmp_path / "out", room=1_000_000)
        assert sum(len(content) for content in read_folder(tmp_path / "out").values()) <= 1_000_000


def test_lying_sizes(tmp_path):
    """A zip that declares less than it holds is refused, not believed."""
    source = write_zip(tmp_path / "source", under("screw", data_set()) | {"screw/train/good/9.png": bytes(77_777)})
    raw = source.read_bytes()
    source.write_bytes(raw.replace((77_777).to_bytes(4, "little"), (10).to_bytes(4, "little")))

    with pytest.raises(BadDataset, match="can't be unpacked"):
        unpacked(source, tmp_path / "out")


def test_header_of_absurd_length(tmp_path):
    """A tar whose long name fills memory is refused before it does."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 50_000_000
    source = tmp_path / "source"
    source.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(50_000_000))

    with pytest.raises(BadDataset, match="a header of absurd length"):
        unpacked(source, tmp_path / "out", room=10**9)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_too_many_files(tmp_path, kind):
    """More files than allowed are refused."""
    source = SOURCES[kind](tmp_path / "source", under("screw", data_set()))

    with pytest.raises(BadDataset, match="more files than allowed; --max-files sets the limit"):
        unpacked(source, tmp_path / "out", files=6)


def test_same_name_twice(tmp_path):
    """Two members of one name are refused: which of them would be meant?"""
    source = write_tar(tmp_path / "source", data_set() | {"./train/good/000.png": png(5)})

    with pytest.raises(BadDataset, match=r"holds './train/good/000.png' twice"):
        unpacked(source, tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.97])
def test_truncated_archive(tmp_path, kind, share):
    """An archive cut short anywhere is refused, with what was expected: never is a part of a data set taken for the whole."""
    source = SOURCES[kind](tmp_path / "source", under("screw", data_set()))
    whole = source.read_bytes().rstrip(b"\0") if kind == "tar" else source.read_bytes()
    source.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(BadDataset, match=r"can't be (unpacked|read)|ends early or is damaged"):
        unpacked(source, tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_damaged_archive(tmp_path, kind, share):
    """A flipped bit inside a packed archive is noticed."""
    source = SOURCES[kind](tmp_path / "source", under("screw", data_set()))
    whole = bytearray(source.read_bytes())
    whole[int(len(whole) * share)] ^= 0x10
    source.write_bytes(whole)

    with pytest.raises(BadDataset):
        unpacked(source, tmp_path / "out")


def test_damaged_header(tmp_path):
    """A damaged header in the middle of a tar is not taken for its end."""
    source = write_tar(tmp_path / "source", under("screw", data_set()))
    whole = source.read_bytes()
    source.write_bytes(whole.replace(b"screw/train/good/001.png", b"screw/train/good/002.png"))

    with pytest.raises(BadDataset, match="ends early or is damaged"):
        unpacked(source, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000)])
def test_no_archive(tmp_path, content):
    """A file that is no archive is refused with the kinds that would be."""
    source = tmp_path / "source"
    source.write_bytes(content)

    with pytest.raises(BadDataset, match=r"it is no folder, zip, tar, tar\.gz, tar\.bz2 or tar\.xz"):
        unpacked(source, tmp_path / "out")


def test_links_in_the_users_own_folder(tmp_path):
    """Links in a folder are followed, a loop of them ends, and the source stays as it was."""
    source = write_folder(tmp_path / "mine", data_set())
    write_folder(tmp_path / "elsewhere", {"9.png": png(9)})
    (source / "train/good/9.png").symlink_to(tmp_path / "elsewhere/9.png")
    (source / "test/loop").symlink_to(source)
    before = {path: path.lstat().st_mtime_ns for path in source.rglob("*")}

    found, files = unpacked(source, tmp_path / "out", fallback="mine")

    assert (found, files) == (["mine"], under("mine", data_set() | {"train/good/9.png": png(9)}))
    assert {path: path.lstat().st_mtime_ns for path in source.rglob("*")} == before
    assert (source / "train/good/000.png").stat().st_nlink == 1
