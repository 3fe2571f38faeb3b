"""What make decides to run: each file anew when it is missing, older than what it is made from, or asked for."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
CHAIN = ["runs/part/snag.pt", "runs/part/calibration.json", "runs/part/report/metrics.json", "model_store/part.mar"]
TRAIN, CALIBRATE, EVALUATE, ARCHIVE, SERVE = "train", "calibrate", "evaluate", "archive", "serve"


def plan(folder: Path, *words: str, data: str = "data/part") -> list[str]:
    """The verbs of `snag` that make would run in `folder`, in their order."""
    return re.findall(r"python -m snag (\S+)", dry_run(folder, *words, data=data).stdout)


def dry_run(folder: Path, *words: str, data: str = "data/part") -> subprocess.CompletedProcess[str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    command = ["make", "-n", "-f", str(MAKEFILE), *words, f"DATA={data}"]
    return subprocess.run(command, cwd=folder, env=outer, capture_output=True, text=True, check=False)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout with good pictures and nothing made from them."""
    (tmp_path / "requirements").mkdir()
    for pinned in ("base.lock", "offline.lock", "features.lock", "dev.lock", "torch.txt"):
        (tmp_path / "requirements" / pinned).touch()
    (tmp_path / "data/part/train/good").mkdir(parents=True)
    os.utime(tmp_path / "data/part/train/good", (1000, 1000))
    return tmp_path


@pytest.fixture
def finished(bare: Path) -> Path:
    """The same with everything made, each file younger than what it is made from."""
    for age, name in enumerate(CHAIN):
        (bare / name).parent.mkdir(parents=True, exist_ok=True)
        (bare / name).touch()
        os.utime(bare / name, (2000 + age, 2000 + age))
    return bare


def test_one_call_makes_everything_once_and_in_order(bare: Path) -> None:
    verbs = ["train", "calibrate", "evaluate", "archive", "serve"]

    assert plan(bare, *verbs) == [TRAIN, CALIBRATE, EVALUATE, ARCHIVE, SERVE]


def test_a_verb_makes_what_it_depends_on(bare: Path) -> None:
    assert plan(bare, "serve") == [TRAIN, CALIBRATE, ARCHIVE, SERVE]
    assert plan(bare, "evaluate") == [TRAIN, CALIBRATE, EVALUATE]
    assert plan(bare, "predict", "IMAGES=part.png") == ["predict"]
    assert plan(bare, "score", "SOURCE=part.tar") == ["score"]


def test_what_is_finished_is_not_made_again(finished: Path) -> None:
    assert plan(finished, "serve") == [SERVE]


def test_a_verb_that_is_asked_for_runs(finished: Path) -> None:
    assert [plan(finished, verb)[0] for verb in ("train", "calibrate", "evaluate", "archive")] == [
        TRAIN, CALIBRATE, EVALUATE, ARCHIVE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "setting", ["FPR=0.01", "THRESHOLD=3", "CONFIDENCE=0.9", "PROMISE=confidence", "METHOD=youden", "EXCLUDE=list.txt"]
)
def test_another_threshold_needs_no_training(finished: Path, setting: str) -> None:
    assert plan(finished, "serve", setting) == [CALIBRATE, ARCHIVE, SERVE]


@pytest.mark.parametrize("setting", ["VERSION=2.0", "RUN=runs/part"])
def test_an_archive_is_made_anew_when_its_content_may_differ(finished: Path, setting: str) -> None:
    assert plan(finished, "serve", setting) == [ARCHIVE, SERVE]


def test_new_pictures_mean_new_training(finished: Path) -> None:
    os.utime(finished / "data/part/train/good", (3000, 3000))

    assert plan(finished, "serve") == [TRAIN, CALIBRATE, ARCHIVE, SERVE]


def test_a_newer_report_goes_into_the_model_card(finished: Path) -> None:
    (finished / "runs/part/report/index.html").touch()

    assert plan(finished, "serve") == [ARCHIVE, SERVE]


def test_the_sample_is_drawn_on_demand_alone(bare: Path) -> None:
    assert plan(bare, "train", data="data/sample") == ["sample", TRAIN]
    assert plan(bare, "train") == [TRAIN]


def test_the_demonstration_is_quick_and_keeps_out_of_other_runs(bare: Path) -> None:
    output = dry_run(bare, "demo", data="data/sample").stdout

    assert "snag train --data data/sample --run runs/demo --preset quick" in output
    assert plan(bare, "demo", data="data/sample") == ["sample", TRAIN, CALIBRATE, EVALUATE, ARCHIVE, "demo"]


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


def test_names_with_spaces_are_refused_in_one_line(bare: Path) -> None:
    refused = dry_run(bare, "train", data="my parts")

    assert refused.returncode == 2
    assert "DATA='my parts': names with spaces are not supported" in refused.stderr
