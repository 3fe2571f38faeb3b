"""A memory bank: how far a picture's places are from those that are remembered."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from snag.detector.memory_bank import MemoryBank
from snag.training.fit.memory import fill


def features(count: int, height: int = 6, width: int = 9, seed: int = 0) -> Tensor:
    """[N, 5, h, w], each feature a mixture of all and of its own size."""
    random = torch.Generator().manual_seed(seed)
    mixture = torch.randn(5, 5, generator=torch.Generator().manual_seed(99)) * torch.tensor([1.0, 0.1, 10.0, 3.0, 1.0])
    return torch.einsum("nfhw,fg->nghw", torch.randn(count, 5, height, width, generator=random), mixture) + 7.0


def bank_of(seen: Tensor) -> MemoryBank:
    bank = MemoryBank(seen.shape[1])
    fill(bank, seen.permute(0, 2, 3, 1).flatten(0, 2), torch.Generator().manual_seed(0))
    return bank


def slow_distance(bank: MemoryBank, asked: Tensor) -> list[list[float]]:
    """Twin of `MemoryBank.distance` for one picture's features [F, h, w], place by place."""
    count, height, width = asked.shape
    known, mix = bank.known.tolist(), bank.whitening.tolist()

    def nearest(y: int, x: int) -> float:
        seen = [float(asked[number, y, x]) for number in range(count)]
        white = [math.fsum(seen[i] * mix[i][j] for i in range(count)) for j in range(count)]
        return min(math.dist(white, place) for place in known)

    far = [[nearest(y, x) for x in range(width)] for y in range(height)]

    def smoothed(y: int, x: int) -> float:
        near = [far[j][i] for j in range(max(0, y - 1), min(height, y + 2)) for i in range(max(0, x - 1), min(width, x + 2))]
        return math.fsum(near) / len(near)

    return [[smoothed(y, x) for x in range(width)] for y in range(height)]


def test_a_distance_is_the_mean_over_nine_places_of_that_to_the_nearest_remembered_one_whitened() -> None:
    bank, asked = bank_of(features(3)), features(2, 4, 5, seed=1)

    found = bank.distance(asked)

    assert found.shape == (2, 4, 5)
    for number in range(2):
        torch.testing.assert_close(found[number], torch.tensor(slow_distance(bank, asked[number])), rtol=1e-3, atol=2e-3)


def test_a_bank_says_how_many_standard_deviations_a_place_is_farther_than_usual() -> None:
    bank, asked = bank_of(features(3)), features(2, seed=1)
    distance = bank.distance(asked)

    assert torch.equal(bank(asked), distance)  # before it knows what is usual
    bank.mean, bank.deviation = torch.full((6, 9), 0.5), torch.full((6, 9), 0.25)

    torch.testing.assert_close(bank(asked), (distance - 0.5) / 0.25)


def test_what_is_usual_of_each_place_is_stretched_to_pictures_of_another_size() -> None:
    bank, asked = bank_of(features(3)), features(1, 12, 18, seed=1)
    bank.mean = torch.cat([torch.zeros(6, 4), torch.ones(6, 5)], 1)

    found = bank.distance(asked) - bank(asked)

    assert found.shape == (1, 12, 18)
    assert float(found[..., :5].abs().max()) < 1e-5
    torch.testing.assert_close(found[..., -5:], torch.ones(1, 12, 5))


def test_what_was_shown_is_known_and_a_changed_place_is_not() -> None:
    good = features(3)
    bank, changed = bank_of(good), good[:1].clone()
    changed[:, :, 2, 5] += torch.tensor([5.0, -5.0, 5.0, -5.0, 5.0])

    distance = bank.distance(changed)[0]

    assert float(bank.distance(good).max()) < 0.05  # to rounding
    assert float(distance[1:4, 4:7].min()) > 0.2
    distance[1:4, 4:7] = 0
    assert float(distance.max()) < 0.05


def test_places_beyond_what_is_compared_at_a_time_count_like_the_first() -> None:
    bank, wide = bank_of(features(3)), features(1, 32, 32, seed=3)
    assert bank.at_once < 32 * 32

    whole, part = bank.distance(wide)[0], bank.distance(wide[:, :, 16:])[0]

    torch.testing.assert_close(whole[17:], part[1:], rtol=1e-4, atol=1e-4)  # the row above looks across the cut
