"""Sources of published sets: a folder and a git repository give the same; what is no source is told, and leaves nothing."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.published.__main__ import main
from benchmarks.published.sets import SETS
from benchmarks.published.source import opened
from snag.core.errors import BadConfig

FOLDER = "some/folder"


def git(folder: Path, *words: str) -> str:
    own = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false", "-c", "gc.auto=0"]
    return subprocess.run(["git", *own, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, str]:
    """A repository that had toys in FOLDER once, and the commit of that day: they are gone from the newest."""
    top = tmp_path / "repository"
    for kind in ("normal", "anomaly"):
        for number in range(12):
            path = top / FOLDER / kind / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (number, 9, 9)).save(path)
    (top / FOLDER / ".DS_Store").write_bytes(b"hidden")
    (top / "README.md").write_text("beside the folder\n")
    git(top, "init", "-q")
    git(top, "add", "-f", ".")
    git(top, "commit", "-q", "-m", "with pictures")
    commit = git(top, "rev-parse", "HEAD")
    git(top, "rm", "-q", "-r", FOLDER)
    git(top, "commit", "-q", "-m", "without")
    return top, commit


def contents(path: Path, commit: str) -> dict[str, bytes]:
    with opened(path, commit, FOLDER) as source:
        return {name: source.read(name) for name in source.names}


def test_a_commit_gives_what_the_folder_held(repository: tuple[Path, str], tmp_path: Path) -> None:
    top, commit = repository
    git(tmp_path, "clone", "-q", "--bare", str(top), "bare")
    git(top, "checkout", "-q", commit)
    (tmp_path / "plain").mkdir()
    (top / "some").rename(tmp_path / "plain" / "some")

    plain = contents(tmp_path / "plain", commit)

    assert sorted(plain) == sorted(f"{kind}/{number}.png" for kind in ("normal", "anomaly") for number in range(12))
    assert contents(tmp_path / "plain" / FOLDER, commit) == plain
    assert contents(top, commit) == plain
    assert contents(tmp_path / "bare", commit) == plain


def test_files_of_a_folder_are_told_from_those_of_one_that_begins_alike(tmp_path: Path) -> None:
    for name in ("one/b.png", "one/a.png", "one/in/c.png", "one/d.txt", "ones/e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())

    with opened(tmp_path, "", "") as source:
        assert source.below("one", ".png") == ["one/a.png", "one/b.png", "one/in/c.png"]
        assert source.read("one/d.txt") == b"one/d.txt"


def test_a_set_is_laid_out_from_a_repository(
    repository: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, commit = repository
    monkeypatch.setitem(SETS, "alien_toy", replace(SETS["alien_toy"], commit=commit, folder=FOLDER))

    assert main(["--set", "alien_toy", "--source", str(top), "--out", str(tmp_path / "out")]) == 0

    with Image.open(tmp_path / "out/alien_toy/test/broken/7.png") as picture:
        assert picture.getpixel((0, 0)) == (7, 9, 9)


def test_a_repository_without_the_commit_is_told_and_nothing_is_written(
    repository: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--set", "alien_toy", "--source", str(repository[0]), "--out", str(tmp_path / "out")]) == 2

    said = capsys.readouterr().err
    assert f"holds {SETS['alien_toy'].commit}:aliens-dataset" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(SETS))
def test_another_folder_is_told_and_nothing_is_left(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "other" / "picture.png")

    assert main(["--set", name, "--source", str(tmp_path / "other"), "--out", str(tmp_path / "out")]) == 2

    assert capsys.readouterr().err.count("expected ") == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_a_broken_picture_leaves_no_half_of_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(9):
        (tmp_path / "source").mkdir(exist_ok=True)
        (tmp_path / "source" / f"{number}_1010.jpg").write_bytes(b"no picture")

    assert main(["--set", "screw_block", "--source", str(tmp_path / "source"), "--out", str(tmp_path / "out")]) == 2

    assert "cannot identify image" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_no_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="is no folder"), opened(tmp_path / "missing", "", ""):
        pass


def test_an_unknown_set_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", "tyre", "--source", str(tmp_path)]) == 2

    assert "expected one of ballscrew" in capsys.readouterr().err
