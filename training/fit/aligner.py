"""Fitting the aligner to good pictures: can these parts be aligned at all, and if so, to what template?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snag.detector.aligner import OUTSIDE, REFINE_SIDE, SEARCH_SIDE, Aligner, brightness, silhouette_pose
from snag.detector.exposure import background_of, fit_background
from snag.detector.geometry import sample, shrink, strip_places

#: A part is alignable when its silhouette is at least this elongated (moments then give its axis) ...
LEAST_ELONGATION = 2.0
#: ... and this share of the good pictures matches the mean silhouette at least this well.
LEAST_SHARE, LEAST_MATCH = 0.95, 0.6
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


@dataclass(frozen=True)
class Alignment:
    """A fitted aligner and the strip that holds the part."""

    aligner: Aligner
    height: float  #: the strip's sides, in units of the picture's long side
    width: float
    covered: float  #: share of the picture that the strip covers
    beside: float  #: usual share of what stands out of the background that lies beside the strip

    @property
    def may_be_a_scene(self) -> bool:
        """Whether this may be one thing of many: if all of them lie alike, the whole picture should be looked at."""
        return self.covered > MOST_COVERED or self.beside > MOST_BESIDE


def fit_alignment(pictures: Sequence[Tensor]) -> tuple[Alignment | None, str]:
    """Fit to good pictures [1, H, W] float, already shrunk to REFINE_SIDE.

    Returns the alignment, or None where the parts can't be aligned, and a sentence that says why or how well.
    """
    flats = [_flatten(picture) for picture in pictures]
    depths = torch.cat([(1.0 - flat).reshape(-1)[::4] for flat in flats])
    polarity = 1.0 if depths[depths > 0.15].sum() >= -depths[depths < -0.15].sum() else -1.0
    level = _otsu(polarity * depths)
    share = float((polarity * depths > level).float().mean())
    if not 0.005 < share < 0.5 or level < 0.1:
        return None, f"no part stands out from its background (it would cover {share:.0%} of the picture)"
    if polarity < 0:
        flats = [_flatten(picture, share) for picture in pictures]
        depths = torch.cat([(1.0 - flat).reshape(-1)[::4] for flat in flats])
        level = _otsu(-depths)
    contrast = float((polarity * depths)[polarity * depths > level].median())
    silhouettes = [
        ((polarity * (1 - shrink(f, SEARCH_SIDE)[0]) - 0.7 * contrast) / (0.2 * contrast)).clamp(0, 1) for f in flats
    ]
    areas = torch.stack([silhouette.mean() for silhouette in silhouettes])
    # An empty table or a second part among the good pictures is nothing to fit to.
    usual = [i for i, area in enumerate((areas / areas.median()).tolist()) if 0.4 < area < 2.5]
    if (enough := len(usual) / len(flats)) < LEAST_SHARE:
        return None, f"only {enough:.0%} of the parts have the usual size (at least {LEAST_SHARE:.0%} is needed)"
    flats, silhouettes, areas = [flats[i] for i in usual], [silhouettes[i] for i in usual], areas[usual]
    starts = [silhouette_pose(silhouette) for silhouette in silhouettes]
    elongation = float(torch.stack([start[1] for start in starts]).quantile(0.05))
    if elongation < LEAST_ELONGATION:
        return None, f"the parts have no clear long axis (elongation {elongation:.1f}, at least {LEAST_ELONGATION:g} is needed)"
    area = (0.6 * float(areas.min()), 1.5 * float(areas.max()))
    poses = torch.stack([start[0] for start in starts])
    aligner, poses, matches = _iterate(flats, silhouettes, poses, polarity, contrast, area)
    good = float((matches >= LEAST_MATCH).float().mean())
    if good < LEAST_SHARE:
        return None, f"only {good:.0%} of the parts match their mean silhouette (at least {LEAST_SHARE:.0%} is needed)"
    return _settled(*_strip(aligner, flats, silhouettes, poses), flats, silhouettes, share, contrast)


def _settled(
    aligner: Aligner,
    height: float,
    width: float,
    flats: list[Tensor],
    silhouettes: list[Tensor],
    share: float,
    contrast: float,
) -> tuple[Alignment | None, str]:
    """The alignment with its limits, by the strip of that size that will be used; None where the strip holds no part."""
    aligner.share = share
    middle, places, cut_off = _set_limits(aligner, flats, silhouettes)
    if cut_off > MOST_CUT_OFF:
        why = f"what stands out is cut off by the picture's border ({cut_off:.0%} of it, at most {MOST_CUT_OFF:.0%} allowed)"
        return None, why
    beside = torch.stack([_beside(flat, place, height, width, contrast) for flat, place in zip(flats, places, strict=True)])
    covered = height * width * max(flats[0].shape[1:]) ** 2 / flats[0][0].numel()
    alignment = Alignment(aligner, height, width, covered, float(beside.median()))
    return alignment, f"parts aligned: their silhouettes match the mean by {middle:.2f}"


def _beside(flat: Tensor, place: Tensor, height: float, width: float, contrast: float) -> Tensor:
    """Share of what stands out of the background of `flat` [1, h, w] that lies outside of the strip of that size at `place`."""
    side = float(max(flat.shape[1:]))
    y = ((torch.arange(flat.shape[1]) + 0.5) / side)[:, None] - place[1]
    x = ((torch.arange(flat.shape[2]) + 0.5) / side)[None, :] - place[0]
    cos, sin = torch.cos(place[2]), torch.sin(place[2])
    inside = ((cos * x + sin * y).abs() <= width / 2) & ((cos * y - sin * x).abs() <= height / 2)
    stands_out = (1.0 - flat[0]).abs() > RIM * contrast
    return (stands_out & ~inside).sum() / stands_out.sum().clamp(min=1)


def _set_limits(aligner: Aligner, flats: list[Tensor], silhouettes: list[Tensor]) -> tuple[float, list[Tensor], float]:
    """Refuse from now on what matches clearly worse, or is cut off more, than any of these.

    Their median match, their places, and how much of the mean part usually lies outside of the picture.

    Measured with the strip that will be used: a tighter strip around the same parts matches less well.
    """
    found = [aligner.search(silhouette) for silhouette in silhouettes]
    matches = torch.stack([match for _, match in found])
    lowest, middle = float(matches.min()), float(matches.median())
    # Parts that are all alike leave no doubt among themselves: another exposure still takes a few percent.
    aligner.least_match = max(0.3, min(lowest - 2 * (middle - lowest), 0.9 * lowest))
    places = [aligner.refine(flat, pose)[0] for flat, (pose, _) in zip(flats, found, strict=True)]
    outside = torch.stack([aligner.outside(place, *flat.shape[1:]) for flat, place in zip(flats, places, strict=True)])
    aligner.most_outside = OUTSIDE + float(outside.max())
    return middle, places, float(outside.median())


def _flatten(picture: Tensor, bright: float = 0.0) -> Tensor:
    """As `Aligner.flatten`; `bright` is the share that bright parts cover, 0 for dark ones."""
    coefficients = fit_background(shrink(picture, 64)[0])
    background = background_of(coefficients, *picture.shape[1:])[None]
    if bright == 0.0:
        return picture / background.clamp(min=1e-3)
    return 1.0 + (picture - background) / brightness(picture - background, bright)


def _otsu(values: Tensor) -> float:
    """Otsu's threshold (IEEE Trans. SMC 9(1), 1979): the level that separates `values` into two groups best."""
    low, high = float(values.quantile(0.001)), float(values[::7].max())
    histogram = torch.histc(values, 256, low, high)
    levels = torch.linspace(low, high, 257)[1:]
    centres = levels - (high - low) / 512
    below = histogram.cumsum(0) / histogram.sum()
    mean = (histogram * centres).cumsum(0) / histogram.sum()
    between = (mean[-1] * below - mean).square() / (below * (1 - below)).clamp(min=1e-9)
    return float(levels[between.argmax()])


