"""The parts in good pictures: what stands out of its background, where that is one part of a usual size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from snag.detector.aligner import BACKGROUND_SIDE, SEARCH_SIDE, flatten, silhouette_of
from snag.detector.exposure import fit_background
from snag.detector.geometry import shrink
from snag.detector.otsu import variance_between
from snag.training.fit.refusal import Refusal

#: What is true of good parts is true of at least this share of them.
LEAST_SHARE = 0.95
#: A part covers between these shares of the picture, and lies at least so far from its background, as a share of it.
PART_AREA, LEAST_DEPTH = (0.005, 0.5), 0.1
#: Depths within this are noise, and have no say in whether parts are dark or bright.
NOISE = 0.15
#: A silhouette of so many times the median area is of a part; an empty table or a second part is nothing to fit to.
USUAL_AREA = (0.4, 2.5)
#: A silhouette is accepted, later, from this share of the smallest to so many times the largest area among good parts.
ACCEPTED_AREA = (0.6, 1.5)
#: Steps of the histogram that parts are told from their background by.
LEVELS = 256


@dataclass(frozen=True)
class Parts:
    """Good parts with their background taken out, and what they have in common."""

    flats: list[Tensor]  #: [1, h, w] each, long side REFINE_SIDE, 1 where there is no part
    silhouettes: list[Tensor]  #: [h, w] each, long side SEARCH_SIDE, 0..1
    polarity: float  #: 1 for dark parts, -1 for bright ones
    contrast: float  #: how far parts usually lie from their background, as a share of it
    share: float  #: of a picture that a part covers

    @property
    def areas(self) -> Tensor:
        """Share of the picture that each silhouette covers, [N]."""
        return torch.stack([silhouette.mean() for silhouette in self.silhouettes])

    @property
    def accepted_area(self) -> tuple[float, float]:
        """Areas that a later picture's part may have."""
        areas = self.areas
        return ACCEPTED_AREA[0] * float(areas.min()), ACCEPTED_AREA[1] * float(areas.max())

    def of(self, numbers: Sequence[int]) -> Self:
        """Some of them."""
        return replace(self, flats=[self.flats[i] for i in numbers], silhouettes=[self.silhouettes[i] for i in numbers])


def find_parts(pictures: Sequence[Tensor]) -> Parts | Refusal:
    """What stands out of the background, where that is one part of a usual size in nearly every picture."""
    flats = [_flatten(picture) for picture in pictures]
    depths = _depths(flats)
    polarity = 1.0 if depths[depths > NOISE].sum() >= -depths[depths < -NOISE].sum() else -1.0
    level = _otsu(polarity * depths)
    share = float((polarity * depths > level).float().mean())
    if not PART_AREA[0] < share < PART_AREA[1] or level < LEAST_DEPTH:
        return Refusal(f"no part stands out from its background (it would cover {share:.0%} of the picture)")
    if polarity < 0:
        flats = [_flatten(picture, share) for picture in pictures]
        depths = _depths(flats)
        level = _otsu(-depths)
    contrast = float((polarity * depths)[polarity * depths > level].median())
    silhouettes = [silhouette_of(shrink(flat, SEARCH_SIDE), polarity, contrast) for flat in flats]
    parts = Parts(flats, silhouettes, polarity, contrast, share)
    ratios = (parts.areas / parts.areas.median()).tolist()
    usual = [i for i, ratio in enumerate(ratios) if USUAL_AREA[0] < ratio < USUAL_AREA[1]]
    if (enough := len(usual) / len(flats)) < LEAST_SHARE:
        return Refusal(f"only {enough:.0%} of the parts have the usual size (at least {LEAST_SHARE:.0%} is needed)")
    return parts.of(usual)


def _depths(flats: list[Tensor]) -> Tensor:
    """Depths below the background at every fourth pixel."""
    return torch.cat([(1.0 - flat).reshape(-1)[::4] for flat in flats])


def _flatten(picture: Tensor, bright_share: float = 0.0) -> Tensor:
    """As `flatten`, without its unit."""
    return flatten(picture, fit_background(shrink(picture, BACKGROUND_SIDE)[0]), bright_share)[0]


def _otsu(values: Tensor) -> float:
    """Otsu's threshold: the level that separates `values` into two groups best."""
    low, high = float(values.quantile(0.001)), float(values[::7].max())
    histogram = torch.histc(values, LEVELS, low, high)
    levels = torch.linspace(low, high, LEVELS + 1)[1:]
    between, _ = variance_between(histogram / histogram.sum(), levels - (high - low) / (2 * LEVELS))
    return float(levels[between.argmax()])
