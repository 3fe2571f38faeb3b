"""A small data folder in the MVTec layout, drawn: mid-grey pictures, two kinds of defect with masks; and its evaluation."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from snag.evaluation.evaluate import main
from tests.support.fakes import tiny_artifact, tiny_calibration

SHAPE = (48, 64)
GOOD_COUNT, DEFECT_COUNT = 6, 4


def draw_labelled_folder(data: Path, test: bool = True, masks: bool = True) -> Path:
    """test/good, test/bright, test/dark (each 48 x 64, its square at another place); ground_truth where `masks`."""
    generator = np.random.default_rng(0)
    if not test:
        data.mkdir(parents=True, exist_ok=True)
        return data
    for index in range(GOOD_COUNT):
        _save(data / f"test/good/{index:03}.png", _surface(generator))
    for kind, value in (("bright", 235), ("dark", 20)):
        for index in range(DEFECT_COUNT):
            picture, mask = _surface(generator), np.zeros(SHAPE, dtype=np.uint8)
            place = np.s_[6 + 6 * index : 18 + 6 * index, 8 + 8 * index : 24 + 8 * index]
            picture[place], mask[place] = value, 255
            _save(data / f"test/{kind}/{index:03}.png", picture)
            if masks:
                _save(data / f"ground_truth/{kind}/{index:03}_mask.png", mask)
    return data


def tiny_run(folder: Path) -> Path:
    """A run folder with a tiny model and its calibration."""
    folder.mkdir()
    tiny_calibration(folder, tiny_artifact(folder))
    return folder


def _surface(generator: np.random.Generator) -> np.ndarray:
    return np.clip(generator.normal(128, 6, SHAPE), 0, 255).astype(np.uint8)


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def evaluate(data: Path, run: Path, *flags: str) -> dict[str, Any]:
    """Run the command on a copy of the run folder's files; metrics.json."""
    shutil.rmtree(run / "report", ignore_errors=True)
    assert main(["--data", str(data), "--run", str(run), *flags]) == 0
    return json.loads((run / "report/metrics.json").read_text())


def page(run: Path) -> str:
    return (run / "report/index.html").read_text()


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "report/results.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
