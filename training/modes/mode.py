"""A mode: how pictures of one kind are prepared, shown in training, and spoken of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from torch import Tensor

from snag.detector.preparation import Preparation
from snag.training.augment.augmentation import Augmentation
from snag.training.augment.defect_style import DefectStyle
from snag.training.data.survey import PictureSummary
from snag.training.fit.refusal import Refusal

T = TypeVar("T")

#: Pictures that a preparation is fitted to; more only costs time.
ENOUGH: Final = 200
#: Mean and standard deviation of prepared grey values, where the picture's own are taken out.
CENTRE, SPREAD = 0.5, 0.15
#: How much a small picture may be enlarged, where ImageNet's features look at it.
ENLARGED: Final = 2.0
#: How what has no pose that a preparation could find is shown: a camera's mount and a fixture leave a few degrees and percent.
UNPOSED: Final = Augmentation(rotation=3.0, shift=0.02, zoom=0.03, gamma=0.15)


@dataclass(frozen=True)
class FitRequest:
    """What a preparation is to be like."""

    channels: int  #: 1 or 3
    pixels: int | None = None  #: of what the networks see, about; None: by mode
    raw: bool = False  #: grey values stay as they are; of modes that may be raw
    finer: int = 1  #: times more pixels a side are prepared than the networks see: the memory looks closer
    by_name: bool = False  #: the mode was asked for: doubts that only a guess would have are set aside

    @property
    def enlarged(self) -> float:
        """How much a small picture may be enlarged for the networks: the memory's features have a size of their own."""
        return ENLARGED if self.finer > 1 else 1.0


@dataclass(frozen=True)
class Fit:
    """A preparation that was fitted to good pictures."""

    module: Preparation
    why: str  #: for doctor and report
    foreground: Tensor  #: [h, w] in 0..1, as the networks see it: where a defect can lie
    background: float | np.ndarray | None = None  #: prepared grey value around a part, or of each channel [c, 1, 1]
    scene: Tensor | None = None  #: [c, h, w]: what all pictures look like to the networks, where they show one scene
    may_be_one_of_many: bool = False  #: what was fitted to may be one thing of many in a scene


def some_of(summaries: Sequence[T]) -> Sequence[T]:
    """As many as are enough, from all over."""
    return summaries[:: max(1, len(summaries) // ENOUGH)]


def as_fitted(fit: Fit, pictures: Callable[[], Iterable[Tensor]]) -> Fit:
    """For modes that have nothing to learn from prepared pictures."""
    return fit


@dataclass(frozen=True)
class Mode:
    """See the head of this file."""

    name: str
    fit: Callable[[Sequence[PictureSummary], FitRequest], Fit | Refusal]
    steps: int  #: that training takes; not epochs: few pictures are seen more often, many in the same hour
    ensemble_size: int  #: pairs of networks
    window: int  #: side of the local mean over the error, pixels, odd
    augmentation: Augmentation  #: before symmetries and what is set by hand
    defects: DefectStyle
    phrase: str  #: what the networks see, as in "Training sees each part cut out"
    has_symmetries: bool = False  #: whether pictures may be shown in the symmetries that they have
    judges_border: bool = False  #: whether what lies at the picture's border is judged
    may_be_raw: bool = False  #: whether the exposure may be left in
    wide_context: bool = True  #: of the weight network; see `snag.detector.networks.WeightNetwork`
    pos_weight: float = 4.0  #: of defective pixels in the entropy; about one in twelve is defective
    #: What only prepared pictures tell; the callable reads good ones [C, H, W], and is not called where nothing is to be told.
    complete: Callable[[Fit, Callable[[], Iterable[Tensor]]], Fit] = as_fitted
