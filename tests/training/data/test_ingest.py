"""The command that brings data in: from a folder or a file, whole or not at all."""

import hashlib
import json
import time
from functools import partial
from pathlib import Path

import pytest

from snag.training.ingest import main
from tests.support.children import Child
from tests.support.data_sets import data_set, mask, png, read_folder, under, write_folder, write_tar, write_zip
from tests.support.ingested import bring_into, brought

ROOT = Path(__file__).parents[3]


@pytest.fixture
def target(tmp_path):
    """Where the command puts what it brings in."""
    return tmp_path / "home/raw"


@pytest.fixture
def bring(target):
    """Run the command with this target."""
    return partial(bring_into, target)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.xz"])
def test_brings_a_category(tmp_path, target, bring, capsys, kind):
    """A category out of a folder or an archive ends in the target as it was, is checked, and nothing else is there."""
    files = under("mvtec/screw", data_set()) | under("mvtec/nut", data_set(40))
    write = {"folder": write_folder, "zip": write_zip, "tar.xz": lambda path, files: write_tar(path, files, "w:xz")}
    source = write[kind](tmp_path / "source", files)

    assert bring(source, "--category", "screw") == 0

    assert brought(target) == under("screw", data_set())
    assert [path.name for path in target.iterdir()] == ["screw"]
    out = capsys.readouterr().out
    assert "errors: 0, warnings: 0" in out
    assert out.endswith(f"ready: DATA={target / 'screw'}\n")
    note = json.loads((target / "screw/source.json").read_text())
    digest = None if kind == "folder" else hashlib.sha256(source.read_bytes()).hexdigest()
    assert note == {"source": str(source), "sha256": digest, "categories": ["screw"], "only": True}


@pytest.mark.parametrize(
    ("category", "said"),
    [
        ("M8 screw (new)", "model M8-screw-new, after the folder 'M8 screw (new)'"),
        ("数据", "no model's name can be made of the folder '数据': give one with MODEL= (--model)"),
    ],
)
def test_what_the_model_will_be_called_is_said_before_any_training(tmp_path, target, bring, capsys, category, said):
    """And the folder's name is quoted as a shell takes it."""
    assert bring(write_folder(tmp_path / "source", under(category, data_set())), "--category", category) == 0

    assert capsys.readouterr().out.endswith(f"{said}\nready: DATA='{target / category}'\n")


def test_brings_all_categories(tmp_path, target, bring):
    """Without a category, all come in."""
    files = under("mvtec/screw", data_set()) | under("mvtec/nut", data_set(40))

    assert bring(write_zip(tmp_path / "mvtec.zip", files)) == 0

    assert brought(target) == under("screw", data_set()) | under("nut", data_set(40))


def test_rest_of_an_archive(tmp_path, target, bring):
    """After one category, or after a run killed between two, asking for all brings those that are missing."""
    files = under("mvtec/screw", data_set()) | under("mvtec/nut", data_set(40))
    source = write_zip(tmp_path / "mvtec.zip", files)
    bring(source, "--category", "screw")
    moment = (target / "screw").stat().st_mtime_ns

    assert bring(source) == 0

    assert brought(target) == under("screw", data_set()) | under("nut", data_set(40))
    assert (target / "screw").stat().st_mtime_ns == moment


def test_unnamed_data_set_is_called_after_its_file(tmp_path, target, bring):
    """A data set at the top of an archive or folder is named after it."""
    assert bring(write_tar(tmp_path / "bolts.tar.gz", data_set(), "w:gz")) == 0
    assert bring(write_folder(tmp_path / "nuts", data_set(9))) == 0

    assert brought(target) == under("bolts", data_set()) | under("nuts", data_set(9))


@pytest.mark.parametrize(
    ("file", "name"),
    [("my parts (2).zip", "my_parts"), ("R&D's größe.zip", "R_D_s_groe"), ("部品.zip", "data"), ("-bolts.v2.zip", "bolts.v2")],
)
def test_unnamed_data_set_has_a_name_that_needs_no_quotes(tmp_path, target, bring, file, name):
    """Whatever its file is called, by a browser or a person."""
    assert bring(write_zip(tmp_path / file, data_set())) == 0

    assert brought(target) == under(name, data_set())


