"""Near-duplicates: pictures of one part that differ by no more than a camera's noise, a little light and compression.

Two pictures are compared cell by cell, after the gain and the offset of a slightly other light have been taken out. What is
left is held against the noise that the two pictures themselves show, at every scale and in every place: white noise fades as
cells are averaged, another surface, tone or position does not, and a small part stands out where it lies. Nothing depends on
the scale of the grey values: a camera of 12 bits in files of 16 gives the same groups.

What can't be told: a surface that is nothing but faint white noise (up to some 3 % of the brightness) looks like the noise of a
camera, so such pictures count as one; so may two parts that fill a few cells, in one place and of one tone but for 2 %. A part
that was moved between two shots counts as two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

#: A long side has at most so many cells; cells are of 6 pixels or more, lest JPEG's errors count, but of small pictures.
MOST_CELLS: Final = 160
FEW_CELLS: Final = 16
CELL: Final = 6
#: Mean square of the difference over 3 x 3 cells, in variances of the noise, from which on two pictures are different. By
#: chance that happens once in 10^7 windows; a part's own texture three times as rough as the noise is seen.
LIMIT: Final = 5.5
#: What compression and rounding leave, as a share of the brightness; and at most this share of what a picture ranges over.
ROUNDING: Final = 0.0022
OF_RANGE: Final = 0.02
#: More noise than this share of the brightness is no camera's, but a surface.
MOST_NOISE: Final = 0.025
#: Another light between two shots: gain either way, and offset as a share of the brightness.
GAIN: Final = 0.04
OFFSET: Final = 0.01
_PLACES: Final = 256  #: cells in which the pictures differ most are compared first
_FEW: Final = 1024  #: cells over which the light is fitted, at most
_AT_ONCE: Final = 2**20  #: cells compared at a time
_PICTURES: Final = 256  #: so many have their light fitted at a time, each to all others


@dataclass(frozen=True)
class Cells:
    """A grey picture in cells, and the noise of its pixels."""

    means: Tensor  #: [h, w] float32
    noise: float  #: variance of a pixel's noise, in its most even quarter
    level: float  #: grey value at which it was found
    pixels: float  #: of a cell


def cells_of(grey: Tensor) -> Cells:
    """Of a grey picture [1, H, W] float32 on any scale."""
    height, width = grey.shape[1:]
    long = max(height, width)
    most = min(long, max(FEW_CELLS, min(MOST_CELLS, long // CELL)))
    size = (max(1, round(height * most / long)), max(1, round(width * most / long)))
    means = functional.adaptive_avg_pool2d(grey[None], size)[0, 0]
    return Cells(means, *_noise(grey), height * width / means.numel())


def _noise(grey: Tensor) -> tuple[float, float]:
    """Variance of the noise, and the grey level where it was read off: what neither row nor column explains."""
    if min(grey.shape[1:]) < 2:
        return 0.0, 0.0
    down = grey[:, 1:] - grey[:, :-1]
    odd = (down[:, :, 1:] - down[:, :, :-1]).square_()[None] / 4
    size = (max(1, odd.shape[2] // 8), max(1, odd.shape[3] // 8))
    variance, level = (functional.adaptive_avg_pool2d(one, size).flatten() for one in (odd, grey[None, :, 1:, 1:]))
    noisy = variance > 0  # what is cut off at white or black has no noise to show
    if not noisy.any():
        return 0.0, 0.0
    even = noisy & (variance <= variance[noisy].quantile(0.25))
    return float(variance[even].max()), float(level[even].mean())


def near_duplicates(pictures: Sequence[Cells]) -> list[int]:
    """Group number of each picture: near-duplicates share one, also by way of others (single linkage)."""
    groups = list(range(len(pictures)))
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, picture in enumerate(pictures):
        by_shape.setdefault(tuple(picture.means.shape), []).append(i)
    for numbers in by_shape.values():
        for group, i in zip(_groups(_scales([pictures[i] for i in numbers])), numbers, strict=True):
            groups[i] = numbers[group]
    return groups


@dataclass(frozen=True)
class _Scale:
    """All pictures of one shape in cells of one size, as shares of the usual picture's brightest cell."""

    means: Tensor  #: [n, h, w]
    noise: Tensor  #: [n, 1, 1] variance of a cell where the noise was measured
    level: Tensor  #: [n, 1, 1] how bright it was there
    rounding: float  #: least variance that counts

    def variance(self, of: Tensor) -> Tensor:
        """The noise of the cells of pictures `of` [k]: it grows with the light, as photons have it."""
        return self.noise[of] * (self.means[of] / self.level[of]).clamp(min=1.0)

    def coarser(self) -> _Scale:
        """In cells of twice the side: the variance of white noise is a fourth there."""
        return replace(self, means=functional.avg_pool2d(self.means[:, None], 2)[:, 0], noise=self.noise / 4)


