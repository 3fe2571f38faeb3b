"""The calibration pictures that hold the threshold up: drawn to be looked at, and left out where they are no good parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snag.core.calibration import conformal_threshold, read_calibration
from snag.core.errors import BadConfig, BadDataset, NoPictures, SnagError
from snag.pages.contact_sheet import GAP, LINE
from snag.training.calibrate import calibrate, main, score_files
from snag.training.calibration.highest import FILE, LEAST, MOST, RING, SIDE, write_highest
from snag.training.data.split import read_split
from tests.support.parts import as_bytes, draw_scene, good_bolt
from tests.support.trained import RATE, SIZE, Trained
from tests.support.uncalibrated import pictures, settings, uncalibrated


@pytest.fixture
def run(bolts: Trained, tmp_path: Path) -> Path:
    return uncalibrated(bolts, tmp_path / "run")


def cells(sheet: Path) -> int:
    """How many pictures the sheet has room for."""
    with Image.open(sheet) as drawn:
        width, height = drawn.size
    return (width - GAP) // (SIDE + GAP) * round((height - GAP) / (SIZE[0] + LINE + GAP))


def test_the_marked_bolt_comes_first_with_its_ring_around_the_mark(bolts: Trained, tmp_path: Path) -> None:
    """The mark is known: 0.15 of the length behind the middle, towards the head."""
    folder = pictures(tmp_path / "good", range(500, 504))
    bolt = good_bolt(700, SIZE, mark=True, degrees=0.0, x=SIZE[1] / 2, y=SIZE[0] / 2)
    Image.fromarray(as_bytes(draw_scene(SIZE, [bolt], 1))).save(folder / "marked.png")
    paths = sorted(folder.iterdir())
    scores = dict(zip(paths, score_files(bolts.artifact, paths)[0], strict=True))

    sheet = write_highest(bolts.artifact, scores, 5.0, folder, tmp_path)

    assert max(scores, key=scores.__getitem__).name == "marked.png"
    cell = np.asarray(Image.open(sheet)).astype(int)[GAP : GAP + SIZE[0], GAP : GAP + SIDE]
    rows, columns = np.nonzero((cell[..., 0] > 200) & (cell[..., 1] < 90) & (cell[..., 2] < 60))
    left = (SIDE - SIZE[1]) // 2
    assert np.hypot(rows - bolt.y, columns - left - (bolt.x - 0.15 * bolt.length)).max() < RING + 6


@pytest.mark.parametrize(("rate", "shown"), [(0.1, LEAST), (0.6, 9)])
def test_those_that_reach_the_threshold_are_shown_and_never_fewer_than_six(
    bolts: Trained, run: Path, rate: float, shown: int
) -> None:
    """12 scores: at 10 % the greatest alone reaches it, at 60 % seven or more, in rows of three."""
    calibration = calibrate(settings(bolts, run, fpr=rate))

    assert sum(score >= calibration.threshold for score in calibration.scores) <= shown <= MOST
    assert cells(run / FILE) == shown


def test_a_picture_without_a_part_is_shown_without_a_ring(bolts: Trained, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "good", range(0))
    Image.fromarray(as_bytes(draw_scene(SIZE, [], noise_seed=0))).save(folder / "empty.png")

    sheet = write_highest(bolts.artifact, {folder / "empty.png": 1e6}, 1.0, folder, tmp_path)

    drawn = np.asarray(Image.open(sheet)).astype(int)[: GAP + SIZE[0]]
    assert (np.ptp(drawn, axis=2) < 3).all()  # grey, no ring


def test_the_command_names_the_sheet(bolts: Trained, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(bolts.data), "--run", str(run), "--fpr", str(RATE)]) == 0

    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{run / FILE}: the highest scores. ")


def test_pictures_that_are_no_good_parts_are_left_out_of_the_threshold_and_named_in_its_file(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = read_split(run / "split.json").calibrate
    each = score_files(bolts.artifact, [bolts.data / name for name in names])[0]
    worst = names[each.index(max(each))]
    (tmp_path / "list.txt").write_text(f"\ufeff{worst}\r\n\r\n", encoding="utf-8")

    code = main(
        [
            "--data",
            str(bolts.data),
            "--run",
            str(run),
            "--fpr",
            str(RATE),
            "--exclude",
            str(tmp_path / "list.txt"),
            "--exclude-many",
        ]
    )

    left = sorted(each)[:-1]
    calibration = read_calibration(run / "calibration.json")
    assert code == 0
    assert calibration.scores == pytest.approx(left)
    assert calibration.threshold == pytest.approx(conformal_threshold(left, RATE))
    assert calibration.left_out == (worst,)
    assert f"left out as no good parts: {worst}" in capsys.readouterr().out


def test_other_good_pictures_may_be_left_out_too(bolts: Trained, run: Path, tmp_path: Path) -> None:
    good = pictures(tmp_path / "good", range(500, 512))
    (tmp_path / "list.txt").write_text("505.png\n")

    calibration = calibrate(settings(bolts, run, good=good, exclude=tmp_path / "list.txt", exclude_many=True))

    assert (calibration.count, calibration.left_out) == (11, ("505.png",))


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        (None, BadConfig, "expected a text file, a calibration picture's path in each line"),
        ("train/good/nobody.png", BadDataset, "nobody.png, which is none of the 12 calibration pictures; expected paths below"),
        ("every one", NoPictures, "a calibration picture that"),
    ],
)
def test_a_list_that_can_not_be_followed_is_refused_and_the_last_calibration_stays(
    bolts: Trained, run: Path, tmp_path: Path, text: str | None, error: type[SnagError], why: str
) -> None:
    calibrate(settings(bolts, run))
    before = (run / "calibration.json").read_bytes()
    if text is not None:
        every = "\n".join(read_split(run / "split.json").calibrate)
        (tmp_path / "list.txt").write_text(every if text == "every one" else text)

    with pytest.raises(error, match=why):
        calibrate(settings(bolts, run, exclude=tmp_path / "list.txt"))

    assert (run / "calibration.json").read_bytes() == before
