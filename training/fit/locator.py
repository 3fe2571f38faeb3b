"""Fitting the locator to good pictures: does one part stand out of a plain table, and in which colour?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from snag.detector.centred_crop import CentredCrop
from snag.detector.exposure import to_channels
from snag.detector.locator import SIDE, Locator, centre_of, silhouette, tones_of, two_tones, widened
from snag.training.fit.refusal import Refusal

#: Two tones explain at least this share of what a picture varies by ...
LEAST_EXPLAINED = 0.75
#: ... the part covers this share of it, by the median ...
AREA = (0.02, 0.6)
#: ... is found, in its usual size, in this share of the good pictures ...
LEAST_FOUND = 0.95
#: ... and on the table no more than this share stands out, by a third of what the part does: that would be painted over.
MOST_ON_TABLE, STANDS_OUT = 0.1, 0.33
#: Within so many pixels the part ends, by this share of what it stands out by: a spot of light on a surface has no rim.
RIM_PIXELS, LEAST_STEP = 2, 0.35
#: Room around the part, as a share of the side of a square of its size.
RIM = 0.06
#: A place that less than this of a part covers is table; one that is part in more than this share of the pictures always is.
BESIDE, ALWAYS = 0.05, 0.95
#: A silhouette of so many times the median area is of a part; later it is accepted from a share of the smallest to so many
#: times the largest.
USUAL_AREA, ACCEPTED_AREA = (0.4, 2.5), (0.6, 1.5)
#: Room for what a silhouette of SIDE pixels misses of the part's reach.
REACH = 1.05


@dataclass(frozen=True)
class Location:
    """A fitted locator and the box that holds the part."""

    locator: Locator
    height: float  #: the box's sides, in units of the picture's long side
    width: float
    why: str  #: how they are found


def fit_locator(pictures: Sequence[Tensor], *, anywhere: bool = False) -> Location | Refusal:
    """Fit to good pictures [C, H, W], already shrunk to SIDE.

    `anywhere` takes a table on which other things lie: they are not looked at.
    """
    channels = max(picture.shape[0] for picture in pictures)  # grey and coloured ones may lie in one folder
    pictures = [to_channels(picture, channels) for picture in pictures]
    direction = _direction(pictures)
    tones = [tones_of(picture, direction) for picture in pictures]
    levels, explained = zip(*[two_tones(tone) for tone in tones], strict=True)
    masks = [(tone > level).float() for tone, level in zip(tones, levels, strict=True)]
    if torch.stack([_on_border(mask) for mask in masks]).median() > 0.5:  # the table is the brighter of the two
        direction, tones = -direction, [-tone for tone in tones]
        masks = [1.0 - mask for mask in masks]
    if (share := float(torch.stack(explained).median())) < LEAST_EXPLAINED:
        return Refusal(
            f"no two tones, one part's and its table's (they explain {share:.0%}, at least {LEAST_EXPLAINED:.0%} needed)"
        )
    parts = [silhouette(mask) for mask in masks]
    areas = torch.stack([part.mean() for part in parts])
    usual = float(areas.median())
    if not AREA[0] < usual < AREA[1]:
        return Refusal(f"no one part stands out of its table (it would cover {usual:.0%} of the picture)")
    good = [i for i, ratio in enumerate((areas / usual).tolist()) if USUAL_AREA[0] < ratio < USUAL_AREA[1]]
    if (found := len(good) / len(parts)) < LEAST_FOUND:
        return Refusal(f"only {found:.0%} of the parts are found in their usual size (at least {LEAST_FOUND:.0%} is needed)")
    rim = max(2, round(RIM * SIDE * sqrt(usual)))
    parts, tones, areas = [parts[i] for i in good], [tones[i] for i in good], areas[good]
    step = float(torch.stack([_step(tone, part) for tone, part in zip(tones, parts, strict=True)]).median())
    if step < LEAST_STEP:
        return Refusal(
            f"what stands out has no sharp rim (a step of {step:.0%} of its contrast, at least {LEAST_STEP:.0%} is needed)"
        )
    lying = float(torch.stack([_on_table(tone, part, rim) for tone, part in zip(tones, parts, strict=True)]).median())
    if lying > MOST_ON_TABLE and not anywhere:
        return Refusal(f"more than one part stands out (of {lying:.0%} of the table, at most {MOST_ON_TABLE:.0%} is allowed)")
    height, width = (2 * (REACH * reach + rim / SIDE) for reach in _reach(parts))
    locator = Locator(direction, (ACCEPTED_AREA[0] * float(areas.min()), ACCEPTED_AREA[1] * float(areas.max())), rim)
    why = f"parts found wherever they lie, each covers about {usual:.0%} of the picture"
    return Location(locator, height, width, why)


@torch.no_grad()
def fit_table(module: CentredCrop, pictures: Iterable[Tensor]) -> Tensor:
    """Set what `module` paints over, and what never. Returns where parts are, [h, w] in 0..1; of pictures [C, H, W]."""
    where, tables, count = torch.zeros(module.height, module.width), [], 0
    for picture in pictures:
        box, part = module.box(picture)
        if box.reason == "":
            where, count = where + part, count + 1
            beside = box.picture[:, part < BESIDE]
            if beside.numel():
                tables.append(beside.median(1).values)
    where = where / max(1, count)
    module.core = (where > ALWAYS).float()
    if tables:
        module.table = torch.stack(tables).median(0).values[:, None, None]
    return where


def _direction(pictures: Sequence[Tensor]) -> Tensor:
    """[c]: the colour along which most of what varies within pictures does."""
    colours = torch.cat([(picture - picture.mean((1, 2), keepdim=True)).flatten(1)[:, ::5] for picture in pictures], 1)
    return torch.linalg.eigh(colours @ colours.t() / colours.shape[1])[1][:, -1]


def _on_border(mask: Tensor) -> Tensor:
    return torch.cat([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()


def _step(tones: Tensor, part: Tensor) -> Tensor:
    """Share of what a part stands out by that lies between both sides of its rim."""
    inside, outside = 1.0 - widened(1.0 - part, RIM_PIXELS), widened(part, RIM_PIXELS)
    within, beyond = tones[(part - inside) > 0.5], tones[(outside - part) > 0.5]
    contrast = tones[part > 0.5].median() - tones[part < 0.5].median()
    return (within.median() - beyond.median()) / contrast if within.numel() and beyond.numel() else torch.zeros([])


def _on_table(tones: Tensor, part: Tensor, rim: int) -> Tensor:
    """Share of the table that stands out of it."""
    table = tones[widened(part, 2 * rim) < 0.5]
    if not table.numel():
        return torch.zeros([])
    usual = table.median()
    contrast = tones[part > 0.5].median() - usual
    return ((table - usual).abs() > STANDS_OUT * contrast).float().mean()


def _reach(parts: Sequence[Tensor]) -> tuple[float, float]:
    """How far parts reach from their centre, down and across, in units of the long side."""
    down, across = [], []
    for part in parts:
        x, y, _ = (SIDE * centre_of(part)).tolist()
        rows, columns = torch.nonzero(part.amax(1))[:, 0] + 0.5, torch.nonzero(part.amax(0))[:, 0] + 0.5
        down.append(float((rows - y).abs().max()) + 0.5)
        across.append(float((columns - x).abs().max()) + 0.5)
    return max(down) / SIDE, max(across) / SIDE