def test_source_is_never_changed(tmp_path, target, bring):
    """A folder is copied: changing the copy leaves the source as it was."""
    source = write_folder(tmp_path / "mine", data_set())
    before = {path: path.stat().st_mtime_ns for path in source.rglob("*")}

    bring(source)
    (target / "mine/train/good/000.png").write_bytes(b"changed")

    assert read_folder(source) == data_set()
    assert {path: path.stat().st_mtime_ns for path in source.rglob("*")} == before


def test_second_run_keeps_what_is_there(tmp_path, target, bring, capsys):
    """The same source again is not brought in again, but checked again; --replace brings it."""
    source = write_zip(tmp_path / "screw.zip", data_set())
    bring(source)
    extra = write_folder(target / "screw", {"train/good/mine.png": png(99)}) / "train/good/mine.png"

    assert bring(source) == 0
    assert f"{source} was brought in before; --replace brings it in again" in capsys.readouterr().out
    assert extra.is_file()

    assert bring(source, "--replace") == 0
    assert brought(target) == under("screw", data_set())


def test_other_source_of_the_same_name_is_refused(tmp_path, target, bring, capsys):
    """A category is not overwritten by another source, or by a changed file, unless asked; one of the user's own never is."""
    source = write_zip(tmp_path / "screw.zip", data_set())
    bring(source)
    write_zip(source, data_set(50))
    write_folder(target / "nut", data_set(30))

    assert bring(source) == 2
    assert capsys.readouterr().err == (
        f"error: {target}/screw is there already, from {source}; --replace puts the new one in its place\n"
    )
    assert brought(target) == under("screw", data_set()) | under("nut", data_set(30))

    assert bring(write_zip(tmp_path / "nut.zip", data_set()), "--replace") == 2
    assert "was not brought in from elsewhere; choose another --target" in capsys.readouterr().err
    assert bring(source, "--replace") == 0
    assert brought(target) == under("screw", data_set(50)) | under("nut", data_set(30))


def test_checksum(tmp_path, target, bring, capsys):
    """A file with another checksum is refused with both, and nothing is written; the right one passes in capitals too."""
    source = write_zip(tmp_path / "screw.zip", data_set())
    digest = hashlib.sha256(source.read_bytes()).hexdigest()

    assert bring(source, "--sha256", "0" * 64) == 2
    assert capsys.readouterr().err == f"error: {source} has the SHA-256 {digest}, expected {'0' * 64}; nothing was unpacked\n"
    assert not target.parent.exists()

    assert bring(source, "--sha256", digest.upper()) == 0
    assert brought(target) == under("screw", data_set())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "expected either --source <folder, archive or address> or --check <folder>"),
        (["--source", "a", "--check", "b"], "expected either --source"),
        (["--source", "nowhere"], "no such file or folder: nowhere; expected a folder, an archive or an http(s) address"),
        (["--check", "nowhere"], "no such folder: nowhere"),
        (["--source", "a", "--sha256", "abc"], "sha256 = 'abc': string should match pattern"),
        (["--source", "a", "--category", "../b"], "expected the name of one folder"),
        (["--source", "a", "--category", ".."], "expected the name of one folder"),
    ],
)
def test_wrong_flags(tmp_path, monkeypatch, capsys, flags, message):
    """Wrong flags are refused in one line that says what was expected, and nothing is written."""
    monkeypatch.chdir(tmp_path)

    assert main(flags) == 2

    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flags", [["--max-gigabytes", "0.0000001"], ["--max-files", "3"]])
def test_refused_archive_leaves_nothing(tmp_path, target, bring, flags):
    """An archive refused half-way through leaves nothing in the target."""
    assert bring(write_zip(tmp_path / "screw.zip", data_set()), *flags) == 2

    assert read_folder(target) == {}
    assert list(target.iterdir()) == []


