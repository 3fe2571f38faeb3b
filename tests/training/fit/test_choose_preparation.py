"""The choice of a preparation: aligned or whole, colour or grey, the working size."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from snag.detector.full_frame import FullFrame
from snag.detector.oriented_crop import OrientedCrop
from snag.detector.registration import moved
from snag.training.data.survey import summarise
from snag.training.modes import MODES, choose
from tests.support.parts import good_picture
from tests.support.preparations import SIZE, aligned_for, chosen, random_picture
from tests.support.scenes import play


@pytest.fixture(scope="module")
def aligned() -> OrientedCrop:
    return aligned_for(SIZE)


def test_parts_are_aligned_where_they_can_be_and_left_whole_on_demand() -> None:
    assert chosen(SIZE).mode.name == "oriented_crop"
    assert chosen(SIZE, mode="full_frame").mode.name == "full_frame"


def test_what_can_not_be_aligned_is_left_whole_and_says_why() -> None:
    summaries = [summarise(random_picture(60, 80, seed=seed)) for seed in range(12)]
    wanted = {"pixels": 3000}

    automatic = choose(summaries, mode="auto", **wanted)
    asked = choose(summaries, mode="oriented_crop", **wanted)

    assert automatic.mode.name == asked.mode.name == "full_frame"
    reasons = automatic.fit.why.split("; ")
    assert [reason[:4] for reason in reasons[:3]] == ["no p", "even", "no t"]  # not aligned, registered, located
    assert len(reasons) == len(MODES) - 1
    assert asked.fit.why == f"mode oriented_crop was asked for, but {reasons[0]}"
    assert automatic.fit.foreground.unique().tolist() == [1]


@pytest.mark.parametrize(("knobs", "mode"), [(0, "oriented_crop"), (5, "scene")])
def test_a_part_that_is_one_thing_of_many_which_lie_alike_is_no_part(knobs: int, mode: str) -> None:
    """A long bar on a plate, alone or with knobs around it: aligned, nobody would look at the knobs."""
    y, x = torch.linspace(-1, 1, 256)[:, None], torch.linspace(-1, 1, 256)[None, :]
    depth = (0.12 - y.abs()).clamp(0, 0.02) * (0.7 - x.abs()).clamp(0, 0.02) / 0.02**2
    for number in range(knobs):
        away = torch.hypot(y - 0.6 * (-1) ** number, x + 0.8 - 0.4 * number)
        depth = depth + (0.06 - away).clamp(0, 0.02) / 0.02
    moves = torch.tensor(play(24)) * torch.tensor([1.0, 1.0, math.pi / 180])
    pictures = moved((200 - 140 * depth).expand(24, 1, -1, -1), moves, 256, 256)
    pictures = pictures + 2 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))

    choice = choose([summarise(p) for p in pictures], mode="auto", colour="auto", pixels=6000)

    assert choice.mode.name == mode


@pytest.mark.parametrize(
    ("colour", "coloured", "channels"), [("auto", True, 3), ("auto", False, 1), ("grey", True, 1), ("colour", False, 3)]
)
def test_colour_is_used_where_the_pictures_have_any(colour: str, coloured: bool, channels: int) -> None:
    pictures = [random_picture(60, 60, channels=3, seed=seed) for seed in range(12)]
    if not coloured:
        pictures = [picture[:1].expand(3, -1, -1) for picture in pictures]

    choice = choose([summarise(picture) for picture in pictures], mode="full_frame", colour=colour, pixels=3000)

    assert choice.module.channels == channels
    assert choice.module(pictures[0])[0].shape[0] == channels


def test_a_coloured_part_is_aligned_by_its_grey_values_and_shown_in_colour() -> None:
    tint = torch.tensor([1.2, 1.0, 0.7])[:, None, None]
    pictures = [good_picture(i, SIZE) * tint for i in range(16)]

    choice = choose([summarise(p) for p in pictures], mode="auto", colour="auto", pixels=6000)
    prepared, _, reason = choice.module(pictures[0])

    assert (choice.mode.name, reason) == ("oriented_crop", "")
    means = prepared.mean((1, 2))
    assert prepared.shape[0] == 3
    assert means[0] > means[1] > means[2]


@pytest.mark.parametrize("size", [(100, 100), (60, 150), (150, 60)])
def test_the_working_size_keeps_budget_and_aspect_and_never_exceeds_the_pictures(size: tuple[int, int]) -> None:
    summaries = [summarise(random_picture(*size, seed=seed)) for seed in range(12)]

    def whole(pixels: int) -> tuple[int, int]:
        module = choose(summaries, mode="full_frame", colour="auto", pixels=pixels).module
        return module.height, module.width

    small, large = whole(4000), whole(10**6)
    assert all(side % 16 == 0 for side in (*small, *large))
    assert small[0] * small[1] <= 4000 * 1.35
    assert all(abs(got - had) <= 8 for got, had in zip(large, size, strict=True))


def test_pictures_that_lie_both_ways_are_worked_on_as_most_lie() -> None:
    summaries = [summarise(random_picture(*size)) for size in [(60, 120)] * 3 + [(120, 60)] * 9]

    module = choose(summaries, mode="full_frame", colour="auto", pixels=10**6).module

    assert (module.height, module.width) == (128, 64)


def _lined(height: int, width: int, down: bool, seed: int) -> Tensor:
    """Grey values that change along x (lines run down), or along y."""
    lines = torch.rand(1, 1, width if down else height, generator=torch.Generator().manual_seed(seed)) * 200
    return lines.expand(1, height, width) if down else lines.transpose(1, 2).expand(1, height, width)


@pytest.mark.parametrize("down_in_wide_ones", [True, False])
def test_pictures_that_lie_across_are_turned_unless_their_grain_runs_as_in_those_that_stand(down_in_wide_ones: bool) -> None:
    """Plates cut to any length from ground stock: the lines run down in all of them, so nothing is to be turned."""
    tall = [_lined(120, 60, True, seed) for seed in range(6)]
    wide = [_lined(60, 120, down_in_wide_ones, seed) for seed in range(4)]

    module = choose([summarise(picture) for picture in [*tall, *wide]], mode="full_frame", colour="auto", pixels=10**6).module

    assert isinstance(module, FullFrame)
    assert module.turn is not down_in_wide_ones
    assert module(wide[0])[0].shape == ((1, 64, 128) if down_in_wide_ones else (1, 128, 64))
    assert module(tall[0])[0].shape == (1, 128, 64)


def test_pictures_of_many_shapes_are_squeezed_by_little_and_keep_the_budget_on_average() -> None:
    random = torch.Generator().manual_seed(1)
    sizes = [(int(h), int(w)) for h, w in zip(*torch.randint(120, 520, (2, 60), generator=random), strict=True)]
    summaries = [summarise(_lined(*size, True, 0)) for size in sizes]

    module = choose(summaries, mode="full_frame", colour="auto", pixels=30_000).module

    squeezed, areas = [], []
    for height, width in sizes:
        _, had, got = module(_lined(height, width, True, 0))[0].shape
        squeezed.append((had / height) / (got / width))
        areas.append(had * got)
    assert max(*squeezed, *(1 / ratio for ratio in squeezed)) < 1.35
    assert sorted(squeezed)[len(sizes) // 2] == pytest.approx(1, abs=0.08)
    assert sorted(areas)[len(areas) // 2] == pytest.approx(30_000, rel=0.25)


@pytest.mark.parametrize("size", [(128, 128), (160, 160), (192, 192)])
def test_rounding_the_strip_to_whole_blocks_never_cuts_the_part(size: tuple[int, int]) -> None:
    choice = chosen(size)
    assert isinstance(choice.module, OrientedCrop)
    head = 0.32 * 0.62 * min(size) / max(size)  # a bolt's greatest width, in units of the long side

    assert choice.module.height * choice.module.step >= head + 0.01


def test_defects_are_drawn_on_the_part_and_a_little_beside_it(aligned: OrientedCrop) -> None:
    foreground = chosen(SIZE).fit.foreground

    assert foreground.shape == (aligned.height, aligned.width)
    assert float(foreground.min()) == pytest.approx(0.03)
    assert float(foreground[aligned.height // 2].mean()) > 0.9
    assert float(foreground[0].mean()) < 0.1
