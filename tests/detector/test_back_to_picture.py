"""The way back: what the network sees at a place is laid onto that place of the picture."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from snag.detector.full_frame import FullFrame
from snag.detector.oriented_crop import OrientedCrop
from snag.detector.preparation import back_to_picture
from tests.support.parts import draw_scene, good_bolt, good_picture
from tests.support.preparations import SIZE, aligned_for


@pytest.fixture(scope="module")
def aligned() -> OrientedCrop:
    return aligned_for(SIZE)


def blob(height: int, width: int, y: float, x: float, radius: float) -> Tensor:
    """[height, width]: a spot at (y, x), 1 in its middle."""
    rows, columns = torch.arange(height)[:, None] + 0.5, torch.arange(width)[None, :] + 0.5
    return torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2))


def centre_of(spot: Tensor) -> tuple[float, float]:
    """(y, x) of the centre of mass, in pixels from the corner."""
    rows, columns = torch.arange(spot.shape[0])[:, None] + 0.5, torch.arange(spot.shape[1])[None, :] + 0.5
    return float((rows * spot).sum() / spot.sum()), float((columns * spot).sum() / spot.sum())


@given(st.sampled_from([(90, 90), (60, 130), (130, 60), (97, 64)]), st.floats(0.25, 0.75), st.floats(0.25, 0.75))
def test_what_is_seen_at_a_place_of_a_whole_picture_is_laid_back_onto_that_place(
    size: tuple[int, int], y: float, x: float
) -> None:
    """Also through the quarter turn: the working picture is upright, some of the pictures lie across."""
    module = FullFrame(1, [96], [48], 0.5, 0.15)
    place = (y * size[0], x * size[1])
    spot = blob(*size, *place, 4.0)
    prepared, pose, _ = module(255 * spot[None])

    back = back_to_picture(prepared[0] - prepared.min(), pose, *size)

    assert back.shape == size
    assert centre_of(back) == pytest.approx(place, abs=0.4)


@pytest.mark.parametrize("size", [(192, 192), (200, 300), (300, 201)])
@pytest.mark.parametrize("index", range(3))
def test_what_is_seen_at_a_place_of_an_aligned_part_is_laid_back_onto_that_place(size: tuple[int, int], index: int) -> None:
    """A bright blotch on the shank, in pictures of three aspects: found in the strip, laid back to within half a pixel."""
    module = aligned_for(size)
    bolt = good_bolt(index, size)
    marked = module(draw_scene(size, [replace(bolt, mark=True)]))
    change = (marked[0] - module(draw_scene(size, [bolt]))[0])[0].clamp(min=0)
    angle = math.radians(bolt.degrees)
    u, v = -0.15 * bolt.length, 0.02 * bolt.length
    place = (bolt.y + math.sin(angle) * u + math.cos(angle) * v, bolt.x + math.cos(angle) * u - math.sin(angle) * v)

    back = back_to_picture((change - 0.02).clamp(min=0), marked[1], *size)

    assert centre_of(back) == pytest.approx(place, abs=0.5)


def test_beside_the_strip_the_map_on_the_picture_is_nought(aligned: OrientedCrop) -> None:
    pose = aligned(good_picture(0, SIZE))[1]

    back = back_to_picture(torch.ones(aligned.height, aligned.width), pose, *SIZE)

    inside = float((back > 0.5).float().mean())
    scale = 192 * aligned.step  # picture pixels for each of the strip's
    assert inside == pytest.approx(aligned.height * aligned.width * scale**2 / 192**2, rel=0.02)
    assert float(back[0, 0]) == float(back[-1, -1]) == 0.0
