"""The memory: banks of three sizes of the picture, of which each sees what is of its size, and whose mean counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.backbone import CHANNELS, TAKEN
from snag.detector.memory import HALVINGS, Memory, side_by_side
from snag.detector.memory_bank import MemoryBank
from snag.training.augment.symmetry import Symmetry
from snag.training.fit.backbone import backbone, published
from snag.training.fit.memory import remember, standardise
from tests.support.memories import Means, filled, noise


def banks(memory: Memory) -> list[MemoryBank]:
    return [bank for bank in memory.banks if isinstance(bank, MemoryBank)]


def enlarged(values: Tensor, height: int, width: int) -> Tensor:
    """[h, w] -> [height, width]."""
    return functional.interpolate(values[None, None], [height, width], mode="bilinear")[0, 0]


def test_what_a_memory_says_is_the_mean_of_what_its_banks_say_at_an_eighth_of_the_resolution() -> None:
    """Of each, less than usual counts as usual."""
    memory = filled(noise(6))
    standardise(memory, noise(6, seed=1), 4.0)
    asked = noise(2, seed=2)

    found = memory(asked)

    assert found.shape == (2, 8, 12)
    for number in range(2):
        seen = memory.features(asked[number : number + 1])
        each = [enlarged(bank(features)[0].clamp(min=0), 8, 12) for bank, features in zip(banks(memory), seen, strict=True)]
        torch.testing.assert_close(found[number], (each[0] + each[1] + each[2]) / 3, rtol=2e-3, atol=2e-3)


def test_each_bank_looks_at_the_picture_or_at_a_half_or_a_quarter_of_its_side() -> None:
    memory, asked = filled(noise(6)), noise(1)
    brought = (asked - memory.centre) / memory.spread

    found = memory.features(asked)

    for features, halvings in zip(found, HALVINGS, strict=True):
        smaller = functional.avg_pool2d(brought, 2**halvings)
        torch.testing.assert_close(features, side_by_side(Means()(smaller)))
    assert [tuple(features.shape[1:]) for features in found] == [(6, 8, 12), (6, 4, 6), (6, 2, 3)]


def test_features_of_several_resolutions_lie_side_by_side_at_that_of_the_second() -> None:
    fine, middle, coarse = (torch.full((1, count, side, side), float(side)) for count, side in ((2, 16), (3, 8), (1, 4)))

    found = side_by_side([fine, middle, coarse])

    assert found.shape == (1, 6, 8, 8)
    inside = found[0, :, 3, 3]  # at the border of each the neighbourhoods reach beyond it
    assert inside.tolist() == pytest.approx([16, 16, 8, 8, 8, 4])


def test_each_feature_is_the_mean_of_nine_places() -> None:
    seen = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))

    found = side_by_side([seen, seen, seen])

    assert float(found[0, 1, 3, 4]) == pytest.approx(float(seen[0, 1, 2:5, 3:6].mean()), rel=1e-5)


def changed_places(change: Tensor) -> list[float]:
    """By how much the greatest value of each bank grows where a good picture is changed by so much at each pixel."""
    memory, good = filled(noise(10, 128, 192)), noise(11, 128, 192, seed=5)
    standardise(memory, good[:10], 16.0)
    plain, changed = memory.features(good[10:]), memory.features(good[10:] + change)
    each = zip(banks(memory), plain, changed, strict=True)
    return [float(bank(after).max() - bank(before).max()) for bank, before, after in each]


def test_what_is_small_is_seen_by_the_bank_of_the_whole_resolution() -> None:
    """A spot whose pixels are by turns brighter and darker: its mean is that of what was there."""
    small = torch.zeros(128, 192)
    small[56:72, 88:104] = 0.5 - (torch.arange(16)[:, None] + torch.arange(16)[None, :]) % 2

    fine, coarse, coarsest = changed_places(small)

    assert fine > 2
    assert max(abs(coarse), abs(coarsest)) < 0.1


def test_what_is_large_and_faint_is_seen_by_the_bank_of_the_least_resolution() -> None:
    """A shade over a third of the picture, a fifth of the noise of a pixel."""
    large = torch.zeros(128, 192)
    large[:, 64:128] = 0.03 * torch.sin(torch.linspace(0, torch.pi, 64))

    fine, _, coarsest = changed_places(large)

    assert coarsest > 1
    assert coarsest > 3 * abs(fine)


@pytest.mark.parametrize("size", [(32, 32), (64, 160), (320, 512)])
def test_the_backbone_sees_pictures_of_any_size_at_three_resolutions(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        found = backbone()(torch.zeros(1, 3, *size))

    shapes = [(1, count, size[0] // side, size[1] // side) for count, side in zip(CHANNELS, (4, 8, 16), strict=True)]
    assert [tuple(features.shape) for features in found] == shapes


def test_the_backbone_gives_what_the_published_network_gives() -> None:
    pictures = torch.randn(2, 3, 72, 96, generator=torch.Generator().manual_seed(0))
    network = published()
    with torch.inference_mode():
        seen = network._swish(network._bn0(network._conv_stem(pictures)))
        expected = []
        for number, block in enumerate(network._blocks[: TAKEN[-1] + 1]):
            seen = block(seen)
            expected += [seen] if number in TAKEN else []
        found = backbone()(pictures)

    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [(64, 64), (64, 160), (192, 96)])
def test_a_memory_of_real_features_takes_any_sides_that_are_multiples_of_32(size: tuple[int, int]) -> None:
    good = [torch.rand(1, *size, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    memory = Memory(backbone())
    remember(memory, good, Symmetry(), 0)

    with torch.inference_mode():
        found = memory(good[0][None])

    assert found.shape == (1, size[0] // 8, size[1] // 8)
    assert float(found.abs().max()) < 0.2  # which it remembers


def test_real_features_tell_stripes_that_run_across_in_a_texture_that_they_never_saw() -> None:
    """On stripes, places where the stripes run across are farther off than all others."""
    rows = torch.arange(128)
    stripes = 0.5 + 0.15 * torch.sin(rows / 2.0)[:, None].expand(128, 128)
    good = [(stripes + 0.02 * torch.randn(128, 128, generator=torch.Generator().manual_seed(i)))[None] for i in range(8)]
    memory = Memory(backbone())
    remember(memory, good[:4], Symmetry(), 0)
    standardise(memory, good[4:7], 16.0)
    turned = good[7].clone()
    turned[:, 48:80, 48:80] = turned[:, 48:80, 48:80].transpose(1, 2)

    with torch.inference_mode():
        farther, usual = memory(turned[None])[0], memory(good[7][None])[0]

    y, x = divmod(int(farther.argmax()), 16)
    assert 5 <= y <= 10
    assert 5 <= x <= 10
    assert float(farther.max()) > 3 * max(1.0, float(usual.max()))
