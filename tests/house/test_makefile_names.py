"""Names of any signs go through make: what a command is given is what was typed, and nothing of it is run by a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MAKEFILE = Path(__file__).parents[2] / "Makefile"
NAMES = [
    "M8 screw (new)", "two  spaces", "last ", "R&D", "screw(1)", "Bob's parts", "it's", "a;b", "a$b", "a$$b", "$(X)",
    "${X}", "$x's", "10:30", "50%", "größe", "_part", "-part", "--part", "part#2", "a,b", "part[1]", "1.0.1", 'a"b',
    "$(touch x)", "a\\b", "a\\", "\\n", "a\tb", "*", "a|b", "a>b", "!x", "{a,b}", "a=b", "~x", "x/~/y", "?", "&", ")", "(", "'",
    "''", "a`touch x`b", "data/sample (new)", "$(shell touch x)", "@x", "+x", "x;", "a&&b",
]  # fmt: skip
#: Stands for Python in .venv: it notes what it is given, but for the questions that make asks of real Python.
STAND_IN = f"""#!/bin/bash
if [ "$1" = -c ]; then exec {sys.executable} "$@"; fi
{{ printf '%s\\0' "$@"; printf '\\0'; }} >> calls
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose environment is made, with a Python that only notes what it is given."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("base.lock", "offline.lock", "features.lock", "line.lock", "dev.lock", "docs.lock", "torch.txt"):
        (folder / "requirements").mkdir(exist_ok=True)
        (folder / "requirements" / name).touch()
        os.utime(folder / "requirements" / name, (1000, 1000))
    (folder / ".venv/bin").mkdir(parents=True)
    python = folder / ".venv/bin/python"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    for step, name in enumerate(("", "-offline", "-features", "-dev")):
        (folder / f".venv/.installed{name}").touch()
        os.utime(folder / f".venv/.installed{name}", (2000 + step, 2000 + step))
    return folder


def calls(folder: Path, *words: str, **surroundings: str) -> list[list[str]]:
    """What each command is given that make runs, in their order; nothing else may have come into the folder."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    noted = folder / "calls"
    noted.unlink(missing_ok=True)
    before = {*folder.rglob("*")}
    done = subprocess.run(
        ["make", "-f", MAKEFILE, *words], cwd=folder, env=plain | surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {*folder.rglob("*")} - before == {noted}
    found = [call.split("\0") for call in os.fsdecode(noted.read_bytes()).split("\0\0")[:-1]]
    return [call[2:] for call in found]  # without -m snag


@pytest.mark.parametrize("four", [(NAMES * 2)[start : start + 4] for start in range(0, len(NAMES), 4)], ids=repr)
def test_data_run_store_and_pictures_arrive_as_they_were_typed(four: list[str], checkout: Path) -> None:
    """Through every command that the README lists for one's own part."""
    data, run, store, images = four
    words = [f"DATA={data}", f"RUN=runs/{run}", f"MODEL_STORE=store/{store}", f"IMAGES={images}", "MODEL=part"]

    ran = calls(checkout, "train", "evaluate", "serve", "predict", *words)

    where = [f"--data={data}", f"--run=runs/{run}"]
    what = ["--model=part", f"--model-store=store/{store}"]
    assert ran == [
        ["train", *where],
        ["if-needed", "calibrate", *where],
        ["evaluate", *where],
        ["if-needed", "archive", where[1], *what],
        ["serve", *what, "--inference-port=8080", "--management-port=8081", "--metrics-port=8082"],
        ["predict", f"--images={images}", "--model=part", "--inference-port=8080"],
    ]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="\0\1\n"), min_size=1).filter(
        lambda text: text == text.lstrip() and not text.startswith("~/") and text != "data/sample"
    )
)
def test_so_it_is_with_every_text_in_every_variable(name: str, checkout: Path) -> None:
    """From the environment as from the command line, where make alone drops the space before a name."""
    variables = ("CONFIG", "EXCLUDE", "GROUPS", "DEFECTS", "SOURCE", "OUT", "LOG", "DATA_ROOT", "SEED", "FPR")
    texts = dict.fromkeys(variables, name)

    typed = calls(checkout, "calibrate", "score", "drift", "train-all", *(f"{key}={text}" for key, text in texts.items()))
    inherited = calls(checkout, "calibrate", "score", "drift", "train-all", **texts)
    brought = calls(checkout, "data", f"SOURCE={name}", f"CATEGORY={name}")

    where = ["--data=data/sample", "--run=runs/sample"]
    assert typed == inherited == [
        ["sample", "--data", "data/sample"],
        ["if-needed", "train", *where, f"--seed={name}", f"--config={name}"],
        ["calibrate", *where, f"--fpr={name}", f"--exclude={name}", f"--groups={name}", f"--defects={name}"],
        ["score", f"--source={name}", "--run=runs/sample", f"--out={name}"],
        ["drift", f"--log={name}"],
        ["train-all", f"--data-root={name}", "--model-store=model_store", f"--fpr={name}"],
    ]  # fmt: skip
    assert brought == [["ingest", f"--source={name}", f"--category={name}"]]


def test_home_is_where_a_name_begins_with_it(checkout: Path) -> None:
    """Of a shell that leaves it to the command."""
    ran = calls(checkout, "train", "DATA=~/M8 screw (new)", HOME="/home/some body")

    assert ran == [["train", "--data=/home/some body/M8 screw (new)", "--run=runs/M8-screw-new"]]


@pytest.mark.parametrize(
    ("folder", "model"), [("M8 screw (new)", "M8-screw-new"), ("größe", "grosse"), ("a$b/", "a-b"), ("1.0.1", "1.0.1")]
)
def test_model_and_run_are_named_after_the_folder_and_that_is_said_once(folder: str, model: str, checkout: Path) -> None:
    command = ["make", "-f", MAKEFILE, "train", "archive", f"DATA=data/raw/{folder}"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    done = subprocess.run(command, cwd=checkout, env=plain, capture_output=True, text=True, check=True)

    said = f"model {model}, after the folder '{folder.rstrip('/')}'\n"
    assert done.stdout.count(said) == (folder != model)
    assert f"--run='runs/{model}' --model='{model}'" in done.stdout


def test_further_flags_are_words_for_the_shell(checkout: Path) -> None:
    assert calls(checkout, "train", "DATA=part", "ARGS=--good 'a b' $HOME", HOME="/home/x") == [
        ["train", "--data=part", "--run=runs/part", "--good", "a b", "/home/x"]
    ]
