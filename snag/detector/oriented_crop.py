"""Mode oriented_crop: the strip that holds the part, upright, with background, gain and offset taken out."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Final

from torch import Tensor

from snag.detector.aligner import Aligner
from snag.detector.exposure import to_channels
from snag.detector.geometry import background_at, crop, pose_of, strip_places
from snag.detector.preparation import Preparation, Prepared, resized

#: Grey values of the table around a dark part; of a bright part, and of the table around it.
LEVEL: Final = 0.8
DARK_LEVEL: Final = 0.2
#: Strip pixels, each way, between the places at which the smooth background is worked out.
COARSE: Final = 8


class OrientedCrop(Preparation):
    """A preparation (see `preparation`) of parts that have a long axis. The background becomes `level`."""

    def __init__(self, aligner: Aligner, channels: int, height: int, width: int, length: float) -> None:
        """`length` is the strip's long side in units of the picture's long side; its other side follows from the pixels."""
        super().__init__()
        self.aligner = aligner
        self.channels, self.height, self.width = channels, height, width
        self.step = length / width
        self.coarse = COARSE
        self.dark = aligner.polarity > 0.0
        self.level = LEVEL if self.dark else DARK_LEVEL
        # A dark part lies between black and the table's level; a bright one is as bright as a dark one's table.
        self.reach = LEVEL if self.dark else (LEVEL - DARK_LEVEL) / aligner.contrast

    def forward(self, picture: Tensor, other: Tensor | None = None) -> Prepared:
        """See `Preparation`."""
        height, width, side = picture.shape[1], picture.shape[2], self.coarse
        place, coefficients, scale, reason = self.aligner(picture if other is None else other)
        strip = to_channels(crop(picture, place, self.height, self.width, self.step), self.channels)
        coarse = strip_places(place, self.height // side, self.width // side, side * self.step, height, width)
        background = resized(background_at(coefficients, coarse)[None, None], self.height, self.width)[0]
        pose = pose_of(place, self.height, self.width, self.step, height, width)
        depth = 1.0 - strip / background if self.dark else background - strip
        return Prepared(self.level - self.reach * depth / scale, pose, reason)
