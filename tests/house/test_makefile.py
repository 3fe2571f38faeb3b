"""What make decides to run: a verb by its name, what it depends on if needed; and what it refuses before anything is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
TRAIN, CALIBRATE, EVALUATE, ARCHIVE, SERVE = "train", "calibrate", "evaluate", "archive", "serve"


def needed(*verbs: str) -> list[str]:
    return [f"if-needed {verb}" for verb in verbs]


def plan(folder: Path, *words: str, data: str | None = "data/part") -> list[str]:
    """The verbs of `snag` that make would run in `folder`, in their order."""
    return re.findall(r"python -m snag ((?:if-needed )?\S+)", dry_run(folder, *words, data=data).stdout)


def dry_run(folder: Path, *words: str, data: str | None = "data/part") -> subprocess.CompletedProcess[str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    command = ["make", "-n", "-f", str(MAKEFILE), *words, *([f"DATA={data}"] if data else [])]
    return subprocess.run(command, cwd=folder, env=outer, capture_output=True, text=True, check=False)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout with nothing made."""
    (tmp_path / "requirements").mkdir()
    for pinned in (
        "base.lock",
        "offline.lock",
        "features.lock",
        "line.lock",
        "studio.lock",
        "dev.lock",
        "docs.lock",
        "torch.txt",
    ):
        (tmp_path / "requirements" / pinned).touch()
    return tmp_path


def test_one_call_makes_everything_once_and_in_order(bare: Path) -> None:
    verbs = ["train", "calibrate", "evaluate", "archive", "serve"]

    assert plan(bare, *verbs) == verbs


def test_a_verb_makes_what_it_depends_on_where_that_is_needed(bare: Path) -> None:
    assert plan(bare, "serve") == [*needed(TRAIN, CALIBRATE, ARCHIVE), SERVE]
    assert plan(bare, "evaluate") == [*needed(TRAIN, CALIBRATE), EVALUATE]
    assert plan(bare, "archive", "evaluate") == [*needed(TRAIN, CALIBRATE), EVALUATE, ARCHIVE]
    assert plan(bare, "predict", "IMAGES=part.png") == ["predict"]
    assert plan(bare, "score", "SOURCE=part.tar") == ["score"]
    assert plan(bare, "serve", "MODELS=all") == ["serve"]


@pytest.mark.parametrize(
    "setting", ["FPR=0.01", "THRESHOLD=3", "CONFIDENCE=0.9", "PROMISE=confidence", "METHOD=youden", "EXCLUDE=list.txt"]
)
def test_another_threshold_needs_no_training(bare: Path, setting: str) -> None:
    assert plan(bare, "serve", setting) == [*needed(TRAIN), CALIBRATE, *needed(ARCHIVE), SERVE]


def test_training_anew_is_asked_for_by_its_variable_or_its_name(bare: Path) -> None:
    assert plan(bare, "serve", "FRESH=1") == [TRAIN, *needed(CALIBRATE, ARCHIVE), SERVE]
    assert "--fresh" in dry_run(bare, "serve", "FRESH=1").stdout
    assert "--fresh" not in dry_run(bare, "train").stdout


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["train"], True),
        (["train", "PRESET=default"], True),
        (["train", "PRESET=quick"], True),
        (["train", "PRESET=mine"], True),
        (["train", "PRESET=scratch"], False),
        (["train", "PRESET=baseline"], False),
        (["serve"], True),
        (["demo"], True),
        (["demo", "PRESET=scratch"], False),
        (["train-all"], True),
        (["train-all", "PRESET=baseline"], False),
        (["serve", "MODELS=all"], False),
        (["predict", "IMAGES=part.png"], False),
    ],
)
def test_what_imagenet_taught_is_installed_before_a_training_that_wants_it(bare: Path, words: list[str], wanted: bool) -> None:
    installed = "-r requirements/features.lock"
    said = dry_run(bare, *words).stdout

    assert (installed in said) is wanted
    if wanted:
        assert said.index(installed) < said.index("-m snag")


