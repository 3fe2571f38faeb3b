"""What the calibration command is given: a trained run that has no calibration yet, and pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from snag.training.calibrate import CalibrateSettings
from tests.support.parts import as_bytes, good_picture
from tests.support.trained import RATE, SIZE, Trained


def uncalibrated(bolts: Trained, folder: Path) -> Path:
    """A run folder of one's own, not calibrated yet."""
    folder.mkdir()
    for name in ("snag.pt", "split.json"):
        shutil.copyfile(bolts.run / name, folder / name)
    return folder


def settings(bolts: Trained, run: Path, **changes: object) -> CalibrateSettings:
    """Those of the command for this run, some changed."""
    return CalibrateSettings(**({"data": bolts.data, "run": run, "fpr": RATE} | changes))


def pictures(folder: Path, seeds: range, **looks: object) -> Path:
    """Bolts of these seeds as PNG files; the folder."""
    folder.mkdir(exist_ok=True)
    for seed in seeds:
        Image.fromarray(as_bytes(good_picture(seed, SIZE, **looks))).save(folder / f"{seed}.png")
    return folder
