"""Pictures of one scene that moves a little: each is moved back to where the scene usually lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median
from typing import Final, cast

import torch
from torch import Tensor

from snag.detector.geometry import block_means
from snag.detector.scene import Scene
from snag.training.augment.augmentation import Augmentation
from snag.training.augment.defect_style import SCENE_DEFECTS
from snag.training.data.survey import PictureSummary
from snag.training.fit.refusal import Refusal
from snag.training.fit.registration import fit_appearance, fit_registration
from snag.training.fit.working_size import working_size
from snag.training.modes.mode import CENTRE, SPREAD, Fit, FitRequest, Mode, some_of

#: Pixels of the picture, in which a crack is a line hardly a pixel wide.
PIXELS: Final = 60_000


def fit(summaries: Sequence[PictureSummary], request: FitRequest) -> Fit | Refusal:
    """Fit the registration."""
    found = fit_registration([summary.small for summary in some_of(summaries)])
    if isinstance(found, Refusal):
        return found
    tall, wide = (median(summary.height for summary in summaries), median(summary.width for summary in summaries))
    height, width = working_size(float(tall), float(wide), request.pixels or PIXELS, request.enlarged)
    finer = request.finer
    module = Scene(found.registration, request.channels, finer * height, finer * width, CENTRE, SPREAD)
    return Fit(module, found.why, torch.ones(height, width), scene=torch.zeros(request.channels, height, width))


def complete(fitted: Fit, pictures: Callable[[], Iterable[Tensor]]) -> Fit:
    """What the scene looks like."""
    module = cast(Scene, fitted.module)
    fit_appearance(module, pictures())
    return replace(fitted, scene=block_means(module.appearance, module.height // len(fitted.foreground)))


MODE: Final[Mode] = Mode(
    name="scene",
    fit=fit,
    # Scenes are always shown alike: after three times the steps, drawn boards that training had seen scored a third of others.
    steps=2520,
    # They are learnt as surfaces: on drawn boards a part's ensemble and defects did worse.
    ensemble_size=1,
    window=9,
    # Registered to a tenth of a pixel.
    augmentation=Augmentation(rotation=0.1, shift=0.001, zoom=0.002, gamma=0.15),
    defects=SCENE_DEFECTS,
    judges_border=True,
    phrase="each picture moved to where its scene usually lies",
    complete=complete,
)
