"""Parts with a long axis: each is cut out and turned upright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor
from torch.nn import functional

from snag.detector.aligner import Aligner
from snag.detector.oriented_crop import OrientedCrop
from snag.training.augment.augmentation import Augmentation
from snag.training.augment.defect_style import PART_DEFECTS
from snag.training.data.survey import PictureSummary
from snag.training.fit.aligner import MARGIN, fit_alignment
from snag.training.fit.refusal import Refusal
from snag.training.fit.working_size import BLOCK, working_size
from snag.training.modes.mode import Fit, FitRequest, Mode, some_of

#: Pixels of a part's strip.
PIXELS: Final = 30_000
#: Share of the part's depth at which it begins to count as the part, and after how much more it is fully part.
PART_BEGINS, PART_WIDTH = 0.3, 0.3
#: Say of a place beside the part when places for defects are drawn.
BESIDE: Final = 0.03


def fit(summaries: Sequence[PictureSummary], request: FitRequest) -> Fit | Refusal:
    """Fit the aligner, and the strip to the part."""
    found = fit_alignment([summary.small for summary in some_of(summaries)])
    if isinstance(found, Refusal):
        return found
    native = max(max(summary.height, summary.width) for summary in summaries)
    height, width = working_size(found.height * native, found.width * native, request.pixels or PIXELS, request.enlarged)
    if height * found.width / width < found.height - 1.5 * MARGIN:
        height += BLOCK  # rounding may take of the margin, not of the part
    finer = request.finer
    module = OrientedCrop(found.aligner, request.channels, finer * height, finer * width, found.width)
    foreground = _foreground(found.aligner, height, width)
    return Fit(module, found.why, foreground, background=module.level, may_be_one_of_many=found.may_be_a_scene)


def _foreground(aligner: Aligner, height: int, width: int) -> Tensor:
    """Where the mean part lies, [height, width]: 1 on the part, a little beside it, since burrs and bent tips lie there."""
    depth = aligner.polarity * (1.0 - aligner.mean) / aligner.contrast
    share = ((depth - PART_BEGINS) / PART_WIDTH).clamp(BESIDE, 1.0)
    return functional.interpolate(share[None, None], [height, width], mode="bilinear", align_corners=False)[0, 0]


MODE: Final[Mode] = Mode(
    name="oriented_crop",
    fit=fit,
    steps=3360,
    # Parts that lie alike are soon known to a network; what is left to gain is an ensemble's calm.
    ensemble_size=3,
    window=5,
    # Cut out to about a pixel; measured against its table, a part's tones are known, so that a tone curve teaches nothing.
    augmentation=Augmentation(rotation=0.4, shift=0.004, zoom=0.01),
    defects=PART_DEFECTS,
    wide_context=False,
    pos_weight=1.0,
    phrase="each part cut out and turned upright",
)
