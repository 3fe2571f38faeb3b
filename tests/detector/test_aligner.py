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
from torch.nn import functional

from snag.detector.aligner import Aligner, brightness, silhouette_pose, unit_norm
from snag.detector.geometry import sample, strip_places
from tests.support.aligners import SIZE, aligner_of, fitted
from tests.support.parts import BACKGROUND, draw_scene, good_bolt, good_picture


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return aligner_of(bright=False)


# --- the silhouette ---------------------------------------------------------------------------------------------------------


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
    places = strip_places(pose, *aligner.mass.shape, aligner.step, 160, 120).reshape(-1, 2).tolist()
    slow = sum(
        mass
        for (a, b), mass in zip(places, aligner.mass.flatten().tolist(), strict=True)
        if not (-1 <= a <= 1 and -1 <= b <= 1)
    )

    assert float(aligner.outside(pose, 160, 120)) == pytest.approx(slow, abs=1e-4)


def test_the_search_is_the_best_cross_correlation_over_angles_and_shifts(aligner: Aligner) -> None:
    """Twin: each angle's strip by itself, the template laid over it at each place."""
    grey = good_picture(11, SIZE)
    silhouette = (grey[0] < 0.6 * BACKGROUND).float()
    start, _ = silhouette_pose(silhouette)
    height, width = aligner.template.shape
    best, found = -math.inf, start
    for angle in [math.radians(turn + more) for turn in (0, 180) for more in (-4, -2, 0, 2, 4)]:
        pose = start + torch.tensor([0.0, 0.0, angle])
        strip = sample(silhouette[None], strip_places(pose, height + 10, width + 10, 1 / 160, *SIZE))[0]
        for dy in range(11):
            for dx in range(11):
                match = float((strip[dy : dy + height, dx : dx + width] * aligner.template).sum())
                if match > best:
                    cos, sin = math.cos(float(pose[2])), math.sin(float(pose[2]))
                    right, down = (dx - 5) / 160, (dy - 5) / 160
                    best, found = match, pose + torch.tensor([cos * right - sin * down, sin * right + cos * down, 0.0])
                    window = strip[dy : dy + height, dx : dx + width]

    pose, match = aligner.search(silhouette)

    torch.testing.assert_close(pose, found, rtol=0, atol=1e-5)
    assert float(match) == pytest.approx(float((unit_norm(window) * aligner.template).sum()), abs=1e-4)


def test_a_step_of_refining_is_gauss_newtons_on_the_weighted_difference() -> None:
    """Twin: least squares on the difference between the mean part and the strip, as deep as the mean."""
    random = torch.Generator().manual_seed(4)
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 44), indexing="ij")
    mean = 1 - 0.6 * torch.exp(-4 * rows**2 - 2 * columns**2)
    weight = 0.5 + torch.rand(20, 44, generator=random)
    aligner = Aligner(mean, mean, weight, polarity=1.0, contrast=0.6, step=1 / 64, area=(0.1, 0.3), least_match=0.5)
    flat = 1 - 0.7 * (1 - functional.interpolate(mean[None, None], [64, 64], mode="bilinear"))[0]
    pose = torch.tensor([0.51, 0.49, 0.01])
    strip = sample(flat, strip_places(pose, 20, 44, 1 / 64, 64, 64))[0]
    scale = float((weight * (1 - mean) * (1 - strip)).sum() / (weight * (1 - mean) ** 2).sum())
    difference = mean - (1 - (1 - strip) / scale)
    down, right = torch.gradient(mean)
    v, u = torch.meshgrid(torch.arange(20) - 9.5, torch.arange(44) - 21.5, indexing="ij")
    slopes = torch.stack([right, down, down * u - right * v]).reshape(3, -1).T
    root = weight.sqrt().reshape(-1, 1)
    move = torch.linalg.lstsq(root * slopes, root * difference.reshape(-1, 1)).solution[:, 0]

    after, got = aligner.refine(flat, pose, rounds=1)

    step = torch.stack([move[0].clamp(-3, 3) / 64, move[1].clamp(-3, 3) / 64, move[2].clamp(-0.03, 0.03)])
    cos, sin = math.cos(0.01), math.sin(0.01)
    expected = pose + torch.stack([cos * step[0] - sin * step[1], sin * step[0] + cos * step[1], step[2]])
    torch.testing.assert_close(after, expected, rtol=0, atol=1e-5)
    assert float(got) == pytest.approx(scale, rel=1e-4)