def _iterate(
    flats: list[Tensor], silhouettes: list[Tensor], poses: Tensor, polarity: float, contrast: float, area: tuple[float, float]
) -> tuple[Aligner, Tensor, Tensor]:
    """Template from the first part, then twice from the mean of all."""
    reach = float(max(_extent(silhouette, pose) for silhouette, pose in zip(silhouettes[:64], poses[:64], strict=True)))
    depth = float(max(_extent(s, pose, across=True) for s, pose in zip(silhouettes[:64], poses[:64], strict=True)))
    height, width = 2 * depth + 2 * MARGIN, 2 * reach + 2 * MARGIN
    chosen = poses[:1]
    matches = torch.ones(1)
    aligner = None
    for _ in range(4):
        aligner = _build(flats, silhouettes, chosen, (height, width), polarity, contrast, area)
        found = [aligner.search(silhouette) for silhouette in silhouettes]
        chosen = torch.stack([aligner.refine(f, pose, 10)[0] for f, (pose, _) in zip(flats, found, strict=True)])
        matches = torch.stack([match for _, match in found])
    assert aligner is not None  # noqa: S101  # the loop ran; this is for the type checker  # nosec B101
    return aligner, chosen, matches


def _build(
    flats: list[Tensor],
    silhouettes: list[Tensor],
    poses: Tensor,
    size: tuple[float, float],
    polarity: float,
    contrast: float,
    area: tuple[float, float],
) -> Aligner:
    coarse = _mean([s[None] for s in silhouettes], poses, size, SEARCH_SIDE)[0]
    mean, deviation = _mean(flats, poses, size, REFINE_SIDE)
    weight = 1.0 / (deviation.square() + 0.05**2) if len(poses) > 1 else torch.ones_like(mean)
    return Aligner(
        coarse, mean, weight, polarity=polarity, contrast=contrast, step=1.0 / REFINE_SIDE, area=area, least_match=LEAST_MATCH
    )


