"""How pictures are drawn: those of 8 bits as they are, deeper ones by what they use of their range."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fuzz.handmade import png
from snag.core.display import displayed
from snag.core.heatmap import Scale, overlay
from snag.core.picture import decode
from tests.support.pictures import colour, grey


def twelve_bits(pixels: np.ndarray) -> np.ndarray:
    """As a camera of 12 bits writes them into 16."""
    return np.round(pixels * (4095 / 255)).astype(np.uint16)


def test_eight_bits_are_drawn_as_they_are() -> None:
    dark = torch.from_numpy(grey()[None] // 16)

    assert torch.equal(dark, displayed(dark))


def test_twelve_bits_in_sixteen_are_drawn_as_bright_as_in_eight() -> None:
    """The brightest thousandth is white; the rest keeps its place between black and white, in colour too."""
    for pixels in (grey(), colour()):
        shown = displayed(decode(png(twelve_bits(pixels), 16)))

        assert (shown.dtype, int(shown.max())) == (torch.uint8, 255)
        planes = np.atleast_3d(pixels).transpose(2, 0, 1)
        assert np.abs(shown.numpy() - planes * (255 / float(planes.max()))).max() <= 4


@given(st.integers(1, 65535))
def test_how_bright_it_was_taken_makes_no_difference(gain: int) -> None:
    values = torch.linspace(0, 255, 1200).reshape(1, 30, 40)

    assert (displayed(values * (gain / 65535)).int() - displayed(values).int()).abs().max() <= 1


def test_a_hot_pixel_leaves_the_rest_visible() -> None:
    picture = torch.full((1, 60, 60), 10.0)
    picture[0, 3, 4] = 255.0

    assert displayed(picture).unique().tolist() == [255]


def test_nothing_but_black_is_black() -> None:
    assert displayed(torch.zeros(3, 4, 5)).unique().tolist() == [0]
    lone = torch.zeros(1, 60, 60)
    lone[0, 3, 4] = 2.0
    assert int(displayed(lone)[0, 3, 4]) == 255


def test_an_overlay_shows_the_picture() -> None:
    """And not a black field with marks."""
    drawn = overlay(decode(png(twelve_bits(grey()), 16)), torch.zeros(grey().shape), Scale(1.0, 2.0, 3.0, 6.0))

    low, high = drawn.convert("L").getextrema()
    assert (low < 30, high) == (True, 255)
