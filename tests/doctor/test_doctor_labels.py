"""What the doctor says of names and masks that may mean another thing than Snag takes them for."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageFilter

from snag.doctor.advice import advice
from snag.doctor.diagnosis import diagnose
from tests.support.data_sets import data_set, mask, png, write_folder


def test_a_folder_that_probably_means_good(tmp_path: Path) -> None:
    """Is warned of, and its pictures are compared with nothing."""
    write_folder(tmp_path, {name.replace("test/good", "test/OK"): content for name, content in data_set().items()})

    diagnosis = diagnose(tmp_path)

    assert diagnosis.folders == {"train/good": 2, "test/dent": 2}
    assert [one.urgency for one in advice(diagnosis) if "test/OK: seems to mean good" in one.text] == ["warning"]


def test_train_good_under_another_name(tmp_path: Path) -> None:
    """Stops, and says which folder to rename."""
    write_folder(tmp_path, {name.replace("train/good", "Train/OK"): content for name, content in data_set().items()})

    said = [one.text for one in advice(diagnose(tmp_path)) if one.urgency == "stop"]

    assert "train/good: is missing; Train/OK is there: rename it to train/good." in said


def test_masks_with_soft_edges_are_a_note_and_inverted_ones_a_warning(tmp_path: Path) -> None:
    """The first are used, the second are not."""
    white = Image.open(io.BytesIO(mask()))
    soft, inverted = io.BytesIO(), io.BytesIO()
    white.filter(ImageFilter.GaussianBlur(1)).save(soft, "PNG")
    white.point(lambda value: 255 - value).save(inverted, "PNG")
    masks = {"ground_truth/dent/000_mask.png": soft.getvalue(), "ground_truth/dent/001_mask.png": inverted.getvalue()}
    write_folder(tmp_path, data_set() | {"test/dent/000.png": png(7)} | masks)

    said = {one.text.split(":")[0]: one.urgency for one in advice(diagnose(tmp_path))}

    assert (said["ground_truth/dent/000_mask.png"], said["ground_truth/dent/001_mask.png"]) == ("note", "warning")
