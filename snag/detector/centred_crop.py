"""Mode centred_crop: the box that holds the part, wherever it lies, in the middle of a plain table."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

import torch
from torch import Tensor

from snag.detector.exposure import to_channels
from snag.detector.geometry import crop, pose_of, sample, strip_places
from snag.detector.locator import Locator
from snag.detector.preparation import LEAST_DEVIATION, Preparation, Prepared, normalised


class CentredCrop(Preparation):
    """A preparation (see `preparation`) that cuts out a box, paints over what is not the part, and takes out gain and offset.

    What lies on the table is nobody's concern, and its grain would only hide the part. Where good parts always are, nothing is
    painted over: a bite out of the part shows what is below it.
    """

    core: Tensor  #: [h, w]: 1 where good parts always are
    table: Tensor  #: [c, 1, 1]: what it is painted over with, prepared values

    def __init__(
        self, locator: Locator, channels: int, height: int, width: int, step: float, centre: float, spread: float
    ) -> None:
        """`step` is the side of a prepared pixel in units of the picture's long side.

        Prepared values have mean `centre` and deviation `spread` over the box, before it is painted over.
        """
        super().__init__()
        self.locator = locator
        self.channels, self.height, self.width, self.step = channels, height, width, step
        self.centre, self.spread, self.least_deviation = centre, spread, LEAST_DEVIATION
        self.register_buffer("core", torch.zeros(height, width))
        self.register_buffer("table", torch.zeros(channels, 1, 1))

    def forward(self, picture: Tensor, other: Tensor | None = None) -> Prepared:
        """See `Preparation`."""
        box, part = self.box(picture, other)
        painted = torch.maximum(part, self.core)
        return Prepared(self.table + painted * (box.picture - self.table), box.pose, box.reason)

    def box(self, picture: Tensor, other: Tensor | None = None) -> tuple[Prepared, Tensor]:
        """The box before it is painted over, and where its part is, [h, w] in 0..1."""
        place, silhouette, reason = self.locator(picture if other is None else other)
        values = self._cut(picture, place)
        measured = values if other is None else self._cut(other, place)
        values = normalised(values, measured, self.centre, self.spread, self.least_deviation)
        seen = strip_places(place, self.height, self.width, self.step, silhouette.shape[0], silhouette.shape[1])
        pose = pose_of(place, self.height, self.width, self.step, picture.shape[1], picture.shape[2])
        return Prepared(values, pose, reason), sample(silhouette[None], seen)[0]

    def _cut(self, picture: Tensor, place: Tensor) -> Tensor:
        return to_channels(crop(picture, place, self.height, self.width, self.step), self.channels)
