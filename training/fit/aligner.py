"""Fitting the aligner to good pictures: can these parts be aligned at all, and if so, to what template?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snag.detector.aligner import OUTSIDE, REFINE_SIDE, SEARCH_SIDE, Aligner, silhouette_pose
from snag.detector.geometry import sample, strip_places
from snag.training.fit.parts import LEAST_SHARE, Parts, find_parts
from snag.training.fit.refusal import Refusal

#: A part is alignable when its silhouette is at least this elongated (moments then give its axis) ...
LEAST_ELONGATION = 2.0
#: ... and nearly all good pictures (LEAST_SHARE of `parts`) match the mean silhouette at least this well.
LEAST_MATCH = 0.6
#: Where more of the mean part than this share usually lies outside of the picture, it is no part but what lies around one.
MOST_CUT_OFF = 0.5
#: Room left around the part, as a share of the picture's long side.
MARGIN = 0.02
#: Room beyond the strip in which the part's rim is looked for.
ROOM = 0.06
#: Share of the part's depth that its rim has at least, and a shadow, a third, has not.
RIM = 0.45
#: A part may be one thing of many in a scene: its strip covers more than this share of the picture ...
MOST_COVERED = 0.6
#: ... or more than this share of all that stands out lies beside it, where nobody would look.
MOST_BESIDE = 0.01
#: Rounds of aligning all parts to the mean of all: the first template is the first part.
ROUNDS = 4
#: Parts whose extent is measured: the first ones stand for all.
MEASURED = 64


@dataclass(frozen=True)
class Alignment:
    """A fitted aligner and the strip that holds the part."""

    aligner: Aligner
    height: float  #: the strip's sides, in units of the picture's long side
    width: float
    covered: float  #: share of the picture that the strip covers
    beside: float  #: usual share of what stands out of the background that lies beside the strip
    why: str  #: how well the parts align

    @property
    def may_be_a_scene(self) -> bool:
        """Whether this may be one thing of many: if all of them lie alike, the whole picture should be looked at."""
        return self.covered > MOST_COVERED or self.beside > MOST_BESIDE


def fit_alignment(pictures: Sequence[Tensor]) -> Alignment | Refusal:
    """Fit to good pictures [1, H, W] float, already shrunk to REFINE_SIDE."""
    parts = find_parts(pictures)
    if isinstance(parts, Refusal):
        return parts
    starts = [silhouette_pose(silhouette) for silhouette in parts.silhouettes]
    elongation = float(torch.stack([start[1] for start in starts]).quantile(0.05))
    if elongation < LEAST_ELONGATION:
        return Refusal(
            f"the parts have no clear long axis (elongation {elongation:.1f}, at least {LEAST_ELONGATION:g} is needed)"
        )
    aligner, poses, matches = _iterate(parts, torch.stack([start[0] for start in starts]))
    good = float((matches >= LEAST_MATCH).float().mean())
    if good < LEAST_SHARE:
        return Refusal(f"only {good:.0%} of the parts match their mean silhouette (at least {LEAST_SHARE:.0%} is needed)")
    return _set_limits(*_cut_to_part(aligner, parts, poses), parts)


def _set_limits(aligner: Aligner, height: float, width: float, parts: Parts) -> Alignment | Refusal:
    """The alignment with its limits, by the strip of that size that will be used: another one matches more or less well.

    Refuses from now on what matches clearly worse, or is cut off more, than any of these.
    """
    aligner.share = parts.share
    found = [aligner.search(silhouette) for silhouette in parts.silhouettes]
    matches = torch.stack([match for _, match in found])
    lowest, middle = float(matches.min()), float(matches.median())
    # Parts that are all alike leave no doubt among themselves: another exposure still takes a few percent.
    aligner.least_match = max(0.3, min(lowest - 2 * (middle - lowest), 0.9 * lowest))
    places = [aligner.refine(flat, pose)[0] for flat, (pose, _) in zip(parts.flats, found, strict=True)]
    outside = torch.stack([aligner.outside(place, *flat.shape[1:]) for flat, place in zip(parts.flats, places, strict=True)])
    aligner.most_outside = OUTSIDE + float(outside.max())
    if (cut_off := float(outside.median())) > MOST_CUT_OFF:
        return Refusal(
            f"what stands out is cut off by the picture's border ({cut_off:.0%} of it, at most {MOST_CUT_OFF:.0%} allowed)"
        )
    beside = torch.stack([_beside(flat, place, height, width, parts) for flat, place in zip(parts.flats, places, strict=True)])
    first = parts.flats[0]
    covered = height * width * max(first.shape[1:]) ** 2 / first[0].numel()
    why = f"parts aligned: their silhouettes match the mean by {middle:.2f}"
    return Alignment(aligner, height, width, covered, float(beside.median()), why)


def _beside(flat: Tensor, place: Tensor, height: float, width: float, parts: Parts) -> Tensor:
    """Share of what stands out of the background of `flat` [1, h, w] that lies outside of the strip of that size at `place`."""
    side = float(max(flat.shape[1:]))
    y = ((torch.arange(flat.shape[1]) + 0.5) / side)[:, None] - place[1]
    x = ((torch.arange(flat.shape[2]) + 0.5) / side)[None, :] - place[0]
    cos, sin = torch.cos(place[2]), torch.sin(place[2])
    inside = ((cos * x + sin * y).abs() <= width / 2) & ((cos * y - sin * x).abs() <= height / 2)
    stands_out = (1.0 - flat[0]).abs() > RIM * parts.contrast
    return (stands_out & ~inside).sum() / stands_out.sum().clamp(min=1)


def _iterate(parts: Parts, poses: Tensor) -> tuple[Aligner, Tensor, Tensor]:
    """Template from the first part, then from the mean of all; the aligner, where it finds the parts, and their matches."""
    some = list(zip(parts.silhouettes[:MEASURED], poses[:MEASURED], strict=True))
    reach = float(max(_extent(silhouette, pose) for silhouette, pose in some))
    depth = float(max(_extent(silhouette, pose, across=True) for silhouette, pose in some))
    size = 2 * depth + 2 * MARGIN, 2 * reach + 2 * MARGIN
    found = poses[:1]
    for _ in range(ROUNDS):
        aligner = _build(parts, found, size)
        searched = [aligner.search(silhouette) for silhouette in parts.silhouettes]
        found = torch.stack([aligner.refine(flat, pose, 10)[0] for flat, (pose, _) in zip(parts.flats, searched, strict=True)])
    return aligner, found, torch.stack([match for _, match in searched])


def _build(parts: Parts, poses: Tensor, size: tuple[float, float]) -> Aligner:
    """An aligner to the mean of the parts that lie at `poses`, the first ones of all."""
    coarse = _mean([silhouette[None] for silhouette in parts.silhouettes], poses, size, SEARCH_SIDE)[0]
    mean, deviation = _mean(parts.flats, poses, size, REFINE_SIDE)
    weight = 1.0 / (deviation.square() + 0.05**2) if len(poses) > 1 else torch.ones_like(mean)
    return Aligner(
        coarse,
        mean,
        weight,
        polarity=parts.polarity,
        contrast=parts.contrast,
        step=1.0 / REFINE_SIDE,
        area=parts.accepted_area,
        least_match=LEAST_MATCH,
    )


def _mean(pictures: list[Tensor], poses: Tensor, size: tuple[float, float], side: int) -> tuple[Tensor, Tensor]:
    height, width = round(size[0] * side), round(size[1] * side)
    strips = torch.stack(
        [
            sample(picture, strip_places(pose, height, width, 1.0 / side, *picture.shape[1:]))[0]
            for picture, pose in zip(pictures, poses, strict=False)
        ]
    )
    return strips.mean(0), strips.std(0) if len(strips) > 1 else torch.zeros_like(strips[0])


def _extent(silhouette: Tensor, pose: Tensor, across: bool = False) -> Tensor:
    """How far the silhouette reaches from its centre along (or across) its axis, in units of the long side."""
    side = max(silhouette.shape)
    y, x = torch.nonzero(silhouette > 0.5, as_tuple=True)
    dx, dy = (x + 0.5) / side - pose[0], (y + 0.5) / side - pose[1]
    cos, sin = torch.cos(pose[2]), torch.sin(pose[2])
    along = -dx * sin + dy * cos if across else dx * cos + dy * sin
    return along.abs().quantile(0.995)


def _cut_to_part(aligner: Aligner, parts: Parts, poses: Tensor) -> tuple[Aligner, float, float]:
    """Centre the mean part's box in the strip, with a margin: the aligner to it, its height and width."""
    height, width = aligner.mean.shape[0] / REFINE_SIDE, aligner.mean.shape[1] / REFINE_SIDE
    template = _mean([silhouette[None] for silhouette in parts.silhouettes], poses, (height, width), SEARCH_SIDE)[0]
    mean = _mean(parts.flats, poses, (height + 2 * ROOM, width + 2 * ROOM), REFINE_SIDE)[0]
    depth = parts.polarity * (1.0 - mean) / parts.contrast
    (top, bottom), (left, right) = (_box(template, depth, along) for along in (1, 0))
    off_v, off_u = (top + bottom) / 2, (left + right) / 2
    cos, sin = torch.cos(poses[:, 2]), torch.sin(poses[:, 2])
    moved = torch.stack([poses[:, 0] + cos * off_u - sin * off_v, poses[:, 1] + sin * off_u + cos * off_v, poses[:, 2]], 1)
    height, width = bottom - top + 2 * MARGIN, right - left + 2 * MARGIN
    return _build(parts, moved, (height, width)), height, width


def _box(template: Tensor, depth: Tensor, along: int) -> tuple[float, float]:
    """Where the part begins and ends along one side of the strip, from its middle, by its mean silhouette.

    By its depth instead where that reaches clearly further: a rim that curves away from the lamp is part of the part.
    """
    first, last = _reach(template.amax(along) > 0.35, SEARCH_SIDE)
    rim_first, rim_last = _reach(depth.amax(along) > RIM, REFINE_SIDE)
    clearly = 0.75 * MARGIN  # what is less the margin has room for
    return (rim_first if rim_first < first - clearly else first), (rim_last if rim_last > last + clearly else last)


def _reach(inside: Tensor, side: int) -> tuple[float, float]:
    """From the middle of a line to the first and past the last place that is `inside`; its middle where none is."""
    places = torch.nonzero(inside)[:, 0] - len(inside) / 2
    return (float(places[0]) / side, float(places[-1] + 1) / side) if len(places) else (0.0, 0.0)
