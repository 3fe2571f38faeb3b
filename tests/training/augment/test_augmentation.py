"""Augmentation: each kind by itself, its direction and its size; none at all where it is turned off."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from snag.training.augment.augment import augment
from snag.training.augment.augmentation import Augmentation

OFF = Augmentation()
ON = {
    "rotation": 30.0,
    "shift": 0.2,
    "shear": 15.0,
    "zoom": 0.3,
    "flip": True,
    "half_turn": True,
    "noise": 0.2,
    "blur": 3.0,
    "gain": 0.5,
    "gamma": 0.5,
    "overexposure": 0.5,
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4, channels: int = 1, height: int = 24, width: int = 40) -> Tensor:
    return torch.rand(count, channels, height, width, generator=generator(99))


def spots(count: int, height: int, width: int, places: list[tuple[float, float]], radius: float = 2.5) -> Tensor:
    """[count, 1, height, width]: soft spots at (y, x) from the centre, in pixels."""
    rows = torch.arange(height)[:, None] + 0.5 - height / 2
    columns = torch.arange(width)[None, :] + 0.5 - width / 2
    one = sum(torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2)) for y, x in places)
    return torch.as_tensor(one).expand(count, 1, height, width).clone()


def place(picture: Tensor) -> tuple[float, float]:
    """(y, x) of the centre of mass from the middle, in pixels."""
    height, width = picture.shape[-2:]
    rows = torch.arange(height)[:, None] + 0.5 - height / 2
    columns = torch.arange(width)[None, :] + 0.5 - width / 2
    mass = picture.sum()
    return float((rows * picture[0]).sum() / mass), float((columns * picture[0]).sum() / mass)


def test_with_everything_off_the_pictures_are_untouched() -> None:
    assert torch.equal(augment(pictures(), OFF, generator()), pictures())


@pytest.mark.parametrize("name", ON)
def test_each_setting_works_by_itself(name: str) -> None:
    before = pictures()

    after = augment(before, replace(OFF, **{name: ON[name]}), generator())

    assert after.shape == before.shape
    assert after.dtype == torch.float32
    assert after.isfinite().all()
    assert not torch.equal(after, before)
    assert torch.equal(before, pictures())  # in place would spoil the next epoch


@pytest.mark.parametrize("name", ON)
def test_every_picture_of_a_batch_draws_its_own(name: str) -> None:
    """Of eight equal pictures, at least two come out different."""
    same = pictures(1).expand(8, -1, -1, -1).clone()

    after = augment(same, replace(OFF, **{name: ON[name]}), generator())

    assert any(not torch.equal(after[0], one) for one in after[1:])


def test_equal_generators_give_equal_pictures_and_others_do_not() -> None:
    everything = Augmentation(**ON)

    first = augment(pictures(), everything, generator(5))

    assert torch.equal(first, augment(pictures(), everything, generator(5)))
    assert not torch.equal(first, augment(pictures(), everything, generator(6)))


@given(st.integers(1, 3), st.sampled_from([1, 3]), st.integers(2, 20), st.integers(2, 20), st.integers(0, 99))
def test_any_shape_is_kept(count: int, channels: int, height: int, width: int, seed: int) -> None:
    after = augment(pictures(count, channels, height, width), Augmentation(**ON), generator(seed))

    assert after.shape == (count, channels, height, width)
    assert after.isfinite().all()


def test_flipping_mirrors_left_and_right_of_about_every_other_picture() -> None:
    before = pictures(200, 1, 6, 8)

    after = augment(before, replace(OFF, flip=True), generator())

    mirrored = [torch.allclose(a, b.flip(2), atol=1e-5) for a, b in zip(after, before, strict=True)]
    kept = [torch.allclose(a, b, atol=1e-5) for a, b in zip(after, before, strict=True)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True))
    assert 70 < sum(mirrored) < 130


def test_half_turns_put_about_every_other_picture_upside_down() -> None:
    before = pictures(200, 1, 6, 8)

    after = augment(before, replace(OFF, half_turn=True), generator())

    turned = [torch.allclose(a, b.flip(1, 2), atol=1e-5) for a, b in zip(after, before, strict=True)]
    kept = [torch.allclose(a, b, atol=1e-5) for a, b in zip(after, before, strict=True)]
    assert all(t != k for t, k in zip(turned, kept, strict=True))
    assert 70 < sum(turned) < 130


def test_turned_far_corners_are_filled_with_more_of_the_same_not_with_streaks() -> None:
    """Of noise, pixel by pixel: along a streak neighbours would be equal."""
    before = torch.randn(40, 1, 64, 64, generator=generator())

    after = augment(before, replace(OFF, rotation=180), generator())

    corners = after[..., :6, :6]
    equal = ((corners.diff(dim=2).abs() < 1e-3).float().mean() + (corners.diff(dim=3).abs() < 1e-3).float().mean()) / 2
    assert float(equal) < 0.03


def test_shift_moves_by_up_to_its_share_of_each_side_in_every_direction() -> None:
    before = spots(200, 40, 80, [(0, 0)])

    moves = torch.tensor([place(one) for one in augment(before, replace(OFF, shift=0.1), generator())])

    assert moves[:, 0].abs().max() <= 4.05
    assert moves[:, 1].abs().max() <= 8.05
    assert moves.min(0).values.tolist() == pytest.approx([-4, -8], rel=0.1)
    assert moves.max(0).values.tolist() == pytest.approx([4, 8], rel=0.1)


def test_rotation_turns_by_up_to_its_angle_and_keeps_distances_also_in_pictures_that_are_not_square() -> None:
    before = spots(200, 40, 80, [(0, 14)])

    places = [place(one) for one in augment(before, replace(OFF, rotation=40), generator())]
    angles = [math.degrees(math.atan2(y, x)) for y, x in places]

    assert all(math.hypot(y, x) == pytest.approx(14, abs=0.1) for y, x in places)
    assert min(angles) == pytest.approx(-40, abs=2)
    assert max(angles) == pytest.approx(40, abs=2)


def test_zoom_magnifies_and_shrinks_by_up_to_its_share() -> None:
    before = spots(200, 40, 80, [(0, 14)])

    distances = [place(one)[1] for one in augment(before, replace(OFF, zoom=0.2), generator())]

    assert min(distances) == pytest.approx(14 * 0.8, rel=0.02)
    assert max(distances) == pytest.approx(14 * 1.2, rel=0.02)


def test_zooming_in_makes_a_spot_larger() -> None:
    before = spots(100, 40, 40, [(0, 0)])

    areas = torch.tensor([float(one.sum() / before[0].sum()) for one in augment(before, replace(OFF, zoom=0.2), generator())])

    assert float(areas.min()) == pytest.approx(0.64, rel=0.05)
    assert float(areas.max()) == pytest.approx(1.44, rel=0.05)


def test_shear_moves_what_lies_above_and_below_the_middle_against_each_other() -> None:
    before = torch.cat([spots(100, 40, 80, [(y, 0)]) for y in (-10, 0, 10)])
    how = replace(OFF, shear=20)

    above, middle, below = (
        torch.tensor([place(one) for one in augment(before[i : i + 100], how, generator())]) for i in (0, 100, 200)
    )

    assert middle.abs().max() < 0.05
    assert torch.allclose(above[:, 1], -below[:, 1], atol=0.05)
    assert torch.allclose(above[:, 0], torch.full((100,), -10.0), atol=0.05)
    assert float(above[:, 1].abs().max()) == pytest.approx(10 * math.tan(math.radians(20)), rel=0.05)


def test_moving_repeats_the_edge_instead_of_showing_black() -> None:
    even = torch.full((8, 1, 16, 16), 0.7)

    after = augment(even, Augmentation(**(ON | {"noise": 0, "blur": 0, "gain": 0})), generator())

    assert torch.allclose(after, even, atol=1e-5)


def test_noise_has_up_to_its_deviation_and_no_bias() -> None:
    grey = torch.full((64, 1, 32, 32), 0.5)

    noise = augment(grey, replace(OFF, noise=0.1), generator()) - grey

    deviations = noise.std((1, 2, 3))
    assert float(deviations.max()) == pytest.approx(0.1, rel=0.1)
    assert float(deviations.min()) < 0.02
    assert abs(float(noise.mean())) < 0.002


def test_blur_keeps_the_mean_and_takes_the_detail() -> None:
    before = spots(32, 40, 40, [(0, 0)], radius=1.0)

    after = augment(before, replace(OFF, blur=3.0), generator())

    assert torch.allclose(after.mean((1, 2, 3)), before.mean((1, 2, 3)), rtol=1e-3)
    assert float(after.amax((1, 2, 3)).min()) < 0.3
    assert (after.amax((1, 2, 3)) <= before.amax((1, 2, 3)) + 1e-6).all()


def test_blur_is_that_of_a_gaussian_of_the_drawn_width() -> None:
    """A spot of variance 1 becomes one of variance 1 + sigma^2, sigma up to 3 (less what lies beyond 2.5 sigma)."""
    before = spots(200, 60, 60, [(0, 0)], radius=1.0)
    rows = torch.arange(60)[:, None] + 0.5 - 30

    after = augment(before, replace(OFF, blur=3.0), generator())[:, 0]

    variances = (rows**2 * after).sum((1, 2)) / after.sum((1, 2))
    assert float(variances.min()) < 1.1
    assert float(variances.max()) == pytest.approx(1 + 9 * 0.93, rel=0.05)


def test_gain_changes_contrast_about_the_mean_and_shifts_it_by_half_as_much() -> None:
    before = pictures(200)

    after = augment(before, replace(OFF, gain=0.2), generator())

    contrast = after.std((1, 2, 3)) / before.std((1, 2, 3))
    moved = after.mean((1, 2, 3)) - before.mean((1, 2, 3))
    assert [float(contrast.min()), float(contrast.max())] == pytest.approx([0.8, 1.2], rel=0.02)
    assert [float(moved.min()), float(moved.max())] == pytest.approx([-0.1, 0.1], rel=0.05)


def test_each_channel_of_a_colour_picture_is_shifted_by_itself() -> None:
    before = pictures(200, 3)

    moved = (augment(before, replace(OFF, gain=0.2), generator()) - before).mean((2, 3))

    assert [float(moved.min()), float(moved.max())] == pytest.approx([-0.1, 0.1], rel=0.05)
    assert abs(float(torch.corrcoef(moved.t())[0, 1])) < 0.2


def test_another_tone_curve_keeps_mean_spread_and_the_order_of_the_grey_values() -> None:
    before = pictures(20)

    after = augment(before, replace(OFF, gamma=0.3), generator())

    assert torch.allclose(after.mean((1, 2, 3)), before.mean((1, 2, 3)), atol=1e-5)
    assert torch.allclose(after.std((1, 2, 3)), before.std((1, 2, 3)), atol=1e-5)
    for one, was in zip(after, before, strict=True):
        assert (one.flatten()[was.flatten().argsort()].diff() >= 0).all()


def test_tone_curves_bend_either_way_as_a_camera_gamma_does() -> None:
    """Of a ramp from black to white, what a power of up to 1.2 makes, once mean and spread are taken out again."""
    ramp = torch.linspace(0, 1, 400).expand(200, 1, 1, 400).contiguous()
    curved = ramp[0] ** 1.2
    most = (curved - curved.mean()) / curved.std() * ramp[0].std() + ramp[0].mean()

    middles = augment(ramp, replace(OFF, gamma=0.2), generator())[:, 0, 0, 200]

    assert float(middles.min()) == pytest.approx(float(most[0, 0, 200]), abs=0.001)
    assert 0.4 < float((middles < ramp[0, 0, 0, 200]).float().mean()) < 0.6


def test_too_much_light_makes_up_to_a_share_of_every_other_picture_white_in_all_channels_at_one_value() -> None:
    before = pictures(200, 3)

    after = augment(before, replace(OFF, overexposure=0.4), generator())

    white = (after == after.amax((1, 2, 3), keepdim=True)).float().mean((1, 2, 3))
    changed = (after != before).any(3).any(2).any(1)
    assert 0.4 < float(changed.float().mean()) < 0.6
    assert float(white[~changed].max()) < 0.01
    assert 0.35 < float(white[changed].max()) < 0.42
    assert float(white[changed].min()) < 0.05


def test_too_much_light_keeps_mean_spread_and_the_order_of_the_values() -> None:
    """Its exposure is taken out; what was darker is not brighter now."""
    before = pictures(20, 3)

    after = augment(before, replace(OFF, overexposure=0.4), generator())

    assert torch.allclose(after.mean((1, 2, 3)), before.mean((1, 2, 3)), atol=1e-5)
    assert torch.allclose(after.std((1, 2, 3)), before.std((1, 2, 3)), atol=1e-5)
    for one, was in zip(after, before, strict=True):
        assert (one.flatten()[was.flatten().argsort()].diff() >= 0).all()
