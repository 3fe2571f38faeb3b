"""The gallery: the right pictures in the right order, and defects that stay visible when small."""

from __future__ import annotations

import base64
import io
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from snag.core.artifact import Scores
from snag.core.heatmap import Scale
from snag.core.verdict import Verdict
from snag.evaluation.gallery import SIDE, Exhibit, Gallery
from snag.evaluation.judged_pictures import JudgedPicture
from snag.evaluation.labelled import LabelledPicture
from snag.evaluation.results import PictureResult

SCALE = Scale(usual=2.0, level=5.0, largest=5.5, top=11.0)


def judged(score: float, kind: str, pixels: torch.Tensor | None = None, reason: str | None = None) -> JudgedPicture:
    """A picture whose name is its score."""
    view = torch.full((1, 8, 8), 0.5)
    pose = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return JudgedPicture(
        LabelledPicture(Path("x.png"), f"{score:g}", kind, None),
        torch.full((1, 8, 8), 128, dtype=torch.uint8) if pixels is None else pixels,
        Scores(score, 0.1, reason, view[0], view[0], torch.zeros(8, 8), view, view, pose),
        Verdict(score > 5, score, 5.0, 0.5, 0.1, reason),
    )


def offer(gallery: Gallery, item: JudgedPicture, heat: torch.Tensor | None = None, mask: np.ndarray | None = None) -> None:
    result = PictureResult(item.picture, item.verdict, 0.5, (), ())
    if gallery.wants(result):
        gallery.add(item, result, torch.zeros(item.pixels.shape[-2:]) if heat is None else heat, mask)


def names(shelf: list[Exhibit]) -> list[str]:
    return [exhibit.result.picture.name for exhibit in shelf]


def opened(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")).astype(int)


@pytest.mark.parametrize("seed", range(5))
def test_best_and_worst_of_each_class_whatever_the_order(seed: int) -> None:
    """A good picture is best with the lowest score, a defective one with the highest."""
    gallery = Gallery(2, scale=SCALE)
    stream = [(score, kind) for score in range(10) for kind in ("good", "scratch")]
    random.Random(seed).shuffle(stream)

    for score, kind in stream:
        offer(gallery, judged(score, kind))

    assert (names(gallery.worst("good")), names(gallery.best("good"))) == (["9", "8"], ["0", "1"])
    assert (names(gallery.worst("scratch")), names(gallery.best("scratch"))) == (["0", "1"], ["9", "8"])


@pytest.mark.parametrize(("count", "worst", "best"), [(1, ["0"], []), (2, ["0"], ["1"]), (3, ["0", "1"], ["2"])])
def test_few_pictures_are_shown_once(count: int, worst: list[str], best: list[str]) -> None:
    """None is both best and worst."""
    gallery = Gallery(2, scale=SCALE)
    for score in range(count):
        offer(gallery, judged(score, "scratch"))

    assert (names(gallery.worst("scratch")), names(gallery.best("scratch"))) == (worst, best)


def test_a_refused_picture_ranks_above_every_score() -> None:
    """A good part that could not be aligned is the worst of the good ones."""
    gallery = Gallery(1, scale=SCALE)
    for item in (judged(3, "good"), judged(2, "good", reason="not_aligned"), judged(4, "good")):
        offer(gallery, item)

    assert names(gallery.worst("good")) == ["2"]


def test_an_empty_gallery_wants_nothing() -> None:
    """Size 0 switches it off."""
    gallery = Gallery(0, scale=SCALE)
    offer(gallery, judged(1, "good"))

    assert (gallery.worst("good"), gallery.best("good")) == ([], [])


def test_a_small_defect_survives_the_shrinking() -> None:
    """In a picture of 2000 x 1000, on the map and in the ground truth; the longest side becomes SIDE."""
    pixels = torch.full((1, 1000, 2000), 128, dtype=torch.uint8)
    heat, mask = torch.zeros(1000, 2000), np.zeros((1000, 2000), dtype=bool)
    heat[495:505, 1496:1506], mask[500, 1501] = 6.0, True
    gallery = Gallery(1, scale=SCALE)

    offer(gallery, judged(9, "scratch", pixels), heat, mask)

    exhibit = gallery.worst("scratch")[0]
    overlay, truth = opened(exhibit.overlay), opened(exhibit.truth or "")
    assert overlay.shape == truth.shape == opened(exhibit.picture).shape == (SIDE // 2, SIDE, 3)
    row, column = round(500 * SIDE / 2000), int(1501 * SIDE / 2000)
    assert overlay[row, column, 0] - overlay[row, column, 2] > 60  # red over grey
    assert truth[row, column, 2] - truth[row, column, 0] > 60  # blue over grey
    assert np.abs(overlay[10, 10] - 128).max() <= 2


def test_picture_and_reconstruction_share_one_grey_range() -> None:
    """0..1 as a rule: the reconstruction of a bright picture by mid-grey stays mid-grey."""
    gallery = Gallery(1, scale=SCALE)
    offer(gallery, judged(1, "good"))

    exhibit = gallery.worst("good")[0]

    assert np.abs(opened(exhibit.seen) - 128).max() <= 1
    assert np.abs(opened(exhibit.reconstruction) - 128).max() <= 1
    assert exhibit.seen_aspect == 1.0
