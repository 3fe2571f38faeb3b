"""Strips of pictures: coordinates, shrinking and reading, at any angle and place."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from snag.detector.geometry import background_at, block_means, sample, sample_strip, shrink, stretched, strip_places


def test_shrinking_keeps_aspect_and_mean() -> None:
    picture = torch.rand(1, 60, 120, generator=torch.Generator().manual_seed(0))

    small = shrink(picture, 40)

    assert small.shape == (1, 20, 40)
    assert float(small.mean()) == pytest.approx(float(picture.mean()), rel=1e-5)


def test_a_strip_in_the_pictures_own_pose_reads_the_pictures_pixels() -> None:
    picture = torch.rand(2, 6, 10, generator=torch.Generator().manual_seed(0))
    middle = torch.tensor([0.5, 0.3, 0.0])  # units of the long side, 10 pixels

    assert torch.allclose(sample(picture, strip_places(middle, 6, 10, 0.1, 6, 10)), picture, atol=1e-5)


def test_a_strip_turned_by_a_quarter_reads_columns_as_rows() -> None:
    """The strip's axis points down in the picture; what lies left in the picture lies at the strip's bottom."""
    picture = torch.arange(60.0).reshape(1, 6, 10)
    pose = torch.tensor([0.5, 0.3, math.pi / 2])

    assert torch.allclose(sample(picture, strip_places(pose, 10, 6, 0.1, 6, 10))[0], picture[0].t().flip(0), atol=1e-4)


def test_outside_of_the_picture_its_edge_is_repeated() -> None:
    picture = torch.arange(4.0).reshape(1, 2, 2)

    strip = sample(picture, strip_places(torch.tensor([0.5, 0.5, 0.0]), 2, 6, 0.5, 2, 2))

    assert torch.allclose(strip[0], torch.tensor([[0.0, 0, 0, 1, 1, 1], [2.0, 2, 2, 3, 3, 3]]), atol=1e-5)


def test_the_background_at_coordinates_is_the_polynomial_there() -> None:
    coefficients = torch.tensor([100.0, 10, 20, 0, 0, 0, 0, 0, 0, 0])
    corners = torch.tensor([[[-1.0, -1.0], [1.0, 1.0]]])

    assert background_at(coefficients, corners).tolist() == [[70.0, 130.0]]


@given(st.integers(40, 90), st.integers(40, 90), st.floats(-3.1, 3.1), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_a_pose_in_a_shrunk_picture_is_carried_over_point_by_point(h: int, w: int, angle: float, x: float, y: float) -> None:
    """A point on the axis, carried over by its share of each side, lies on the carried axis."""
    to_h, to_w = 1000, 700
    pose = stretched(torch.tensor([x, y, angle]), h, w, to_h, to_w)

    def carried(along: float) -> tuple[float, float]:
        side = max(h, w)
        return (x + along * math.cos(angle)) * side / w * to_w / to_h, (y + along * math.sin(angle)) * side / h * to_h / to_h

    assert pose[:2].tolist() == pytest.approx(carried(0), abs=1e-5)
    there = carried(0.2)
    expected = math.atan2(there[1] - float(pose[1]), there[0] - float(pose[0]))
    assert math.cos(expected - float(pose[2])) == pytest.approx(1, abs=1e-6)


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 7), st.integers(1, 6), st.booleans(), st.integers(0, 99))
def test_block_means_are_those_of_pooling(channels: int, height: int, width: int, side: int, bytes_: bool, seed: int) -> None:
    picture = 255 * torch.rand(channels, height * side, width * side, generator=torch.Generator().manual_seed(seed))
    picture = picture.to(torch.uint8) if bytes_ else picture

    means = block_means(picture, side)

    assert means.dtype == torch.float32
    torch.testing.assert_close(means, functional.avg_pool2d(picture.float(), side))


def test_the_brightest_blocks_of_bytes_do_not_overflow() -> None:
    assert block_means(torch.full((1, 256, 256), 255, dtype=torch.uint8), 128).unique().tolist() == [255.0]
    assert block_means(torch.full((1, 300, 300), 255, dtype=torch.uint8), 300).tolist() == [[[255.0]]]


@pytest.mark.parametrize("shape", [(60, 120), (61, 119), (640, 480)])
def test_bytes_are_shrunk_like_floats(shape: tuple[int, int]) -> None:
    picture = torch.randint(0, 256, (3, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(shrink(picture, 40), shrink(picture.float(), 40))


def test_places_of_several_poses_are_those_of_each() -> None:
    poses = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))

    together = strip_places(poses, 5, 8, 0.02, 60, 90)

    assert torch.equal(together, torch.stack([strip_places(pose, 5, 8, 0.02, 60, 90) for pose in poses]))


@given(st.integers(30, 90), st.integers(30, 90), st.floats(-0.5, 1.5), st.floats(-0.5, 1.5), st.floats(-7, 7), st.booleans())
def test_a_strip_is_read_off_its_surroundings_as_off_the_whole_picture(
    height: int, width: int, x: float, y: float, angle: float, bytes_: bool
) -> None:
    """Wherever it lies, also in part or all beside the picture; of the picture's pixels, bytes or floats."""
    picture = 255 * torch.rand(1, height, width, generator=torch.Generator().manual_seed(height + width))
    picture = picture.to(torch.uint8) if bytes_ else picture
    pose = torch.tensor([x, y, angle])

    strip = sample_strip(picture, pose, 12, 40, 0.01)

    torch.testing.assert_close(
        strip, sample(picture.float(), strip_places(pose, 12, 40, 0.01, height, width)), rtol=0, atol=0.05
    )
