"""When a stage is due: by what the files say of themselves, whatever their age and wherever the run lies."""

import json
import os
import shutil
from pathlib import Path

import pytest

from snag.cli import if_needed
from snag.cli.stage import is_needed
from snag.core.errors import BadConfig
from snag.core.files import write_text
from snag.training.archive import main as archive
from tests.support.stages import leave


@pytest.fixture
def made(tmp_path):
    """A run with all that belongs to it, of pictures in data/part."""
    (tmp_path / "data/part/train/good/monday").mkdir(parents=True)
    (tmp_path / "data/part/train/good/monday/1.png").touch()
    for verb, flags in stages(tmp_path).items():
        leave(verb, [*flags, "--preset=quick", "--seed=3"] if verb == "train" else flags)
    return tmp_path


def stages(folder: Path, run: str = "part") -> dict[str, list[str]]:
    """The flags of each stage."""
    where = [f"--run={folder / 'runs' / run}"]
    packing = ["--model", "part", "--model-store", str(folder / "store")]
    return {
        "train": [*where, f"--data={folder / 'data/part'}"],
        "calibrate": [*where, "--data", str(folder / "data/part")],
        "evaluate": where,
        "archive": [*where, *packing],
    }


def due(folder: Path, run: str = "part") -> list[str]:
    return [verb for verb, flags in stages(folder, run).items() if is_needed(verb, flags)]


def test_nothing_is_due_of_a_finished_run(made):
    assert due(made) == []


def test_everything_is_due_of_an_empty_one(tmp_path):
    assert due(tmp_path) == ["train", "calibrate", "evaluate", "archive"]


def test_a_run_that_was_copied_without_its_ages_and_renamed_is_the_same_run(made):
    """Its archive is due where the copy is younger than it: packed again, it holds the same."""
    shutil.copytree(made / "runs/part", made / "runs/copy", copy_function=shutil.copyfile)
    os.utime(made / "runs/copy/snag.pt")
    os.utime(made / "runs/copy/report/metrics.json")

    assert [verb for verb in due(made, "copy") if verb != "archive"] == []
    packed = (made / "store/part.mar").read_bytes()
    assert archive(stages(made, "copy")["archive"]) == 0
    assert (made / "store/part.mar").read_bytes() == packed


def test_another_model_needs_its_own_calibration_report_and_archive(made):
    """Also where it is older than they are, as one that was moved there."""
    weights = made / "runs/part/snag.pt"
    weights.write_bytes(b"another model")
    os.utime(weights, (1000, 1000))
    os.utime(made / "data/part/train/good/monday/1.png", (900, 900))
    for folder in ("monday", "."):
        os.utime(made / "data/part/train/good" / folder, (900, 900))

    assert due(made) == ["calibrate", "evaluate", "archive"]


def test_another_threshold_needs_its_own_report_and_archive(made):
    path = made / "runs/part/calibration.json"
    calibration = json.loads(path.read_text())
    write_text(path, json.dumps({**calibration, "threshold": 9.0, "method": "manual"}))

    assert due(made) == ["evaluate", "archive"]


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"artifact": "another format"}'])
@pytest.mark.parametrize("name", ["calibration.json", "report/metrics.json"])
def test_a_damaged_result_is_made_again(made, name, text):
    write_text(made / "runs/part" / name, text)

    assert due(made)[0] == {"calibration.json": "calibrate", "report/metrics.json": "evaluate"}[name]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: (data / "monday/2.png").touch(),
        lambda data: (data / "monday/1.png").unlink(),
        lambda data: (data / "monday/1.png").write_bytes(b"another"),
        lambda data: (data / "tuesday").mkdir(),
    ],
)
def test_pictures_that_may_have_changed_are_a_matter_for_training(made, change):
    for path in (made / "runs/part/snag.pt", made / "runs/part/calibration.json", made / "store/part.mar"):
        os.utime(path, (2000, 2000))
    for path in (made / "data/part/train/good").rglob("*"):
        os.utime(path, (1000, 1000))
    os.utime(made / "data/part/train/good", (1000, 1000))
    assert not is_needed("train", stages(made)["train"])

    change(made / "data/part/train/good")

    assert is_needed("train", stages(made)["train"])


@pytest.mark.parametrize(
    ("flags", "differs"),
    [
        (["--preset", "quick", "--seed=3"], False),
        (["--preset=default"], True),
        (["--seed", "4"], True),
        (["--nproc", "4"], False),
    ],
)
def test_settings_that_differ_from_the_models_are_a_matter_for_training(made, flags, differs):
    assert is_needed("train", [*stages(made)["train"], *flags]) is differs


def test_other_pictures_are_a_matter_for_training(made):
    (made / "data/other/train/good").mkdir(parents=True)

    assert is_needed("train", [*stages(made)["train"], f"--data={made / 'data/other'}"])


def test_another_version_is_packed_when_it_is_asked_for(made):
    assert is_needed("archive", [*stages(made)["archive"], "--version", "2.0"])
    assert not is_needed("archive", [*stages(made)["archive"], "--version", "1.0"])


def test_flags_that_do_not_say_where_a_result_lies_are_refused():
    with pytest.raises(BadConfig, match="archive: expected --model-store"):
        is_needed("archive", ["--run", "runs/part", "--model", "part"])


def test_a_verb_runs_if_needed_with_its_flags_and_training_keeps_a_finished_model(made, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(if_needed, "snag", lambda words: ran.append(words) or 3)
    (made / "runs/part/calibration.json").unlink()
    train = [*stages(made)["train"], "--seed", "4"]

    codes = [if_needed.main([verb, *flags]) for verb, flags in (*stages(made).items(), ("train", train))]

    assert codes == [0, 3, 3, 3, 3]
    assert [words[0] for words in ran] == ["calibrate", "evaluate", "archive", "train"]
    assert ran[0][1:] == stages(made)["calibrate"]
    assert ran[-1] == ["train", *train, "--keep-finished"]
    assert if_needed.main(["archive", "--run", "x"]) == 2
    assert capsys.readouterr().err == "error: archive: expected --model, which says where its result lies\n"


@pytest.mark.parametrize("words", [[], ["serve"], ["--no-such-flag"]])
def test_words_that_name_no_stage_are_refused_in_one_line(words, capsys):
    assert if_needed.main(words) == 2

    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith("error: ")) == ("", 1, True)
    assert err.endswith("--help` says what there is\n")
