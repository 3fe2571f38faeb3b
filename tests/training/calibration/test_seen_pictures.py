"""Other good pictures to calibrate on are none that training or the test has seen, under whatever name and in whatever file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snag.core.calibration import read_calibration
from snag.core.errors import BadDataset
from snag.training.calibrate import calibrate, main
from snag.training.calibration.seen_pictures import NO_LIST, OTHER_FOLDER, same_picture
from snag.training.data.dataset import LIMITS
from snag.training.data.split import read_split
from tests.support.trained import Trained
from tests.support.uncalibrated import pictures, settings, uncalibrated


@pytest.fixture
def run(bolts: Trained, tmp_path: Path) -> Path:
    return uncalibrated(bolts, tmp_path / "run")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Eleven pictures that nobody has seen, enough for 10 %."""
    return pictures(tmp_path / "good", range(500, 511))


def as_bmp(picture: Path, into: Path) -> None:
    """The same pixels in another kind of file."""
    Image.open(picture).save(into.with_suffix(".bmp"))


def in_colour(picture: Path, into: Path) -> None:
    """The same greys as a colour picture."""
    Image.open(picture).convert("RGB").save(into)


@pytest.mark.parametrize("share", ["fit", "standardise", "test"])
@pytest.mark.parametrize("put", [shutil.copyfile, as_bmp, in_colour])
def test_a_picture_that_was_seen_is_refused_before_anything_is_scored(
    bolts: Trained, run: Path, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: str, put
) -> None:
    data = bolts.data
    if share == "test":
        data = shutil.copytree(bolts.data, tmp_path / "data")
        (data / "test" / "good").mkdir(parents=True, exist_ok=True)
        pictures(data / "test" / "good", range(800, 801))
        seen = data / "test" / "good" / "800.png"
    else:
        seen = data / getattr(read_split(run / "split.json"), share)[2]
    put(seen, good / "copy.png")
    monkeypatch.setattr("snag.training.calibrate.score_files", lambda *_: pytest.fail("scored all the same"))

    with pytest.raises(BadDataset) as caught:
        calibrate(settings(bolts, run, data=data, good=good))

    why = (
        "what a threshold is made from can't test it" if share == "test" else "which the model was trained on: of such pictures"
    )
    (copy,) = good.glob("copy.*")
    assert str(caught.value).startswith(f"{copy} is the same picture as {seen}")
    assert why in str(caught.value)
    assert not (run / "calibration.json").exists()


def test_the_pictures_kept_for_calibration_may_calibrate(bolts: Trained, run: Path, good: Path) -> None:
    for name in read_split(run / "split.json").calibrate:
        shutil.copyfile(bolts.data / name, good / Path(name).name)

    calibration = calibrate(settings(bolts, run, good=good))

    assert (calibration.count, calibration.unchecked) == (23, "")


def test_a_picture_counts_once(bolts: Trained, run: Path, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Copies of one picture are one decision, not several: in the same bytes, or as another file."""
    (good / "again").mkdir()
    shutil.copyfile(good / "500.png", good / "again" / "500.png")
    as_bmp(good / "501.png", good / "again" / "501.png")

    main(["--data", str(bolts.data), "--run", str(run), "--fpr", "0.1", "--good", str(good)])

    assert read_calibration(run / "calibration.json").count == 11
    said = capsys.readouterr().out
    assert f"2 pictures of {good} are copies of others there: each picture counts once" in said
    assert "from 11 good pictures that training never saw" in said


@pytest.mark.parametrize("what", ["gone", "one more", "no list"])
def test_what_can_not_be_checked_is_said(
    bolts: Trained, run: Path, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """In the calibration's file as well, and nowhere that training never saw them."""
    data = tmp_path / "data"
    if what == "one more":
        shutil.copytree(bolts.data, data)
        pictures(data / "train" / "good", range(900, 901))
    if what == "no list":
        (run / "split.json").unlink()

    assert main(["--data", str(data), "--run", str(run), "--fpr", "0.1", "--good", str(good)]) == 0

    said, why = capsys.readouterr().out, NO_LIST if what == "no list" else OTHER_FOLDER
    assert f"whether training saw these pictures could not be checked: {why}" in said
    assert "never saw" not in said
    assert read_calibration(run / "calibration.json").unchecked == why


def test_a_changed_folder_still_shows_what_was_seen(bolts: Trained, run: Path, good: Path, tmp_path: Path) -> None:
    """A picture that came later does not hide the others; the message says how sure it is."""
    data = shutil.copytree(bolts.data, tmp_path / "data")
    pictures(data / "train" / "good", range(900, 901))
    shutil.copyfile(data / read_split(run / "split.json").fit[0], good / "copy.png")

    with pytest.raises(BadDataset, match=r"copy\.png is the same picture as .* \(as its name says: name the folder"):
        calibrate(settings(bolts, run, data=data, good=good))


def test_other_pictures_are_not_taken_for_the_same(tmp_path: Path) -> None:
    """One grey level in one place makes another picture, as does another shape of the same pixels; a damaged one is none."""
    grey = np.full((20, 30), 100, np.uint8)
    changed = grey.copy()
    changed[3, 4] = 101
    for name, pixels in (("a", grey), ("b", changed), ("c", grey.reshape(30, 20))):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    a, *others = sorted(tmp_path.iterdir())

    assert same_picture([a], others, LIMITS) is None
    assert same_picture([a], [], LIMITS) is None
    assert same_picture(others[:2], [a, others[1]], LIMITS) == (others[1], others[1])
