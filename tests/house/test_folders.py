"""One walk of a folder for all commands: the same pictures are found by each, and the same is left out."""

from __future__ import annotations

import ast
import json
import tarfile
from pathlib import Path

import pytest

from snag.client.pictures import find_pictures
from snag.core.file_names import original, spelled
from snag.core.left_out import LeftOut
from snag.doctor.__main__ import main as doctor
from snag.doctor.exam import pictures_to_examine
from snag.evaluation.labelled import labelled_folder
from snag.offline.sources import entries
from snag.training.calibration.calibration_set import pictures_below
from snag.training.data.dataset import good_files
from snag.training.data.layout import check_layout, pictures_of
from snag.training.ingest import main as ingest
from tests.support.littered import ALL_PICTURES, COUNTS, OTHERS, encoded, write_littered
from tests.support.source import files, name, tree

#: What folders of pictures are searched with by the walk alone.
SEARCHES = {"rglob", "walk", "scandir", "SUFFIXES"}
WALK = {"snag/core/picture_files.py", "snag/core/picture_formats.py"}
#: Rooms whose commands read folders of pictures, and their files that look at folders of another kind.
READERS = ("client", "doctor", "evaluation", "offline")
OTHER_FOLDERS = {
    "snag/evaluation/drift.py": "logs, by their numbers",
    "snag/offline/sources.py": "a pattern that the user gave",
    "training/data/folders.py": "what killed processes left beside a target",
}


def used(path: Path) -> set[str]:
    """Every name and attribute that the file uses; of calls of `os.walk` the last part."""
    nodes = list(ast.walk(tree(path)))
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node) != "ast.walk"}
    return attributes | {node.id for node in nodes if isinstance(node, ast.Name)} - own - (imported & {"walk"})


def test_nobody_else_searches_folders():
    """No other file searches a folder for pictures, or knows their suffixes: it would find others than the walk does."""
    readers = {*files(*READERS), *(path for path in files("training") if path.parent.name == "data")}
    wrong = {name(path): found for path in files() if (found := used(path) & SEARCHES) and name(path) not in WALK}
    lists = {name(path) for path in readers if used(path) & {"iterdir", "glob", "iglob", "listdir"}}

    assert wrong == {}
    assert lists == set(OTHER_FOLDERS)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set whose train/good and one of whose kinds of defect are littered."""
    folder = tmp_path_factory.mktemp("littered") / "part"
    for place in ("train/good", "test/dent"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).mkdir()
        write_littered(folder / place)
        (folder / f"{place} elsewhere").rename(folder.parent / place.replace("/", " "))
        (folder / place / "monday").unlink()
        (folder / place / "monday").symlink_to(folder.parent / place.replace("/", " "))
        (folder / place / "deep/linked.png").unlink()
        (folder / place / "deep/linked.png").symlink_to(folder.parent / place.replace("/", " ") / "z.png")
    for number in range(20, 22):
        (folder / f"train/good/{number}.png").write_bytes(encoded("PNG", number))
    return folder


def counted(left_out: LeftOut) -> dict[str, int]:
    return {reason.value: count for reason, count in left_out.counts.items()}


def below(paths, folder):
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def test_every_command_finds_the_same(data, capsys):
    """From training to offline scoring every command finds the same pictures, and leaves out the same."""
    good, dent = data / "train/good", data / "test/dent"
    mine = sorted([*ALL_PICTURES, "20.png", "21.png"])
    left_out = LeftOut()
    scored = [original(entry.name) for entry in entries(str(dent), left_out)]
    test = labelled_folder(data)
    labelled = test.pictures

    assert below(good_files(data).pictures, good) == below(pictures_below(good, "pictures"), good) == mine
    assert (
        sorted(scored)
        == below(find_pictures(dent).pictures, dent)
        == below([one.path for one in labelled], dent)
        == ALL_PICTURES
    )
    assert pictures_to_examine(data) == [*good_files(data).pictures, *(one.path for one in labelled)]
    assert pictures_of(data) == {"train/good": len(mine), "test/dent": len(ALL_PICTURES)}
    for found in (good_files(data).left_out, find_pictures(dent).left_out, left_out, test.left_out):
        assert counted(found) == COUNTS
    assert f"left out of {good}: 5 pictures of formats" in capsys.readouterr().out  # by calibration
    assert [one.severity for one in check_layout(data) if one.kind != "unknown"].count("error") == 0


def test_the_doctor_counts_it(data, tmp_path, capsys):
    """The doctor warns of it, on the terminal and for programs, and its page is written with names of any bytes."""
    assert doctor(["--data", str(data), "--run", str(tmp_path)]) == 0

    found = json.loads((tmp_path / "doctor.json").read_text(encoding="utf-8"))
    assert {reason: one["count"] for reason, one in found["left_out"].items()} == {
        one: 2 * count for one, count in COUNTS.items()
    }
    assert found["pictures"] == {"train/good": len(ALL_PICTURES) + 2, "test/dent": len(ALL_PICTURES)}
    assert (
        "warning: Left out: 10 pictures of formats that Snag does not read (gif, heic, jp2, nef, pnm): "
        in capsys.readouterr().out
    )
    assert "train/good/pipe.png" in (tmp_path / "doctor.html").read_text(encoding="utf-8")


def test_ingest_brings_the_same(data, tmp_path, capsys):
    """A folder is brought in with the same pictures, links as files; what is hidden or no file stays behind, and is named."""
    assert ingest(["--source", str(data), "--target", str(tmp_path)]) == 0

    out = capsys.readouterr().out
    assert (
        f"left out of {data}: 2 links that lead nowhere: test/dent/gone.png, train/good/gone.png; 2 pipes, sockets or devices"
    ) in out
    assert below(good_files(tmp_path / "part").pictures, tmp_path / "part/train/good") == below(
        good_files(data).pictures, data / "train/good"
    )
    assert counted(good_files(tmp_path / "part").left_out) == {
        reason: len(names) for reason, names in OTHERS.items() if reason != "hidden"
    }
    assert not [path for path in (tmp_path / "part").rglob("*") if path.is_symlink()]


def test_a_tar_of_it(data, tmp_path):
    """In a tar the same files are pictures; links in it are named, for they may lead anywhere."""
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(data / "test/dent", "dent")
    left_out = LeftOut()

    names = {entry.name for entry in entries(str(tmp_path / "all.tar"), left_out)}

    assert names == {spelled(f"dent/{one}") for one in ALL_PICTURES} - {"dent/monday/z.png", "dent/deep/linked.png"}
    assert counted(left_out) == {**{reason: len(names) for reason, names in OTHERS.items()}, "linked": 4, "special": 1}
