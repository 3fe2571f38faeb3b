"""How much the networks' error counts: as far as they find as many synthetic defects as the memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from snag.detector.detector import Detector
from snag.training.fit.error_weight import ENOUGH, TIMES, error_weight, share_found


@given(seed=st.integers(0, 999), good=st.integers(1, 30), defects=st.integers(1, 30))
def test_found_is_what_counting_those_above_the_quantile_gives(seed: int, good: int, defects: int) -> None:
    random = np.random.default_rng(seed)
    usual, found = random.normal(size=(good, 2)), random.normal(1, size=(defects, 2))

    shares = share_found(torch.from_numpy(usual), torch.from_numpy(found))

    for which in range(2):
        ordered = sorted(usual[:, which])
        at = 0.95 * (good - 1)
        below, above = ordered[int(at)], ordered[min(int(at) + 1, good - 1)]
        limit = below + (at - int(at)) * (above - below)
        assert float(shares[which]) == pytest.approx(sum(value > limit for value in found[:, which]) / defects)


class Networks(nn.Module):
    """What they make of a view, by a function; no logits."""

    def __init__(self, made: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.made = made

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor]:
        return self.made(view), torch.zeros_like(view[:, 0])


class Memory(nn.Module):
    """A place is as far from what is usual as it is bright, if the memory sees that well."""

    def __init__(self, sees: float) -> None:
        super().__init__()
        self.sees, self.banks = sees, nn.ModuleList()

    def forward(self, prepared: Tensor) -> Tensor:
        return ((prepared[:, 0] - 0.5) * (prepared[:, 0] > self.sees)).clamp(min=0)


def detector(made: Callable[[Tensor], Tensor], sees: float = 0.0) -> Detector:
    return Detector(nn.Identity(), Networks(made), "peak", 1, Memory(sees))  # type: ignore[arg-type]


def grey(view: Tensor) -> Tensor:
    return torch.full_like(view, 0.5)


def good(count: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(0)
    return [(0.5 + 0.02 * torch.randn(1, 48, 64, generator=random)).clamp(0.4, 0.6) for _ in range(count)]


def marked(view: Tensor) -> tuple[Tensor, Tensor]:
    """A mark on every picture, fainter from one to the next."""
    shown, mask = view.clone(), torch.zeros(len(view), *view.shape[2:])
    for number in range(len(view)):
        shown[number, :, 8:14, 10:16] = 1.0 - 0.1 * number
    mask[:, 8:14, 10:16] = 1.0
    return shown, mask


def test_networks_that_find_every_defect_have_their_full_say() -> None:
    assert error_weight(detector(grey), good(5), marked) == 1


def test_networks_that_find_more_than_the_memory_count_no_more_than_fully() -> None:
    assert error_weight(detector(grey, sees=0.95), good(5), marked) == 1  # it sees the first of each three


def test_networks_that_find_one_defect_in_three_have_a_third_of_it() -> None:
    blind = detector(lambda view: torch.where(view > 0.95, 0.5, view))

    assert error_weight(blind, good(5), marked) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda view: view, id="repeats all that it is shown"),
        pytest.param(lambda view: torch.where(view > 0.7, view, view - 0.5), id="errs everywhere but at defects"),
    ],
)
def test_networks_to_which_defects_look_no_worse_than_good_pictures_have_none(made: Callable[[Tensor], Tensor]) -> None:
    assert error_weight(detector(made), good(5), marked) == 0


def test_what_lies_outside_of_the_defects_does_not_count_as_found() -> None:
    """Where a defect is shown, networks err at the corner, far from it."""

    def made(view: Tensor) -> Tensor:
        repeated = view.clone()
        repeated[(view > 0.7).flatten(1).any(1), :, :3, :3] += 0.4
        return repeated

    assert error_weight(detector(made), good(5), marked) == 0


def test_both_are_shown_the_same_defects() -> None:
    seen: list[Tensor] = []

    def made(view: Tensor) -> Tensor:
        seen.append(view)
        return view

    looking = detector(made)
    (part,) = good(1)
    error_weight(looking, [part], marked)

    shown, _ = marked(looking.view(part[None]).expand(TIMES, -1, -1, -1))
    for number in range(TIMES):
        torch.testing.assert_close(seen[1 + number], shown[number : number + 1])


def test_where_no_defect_was_drawn_or_the_memory_finds_none_there_is_nothing_to_compare() -> None:
    def sometimes(view: Tensor) -> tuple[Tensor, Tensor]:
        shown, mask = marked(view)
        shown[1:], mask[1:] = view[1:], 0.0
        return shown, mask

    def never(view: Tensor) -> tuple[Tensor, Tensor]:
        return view, torch.zeros(len(view), *view.shape[2:])

    assert error_weight(detector(grey), good(5), sometimes) == 1
    assert error_weight(detector(lambda view: view), good(5), never) == 1
    assert error_weight(detector(lambda view: view, sees=2.0), good(5), marked) == 1


def test_of_many_pictures_some_are_enough_and_sizes_may_differ() -> None:
    shown: list[tuple[int, ...]] = []

    def counted(view: Tensor) -> tuple[Tensor, Tensor]:
        shown.append(tuple(view.shape))
        return marked(view)

    pictures = [*good(3 * ENOUGH), *(one.transpose(1, 2) for one in good(3))]
    assert error_weight(detector(grey), pictures, counted) == 1
    assert len(shown) <= ENOUGH
    assert {each[0] for each in shown} == {TIMES}
    assert len({each[2:] for each in shown}) == 2
