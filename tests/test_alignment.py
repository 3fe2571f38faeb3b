"""Finding the part: to a small part of a pixel, at any angle and place."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.aligners import SIZE, aligner_of, fitted
from tests.parts import BACKGROUND, draw_scene, good_bolt, good_picture
from training.alignment import Aligner, background_at, brightness, sample, shrink, silhouette_pose, stretched, strip_coordinates


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return aligner_of(bright=False)


# --- coordinates ------------------------------------------------------------------------------------------------------------


def test_shrinking_keeps_aspect_and_mean() -> None:
    picture = torch.rand(1, 60, 120, generator=torch.Generator().manual_seed(0))

    small = shrink(picture, 40)

    assert small.shape == (1, 20, 40)
    assert float(small.mean()) == pytest.approx(float(picture.mean()), rel=1e-5)


def test_a_strip_in_the_pictures_own_pose_reads_the_pictures_pixels() -> None:
    picture = torch.rand(2, 6, 10, generator=torch.Generator().manual_seed(0))
    middle = torch.tensor([0.5, 0.3, 0.0])  # units of the long side, 10 pixels

    assert torch.allclose(sample(picture, strip_coordinates(middle, 6, 10, 0.1)), picture, atol=1e-5)


def test_a_strip_turned_by_a_quarter_reads_columns_as_rows() -> None:
    """The strip's axis points down in the picture; what lies left in the picture lies at the strip's bottom."""
    picture = torch.arange(60.0).reshape(1, 6, 10)
    pose = torch.tensor([0.5, 0.3, math.pi / 2])

    assert torch.allclose(sample(picture, strip_coordinates(pose, 10, 6, 0.1))[0], picture[0].t().flip(0), atol=1e-4)


def test_outside_of_the_picture_its_edge_is_repeated() -> None:
    picture = torch.arange(4.0).reshape(1, 2, 2)

    strip = sample(picture, strip_coordinates(torch.tensor([0.5, 0.5, 0.0]), 2, 6, 0.5))

    assert torch.allclose(strip[0], torch.tensor([[0.0, 0, 0, 1, 1, 1], [2.0, 2, 2, 3, 3, 3]]), atol=1e-5)


def test_the_background_at_coordinates_is_the_polynomial_there() -> None:
    coefficients = torch.tensor([100.0, 10, 20, 0, 0, 0, 0, 0, 0, 0])
    corners = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.5]])  # of a picture twice as wide as high

    assert background_at(coefficients, corners, 50, 100).tolist() == [[70.0, 130.0]]


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


@given(st.floats(0, math.pi), st.floats(0.35, 0.65), st.floats(0.35, 0.65))
def test_moments_give_centre_angle_and_elongation_of_an_ellipse(angle: float, x: float, y: float) -> None:
    rows, columns = (np.mgrid[:200, :160] + 0.5) / 200
    u = math.cos(angle) * (columns - x) + math.sin(angle) * (rows - y)
    v = math.cos(angle) * (rows - y) - math.sin(angle) * (columns - x)
    inside = torch.from_numpy(((u / 0.12) ** 2 + (v / 0.04) ** 2 < 1).astype(np.float32))

    pose, elongation = silhouette_pose(inside)

    assert pose[:2].tolist() == pytest.approx([x, y], abs=0.003)
    assert abs(math.sin(float(pose[2]) - angle)) < 0.03
    assert float(elongation) == pytest.approx(9, rel=0.1)


def test_a_disc_has_no_elongation_and_an_empty_silhouette_no_trouble() -> None:
    rows, columns = np.mgrid[:60, :60] - 29.5
    disc = torch.from_numpy((rows**2 + columns**2 < 400).astype(np.float32))

    assert float(silhouette_pose(disc)[1]) == pytest.approx(1, abs=0.01)
    assert all(bool(value.isfinite().all()) for value in silhouette_pose(torch.zeros(20, 20)))


def test_the_brightness_of_a_bright_part_is_what_half_of_its_pixels_exceed() -> None:
    above = torch.zeros(1, 10, 10)
    above[0, 0] = torch.arange(1.0, 11.0)

    assert float(brightness(above, 0.1)) == 5.0


# --- the pose ---------------------------------------------------------------------------------------------------------------


def pose_errors(aligner: Aligner, size: tuple[int, int], **looks: object) -> Tensor:
    """Of 24 bolts, in pixels: where the strip's centre lies in the bolt's own axes, how far a turn moves its ends: [24, 3]."""
    errors = []
    for index in range(100, 124):
        bolt = good_bolt(index, size, **looks)
        place, _, _, reason = aligner(draw_scene(size, [bolt], noise_seed=index))
        assert reason == ""
        x, y = float(place[0]) * max(size) - bolt.x, float(place[1]) * max(size) - bolt.y
        axis = math.radians(bolt.degrees)
        turned = math.degrees(float(place[2])) - bolt.degrees
        # Centred on 90: whichever way round the first bolt was taken, no bolt's turn lies near the jump.
        along, across = math.cos(axis) * x + math.sin(axis) * y, math.cos(axis) * y - math.sin(axis) * x
        errors.append((along, across, math.radians((turned + 90) % 360 - 90) * bolt.length / 2))
    return torch.tensor(errors)


@pytest.mark.parametrize("size", [(96, 96), (160, 160), (160, 240), (240, 161), (101, 250)])
def test_parts_at_any_angle_and_place_are_cut_out_alike(size: tuple[int, int]) -> None:
    """To a sixth of a pixel (standard deviation), and all the same way round, in pictures of any aspect."""
    deviations = pose_errors(fitted(size), size).std(0)

    assert deviations.max() < 0.17, deviations


def test_bright_parts_on_a_dark_table_are_found_as_well() -> None:
    assert pose_errors(fitted(SIZE, bright=True), SIZE, bright=True).std(0).max() < 0.1


def test_another_resolution_finds_the_same_place(aligner: Aligner) -> None:
    """A camera with twice the pixels needs no new model."""
    bolt = good_bolt(7, SIZE)
    twice = replace(bolt, x=2 * bolt.x, y=2 * bolt.y, length=2 * bolt.length)

    place, fine = aligner(draw_scene(SIZE, [bolt]))[0], aligner(draw_scene((320, 320), [twice]))[0]

    assert 160 * (place - fine)[:2].abs().max() < 0.2
    assert abs(math.degrees(math.sin(float(place[2] - fine[2])))) < 0.2


@pytest.mark.parametrize("looks", [{}, {"bright": True}])
@pytest.mark.parametrize(("gain", "offset"), [(0.7, 0.0), (1.3, 0.0), (1.0, 8.0), (1.0, -8.0), (1.3, -8.0)])
def test_the_pose_does_not_move_with_the_exposure(looks: dict[str, bool], gain: float, offset: float) -> None:
    aligner = aligner_of(bool(looks))
    picture = good_picture(5, SIZE, **looks)

    place, _, _, reason = aligner(gain * picture + offset)

    assert reason == ""
    assert 160 * (place - aligner(picture)[0]).abs().max() < 0.05


def test_the_scale_is_the_depth_of_the_part_beside_the_usual(aligner: Aligner) -> None:
    """An offset of half the table's brightness makes the part a third less deep, as a share of its table."""
    picture = good_picture(5, SIZE)

    before, after = float(aligner(picture)[2]), float(aligner(picture + 0.2 * BACKGROUND)[2])

    assert after / before == pytest.approx(1 / 1.2, rel=0.02)


def test_scripted_it_gives_the_same_pose(aligner: Aligner) -> None:
    picture = good_picture(9, SIZE)

    eager, scripted = aligner(picture), torch.jit.script(aligner)(picture)

    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(eager[:3], scripted[:3], strict=True))
    assert eager[3] == scripted[3] == ""


@settings(max_examples=25)
@given(st.floats(0, 360), st.floats(-20, 180), st.floats(-20, 180))
def test_the_share_outside_is_that_of_the_masses_that_lie_there(degrees: float, x: float, y: float) -> None:
    aligner = aligner_of(bright=False)
    pose = torch.tensor([x / 160, y / 160, math.radians(degrees)])
    places = zip(*(axis.flatten().tolist() for axis in strip_coordinates(pose, *aligner.mass.shape, aligner.step)), strict=True)
    slow = sum(
        mass
        for (a, b), mass in zip(places, aligner.mass.flatten().tolist(), strict=True)
        if not (0 <= a <= 0.75 and 0 <= b <= 1)
    )

    assert float(aligner.outside(pose, 160, 120)) == pytest.approx(slow, abs=1e-4)
