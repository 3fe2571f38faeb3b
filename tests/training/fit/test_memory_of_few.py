"""Few good pictures: all of them are remembered, and each is measured as if it were unknown."""

from __future__ import annotations

import pytest
import torch

from snag.detector.memory import Memory
from snag.training.augment.symmetry import Symmetry
from snag.training.fit.memory import PRIOR, WINDOW, Candidates, remember
from snag.training.fit.memory_of_few import FOLDS, remember_all
from snag.training.fit.usual import usual_of
from tests.support.memories import Means, noise


def remembered(good: torch.Tensor, allowed: Symmetry | None = None) -> Memory:
    memory = Memory(Means())
    remember_all(memory, list(good), allowed or Symmetry(), 0)
    return memory


def test_every_picture_is_known_in_the_end() -> None:
    good = noise(6)

    memory = remembered(good)

    assert float(memory(good).max()) == 0.0  # nearer than usual, everywhere


def test_a_picture_is_measured_against_the_others_alone() -> None:
    """What is usual is what a memory without each fold says of that fold: the slow twin fills one for each."""
    good = noise(FOLDS)

    memory = remembered(good)

    apart: list[list[torch.Tensor]] = [[] for _ in memory.banks]
    for left_out in range(FOLDS):
        others = Memory(Means())
        remember(others, [picture for i, picture in enumerate(good) if i != left_out], Symmetry(), 0)
        for found, bank, features in zip(apart, others.banks, others.features(good[left_out][None]), strict=True):
            found.append(bank.distance(features))
    for found, bank in zip(apart, memory.banks, strict=True):
        mean, deviation = usual_of(torch.cat(found), WINDOW, PRIOR)
        torch.testing.assert_close((bank.mean, bank.deviation), (mean, deviation))


def test_neighbours_are_left_out_together() -> None:
    """Two pictures of each part, side by side: if one stayed while the other is measured, nothing would be far from usual."""
    parts = noise(FOLDS)
    pairs = parts.repeat_interleave(2, 0)

    for one, other in zip(remembered(parts).banks, remembered(pairs).banks, strict=True):
        assert float(other.mean.mean()) == pytest.approx(float(one.mean.mean()), rel=0.05)


def test_copies_are_left_out_with_their_picture() -> None:
    """A picture that is its own mirror image: were its copy remembered while it is measured, it would be no distance away."""
    good = noise(FOLDS)
    same_mirrored = torch.cat([good, good.flip(3)], 3)

    for plain, copied in zip(
        remembered(same_mirrored).banks, remembered(same_mirrored, Symmetry(flip=True)).banks, strict=True
    ):
        assert float(copied.mean.mean()) > 0.5 * float(plain.mean.mean())


def test_two_pictures_are_enough() -> None:
    memory = remembered(noise(2))

    assert memory(noise(1)).isfinite().all()


def test_candidates_without_pictures_are_those_of_others() -> None:
    drawn = Candidates([torch.arange(4.0)[:, None]], [torch.tensor([0, 1, 1, 2])])

    left = drawn.without(torch.tensor([1]))

    assert [part.tolist() for part in left.places] == [[[0.0], [3.0]]]
    assert [part.tolist() for part in left.pictures] == [[0, 2]]
