"""Parts that lie anywhere on a plain table: each is cut out, its table painted over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, cast

import torch
from torch import Tensor

from snag.detector.centred_crop import CentredCrop
from snag.detector.geometry import block_means
from snag.training.augment.defect_style import SURFACE_DEFECTS
from snag.training.data.survey import PictureSummary
from snag.training.fit.locator import fit_locator, fit_table
from snag.training.fit.refusal import Refusal
from snag.training.fit.working_size import working_size
from snag.training.modes.mode import CENTRE, SPREAD, UNPOSED, Fit, FitRequest, Mode, some_of

#: Pixels of the box, in which a crack is a line hardly a pixel wide.
PIXELS: Final = 60_000
#: Say of a place beside the part when places for defects are drawn.
BESIDE: Final = 0.03


def fit(summaries: Sequence[PictureSummary], request: FitRequest) -> Fit | Refusal:
    """Fit the locator, and the box to the part."""
    found = fit_locator([summary.tiny for summary in some_of(summaries)], anywhere=request.by_name)
    if isinstance(found, Refusal):
        return found
    native = max(max(summary.height, summary.width) for summary in summaries)
    height, width = working_size(found.height * native, found.width * native, request.pixels or PIXELS, request.enlarged)
    tall, wide = request.finer * height, request.finer * width
    step = max(found.height / tall, found.width / wide)
    module = CentredCrop(found.locator, request.channels, tall, wide, step, CENTRE, SPREAD)
    return Fit(module, found.why, torch.ones(height, width), background=module.table.numpy())


def complete(fitted: Fit, pictures: Callable[[], Iterable[Tensor]]) -> Fit:
    """What is around a part, and where parts are."""
    module = cast(CentredCrop, fitted.module)
    where = block_means(fit_table(module, pictures())[None], module.height // len(fitted.foreground))[0]
    return replace(fitted, foreground=where.clamp(min=BESIDE), background=module.table.numpy())


MODE: Final[Mode] = Mode(
    name="centred_crop",
    fit=fit,
    # Told apart as well after half the steps that drawn nuts took as whole pictures.
    steps=3720,
    ensemble_size=1,
    window=9,
    # A lamp a tenth too bright gives a bright part another colour; scenes show what is white anyway, and surfaces are seldom
    # so bright.
    augmentation=replace(UNPOSED, overexposure=0.3),
    defects=SURFACE_DEFECTS,
    has_symmetries=True,
    phrase="each part cut out wherever it lies, its table painted over",
    complete=complete,
)