def test_check_names_each_file_and_fails_on_errors_alone(tmp_path, capsys):
    """Warnings are printed and pass; an unreadable picture is printed and exits with 2."""
    folder = write_folder(tmp_path / "screw", data_set() | {"ground_truth/dent/9_mask.png": mask()})

    assert main(["--check", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "ground_truth/dent/9_mask.png" in out
    assert "errors: 0, warnings: 1" in out

    (folder / "train/good/000.png").write_bytes(png(0)[:-30])
    assert main(["--check", str(folder)]) == 2
    captured = capsys.readouterr()
    assert "train/good/000.png" in captured.out
    assert f"error: {folder} has errors, named above: 1" in captured.err


def test_killed_run_leaves_no_half_category(tmp_path, target, bring):
    """SIGKILL while copying leaves no category; the next run removes what was left over."""
    pipe = tmp_path / "screw/train/good/zzz.png"
    write_folder(tmp_path / "screw", under("train/good", {f"{i:03d}.png": png(i) for i in range(3)}))
    with pipe.open("wb") as large:
        large.truncate(3_000_000_000)  # sparse: nothing on disk, but seconds to copy
    with Child("snag.training.ingest", ["--source", str(tmp_path / "screw"), "--target", str(target)]) as copying:
        give_up = time.monotonic() + 60
        while not list(target.glob(".ingest.*.part/screw/train/good/zzz.png")):
            assert copying.runs
            assert time.monotonic() < give_up
            time.sleep(0.005)
        copying.kill()

    assert not (target / "screw").exists()
    pipe.unlink()
    assert bring(tmp_path / "screw") == 0
    assert [path.name for path in target.iterdir()] == ["screw"]


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_names_that_are_no_utf8(tmp_path, target, bring, capsys, kind):
    """A name of an old system's bytes is brought in as it is, and written out where it is named."""
    files = under("screw", data_set() | {"train/good/gr\udcf6sse.png": png(60), "train/good/k\udce4se.png": png(61)[:-30]})

    assert bring({"folder": write_folder, "tar": write_tar}[kind](tmp_path / "source", files)) == 2

    assert brought(target) == files
    assert "train/good/k\\xe4se.png" in capsys.readouterr().out


def test_what_stays_behind_is_said(tmp_path, target, bring, capsys):
    """What an archive has of another system's files is not brought in, and counted."""
    litter = {"__MACOSX/screw/train/good/._000.png": b"x", "screw/test/.ipynb_checkpoints/0.png": png(9)}
    source = write_zip(tmp_path / "source.zip", under("screw", data_set()) | litter)

    assert bring(source) == 0

    assert brought(target) == under("screw", data_set())
    assert f"left out of {source}: 2 hidden or system files and folders: __MACOSX/screw" in capsys.readouterr().out


def test_check_names_what_is_left_out(tmp_path, capsys):
    """The check counts what is left out, names each of it but for what is hidden, and calls it no error."""
    files = data_set() | {"train/good/9.jp2": b"", "test/0.gif": b"", "test/good/notes.txt": b"", "train/good/.DS_Store": b""}
    folder = write_folder(tmp_path / "screw", files)
    (folder / "train/good/gone.png").symlink_to("nowhere")

    assert main(["--check", str(folder)]) == 0

    out = capsys.readouterr().out
    assert (
        "left out: 2 pictures of formats that Snag does not read (gif, jp2): test/0.gif, train/good/9.jp2; "
        "1 link that leads nowhere: train/good/gone.png; 1 file that is no picture: test/good/notes.txt; "
        "1 hidden or system file or folder: train/good/.DS_Store; expected PNG, JPEG, BMP, TIFF, WEBP"
    ) in out
    assert out.count("left_out") == 4
    assert "errors: 0, warnings: 4" in out


def test_a_data_set_of_links(tmp_path, capsys):
    """train/good, test and ground_truth, and days in them, may be links into an archive: all of it is checked."""
    store = write_folder(tmp_path / "store", data_set() | {"day/0.png": png(70)[:-30]})
    folder = tmp_path / "screw"
    (folder / "train").mkdir(parents=True)
    for place in ("train/good", "test", "ground_truth"):
        (folder / place).symlink_to(store / place)
    (store / "train/good/monday").symlink_to(store / "day")

    assert main(["--check", str(folder)]) == 2

    out = capsys.readouterr().out
    assert "train/good/monday/0.png" in out
    assert "errors: 1, warnings: 0" in out