def test_the_sample_is_drawn_on_demand_alone(bare: Path) -> None:
    assert plan(bare, "train", data="data/sample") == ["sample", TRAIN]
    assert plan(bare, "train", data="data/sample/") == ["sample", TRAIN]
    assert plan(bare, "train", data=None) == ["sample", TRAIN]
    assert plan(bare, "train") == [TRAIN]
    assert plan(bare, "train", data="data/sample (new)") == [TRAIN]


def test_a_run_that_is_named_alone_knows_its_pictures(bare: Path) -> None:
    """Else its model would be trained, calibrated and judged on the sample."""
    (bare / "runs/bolt").mkdir(parents=True)
    (bare / "runs/bolt/config.json").write_text(json.dumps({"settings": {"data": "data/M8  größe $x's"}}, indent=1))
    where = ["--data='data/M8  größe $x'\\''s'", "--run='runs/bolt'"]

    named = [dry_run(bare, "evaluate", word, data=None).stdout for word in ("MODEL=bolt", "RUN=runs/bolt")]

    assert [line.split(" evaluate ")[1].strip() for line in "".join(named).splitlines() if "snag evaluate" in line] == [
        " ".join(where)
    ] * 2
    assert "sample" not in "".join(named)
    assert plan(bare, "train", "MODEL=nut", data=None) == ["sample", TRAIN]


def test_the_demonstration_is_quick_and_keeps_out_of_other_runs(bare: Path) -> None:
    output = dry_run(bare, "demo", data=None).stdout

    assert "snag train --data='data/sample' --run='runs/demo' --preset='quick'" in output
    assert plan(bare, "demo", data=None) == ["sample", TRAIN, *needed(CALIBRATE, EVALUATE, ARCHIVE), "demo"]
    assert "--run='runs/demo-part' --preset='quick'" in dry_run(bare, "demo").stdout


def test_further_flags_go_to_the_verb_alone_that_was_asked_for(bare: Path) -> None:
    lines = [line for line in dry_run(bare, "archive", "ARGS=--flag").stdout.splitlines() if "--flag" in line]

    assert [re.findall(r"python -m snag (\S+)", line) for line in lines] == [[ARCHIVE]]


@pytest.mark.parametrize("word", ["EPOCHS=4", "PRESSET=quick", "epochs=4"])
def test_a_variable_that_make_does_not_know_is_refused_before_anything_is_run(bare: Path, word: str) -> None:
    refused = dry_run(bare, "train", word)

    assert refused.returncode == 2
    assert f"unknown: {word.split('=')[0]}. `make help` lists the variables" in refused.stderr
    assert 'ARGS="--flag value"' in refused.stderr
    assert refused.stdout == ""


def test_the_environment_and_an_outer_make_may_have_names_of_their_own(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHS", "4")
    (bare / "outer.mk").write_text(f"all:\n\t$(MAKE) -n -f {MAKEFILE} train DATA=data/part\n")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}

    outer = subprocess.run(
        ["make", "-f", "outer.mk", "BUILD=4"], cwd=bare, env=plain, capture_output=True, text=True, check=False
    )

    assert outer.returncode == 0, outer.stderr
    assert "python -m snag train" in outer.stdout
    assert plan(bare, "train") == [TRAIN]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["MODEL=größe"], "model = 'größe': expected letters, digits, '_', '-' and '.', beginning with a letter or digit"),
        (["MODEL=a b"], "model = 'a b': expected letters"),
        (["DATA=数据"], "no model's name can be made of the folder '数据': give one with MODEL="),
        (["DATA=all"], "the folder's name 'all' would stand for every model"),
        (["VERSION=2/0"], "version = '2/0': expected letters"),
        (["DATA=a\nb"], "DATA holds a line break or control character, which make can't pass on: `.venv/bin/python -m snag "),
        (["EXCLUDE=a\1b"], "EXCLUDE holds a line break or control character"),
        (["MODEL_STORE=file/store"], "can't write file/store: "),
    ],
)
def test_names_that_can_not_be_are_refused_before_anything_is_run(bare: Path, words: list[str], sentence: str) -> None:
    """In one line, however long the training before them would take."""
    (bare / "file").touch()

    refused = dry_run(bare, "train", "archive", *words, data=None)

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert f"*** {sentence}" in refused.stderr
    assert refused.stderr.count("\n") == 1
