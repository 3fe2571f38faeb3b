"""Evaluation by what people say of pictures: names of folders and masks, and what of it is told where it does not fit."""

from __future__ import annotations

import html
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.labelled_folder import DEFECT_COUNT, GOOD_COUNT, evaluate, page, rows
from tests.support.masks import ways

BAD = 2 * DEFECT_COUNT
QUICK = ("--gallery", "0")


def told(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The remarks: the same in the figures, on the terminal and in the report."""
    capsys.readouterr()
    remarks = evaluate(data, run, *QUICK)["remarks"]
    said = capsys.readouterr().out
    assert [line.removeprefix("warning: ") for line in said.splitlines() if line.startswith("warning: ")] == remarks
    shown = html.unescape(page(run))
    assert all(remark in shown for remark in remarks)
    return remarks


def test_there_is_nothing_to_say_of_a_sound_folder(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(data, run, capsys) == []


@pytest.mark.parametrize("name", ["OK", "good "])
def test_a_folder_that_probably_means_good_is_no_defect(
    data: Path, run: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is it counted as good: it is left out, and said what to do."""
    (data / "test/good").rename(data / "test" / name)

    assert told(data, run, capsys) == [
        f'"test/{name}" ({GOOD_COUNT} pictures) is left out: its name seems to mean good, and only test/good is. If these are '
        "good parts, rename it to test/good; if they are defective, give the folder the defect's name."
    ]
    assert {row["class"] for row in rows(run)} == {"bright", "dark"}
    assert (data / "test" / name).is_dir()


def test_such_a_folder_beside_the_right_one(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The right one counts; the other's pictures belong there."""
    shutil.copytree(data / "test/good", data / "test/Good")

    (remark,) = told(data, run, capsys)

    assert "move them into test/good" in remark
    assert len(rows(run)) == GOOD_COUNT + BAD


def test_pictures_of_no_kind_are_named(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those in test itself; and a folder of tests of another name."""
    shutil.copy(data / "test/good/000.png", data / "test/a.png")
    assert told(data, run, capsys) == ["left out of test: 1 picture outside of test/good and test/<kind of defect>: a.png"]

    (data / "test").rename(data / "Test")
    assert told(data, run, capsys)[0] == "There is no folder test, but Test, which is not read: rename it to test."


@pytest.mark.parametrize("way", ["soft", "palette, black on white"])
def test_however_the_masks_are_written_the_figures_are_the_same(data: Path, run: Path, way: str) -> None:
    """Pixel AP is that of the plain mask, within what soft corners can move; grey values between are told of."""
    plain = evaluate(data, run, *QUICK)["pixel_ap"]
    for path in (data / "ground_truth").rglob("*.png"):
        ways(np.asarray(Image.open(path)) > 0)[way].save(path)

    found = evaluate(data, run, *QUICK)

    assert found["pixel_ap"] == pytest.approx(plain, abs=0.07 if way == "soft" else 1e-9)
    assert found["mask_faults"] == []
    said = "grey values between black and white (soft edges, JPEG): what reaches half of the brightest counts as defect."
    assert found["remarks"] == ([f"{BAD} masks have {said}"] if way == "soft" else [])


def test_masks_under_other_names(data: Path, run: Path) -> None:
    """With the picture's own name, in another format, in capitals: as long as there is no doubt."""
    plain = evaluate(data, run, *QUICK)["pixel_ap"]
    for number, path in enumerate(sorted((data / "ground_truth").rglob("*.png"))):
        mask = Image.open(path).copy()
        path.unlink()
        name = (f"{path.stem[:3]}.png", f"{path.stem}.bmp", f"{path.stem}.PNG", path.name)[number % 4]
        mask.save(path.with_name(name))

    found = evaluate(data, run, *QUICK)

    assert (found["pixel_ap"], found["mask_faults"], found["remarks"]) == (plain, [], [])


def test_inverted_masks_are_named_and_not_used(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One among others is missing in the figures by pixel; where all are, there are none."""
    masks = sorted((data / "ground_truth").rglob("*.png"))
    Image.fromarray(255 - np.asarray(Image.open(masks[0]))).save(masks[0])

    (remark,) = told(data, run, capsys)

    assert remark == (
        f"1 of {BAD} defective pictures has no usable mask and is missing in the figures by pixel: test/bright/000.png: "
        "000_mask.png marks 93.8 % of its picture, probably inverted; expected the defect in white on black."
    )
    for path in masks[1:]:
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    assert evaluate(data, run, *QUICK)["pixel_ap"] is None


def test_masks_that_are_missing_ambiguous_or_nobodys(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is named."""
    masks = data / "ground_truth"
    (masks / "bright/000_mask.png").rename(masks / "bright/0000_mask.png")
    shutil.copy(masks / "dark/001_mask.png", masks / "dark/001_mask.bmp")

    assert told(data, run, capsys) == [
        f"2 of {BAD} defective pictures have no usable mask and are missing in the figures by pixel: "
        "test/bright/000.png: no ground truth; "
        "test/dark/001.png: has several masks (001_mask.bmp, 001_mask.png); expected one.",
        "1 mask belongs to no picture and is not used: bright/0000_mask.png.",
    ]


def test_masks_in_another_folder(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Are not read; it is said that there are none, and which folder might be meant."""
    (data / "ground_truth").rename(data / "masks")

    assert told(data, run, capsys) == [
        "There is no folder ground_truth, but masks, which is not read: if it holds masks, rename it so.",
        f"There are no figures by pixel: none of {BAD} defective pictures has a mask, expected as "
        "ground_truth/<kind of defect>/<same name>_mask.png.",
    ]
