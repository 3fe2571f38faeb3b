"""Filling the memory: which places of which pictures are remembered, how features are evened out, and what is usual."""

from __future__ import annotations

import sys

import pytest
import torch

from snag.core.errors import BadConfig
from snag.detector.memory_bank import MemoryBank
from snag.detector.scoring import local_mean
from snag.training.augment.symmetry import Symmetry
from snag.training.fit import memory as room
from snag.training.fit.backbone import backbone
from snag.training.fit.memory import HELD_BACK, coreset, fill, remember, standardise, whitening
from tests.support.memories import filled, noise


def test_a_coreset_has_one_of_each_kind_however_rare() -> None:
    """Nine in ten candidates are of one kind, the others of nine: ten that are chosen are one of each."""
    random = torch.Generator().manual_seed(0)
    kinds = torch.cat([torch.zeros(900), torch.arange(1, 10).repeat(11)])
    candidates = 5.0 * torch.randn(10, 40, generator=random)[kinds.long()] + 0.01 * torch.randn(999, 40, generator=random)

    chosen = coreset(candidates, 10, random)

    assert sorted(int(kinds[row]) for row in chosen) == list(range(10))


def test_a_coreset_of_more_than_there_are_is_all() -> None:
    assert coreset(torch.rand(7, 3), 10, torch.Generator()) == list(range(7))


def test_the_same_seed_remembers_the_same() -> None:
    good = noise(40)

    for one, other in zip(filled(good, 1).banks, filled(good, 1).banks, strict=True):
        assert torch.equal(one.known, other.known)


def test_of_many_pictures_and_places_only_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten of each of five pictures; all places, where a bank has fewer of a picture."""
    monkeypatch.setattr(room, "PICTURES", 5)
    monkeypatch.setattr(room, "CANDIDATES", 50)

    memory = filled(noise(20))

    assert [len(bank.known) for bank in memory.banks] == [50, 50, 30]


def test_a_bank_remembers_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REMEMBERED", 30)
    bank = MemoryBank(4)

    fill(bank, torch.rand(200, 4, generator=torch.Generator().manual_seed(0)), torch.Generator().manual_seed(0))

    assert bank.known.shape == (30, 4)


# --- copies -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pictures", "copies", "most", "shown"),
    [(3, 4, 500, 12), (600, 2, 500, 500), (7, 3, 10, 10), (10, 16, 10, 10), (9, 1, 500, 9), (1, 1, 500, 1), (400, 2, 500, 500)],
)
def test_each_picture_is_shown_once_and_where_they_are_few_copies_of_them_too(
    pictures: int, copies: int, most: int, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No copy twice, none that is not, and never more than there may be in all."""
    monkeypatch.setattr(room, "PICTURES", most)

    found = room._shown(pictures, copies, torch.Generator().manual_seed(0))

    themselves = [number for number, copy in found if copy == 0]
    assert len(found) == len(set(found)) == shown
    assert len(themselves) == len(set(themselves)) == min(pictures, most)
    assert {number for number, _ in found} == set(themselves) <= set(range(pictures))
    assert {copy for _, copy in found} <= set(range(copies))


def test_what_good_pictures_might_as_well_have_been_is_remembered_too() -> None:
    good = noise(4)
    good[..., :32, :32] += 1.0
    mirrored = good.flip(3)

    plain, with_copies = filled(good), filled(good, allowed=Symmetry(flip=True))

    assert float(with_copies(mirrored).abs().max()) < 0.1  # to rounding: it is known
    assert float(plain(mirrored).max()) > 0.5
    assert float(plain(good).abs().max()) < 0.1


# --- whitening --------------------------------------------------------------------------------------------------------------


def mixed(count: int = 4000) -> torch.Tensor:
    """[count, 4]: three that have much in common, at different scales, and one that differs from the first by a thousandth."""
    random = torch.randn(count, 4, generator=torch.Generator().manual_seed(0))
    first = random[:, 0]
    second = 100.0 * (0.7 * first + 0.7 * random[:, 1])
    third = 0.01 * (0.5 * random[:, 1] + random[:, 2]) + 5.0
    return torch.stack([first, second, third, first + 0.001 * random[:, 3]], 1)


def test_whitened_features_are_uncorrelated_and_of_about_unit_variance() -> None:
    features = mixed()

    whitened = features @ whitening(features)

    variance = torch.cov(whitened.t())
    spread = variance.diagonal().sort().values
    torch.testing.assert_close(variance, variance.diagonal().diag(), rtol=0, atol=1e-3)
    assert 0.4 < float(spread[1]) < float(spread[-1]) < 1.0


def test_what_hardly_varies_is_held_back() -> None:
    """Evened out wholly, the thousandth by which two features differ would count as much as all else."""
    features = mixed()

    whitened = features @ whitening(features)

    spread = torch.cov(whitened.t()).diagonal().sort().values
    correlated = torch.linalg.eigvalsh(torch.corrcoef(features.t())).sort().values
    assert float(spread[0]) < 1e-4
    torch.testing.assert_close(spread, correlated / (correlated + HELD_BACK * correlated.mean()), rtol=1e-2, atol=1e-4)


def test_whitening_does_not_depend_on_the_units_of_features() -> None:
    features, scales = mixed(), torch.tensor([3.0, 0.01, 7.0, 500.0])

    one, other = features @ whitening(features), (features * scales) @ whitening(features * scales)

    torch.testing.assert_close(torch.cdist(one[:20], one[:20]), torch.cdist(other[:20], other[:20]), rtol=1e-2, atol=1e-2)


def test_a_feature_that_never_varies_is_no_division_by_zero() -> None:
    features = mixed()
    features[:, 2] = 3.0

    assert whitening(features).isfinite().all()


# --- what is usual ----------------------------------------------------------------------------------------------------------


def test_what_is_usual_of_distances_is_fitted_to_other_good_pictures_in_each_bank() -> None:
    memory, others = filled(noise(6)), noise(9, seed=1)

    standardise(memory, others, 1e6)  # so much that all places deviate alike

    for number, bank in enumerate(memory.banks):
        distances = torch.cat([bank.distance(memory.features(one[None])[number]) for one in others])
        assert bank.mean.shape == bank.deviation.shape == distances.shape[1:]
        torch.testing.assert_close(bank.mean, local_mean(distances.mean(0, keepdim=True), 3)[0], rtol=0.05, atol=0.05)
        torch.testing.assert_close(bank.deviation, bank.deviation.mean().expand_as(bank.deviation), rtol=1e-3, atol=1e-5)
        assert abs(float(((distances - bank.mean) / bank.deviation).mean())) < 0.1


def test_good_pictures_of_several_sizes_share_what_is_usual() -> None:
    memory = filled(noise(6))

    standardise(memory, [*noise(3, seed=1), *noise(1, 96, 64, seed=2)], 16.0)

    assert [tuple(bank.mean.shape) for bank in memory.banks] == [(8, 12), (4, 6), (2, 3)]
    assert memory(noise(1, 96, 64, seed=3)).isfinite().all()


def test_pictures_of_several_sizes_are_remembered_together() -> None:
    memory = filled(noise(2))

    remember(memory, [*noise(2), *noise(2, 96, 64, seed=1)], Symmetry(half_turn=True), 0)

    assert float(memory(noise(2, 96, 64, seed=1)).abs().max()) < 0.1


def test_without_the_packages_it_says_how_to_get_them_or_to_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)

    with pytest.raises(BadConfig, match=r"`make \.venv/\.installed-features`.*; the preset scratch does without"):
        backbone()
