"""The command where something is missing or broken: what it still says, and what it refuses to say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from snag.core.artifact import load_artifact, save_artifact
from snag.core.files import write_text
from snag.detector.preparation import Prepared
from snag.evaluation.evaluate import main
from snag.evaluation.metrics import METRICS
from tests.support.fakes import TinyDetector, tiny_calibration
from tests.support.labelled_folder import DEFECT_COUNT, GOOD_COUNT, draw_labelled_folder, evaluate, page, rows


def test_without_test_pictures_there_is_the_calibration_part(tmp_path: Path, run: Path) -> None:
    """Every key is there, null; the page explains the threshold."""
    found = evaluate(draw_labelled_folder(tmp_path / "empty", test=False), run)

    assert {name: found[name] for name in METRICS} == dict.fromkeys(METRICS)
    assert found["threshold"] == 0.039
    assert found["per_defect"] == {}
    assert found["calibration"]["count"] == 40
    assert rows(run) == []
    assert page(run).count("<svg") == 1
    assert "comes from 40 good pictures that training never saw" in page(run)


def test_without_masks_there_is_the_image_part(tmp_path: Path, run: Path) -> None:
    """Pixel figures are null and no mask is missed: none was promised."""
    found = evaluate(draw_labelled_folder(tmp_path / "data", masks=False), run)

    assert found["image_auroc"] == 1.0
    assert [found[name] for name in ("pixel_auroc", "pixel_ap", "aupro_30")] == [None] * 3
    assert found["mask_faults"] == []
    assert page(run).count(">no mask<") == 2 * DEFECT_COUNT


@pytest.mark.parametrize(("kinds", "missing"), [(["bright", "dark"], "tpr"), (["good"], "fpr")])
def test_a_missing_class_makes_null_of_what_needs_it(data: Path, run: Path, kinds: list[str], missing: str) -> None:
    """Only good pictures, or only defects: no AUROC, and the other rate alone."""
    for kind in kinds:
        shutil.rmtree(data / "test" / kind)

    found = evaluate(data, run)

    assert [found[name] for name in ("image_auroc", "image_ap", missing)] == [None] * 3
    assert found["fpr" if missing == "tpr" else "tpr"] is not None
    assert found["shortcut_chance"] is None


def test_unreadable_pictures_are_listed_and_in_no_figure(data: Path, run: Path) -> None:
    """A broken file does not stop the others; its row has the error's code and no score."""
    (data / "test/good/000.png").write_bytes(b"not a picture")

    found = evaluate(data, run)

    assert found["counts"]["good"] == GOOD_COUNT - 1
    assert [(item["path"], item["code"]) for item in found["unreadable"]] == [("test/good/000.png", "unsupported_format")]
    assert rows(run)[-1] == {
        "path": "test/good/000.png",
        **{"class": "good", "label": "0", "score": "", "p_value": "", "anomaly": "", "reconstruction_error": ""},
        **{"brightness": "", "reason": "unsupported_format", "group": "", "threshold": ""},
    }
    assert "1 picture could not be read" in page(run)


def test_nothing_but_unreadable_pictures_is_an_error(tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the first; the old report stays."""
    write_text(tmp_path / "data/test/good/a.png", "no picture")

    assert main(["--data", str(tmp_path / "data"), "--run", str(run)]) == 2

    assert capsys.readouterr().err.startswith("error: 1 pictures can't be read, first test/good/a.png: ")


def test_a_picture_without_a_usable_mask_is_missing_in_the_pixel_figures_alone(data: Path, run: Path) -> None:
    """No mask, one of another size, one that marks nothing: each named."""
    masks = data / "ground_truth/dark"
    (masks / "000_mask.png").unlink()
    Image.new("L", (10, 10), 255).save(masks / "001_mask.png")
    Image.new("L", (64, 48), 0).save(masks / "002_mask.png")

    found = evaluate(data, run)

    assert found["image_auroc"] == 1.0
    assert found["counts"]["regions"] == 2 * DEFECT_COUNT - 3
    assert found["mask_faults"] == [
        "test/dark/000.png: no ground truth",
        "test/dark/001.png: 001_mask.png has 10 x 10 pixels; expected 64 x 48 as its picture",
        "test/dark/002.png: 002_mask.png marks nothing; expected the defect in white",
    ]


class ChoosyDetector(TinyDetector):
    """Refuses a black picture, as the real one does a part that it can't align."""

    @torch.jit.export
    def prepare(self, picture: Tensor) -> Prepared:
        view = self.resize(picture)
        return Prepared(view.picture, view.pose, "not_aligned" if float(view.picture.max()) < 0.01 else "")


def test_a_refused_picture_is_rejected_and_marks_no_pixel(data: Path, tmp_path: Path) -> None:
    """It counts as a false alarm; its map, which would be the strongest of all, is not laid on it; no spread has its score."""
    Image.new("L", (64, 48), 0).save(data / "test/good/000.png")
    save_artifact(torch.jit.script(ChoosyDetector().eval()), {"score_unit": "x"}, tmp_path / "snag.pt")
    tiny_calibration(tmp_path, load_artifact(tmp_path / "snag.pt"))

    found = evaluate(data, tmp_path)

    assert found["counts"]["refused"] == 1
    assert found["fpr"] == 1 / GOOD_COUNT
    assert found["image_auroc"] == 1 - 1 / GOOD_COUNT
    assert found["per_class"]["good"]["score"]["max"] < 0.039
    assert found["pixel_auroc"] > 0.99
    assert rows(tmp_path)[0]["reason"] == "not_aligned"
    assert "Rejected without a look at the surface: 1 picture, 1 of them good (not_aligned)." in page(tmp_path)


def test_a_calibration_of_another_model_is_refused(
    data: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its threshold would mean nothing."""
    other = tmp_path / "other"
    shutil.copytree(run, other)
    text = (other / "calibration.json").read_text()
    (other / "calibration.json").write_text(re.sub(r'"artifact": "\w+"', f'"artifact": "{"0" * 64}"', text))

    assert main(["--data", str(data), "--run", str(other)]) == 2

    assert "run `make calibrate` for this model" in capsys.readouterr().err


@pytest.mark.parametrize(("flag", "expected"), [("--data", "is not a folder"), ("--run", "run `make train`")])
def test_a_folder_that_is_not_there_is_one_clear_line(
    data: Path, run: Path, flag: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Either of the two."""
    arguments = {"--data": str(data), "--run": str(run)} | {flag: str(data / "nowhere")}

    assert main([part for pair in arguments.items() for part in pair]) == 2

    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert expected in error
