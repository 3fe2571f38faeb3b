"""The memory of what good pictures look like: what is remembered, and how far a picture's places are from it."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.core.errors import BadConfig
from snag.detector.backbone import CHANNELS
from snag.detector.memory_bank import MemoryBank
from snag.training.fit import memory_bank as room
from snag.training.fit.backbone import backbone
from snag.training.fit.memory_bank import coreset, remember


class _Means(nn.Module):
    """Stands in for the backbone: mean and spread of each square of 8, mean of each square of 16, of the first channel."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        first = pictures[:, :1]
        mean = functional.avg_pool2d(first, 8)
        spread = (functional.avg_pool2d(first * first, 8) - mean * mean).clamp(min=0).sqrt()
        return torch.cat([mean, spread], 1), functional.avg_pool2d(first, 16)


def pictures(count: int, height: int = 48, width: int = 64, seed: int = 0) -> Tensor:
    return 0.5 + 0.15 * torch.randn(count, 1, height, width, generator=torch.Generator().manual_seed(seed))


def filled(good: Tensor, seed: int = 0) -> MemoryBank:
    memory = MemoryBank(_Means())
    remember(memory, list(good), seed)
    return memory


def test_a_distance_is_that_to_the_nearest_remembered_place_in_standard_deviations() -> None:
    memory, asked = filled(pictures(4)), pictures(2, 32, 48, seed=1)

    found = memory(asked)

    features = memory.features(asked)
    assert found.shape == (2, 4, 6)
    for number in range(2):
        for y in range(4):
            for x in range(6):
                one = features[number, :, y, x] / memory.deviation
                nearest = min(float((one - known).square().sum().sqrt()) for known in memory.known)
                assert float(found[number, y, x]) == pytest.approx(nearest, abs=2e-3)


def test_what_was_shown_is_known_and_a_changed_place_is_not() -> None:
    good = pictures(4)
    memory, changed = filled(good), good[:1].clone()
    changed[:, :, 16:24, 40:48] += 0.6

    distance = memory(changed)[0]

    assert float(memory(good).max()) < 0.05  # to rounding
    y, x = divmod(int(distance.argmax()), 8)
    assert max(abs(y - 2), abs(x - 5)) <= 1  # features are averaged over neighbours
    assert float(distance.max()) > 3


def test_places_beyond_what_is_compared_at_a_time_count_like_the_first() -> None:
    memory, wide = filled(pictures(4)), pictures(1, 256, 256, seed=3)
    assert memory.at_once < 32 * 32

    whole, part = memory(wide)[0], memory(wide[:, :, 128:])[0]

    torch.testing.assert_close(whole[20:], part[4:], rtol=1e-3, atol=1e-3)  # the rows above look across the cut


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
    good = pictures(40)

    assert torch.equal(filled(good, 1).known, filled(good, 1).known)


def test_of_many_pictures_and_places_only_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PICTURES", 5)
    monkeypatch.setattr(room, "CANDIDATES", 50)

    memory = filled(pictures(20))

    assert len(memory.known) == 50


@pytest.mark.parametrize("size", [(32, 32), (48, 160), (320, 512)])
def test_the_backbone_sees_pictures_of_any_size_at_an_eighth_and_a_sixteenth(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        fine, coarse = backbone()(torch.zeros(1, 3, *size))

    assert fine.shape == (1, CHANNELS[0], size[0] // 8, size[1] // 8)
    assert coarse.shape == (1, CHANNELS[1], size[0] // 16, size[1] // 16)


def test_the_backbone_tells_stripes_that_run_across_in_a_texture_that_it_never_saw() -> None:
    """On stripes, places where the stripes run across are farther off than all others."""
    rows = torch.arange(128)
    stripes = 0.5 + 0.15 * torch.sin(rows / 2.0)[:, None].expand(128, 128)
    good = [(stripes + 0.02 * torch.randn(128, 128, generator=torch.Generator().manual_seed(i)))[None] for i in range(6)]
    memory = MemoryBank(backbone())
    remember(memory, good[:5], 0)
    turned = good[5].clone()
    turned[:, 48:80, 48:80] = turned[:, 48:80, 48:80].transpose(1, 2)

    with torch.inference_mode():
        distance, usual = memory(turned[None])[0], memory(good[5][None])[0]

    y, x = divmod(int(distance.argmax()), 16)
    assert 5 <= y <= 10
    assert 5 <= x <= 10
    assert float(distance.max()) > 1.5 * float(usual.max())


def test_without_the_packages_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)

    with pytest.raises(BadConfig, match="expected them after `make train PRESET=features`"):
        backbone()
