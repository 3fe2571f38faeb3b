"""The name of a model: what it may be, and what is made of a data folder's."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.cli.model_name import answer_to_make, check_model_name, demonstration_name, is_model_name, model_name, named_after
from snag.core.errors import BadConfig

MADE = {
    "screw": "screw", "1.0.1": "1.0.1", "a_b-c.d": "a_b-c.d", "M8 screw (new)": "M8-screw-new", "R&D": "R-D",
    "screw(1)": "screw-1", "it's": "it-s", "a;b": "a-b", "a$b": "a-b", "10:30": "10-30", "50%": "50", "größe": "grosse",
    "Ærø": "AEro", "_part": "part", "-part": "part", "part#2": "part-2", "part[1]": "part-1", "a\nb": "a-b", "x\udcffy": "x-y",
    "..part": "part",
}  # fmt: skip
RULE = re.escape("expected letters, digits, '_', '-' and '.', beginning with a letter or digit, at most 128")


@pytest.mark.parametrize("folder", MADE)
def test_a_folders_name_becomes_one_that_an_address_can_hold(folder: str) -> None:
    """And where it is another, a sentence tells both."""
    data = Path("data") / folder

    assert model_name(data) == MADE[folder]
    assert (named_after(data, MADE[folder]) is None) is (folder == MADE[folder])


def test_the_sentence_names_folder_and_model() -> None:
    assert named_after("data/größe/", "grosse") == "model grosse, after the folder 'größe'"


@given(st.text(min_size=1).filter(lambda text: "/" not in text and "\0" not in text))
def test_whatever_the_folder_is_called_its_model_has_a_possible_name_or_none(folder: str) -> None:
    name = answer_to_make(str(Path("data") / folder), "", "", "", "").split()[0]

    assert is_model_name(name) or name == "!"


def test_the_folder_that_one_is_in_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bolt" / "inside").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "bolt")

    assert [model_name("."), model_name("inside/.."), model_name("../bolt/")] == ["bolt"] * 3


def test_a_link_has_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "2026-01").mkdir()
    (tmp_path / "screw").symlink_to(tmp_path / "2026-01")

    assert model_name(tmp_path / "screw") == "screw"


@pytest.mark.parametrize("folder", ["数据", "???", "(-)"])
def test_of_some_names_nothing_is_left(folder: str) -> None:
    with pytest.raises(BadConfig, match=r"no model's name can be made of the folder .*: give one with MODEL="):
        model_name(folder)


@pytest.mark.parametrize("name", ["größe", "a b", "", "-a", ".a", "a/b", "a\n", "x" * 129])
def test_names_that_no_address_can_hold_are_refused(name: str) -> None:
    with pytest.raises(BadConfig, match=RULE):
        check_model_name(name)


def test_no_model_is_called_all() -> None:
    """Where models are named, that stands for every one of them."""
    with pytest.raises(BadConfig, match="takes that for every model"):
        check_model_name("all")
    with pytest.raises(BadConfig, match="would stand for every model"):
        model_name("data/all")


def test_a_demonstration_of_other_pictures_has_a_model_of_its_own() -> None:
    assert demonstration_name("data/sample/") == "demo"
    assert demonstration_name("data/M8 screw (new)") == "demo-M8-screw-new"


def test_make_is_answered_with_a_name_or_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert answer_to_make("data/screw", "", "", "", "") == "screw"
    assert answer_to_make("data/größe", "", "2.0", str(tmp_path), "") == "grosse model grosse, after the folder 'größe'"
    assert answer_to_make("data/größe", "part", "", "", "demo") == "part"
    assert answer_to_make("data/sample", "", "", "", "demo") == "demo"
    assert answer_to_make("data/screw", "größe", "", "", "").startswith("! model = 'größe': expected letters")
    assert answer_to_make("data/screw", "", "1/2", "", "").startswith("! version = '1/2': expected letters")
    refused = answer_to_make("data/screw", "", "", str(tmp_path / "file" / "store"), "")
    assert refused.startswith(f"! can't write {tmp_path / 'file' / 'store'}: {tmp_path / 'file'} is there and is no folder")
