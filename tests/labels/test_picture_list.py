"""Lists that people write: however a spreadsheet or an editor keeps them, each line means one picture."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from snag.core.errors import BadConfig, BadDataset
from snag.labels.picture_list import PictureIndex, read_groups, read_lines

NAMES = ("train/good/größe 1.png", "train/good/b.png", "train/good/sub/c.png")
USUAL = "path,group\ntrain/good/größe 1.png,left\ntrain/good/sub/c.png,Kamera 2\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def groups(root: Path, data: bytes | str) -> list[str | None]:
    listed = root / "groups.csv"
    listed.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_groups(listed, [root / name for name in NAMES], root).of


WAYS = {
    "usual": USUAL,
    "byte order mark": "\ufeff" + USUAL,
    "semicolon": USUAL.replace(",", ";"),
    "tab": USUAL.replace(",", "\t"),
    "UTF-16 with tabs": USUAL.replace(",", "\t").encode("utf-16"),
    "Latin-1": USUAL.encode("latin-1"),
    "semicolon, said first": "sep=;\n" + USUAL.replace(",", ";"),
    "CRLF and blank lines": USUAL.replace("\n", "\r\n") + "\r\n,\r\n",
    "header in other letters": USUAL.replace("path,group", " Path , GROUP "),
    "quoted": '"path";"group"\n"train/good/größe 1.png";"left"\n"train/good/sub/c.png"; "Kamera 2"\n',
    "further columns": "n,group,path,x\n1,left,train/good/größe 1.png,\n2,Kamera 2,train/good/sub/c.png,a\n",
    "backslashes": USUAL.replace("/", "\\"),
    "leading dot": USUAL.replace("train/", "./train/"),
    "through another folder": USUAL.replace("train/", "train/../train/"),
    "letters apart": unicodedata.normalize("NFD", USUAL),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_writing_a_list_says_the_same(root: Path, way: str) -> None:
    """As Excel saves it here and elsewhere, and as people type it."""
    assert groups(root, WAYS[way]) == ["left", None, "Kamera 2"]


def test_paths_from_elsewhere(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole ones, those from where the command runs, and those through a link."""
    (root / "link").symlink_to(root)
    whole = USUAL.replace("train/", f"{root}/train/")

    assert groups(root, whole) == ["left", None, "Kamera 2"]
    (root / "groups.csv").write_text(whole)
    through = [root / "link" / name for name in NAMES]
    assert read_groups(root / "groups.csv", through, root / "link").of == ["left", None, "Kamera 2"]
    monkeypatch.chdir(root.parent)
    assert groups(root, USUAL.replace("train/", f"{root.name}/train/")) == ["left", None, "Kamera 2"]


def test_a_name_with_a_backslash_or_of_other_bytes(root: Path) -> None:
    """A file that is called so is found by that name, and one of bytes that are no UTF-8 by a list in Latin-1."""
    odd = [root / "a\\b.png", root / os.fsdecode(b"gr\xf6sse.png")]
    for path in odd:
        path.touch()
    (root / "groups.csv").write_bytes(b"path,group\na\\b.png,1\ngr\xf6sse.png,2\n")

    assert read_groups(root / "groups.csv", odd, root).of == ["1", "2"]


def test_what_does_not_fit_is_counted(root: Path) -> None:
    """Pictures that are not there, and those of the set that have no line; one list may name other sets' pictures too."""
    (root / "test.png").touch()
    (root / "groups.csv").write_text(USUAL + "gone.png,left\ntest.png,left\nC:\\old\\d.png,left\n")
    pictures = [root / name for name in NAMES]

    assert read_groups(root / "groups.csv", pictures, root).remarks(Path("groups.csv"), "test") == [
        "groups.csv names 2 of 5 pictures that are not there: gone.png, C:\\old\\d.png.",
        "groups.csv names 2 of 3 test pictures; the others are in no group and go by the pooled threshold.",
    ]
    (root / "groups.csv").write_text("path,group\n" + "".join(f"{name},left\n" for name in NAMES))
    assert read_groups(root / "groups.csv", pictures, root).remarks(Path("groups.csv"), "test") == []


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        ("file;camera\na;b\n", BadDataset, "its first line is 'file;camera'; expected a CSV with the columns path and group"),
        ("path group\na b\n", BadDataset, "separated by commas, semicolons or tabs"),
        ("\n\n", BadDataset, "is empty; expected a CSV"),
        ("path;group\ntrain/good/b.png;\n", BadDataset, "a line says 'train/good/b.png, '; expected both path and group"),
        ("path;group\ntrain/good/b.png;pooled\n", BadDataset, "a group is called 'pooled'"),
        ("path;group\ntrain/good/b.png;1\ntrain\\good\\b.png;2\n", BadDataset, "is in two groups, 1 and 2; expected one"),
        ("path;group\nnowhere.png;1\n", BadDataset, "names no picture that is there: nowhere.png; expected paths below"),
        (b"PK\x03\x04\0\0", BadConfig, "it holds bytes that are no text; expected a CSV"),
    ],
)
def test_what_is_refused(root: Path, data: bytes | str, error: type[Exception], said: str) -> None:
    """In one sentence; a workbook is no CSV."""
    with pytest.raises(error) as refusal:
        groups(root, data)
    assert said in str(refusal.value)


def test_a_plain_list(root: Path) -> None:
    """One path a line, out of an editor or a shell of Windows, means the same pictures."""
    (root / "list.txt").write_bytes(b'\xef\xbb\xbf.\\train\\good\\b.png\r\n\r\n"train/good/sub/c.png"\r\ngone.png\r\n')
    index = PictureIndex([root / name for name in NAMES], root)

    assert [index.place(line) for line in read_lines(root / "list.txt")] == [1, 2, None]
    assert [index.is_there(name) for name in ("train/good/b.png", "gone.png", "x" * 999)] == [True, False, False]
