"""The background under a part: found in spite of the part, and moved by gain and offset as the picture is."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from snag.detector.exposure import at_limits, background_of, fit_background, grid_terms, polynomial_terms
from tests.support.parts import good_picture


def surface(coefficients: torch.Tensor, height: int, width: int) -> torch.Tensor:
    return (coefficients @ grid_terms(height, width)).reshape(height, width)


def test_the_terms_are_the_monomials_up_to_order_three_in_a_fixed_order() -> None:
    terms = polynomial_terms(torch.tensor(2.0), torch.tensor(3.0))

    assert terms.tolist() == [1, 3, 2, 9, 6, 4, 27, 18, 12, 8]


def test_the_grid_has_its_points_in_the_middles_of_the_pixels() -> None:
    terms = grid_terms(2, 4)

    assert terms[1].tolist() == [-0.75, -0.25, 0.25, 0.75] * 2
    assert terms[2].tolist() == [-0.5] * 4 + [0.5] * 4


def test_a_cubic_background_is_found_under_a_part_and_dust() -> None:
    """A fifth of the picture is a part less than half as bright, and a few specks are white."""
    truth = torch.tensor([150.0, 12, -9, -14, 6, -11, 3, -2, 4, 2])
    picture = surface(truth, 60, 50)
    picture = picture + torch.from_numpy(np.random.default_rng(0).normal(0, 0.8, (60, 50))).float()
    picture[20:32, 3:] *= 0.45
    picture[::9, ::11] = 255

    fitted = surface(fit_background(picture), 60, 50)

    assert (fitted - surface(truth, 60, 50)).abs().max() < 2.5


@given(gain=st.floats(0.3, 3.0), offset=st.floats(-60, 60))
def test_gain_and_offset_do_to_the_fit_what_they_do_to_the_picture(gain: float, offset: float) -> None:
    picture = good_picture(3, (40, 56))[0]
    before = surface(fit_background(picture), 40, 56)

    after = surface(fit_background(gain * picture + offset), 40, 56)

    assert (after - (gain * before + offset)).abs().max() < 0.02


def test_the_fit_of_one_even_tone_is_that_tone() -> None:
    """No spread at all is no division by zero."""
    fitted = surface(fit_background(torch.full((16, 20), 91.0)), 16, 20)

    assert (fitted - 91).abs().max() < 1e-3


@given(st.integers(1, 12), st.integers(1, 12), st.lists(st.floats(-9, 9), min_size=10, max_size=10))
def test_the_background_by_powers_is_the_sum_of_the_terms(height: int, width: int, coefficients: list[float]) -> None:
    drawn = torch.tensor(coefficients)

    torch.testing.assert_close(background_of(drawn, height, width), surface(drawn, height, width), rtol=1e-4, atol=1e-4)


def test_what_is_at_a_limit_of_the_camera_was_surely_cut_off_and_what_is_not_near_it_was_not() -> None:
    low, high = at_limits(torch.tensor([0.0, 2.5, 5.0, 128.0, 250.0, 252.5, 255.0]))

    assert low.tolist() == [1, 0.5, 0, 0, 0, 0, 0]
    assert high.tolist() == [0, 0, 0, 0, 0, 0.5, 1]
