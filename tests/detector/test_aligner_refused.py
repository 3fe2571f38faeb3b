"""What is not aligned: anything but one whole part of the usual kind, and a part that the border cuts off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.aligner import Aligner
from snag.samples.screw_sample import draw
from snag.training.data.dataset import read
from snag.training.data.survey import summarise
from snag.training.fit.aligner import Alignment, fit_alignment
from tests.support.aligners import SIZE, aligner_of
from tests.support.parts import BACKGROUND, draw_scene, good_bolt, good_picture


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return aligner_of(bright=False)


def _even(value: float) -> Tensor:
    return torch.full((1, *SIZE), value)


def _noise(deviation: float) -> Tensor:
    return 128 + deviation * torch.randn(1, *SIZE, generator=torch.Generator().manual_seed(0))


def _two_parts() -> Tensor:
    bolt = good_bolt(3, SIZE)
    first = replace(bolt, x=80.0, y=55.0, degrees=0.0)
    return draw_scene(SIZE, [first, replace(first, y=105.0, degrees=10.0)])


def _disc() -> Tensor:
    rows, columns = np.mgrid[:160, :160] - 79.5
    return torch.from_numpy(np.where(rows**2 + columns**2 < 30**2, 60.0, BACKGROUND).astype(np.float32))[None]


def _rod() -> Tensor:
    picture = _even(BACKGROUND)
    picture[:, 72:88, 30:130] = 60
    return picture


STRANGE: dict[str, Callable[[], Tensor]] = {
    "an empty table": lambda: draw_scene(SIZE, [], noise_seed=0),
    "black": lambda: _even(0.0),
    "grey": lambda: _even(BACKGROUND),
    "white": lambda: _even(255.0),
    "faint noise": lambda: _noise(1),
    "strong noise": lambda: _noise(60),
    "two parts": _two_parts,
    "two parts that cross": lambda: draw_scene(SIZE, [good_bolt(3, SIZE, degrees=20), good_bolt(4, SIZE, degrees=110)]),
    "a round part": _disc,
    "a plain rod": _rod,
    "a part of two thirds the size": lambda: draw_scene(SIZE, [good_bolt(3, SIZE, length=65.0)]),
    "a part of one and a half the size": lambda: draw_scene(SIZE, [good_bolt(3, SIZE, length=150.0, x=80.0, y=80.0)]),
    "a bright part": lambda: good_picture(3, SIZE, bright=True),
    "a negative": lambda: 255 - good_picture(3, SIZE),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_not_one_whole_part_is_not_aligned(aligner: Aligner, name: str) -> None:
    assert aligner(STRANGE[name]())[3] == "not_aligned"


@pytest.mark.parametrize("name", STRANGE)
def test_whatever_the_picture_the_pose_is_a_number(aligner: Aligner, name: str) -> None:
    """The detector computes a score of it all the same, beside its neighbours in a batch."""
    place, coefficients, scale, _ = aligner(STRANGE[name]())

    assert all(bool(value.isfinite().all()) for value in (place, coefficients, scale))


def _cut(side: str, inside: float) -> Tensor:
    """A bolt (99 pixels long) that points at the picture's border, `inside` of its length before it."""
    along = inside * 99.2 - 0.5 * 99.2
    place, degrees = {
        "left": ((along, 80.0), 180.0),
        "right": ((160 - along, 80.0), 0.0),
        "top": ((80.0, along), 270.0),
        "bottom": ((80.0, 160 - along), 90.0),
    }[side]
    return draw_scene(SIZE, [good_bolt(3, SIZE, x=place[0], y=place[1], degrees=degrees)], noise_seed=1)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("inside", [0.6, 0.75, 0.85, 0.93])
def test_a_part_that_the_border_cuts_off_is_not_aligned(aligner: Aligner, side: str, inside: float) -> None:
    assert aligner(_cut(side, inside))[3] == "not_aligned"


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_whole_part_close_to_the_border_is_aligned(aligner: Aligner, side: str) -> None:
    assert aligner(_cut(side, 1.03))[3] == ""


def _refused(aligner: Aligner, pictures: list[Tensor]) -> list[bool]:
    return [aligner(picture)[3] != "" for picture in pictures]


def _moved_out(aligner: Aligner, picture: Tensor) -> Tensor:
    """The picture moved along its part's axis by half its side, towards the border; the table goes on behind it."""
    half = picture.shape[1] // 2
    angle = aligner(picture)[0][2]
    dx, dy = (round(half * float(part)) for part in (torch.cos(angle), torch.sin(angle)))
    padded = functional.pad(picture[None], (half, half, half, half), mode="replicate")[0]
    return padded[:, half + dy : 3 * half + dy, half + dx : 3 * half + dx]


def test_parts_that_differ_more_are_refused_when_cut_off_too() -> None:
    """The embedded sample's screws, unlike the bolts, match no better whole than cut: their match alone would let them pass."""
    pictures = [torch.from_numpy(draw("train/good", i, 0, 192).picture)[None].float() for i in range(16)]
    alignment = fit_alignment([summarise(picture).small for picture in pictures])
    assert isinstance(alignment, Alignment), alignment

    assert _refused(alignment.aligner, pictures) == [False] * 16
    assert _refused(alignment.aligner, [_moved_out(alignment.aligner, picture) for picture in pictures[:8]]) == [True] * 8


@pytest.mark.real
def test_real_screws_are_aligned_and_refused_when_cut_off(screw: Path) -> None:
    paths = sorted((screw / "train" / "good").iterdir())
    pictures = [summarise(read(path)).small for path in paths[:300:12]]
    alignment = fit_alignment(pictures[:19])
    assert isinstance(alignment, Alignment), alignment

    others = pictures[19:]
    assert _refused(alignment.aligner, others) == [False] * 6
    assert _refused(alignment.aligner, [_moved_out(alignment.aligner, picture) for picture in others]) == [True] * 6