def _mean(pictures: list[Tensor], poses: Tensor, size: tuple[float, float], side: int) -> tuple[Tensor, Tensor]:
    height, width = round(size[0] * side), round(size[1] * side)
    strips = torch.stack(
        [
            sample(p, strip_places(pose, height, width, 1.0 / side, *p.shape[1:]))[0]
            for p, pose in zip(pictures, poses, strict=False)
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


def _strip(aligner: Aligner, flats: list[Tensor], silhouettes: list[Tensor], poses: Tensor) -> tuple[Aligner, float, float]:
    """Cut the strip to the part: centre the mean part's box in it, with a margin. The aligner to it, its height and width."""
    height, width = _sides(aligner.mean, REFINE_SIDE)
    template = _mean([s[None] for s in silhouettes], poses, (height, width), SEARCH_SIDE)[0]
    mean = _mean(flats, poses, (height + 2 * ROOM, width + 2 * ROOM), REFINE_SIDE)[0]
    depth = aligner.polarity * (1.0 - mean) / aligner.contrast
    (top, bottom), (left, right) = (_box(template, depth, along) for along in (1, 0))
    off_v, off_u = (top + bottom) / 2, (left + right) / 2
    cos, sin = torch.cos(poses[:, 2]), torch.sin(poses[:, 2])
    moved = torch.stack([poses[:, 0] + cos * off_u - sin * off_v, poses[:, 1] + sin * off_u + cos * off_v, poses[:, 2]], 1)
    height, width = bottom - top + 2 * MARGIN, right - left + 2 * MARGIN
    area = (aligner.least_area, aligner.most_area)
    final = _build(flats, silhouettes, moved, (height, width), aligner.polarity, aligner.contrast, area)
    return final, height, width


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


def _sides(mean: Tensor, side: int) -> tuple[float, float]:
    return mean.shape[0] / side, mean.shape[1] / side
