"""The light on a scene: found by what the scene usually looks like, and taken out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from snag.detector.exposure import background_of
from snag.detector.flat_field import SQUARE, FlatField
from tests.support.preparations import random_picture

SIZE = (128, 192)
SCENE = (
    0.2
    + 0.8
    * functional.interpolate(torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0)), SIZE, mode="bilinear")[0]
)
ALL = torch.ones_like(SCENE)
LIGHT = FlatField(*SIZE)
slopes = st.lists(st.floats(-0.25, 0.25), min_size=9, max_size=9)


def lamp(slope: list[float], gain: float = 150.0) -> Tensor:
    """[H, W]: of strength `gain` in the middle."""
    return gain * background_of(torch.tensor([1.0, *slope]), *SIZE).clamp(min=0.2)


def found(values: Tensor, seen: Tensor = ALL) -> Tensor:
    """The reflectance that is found."""
    strength, offset = LIGHT(values, SCENE, seen, seen)
    return (values - offset) / strength.clamp(min=1.0)


def noise(scale: float, seed: int) -> Tensor:
    return scale * torch.randn(SCENE.shape, generator=torch.Generator().manual_seed(seed))


@given(slopes, st.floats(20, 400), st.floats(-50, 50))
def test_an_uneven_light_and_an_offset_are_found(slope: list[float], gain: float, offset: float) -> None:
    slope = [0.35 * one for one in slope]  # nowhere does it come near to nothing
    light = lamp(slope, gain)

    strength, dark = LIGHT(SCENE * light + offset, SCENE, ALL, ALL)

    assert torch.allclose(strength, light, rtol=0.02)
    assert float(dark) == pytest.approx(offset, abs=0.01 * gain)


@given(st.floats(0.3, 3.0), st.floats(-40, 40), st.integers(0, 100))
def test_a_gain_and_an_offset_on_the_picture_change_nothing(gain: float, offset: float, seed: int) -> None:
    values = SCENE * lamp([0.1, -0.1, 0.05, 0.0, 0.1, 0.0, 0.05, 0.0, -0.1]) + noise(2, seed)

    assert torch.allclose(found(gain * values + offset), found(values), atol=1e-3)


@given(st.integers(0, 88), st.integers(0, 152))
def test_what_is_different_is_no_light(top: int, left: int) -> None:
    """A component that is missing stays missing, and all else stays as it is, but for a square around it."""
    values = SCENE * lamp([0.1, 0.1, *[0.0] * 7]) + noise(1, 0)
    without = values.clone()
    without[:, top : top + 40, left : left + 40] = 10

    change = (found(without) - found(values)).abs()
    change[:, max(0, top - SQUARE) : top + 40 + SQUARE, max(0, left - SQUARE) : left + 40 + SQUARE] = 0

    assert float(change.max()) < 0.05


def test_what_is_not_seen_has_no_say() -> None:
    seen = ALL.clone()
    seen[:, :, :32] = 0
    values = SCENE * lamp([0.0] * 9)
    values[:, :, :32] = random_picture(SIZE[0], 32, channels=3)

    assert torch.allclose(found(values, seen)[:, :, 32:], SCENE[:, :, 32:], atol=0.02)


@pytest.mark.parametrize("values", [torch.zeros(3, *SIZE), torch.full((3, *SIZE), 90.0)])
def test_a_picture_of_nothing_shows_nothing(values: Tensor) -> None:
    reflectance = found(values)

    assert reflectance.isfinite().all()
    assert float(reflectance.std()) < 0.05


def test_a_scene_too_plain_to_tell_has_a_light_all_the_same() -> None:
    plain = torch.full((1, *SIZE), 0.5)

    strength, offset = LIGHT(100 * plain, plain, ALL[:1], ALL[:1])

    assert strength.isfinite().all()
    assert torch.allclose(0.5 * strength + offset, torch.tensor(50.0), atol=0.1)


def test_scripted_it_says_the_same() -> None:
    values = SCENE * lamp([0.1] * 9) + noise(3, 1)

    given = values, SCENE, ALL, ALL

    assert all(torch.equal(*both) for both in zip(torch.jit.script(LIGHT)(*given), LIGHT(*given), strict=True))


def test_of_a_plain_scene_uneven_light_stands_out_nowhere() -> None:
    """Nearly all of a plate fits to a hair: light that is a tenth stronger in one corner is light all the same."""
    plate = torch.full((1, *SIZE), 0.5)
    plate[:, 50:80, 60:140] = 0.2
    y, x = torch.linspace(0, 1, SIZE[0])[:, None], torch.linspace(0, 1, SIZE[1])[None, :]
    light = 100 * (1 + 0.12 * torch.exp(-(x**2 + y**2) / (2 * 0.2**2)))

    strength, offset = LIGHT(plate * light, plate, ALL[:1], ALL[:1])

    assert torch.allclose((plate * light - offset) / strength, plate, atol=0.015)


def test_where_nothing_is_seen_the_light_does_not_run_wild() -> None:
    """In corners that are white in every picture, say."""
    y, x = torch.linspace(-1, 1, SIZE[0])[:, None], torch.linspace(-1, 1, SIZE[1])[None, :]
    inside = (torch.hypot(y, x) < 0.9).float().expand_as(SCENE)
    light = lamp([0.15, -0.1, *[0.0] * 7])

    strength, _ = LIGHT(SCENE * light + noise(8, 2), SCENE, inside, inside)

    assert float((strength / light - 1).abs().max()) < 0.4


def test_what_was_cut_off_says_that_the_light_is_at_least_so_strong() -> None:
    """Of a third of the picture nothing else is known; what was cut off there is less than it would be."""
    light = lamp([0.25, *[0.0] * 8], 200.0)
    brighter, darker = ALL.clone(), ALL.clone()
    darker[:, :, 128:] = 0
    values = SCENE * light
    values[:, :, 128:] *= 0.95

    (with_it, _), (without, _) = LIGHT(values, SCENE, brighter, darker), LIGHT(values, SCENE, darker, darker)
    shadow = (0.95 - with_it / light)[:, 128:].clamp(min=0)

    assert float(shadow.max()) < 0.06
    assert float((with_it / light - 1).abs().max()) <= float((without / light - 1).abs().max()) + 0.01
