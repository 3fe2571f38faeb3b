"""Choosing the preparation from the training pictures: can the parts be aligned, colour or grey, which working size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.aligner import Aligner
from snag.detector.centred_crop import LocatedPreparation
from snag.detector.preparation import AlignedPreparation, WholePreparation
from snag.training.data.survey import Look
from snag.training.fit.aligner import MARGIN, Alignment, fit_alignment
from snag.training.fit.locator import Location, fit_located, fit_locator
from snag.training.fit.registration import fit_registration, fit_usual
from snag.training.prepared_cache import Preparation

#: Mean distance between the colour channels, in grey levels, above which they carry more than one: a grey part under a colour
#: camera lies above it by the camera's noise alone, and a coloured stain on it is seen. Grey pictures stored in colour have 0.
COLOURED = 0.5
#: Pixels of the working picture: of a part's strip, and of a whole picture, in which a crack is a line hardly a pixel wide.
ALIGNED_PIXELS = 30_000
WHOLE_PIXELS = 60_000
#: Pictures that the aligner is fitted to; more only costs time.
ENOUGH = 200


#: Pictures whose aspects differ by less than this factor are resized to one shape ...
ONE_SHAPE = 1.3
#: ... others to the nearest of working heights and widths that differ by about this factor.
RUNG = 1.25


@dataclass(frozen=True)
class Chosen:
    """A preparation, and why it is this one."""

    module: Preparation
    mode: str  #: "aligned", "registered", "located" or "whole"
    why: str
    foreground: Tensor  #: [h, w] in 0..1: where a defect can lie


def measured(chosen: Chosen, pictures: Callable[[], Iterable[Tensor]]) -> Chosen:
    """With what only prepared pictures tell: how a scene usually looks; what is around a part that is located, and where it is.

    `pictures` reads good ones [C, H, W], some of those that it was chosen by; it is not called where there is nothing to tell.
    """
    if isinstance(chosen.module, LocatedPreparation):
        return replace(chosen, foreground=fit_located(chosen.module, pictures()).clamp(min=0.03))
    if isinstance(chosen.module, WholePreparation) and chosen.module.registration is not None:
        fit_usual(chosen.module, pictures())
    return chosen


def choose_preparation(
    looks: Sequence[Look], *, mode: str, colour: str, pixels: int | None, centre: float, spread: float, raw: bool = False
) -> Chosen:
    """Choose by good pictures. `mode` is auto, aligned, registered, located or whole; `colour` auto, grey or colour.

    `pixels` is a budget, None that of the mode that is chosen. `raw` leaves whole pictures their exposure.
    """
    channels = _channels(looks, colour)
    some = [one.small for one in looks[:: max(1, len(looks) // ENOUGH)]]
    reasons, registration, scene = [], None, None
    if mode in ("auto", "aligned"):
        alignment, why = fit_alignment(some)
        # One thing of many, which all lie alike, is no part: what is beside it would not be judged.
        if alignment is not None and mode == "auto" and alignment.may_be_a_scene:
            scene = fit_registration(some)
        if alignment is not None and not (scene and scene[0]):
            return _aligned(alignment, looks, channels, pixels or ALIGNED_PIXELS, why)
        reasons.append(why)
    turn = _turned(looks)
    heights, widths, scale = _sizes(_shapes(looks, turn), pixels or WHOLE_PIXELS)
    if mode in ("auto", "registered") and not raw:
        registration, why = scene or fit_registration(some)
        reasons = [why] if registration is not None else [*reasons, why]
    if mode in ("auto", "located") and registration is None and not raw:
        location, why = fit_locator([one.tiny for one in looks[:: max(1, len(looks) // ENOUGH)]], anywhere=mode == "located")
        if location is not None:
            return _located(location, looks, channels, pixels or WHOLE_PIXELS, centre, spread, why)
        reasons.append(why)
    module = WholePreparation(channels, heights, widths, centre, spread, scale, turn, raw, registration)
    asked = f"mode {mode} was asked for, but " if mode in ("aligned", "registered", "located") and registration is None else ""
    why = asked + "; ".join(reasons) if reasons else "as asked for"
    return Chosen(module, "registered" if registration else "whole", why, torch.ones(module.height, module.width))


def _aligned(alignment: Alignment, looks: Sequence[Look], channels: int, pixels: int, why: str) -> Chosen:
    native = max(max(one.height, one.width) for one in looks)
    height, width = _size(alignment.height * native, alignment.width * native, pixels)
    if height * alignment.width / width < alignment.height - 1.5 * MARGIN:
        height += 16  # rounding may take of the margin, not of the part
    module = AlignedPreparation(alignment.aligner, channels, height, width, alignment.width)
    return Chosen(module, "aligned", why, _where(alignment.aligner, height, width))


def _located(
    location: Location, looks: Sequence[Look], channels: int, pixels: int, centre: float, spread: float, why: str
) -> Chosen:
    native = max(max(one.height, one.width) for one in looks)
    height, width = _size(location.height * native, location.width * native, pixels)
    step = max(location.height / height, location.width / width)
    module = LocatedPreparation(location.locator, channels, height, width, step, centre, spread)
    return Chosen(module, "located", why, torch.ones(height, width))


def _channels(looks: Sequence[Look], colour: str) -> int:
    if colour != "auto":
        return 3 if colour == "colour" else 1
    return 3 if sum(one.chroma for one in looks) / len(looks) > COLOURED else 1


def _turned(looks: Sequence[Look]) -> bool:
    """Whether pictures that lie across are to be turned: not where tall and wide ones have the same grain as they lie."""
    tall = [one.grain for one in looks if one.height >= one.width]
    wide = [one.grain for one in looks if one.height < one.width]
    if not tall or not wide:
        return True
    as_they_lie = abs(sum(tall) / len(tall) - sum(wide) / len(wide))
    # A tenth: without a clear grain, or with one along the picture, they are.
    return as_they_lie + 0.1 >= abs(sum(tall) / len(tall) + sum(wide) / len(wide))


def _shapes(looks: Sequence[Look], turn: bool) -> list[tuple[int, int]]:
    """Heights and widths; where pictures are turned, after those that lie across were turned to how most lie."""
    shapes = [(one.height, one.width) for one in looks]
    if not turn:
        return shapes
    upright = sum(height >= width for height, width in shapes) * 2 >= len(shapes)
    return [(max(shape), min(shape)) if upright else (min(shape), max(shape)) for shape in shapes]


def _sizes(shapes: list[tuple[int, int]], pixels: int) -> tuple[list[int], list[int], float]:
    """Working heights and widths, and the scale of the pictures: the median picture is within the budget, none enlarged."""
    tall, wide = sorted(shape[0] for shape in shapes), sorted(shape[1] for shape in shapes)
    aspects = sorted(height / width for height, width in shapes)
    low, high = len(shapes) // 50, -1 - len(shapes) // 50
    if aspects[high] < ONE_SHAPE * aspects[low]:  # one working size squeezes none by much
        height, width = _size(float(median(tall)), float(median(wide)), pixels)
        return [height], [width], 1.0
    scale = min(1.0, (pixels / (median(tall) * median(wide))) ** 0.5)
    return _ladder(scale * tall[low], scale * tall[high]), _ladder(scale * wide[low], scale * wide[high]), scale


def _ladder(least: float, most: float) -> list[int]:
    """Multiples of 16 from `least` to `most`, each about a quarter greater than the one before."""
    steps = max(1, round(math.log(most / least) / math.log(RUNG)))
    return sorted({max(32, 16 * round(least * (most / least) ** (step / steps) / 16)) for step in range(steps + 1)})


def _size(height: float, width: float, pixels: int) -> tuple[int, int]:
    """Working height and width: within the budget, no larger than the pictures, multiples of 16."""
    scale = min(1.0, (pixels / (height * width)) ** 0.5)
    return max(32, 16 * round(height * scale / 16)), max(32, 16 * round(width * scale / 16))


def _where(aligner: Aligner, height: int, width: int) -> Tensor:
    """Where the mean part lies, [height, width]: 1 on the part, a little beside it, since burrs and bent tips lie there."""
    depth = aligner.polarity * (1.0 - aligner.mean) / aligner.contrast
    share = ((depth - 0.3) / 0.3).clamp(0.03, 1.0)
    return functional.interpolate(share[None, None], [height, width], mode="bilinear", align_corners=False)[0, 0]
