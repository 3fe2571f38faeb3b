"""Pictures in which nothing has a place of its own: each is judged whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch

from snag.detector.full_frame import FullFrame
from snag.training.augment.defect_style import SURFACE_DEFECTS
from snag.training.data.survey import PictureSummary
from snag.training.fit.refusal import Refusal
from snag.training.fit.working_size import shapes_of, should_turn, working_sizes
from snag.training.modes.mode import CENTRE, SPREAD, UNPOSED, Fit, FitRequest, Mode

#: Pixels of the picture, in which a crack is a line hardly a pixel wide.
PIXELS: Final = 60_000


def fit(summaries: Sequence[PictureSummary], request: FitRequest) -> Fit | Refusal:
    """Fit the working sizes. Never refuses: any picture can be judged whole."""
    turn = should_turn(summaries)
    heights, widths, scale = working_sizes(shapes_of(summaries, turn), request.pixels or PIXELS, request.enlarged)
    tall, wide = ([request.finer * side for side in sides] for sides in (heights, widths))
    module = FullFrame(request.channels, tall, wide, CENTRE, SPREAD, request.finer * scale, turn, request.raw)
    return Fit(module, "as asked for", torch.ones(max(heights), max(widths)))


MODE: Final[Mode] = Mode(
    name="full_frame",
    fit=fit,
    steps=7440,
    # One network that sees more of a surface is worth more than three; and where nothing has a place of its own, more pixels
    # have to agree that something is wrong.
    ensemble_size=1,
    window=9,
    augmentation=UNPOSED,
    defects=SURFACE_DEFECTS,
    has_symmetries=True,
    judges_border=True,
    may_be_raw=True,
    phrase="each picture whole",
)
