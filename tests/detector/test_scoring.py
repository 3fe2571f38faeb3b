"""The score's arithmetic against loops that anyone can follow."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from snag.detector.scoring import local_mean, peak, reconstruction_error, standardised


def slow_local_mean(values: torch.Tensor, side: int) -> torch.Tensor:
    """Twin of `local_mean`: every window by hand."""
    reach = side // 2
    result = torch.zeros_like(values)
    count, height, width = values.shape
    for n in range(count):
        for y in range(height):
            for x in range(width):
                window = values[n, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
                result[n, y, x] = window.sum() / window.numel()
    return result


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_reconstruction_error_is_the_squared_difference_averaged_over_the_channels() -> None:
    prepared = torch.tensor([[[[1.0, 2.0]], [[0.0, 5.0]]]])
    reconstruction = torch.tensor([[[[1.0, 0.0]], [[3.0, 4.0]]]])

    assert reconstruction_error(prepared, reconstruction).tolist() == [[[4.5, 2.5]]]


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 5, 9]), st.integers(0, 99))
def test_the_local_mean_is_that_of_the_window_inside_the_map(count: int, height: int, width: int, side: int, seed: int) -> None:
    """At the border only what lies inside counts: an even map stays even."""
    values = random(count, height, width, seed=seed)

    torch.testing.assert_close(local_mean(values, side), slow_local_mean(values, side))


def test_standardising_subtracts_and_divides_place_by_place() -> None:
    values = torch.tensor([[[3.0, 8.0]], [[1.0, 2.0]]])

    result = standardised(values, torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 3.0]]))

    assert result.tolist() == [[[4.0, 2.0]], [[0.0, 0.0]]]


def test_the_peak_is_the_greatest_value_of_each_map_also_where_all_are_negative() -> None:
    values = torch.tensor([[[1.0, 7.0], [3.0, 2.0]], [[-4.0, -9.0], [-3.5, -8.0]]])

    assert peak(values).tolist() == [7.0, -3.5]