def _scales(pictures: Sequence[Cells]) -> list[_Scale]:
    """From the coarsest to the finest."""
    means = torch.stack([picture.means for picture in pictures])
    bright = float(means.amax((1, 2)).median())
    unit = 1 / bright if bright > 0 else 1.0
    means = means * unit
    span = float((means.amax((1, 2)) - means.amin((1, 2))).median())
    told = torch.tensor([[one.noise * unit**2, one.level * unit, one.pixels] for one in pictures])
    noise, level, pixels = told.T[..., None, None]
    rounding = max(min(ROUNDING, OF_RANGE * span), 1e-4) ** 2
    scales = [_Scale(means, noise.clamp(max=MOST_NOISE**2) / pixels, level.clamp(min=1e-6), rounding)]
    while min(scales[0].means.shape[1:]) >= 4:
        scales.insert(0, scales[0].coarser())
    return scales


@dataclass(frozen=True)
class _Light:
    """What brings each of the pictures as near to one of them as another light can."""

    gain: Tensor  #: [n]
    offset: Tensor  #: [n]
    may_be: Tensor  #: [n] bool: they do not differ too much as a whole


def _lights(scales: list[_Scale]) -> Iterator[_Light]:
    """For each picture in turn, by least squares within the limits; some at a time, for all pairs of many fill the memory."""
    scale = next((one for one in reversed(scales) if one.means[0].numel() <= _FEW), scales[0])
    flat = scale.means.flatten(1).double()
    mean, square = flat.mean(1), flat.square().mean(1)
    noise = scale.variance(torch.arange(len(flat))).amax((1, 2)).double()
    for some in torch.arange(len(flat)).split(_PICTURES):
        own, product = mean[some, None], flat[some] @ flat.T / flat.shape[1]
        slope = (product - own * mean) / (square - mean.square()).clamp(min=1e-12)
        offset = (own - slope * mean).clamp(-OFFSET, OFFSET)
        gain = ((product - offset * mean) / square.clamp(min=1e-12)).clamp(1 / (1 + GAIN), 1 + GAIN)
        offset = (own - gain * mean).clamp(-OFFSET, OFFSET)
        left = square[some, None] - 2 * gain * product - 2 * offset * own
        left = left + gain.square() * square + 2 * gain * offset * mean + offset.square()
        most = LIMIT * (noise[some, None] + gain.square() * noise).clamp(min=scale.rounding)
        yield from map(_Light, gain.float(), offset.float(), left <= most)


def _groups(scales: list[_Scale]) -> list[int]:
    """The lowest number in each picture's group."""
    fine = scales[-1].means.flatten(1)
    places = fine.var(0, correction=0).topk(min(_PLACES, fine.shape[1])).indices
    told = replace(scales[-1], means=fine[:, None, places])
    noise = told.variance(torch.arange(len(fine)))
    groups = torch.arange(len(fine))
    for i, light in enumerate(_lights(scales)):
        others = torch.nonzero(light.may_be[:i]).flatten()
        others = others[_alike_in_places(told, noise, light, i, others)]
        while len(others):
            # One of each group will do; where it is not alike, another may be.
            found = groups[others]
            first = torch.tensor([int(torch.nonzero(found == one)[0]) for one in found.unique()])
            for group in groups[others[first][_alike(scales, light, i, others[first])]].tolist():
                groups[groups == max(group, int(groups[i]))] = min(group, int(groups[i]))
            tried = torch.zeros(len(others), dtype=torch.bool)
            tried[first] = True
            others = others[~tried & (groups[others] != groups[i])]
    return groups.tolist()


def _alike_in_places(told: _Scale, noise: Tensor, light: _Light, i: int, others: Tensor) -> Tensor:
    """Whether they may be alike by the cells alone in which the set differs most, `told`, all with their noise: bool [k]."""
    gain, offset = light.gain[others, None, None], light.offset[others, None, None]
    left = (told.means[i] - gain * told.means[others] - offset).square()
    both = noise[i] + gain.square() * noise[others]
    # A cell beyond this carries its window of 3 x 3 over the limit, whatever the others are.
    return (left <= 9 * LIMIT * both.clamp(min=told.rounding)).flatten(1).all(1)


def _alike(scales: list[_Scale], light: _Light, i: int, others: Tensor) -> Tensor:
    """Whether pictures `others` [k] differ from picture i by no more than noise, at any scale: bool [k]."""
    alike = torch.ones(len(others), dtype=torch.bool)
    for scale in scales:
        for some in torch.nonzero(alike).flatten().split(max(1, _AT_ONCE // scale.means[0].numel())):
            gain, offset = light.gain[others[some], None, None], light.offset[others[some], None, None]
            left = scale.means[i] - gain * scale.means[others[some]] - offset
            noise = scale.variance(torch.tensor([i])) + gain.square() * scale.variance(others[some])
            strength = left.square() / noise.clamp(min=scale.rounding)
            window = [min(3, side) for side in strength.shape[1:]]
            alike[some] = functional.avg_pool2d(strength[:, None], window, 1).amax((1, 2, 3)) <= LIMIT
    return alike
