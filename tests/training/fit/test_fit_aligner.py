"""Fitting the aligner: which parts it takes, and which it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from snag.detector.aligner import REFINE_SIDE
from snag.detector.geometry import shrink
from snag.samples.screw_sample import draw
from snag.training.data.survey import summarise
from snag.training.fit.aligner import Alignment, fit_alignment
from snag.training.fit.refusal import Refusal
from tests.support.parts import BACKGROUND, draw_scene, good_bolt, good_picture


def sample_picture(folder: str, index: int) -> torch.Tensor:
    """A picture of the embedded sample, float [1, 320, 320]."""
    return torch.from_numpy(draw(folder, index, seed=0, size=320).picture).float()[None]


def test_no_good_part_is_refused_by_an_aligner_fitted_to_its_like() -> None:
    """Neither those that it was fitted to nor others: a refused good part would be a false alarm."""
    fitted, others = ([sample_picture(folder, i) for i in range(24)] for folder in ("train/good", "test/good"))

    alignment = fit_alignment([shrink(picture, REFINE_SIDE) for picture in fitted])

    assert isinstance(alignment, Alignment), alignment
    assert {alignment.aligner(picture)[3] for picture in [*fitted, *others]} == {""}


def smalls(pictures: list[torch.Tensor]) -> list[torch.Tensor]:
    return [summarise(picture).small for picture in pictures]


def texture(seed: int) -> torch.Tensor:
    return 120 + 20 * torch.randn(1, 96, 96, generator=torch.Generator().manual_seed(seed))


def disc(seed: int) -> torch.Tensor:
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:96, :96] - 47.5 + random.uniform(-5, 5)
    picture = np.where(rows**2 + columns**2 < 20**2, 60.0, BACKGROUND) + random.normal(0, 1, (96, 96))
    return torch.from_numpy(picture.astype(np.float32))[None]


def bent(seed: int) -> torch.Tensor:
    """A part that has no shape of its own: two rods at any angle to each other."""
    bolt, random = good_bolt(seed, (96, 96)), np.random.default_rng(seed)
    other = replace(bolt, degrees=bolt.degrees + random.uniform(20, 70), length=random.uniform(40, 80), x=48.0, y=48.0)
    return draw_scene((96, 96), [replace(bolt, x=48.0, y=48.0), other])


def rails(seed: int) -> torch.Tensor:
    """A potato on a belt between two shiny rails, which the picture's border cuts: they stand out, too, and more."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:80, :100] + 0.5
    angle, x, y = random.uniform(0, np.pi), random.uniform(35, 65), random.uniform(30, 50)
    u = np.cos(angle) * (columns - x) + np.sin(angle) * (rows - y)
    v = np.cos(angle) * (rows - y) - np.sin(angle) * (columns - x)
    inside = (u / random.uniform(12, 15)) ** 2 + (v / random.uniform(9, 12)) ** 2 < 1
    picture = np.where(inside, 110.0, 45.0)
    picture[25:70, :3], picture[20:60, 96:] = 230.0, 240.0
    return torch.from_numpy((picture + random.normal(0, 1, picture.shape)).astype(np.float32))[None]


@pytest.mark.parametrize(
    ("draw_one", "why"),
    [
        (texture, "no part stands out from its background"),
        (lambda seed: 0 * texture(seed) + 90, "no part stands out from its background"),
        (disc, "the parts have no clear long axis (elongation 1.0, at least 2 is needed)"),
        (rails, "what stands out is cut off by the picture's border"),
        (bent, "of the parts match their mean silhouette (at least 95% is needed)"),
    ],
)
def test_what_can_not_be_aligned_is_refused_with_the_reason(draw_one: Callable[[int], torch.Tensor], why: str) -> None:
    refused = fit_alignment(smalls([draw_one(seed) for seed in range(16)]))

    assert isinstance(refused, Refusal)
    assert why in refused.why


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize("size", [(96, 96), (96, 144)])
def test_the_strip_holds_the_part_with_a_margin(size: tuple[int, int], bright: bool) -> None:
    """A bolt is as long as 0.62 of the short side, and its head 0.32 of that across."""
    alignment = fit_alignment(smalls([good_picture(i, size, bright=bright) for i in range(16)]))

    assert isinstance(alignment, Alignment), alignment
    assert alignment.why.startswith("parts aligned: their silhouettes match the mean by 0.9")
    length = 0.62 * min(size) / max(size)
    assert length < alignment.width < length + 0.06
    assert 0.32 * length < alignment.height < 0.32 * length + 0.06


def test_an_aligner_fitted_to_parts_that_the_border_always_cuts_accepts_them() -> None:
    """A camera may see a segment alone: what is usual is good."""
    pictures = [draw_scene((96, 96), [good_bolt(i, (96, 96), x=78.0, y=48.0 + i % 5, degrees=0.0)], i) for i in range(16)]

    alignment = fit_alignment(smalls(pictures))

    assert isinstance(alignment, Alignment), alignment
    assert {alignment.aligner(picture)[3] for picture in pictures} == {""}


@pytest.mark.parametrize("bright", [False, True])
def test_a_rim_that_curves_away_from_the_lamp_lies_in_the_strip_and_a_shadow_does_not_widen_it(bright: bool) -> None:
    """A lozenge of 100 x 44 in 160: full depth in its middle, half of it at its rim; and beside it a shadow a third as deep."""

    def lozenge(seed: int) -> torch.Tensor:
        random = np.random.default_rng(seed)
        rows, columns = np.mgrid[:160, :160] - 79.5 + random.uniform(-6, 6)
        rim = (np.abs(columns / 50) ** 2.5 + np.abs(rows / 22) ** 2.5) ** (1 / 2.5)
        shadow = np.exp(-(((rows - 34) / 9) ** 2 + (columns / 40) ** 2)) * (rows > 24)
        depth = np.where(rim < 1, 1 - 0.5 * rim.clip(0, 1) ** 5, 0.33 * shadow)
        table, step = (60.0, 130.0) if bright else (200.0, -130.0)
        return torch.from_numpy((table + step * depth + random.normal(0, 1, (160, 160))).astype(np.float32))[None]

    alignment = fit_alignment(smalls([lozenge(seed) for seed in range(16)]))

    assert isinstance(alignment, Alignment), alignment
    assert 100 / 160 + 0.02 < alignment.width < 100 / 160 + 0.06
    assert 44 / 160 + 0.01 < alignment.height < 44 / 160 + 0.06
