"""Symmetries are found by the pictures: a turn or a mirroring that makes good pictures of good pictures, and no other one."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from snag.training.augment import symmetry as module
from snag.training.augment.symmetry import SymmetricCopies, Symmetry, rotated, symmetry

NOTHING = Symmetry()
ALL = Symmetry(flip=True, half_turn=True, any_turn=True)


def smooth(seed: int, height: int = 64, width: int = 64, channels: int = 1, grain: int = 4) -> Tensor:
    """Soft blotches."""
    coarse = torch.randn(1, channels, height // grain, width // grain, generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(coarse, [height, width], mode="bicubic")[0]


def across(height: int = 64, width: int = 64) -> tuple[Tensor, Tensor]:
    """y and x of each pixel, -1..1 along the shorter side."""
    y, x = torch.arange(height) + 0.5 - height / 2, torch.arange(width) + 0.5 - width / 2
    return (y[:, None] / min(height, width) * 2).expand(height, width), (x[None, :] / min(height, width) * 2).expand(
        height, width
    )


def bottle(seed: int) -> Tensor:
    """Stands upright, is as wide left as right, and its neck is above."""
    y, x = across()
    body = torch.sigmoid(12 * (torch.where(y < 0, 0.3, 0.6) - x.abs()))
    return (body + 0.05 * smooth(seed))[None][0]


def wave(seed: int) -> Tensor:
    """A bright stripe that leans: upside down it leans as before, in a mirror the other way."""
    y, x = across()
    return (torch.exp(-8 * (x - 0.7 * y) ** 2) + 0.05 * smooth(seed)[0])[None]


def hand(seed: int) -> Tensor:
    """A clock's: it points right and up, each time nearly."""
    y, x = across()
    return (torch.exp(-20 * ((x - 0.5) ** 2 + (y + 0.3) ** 2)) + torch.exp(-9 * (x**2 + y**2)) + 0.05 * smooth(seed)[0])[None]


def fallen(seed: int) -> Tensor:
    """A disc with a pale spot at its rim, lying as it fell."""
    y, x = across()
    angle = float(torch.rand(1, generator=torch.Generator().manual_seed(seed))) * 2 * math.pi
    disc = torch.sigmoid(15 * (0.7 - torch.hypot(y, x)))
    spot = torch.exp(-30 * ((x - 0.4 * math.cos(angle)) ** 2 + (y - 0.4 * math.sin(angle)) ** 2))
    return (disc + spot + 0.05 * smooth(seed)[0])[None]


@pytest.mark.parametrize(
    ("draw", "found"),
    [
        (smooth, ALL),
        (bottle, Symmetry(flip=True)),
        (wave, Symmetry(half_turn=True)),
        (hand, NOTHING),
        (fallen, ALL),
    ],
)
def test_each_symmetry_is_found_where_it_is(draw: object, found: Symmetry) -> None:
    assert callable(draw)

    assert symmetry([draw(seed) for seed in range(60)]) == found


def test_stripes_may_be_turned_over_but_not_by_any_angle() -> None:
    def cloth(seed: int) -> Tensor:
        phase = torch.rand(1, generator=torch.Generator().manual_seed(seed)) * 6.3
        return (torch.sin(40 * across()[1] + phase) + 0.2 * smooth(seed)[0])[None]

    assert symmetry([cloth(seed) for seed in range(60)]) == Symmetry(flip=True, half_turn=True)


def test_colours_have_their_say() -> None:
    """Red on the left and blue on the right, of one brightness."""

    def two_coloured(seed: int) -> Tensor:
        x = 0.3 * across()[1]
        return torch.stack([-x, torch.zeros_like(x), x]) + 0.05 * smooth(seed)

    assert not symmetry([two_coloured(seed) for seed in range(60)]).flip


def test_pictures_of_several_sizes_and_empty_ones_are_taken() -> None:
    sizes = [(32, 64), (40, 80), (36, 70)]

    assert symmetry([smooth(seed, *sizes[seed % 3]) for seed in range(30)]).flip
    assert symmetry([torch.full((1, 32, 32), 0.5)] * 30) == ALL


def test_with_a_handful_of_pictures_none_is_assumed() -> None:
    assert symmetry([smooth(seed) for seed in range(module._LEAST - 1)]) == NOTHING


def test_light_from_above_makes_dents_of_bumps_when_turned_over() -> None:
    def bumps(seed: int) -> Tensor:
        y, x = across()
        random = torch.Generator().manual_seed(seed)
        places = torch.rand(40, 2, generator=random) * 2 - 1
        heights = sum(torch.exp(-150 * ((y - place[0]) ** 2 + (x - place[1]) ** 2)) for place in places)
        return functional.pad(torch.as_tensor(heights).diff(dim=0), [0, 0, 0, 1])[None]

    assert symmetry([bumps(seed) for seed in range(60)]) == Symmetry(flip=True)


@pytest.mark.parametrize(
    ("allowed", "count"),
    [
        (NOTHING, 1),
        (Symmetry(flip=True), 2),
        (Symmetry(half_turn=True), 2),
        (Symmetry(flip=True, half_turn=True), 4),
        (ALL, 16),
    ],
)
def test_a_picture_is_as_many_as_it_has_symmetries_itself_first(allowed: Symmetry, count: int) -> None:
    picture = smooth(0, 24, 40, 3)

    copies = SymmetricCopies([picture], allowed)

    assert len(copies) == count
    assert all(copy.shape == picture.shape for copy in copies)
    assert torch.allclose(copies[0], picture, atol=1e-5)
    assert all(not torch.allclose(a, b, atol=1e-2) for i, a in enumerate(copies) for b in copies[:i])


@pytest.mark.parametrize("allowed", [NOTHING, Symmetry(flip=True, half_turn=True), ALL], ids=str)
def test_copies_come_picture_by_picture_and_each_is_made_when_it_is_asked_for(allowed: Symmetry) -> None:
    class Read(list[Tensor]):
        def __getitem__(self, which: Any) -> Any:
            read.append(which)
            return super().__getitem__(which)

    read: list[int] = []
    pictures = [smooth(seed, 24, 40) for seed in range(3)]
    copies = SymmetricCopies(Read(pictures), allowed)
    alone = [copy for picture in pictures for copy in SymmetricCopies([picture], allowed)]

    assert len(copies) == 3 * copies.each == len(alone)
    assert read == []
    assert torch.equal(copies[copies.each], alone[copies.each])
    assert read == [1]
    assert all(torch.equal(one, other) for one, other in zip(copies, alone, strict=True))
    assert all(torch.equal(one, other) for one, other in zip(copies[1::2], alone[1::2], strict=True))
    assert torch.equal(copies[-1], alone[-1])


def test_turning_keeps_distances_in_pictures_that_are_not_square() -> None:
    y, x = torch.arange(40)[:, None] + 0.5 - 20, torch.arange(80)[None, :] + 0.5 - 40
    spot = torch.exp(-((y / 3) ** 2 + ((x - 14) / 3) ** 2))[None, None]

    turned = rotated(spot, 90.0, "zeros")[0, 0]

    place = torch.stack([(turned * y).sum(), (turned * x).sum()]) / turned.sum()
    assert place.abs().tolist() == pytest.approx([14.0, 0.0], abs=0.05)


def test_it_says_what_it_found() -> None:
    assert str(NOTHING) == "none"
    assert str(Symmetry(half_turn=True)) == "turned by 180 degrees"
    assert str(ALL) == "mirrored and turned by any angle"
