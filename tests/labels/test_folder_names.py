"""Names of folders: which of them probably mean good, and which are a defect's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.labels.folder_names import instead_of_train_good, means_good, meant

GOOD = """
    Good|good |GOOD|OK|ok|Ok_|O.K.|pass|passed|PASS|normal|Normal_1|io|i.O.|IO_Teile|gut|Gut|bon|bueno|buono|goed|dobre
    goods|Good1|good_parts|goodparts|good (2)|good - Copy|Good_images|test_good|0_good|good_day1
    camera_good|nominal|clean|accept|accepted
    non_defective|not_defective|defect_free|defect-free|no_defect|no defects|NoDefect|undefective|faultless
    no_anomaly|anomaly_free|no_fault_found|without_defects|fehlerfrei|Fehler-frei|sans_défaut|良品|合格
    ＯＫ|goood|god|godo|g00d|OK parts|ok2|good.|good\u200b
"""  # noqa: RUF001 - letters of full width
DEFECTS = """
    good|broken|normal_scratch|clean_cut|io_scratch|pass_through|not_good|no_good|bad_good|less_good|good_and_bad|NG|nok|n.i.O.|nio
    not_ok|ok_ng|pass_fail|not_passed|abnormal|unacceptable|gold|wood|hood|mood|food|goo|bent_tip|dent|scratch|defect|defects|no_screw
    defective|0|1|bad|fail|reject|rejected|damaged|faulty|fehler|error|anomaly|missing|misplaced|flip|oil|free|test|part|color|print
    missing_cable|manipulated_front|thread_top|combined|contamination
"""


def names(table: str) -> list[str]:
    return [name for line in table.strip().splitlines() for name in line.removeprefix("    ").split("|")]


@pytest.mark.parametrize("name", names(GOOD))
def test_names_that_probably_mean_good(name: str) -> None:
    """Other cases, spaces, signs, numbers, languages and misspellings."""
    assert means_good(name)


@pytest.mark.parametrize("name", names(DEFECTS))
def test_names_that_do_not(name: str) -> None:
    """good itself needs no telling; names of defects, those with a good word in them too, are defects."""
    assert not means_good(name)


@given(st.text(max_size=20))
def test_any_name_can_be_asked(name: str) -> None:
    """And case never tells two answers apart, but for good itself."""
    assert "good" in (name, name.upper(), name.lower()) or means_good(name.upper()) == means_good(name.upper().casefold())


def test_the_other_folders() -> None:
    """Each has names that it goes by elsewhere, and its own is none of them."""
    here = ["Ground Truth", "Test", "groundtruth", "ground_truth", "masks", "notes", "test", "testing", "training"]

    assert meant(here, "ground_truth") == ["Ground Truth", "groundtruth", "masks"]
    assert meant(here, "test") == ["Test", "testing"]
    assert meant(here, "train") == ["training"]


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        (["train/OK", "train/bad"], ["train/OK"]),
        (["Train/good", "test/good"], ["Train/good"]),
        (["train/Good", "training/good"], ["train/Good", "training/good"]),
        (["train/good", "train/OK"], []),
        (["train/0"], []),
        ([], []),
    ],
)
def test_what_stands_instead_of_train_good(tmp_path: Path, folders: list[str], found: list[str]) -> None:
    """Only where that is missing."""
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)

    assert instead_of_train_good(tmp_path) == found
