"""How much the networks' error counts: as far as it tells synthetic defects from good pictures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from snag.detector.detector import Detector
from snag.training.fit.error_weight import ENOUGH, TIMES, error_weight, more_than_chance

VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=9)


@given(good=VALUES, found=VALUES)
def test_what_is_more_than_chance_is_what_counting_pairs_gives(good: list[float], found: list[float]) -> None:
    won = sum((one > other) + 0.5 * (one == other) for one in found for other in good) / (len(good) * len(found))

    assert more_than_chance(torch.tensor(good), torch.tensor(found)) == pytest.approx(max(0.0, 2 * won - 1))


class Networks(nn.Module):
    """What they make of a picture, by a function; no logits."""

    def __init__(self, made: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.made = made

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor]:
        return self.made(view), torch.zeros_like(view[:, 0])


def detector(made: Callable[[Tensor], Tensor]) -> Detector:
    return Detector(nn.Identity(), Networks(made), "peak", 3)


def good(count: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(0)
    return [0.5 + 0.02 * torch.randn(1, 24, 32, generator=random) for _ in range(count)]


def marked(view: Tensor) -> tuple[Tensor, Tensor]:
    """A bright mark on every picture."""
    shown, mask = view.clone(), torch.zeros(len(view), *view.shape[2:])
    shown[..., 8:14, 10:16], mask[:, 8:14, 10:16] = 1.0, 1.0
    return shown, mask


def test_networks_that_repair_every_defect_have_their_full_say() -> None:
    assert error_weight(detector(lambda view: torch.full_like(view, 0.5)), good(5), marked) == 1


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda view: view, id="repeats all that it is shown"),
        pytest.param(lambda view: torch.where(view > 0.9, view, view - 0.5), id="errs everywhere but at defects"),
    ],
)
def test_networks_to_which_defects_look_no_worse_than_good_pictures_have_none(made: Callable[[Tensor], Tensor]) -> None:
    assert error_weight(detector(made), good(5), marked) == 0


def test_what_lies_outside_of_the_defects_does_not_count_as_found() -> None:
    """Where a defect is shown, networks err at the corner, far from it."""

    def made(view: Tensor) -> Tensor:
        repeated = view.clone()
        repeated[(view > 0.9).flatten(1).any(1), :, :3, :3] += 0.4
        return repeated

    assert error_weight(detector(made), good(5), marked) == 0


def test_pictures_on_which_no_defect_was_drawn_say_nothing() -> None:
    def sometimes(view: Tensor) -> tuple[Tensor, Tensor]:
        shown, mask = marked(view)
        shown[1:], mask[1:] = view[1:], 0.0
        return shown, mask

    def never(view: Tensor) -> tuple[Tensor, Tensor]:
        return view, torch.zeros(len(view), *view.shape[2:])

    repairing = detector(lambda view: torch.full_like(view, 0.5))
    assert error_weight(repairing, good(5), sometimes) == 1
    assert error_weight(repairing, good(5), never) == 1


def test_of_many_pictures_some_are_enough_and_sizes_may_differ() -> None:
    shown: list[tuple[int, ...]] = []

    def counted(view: Tensor) -> tuple[Tensor, Tensor]:
        shown.append(tuple(view.shape))
        return marked(view)

    pictures = [*good(3 * ENOUGH), *(one.transpose(1, 2) for one in good(3))]
    assert error_weight(detector(lambda view: torch.full_like(view, 0.5)), pictures, counted) == 1
    assert len(shown) <= ENOUGH
    assert {each[0] for each in shown} == {TIMES}
    assert len({each[2:] for each in shown}) == 2
