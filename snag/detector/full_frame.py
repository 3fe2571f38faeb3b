"""Mode full_frame: the whole picture, resized, with one gain and one offset taken out."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snag.detector.exposure import to_channels
from snag.detector.preparation import LEAST_DEVIATION, Preparation, Prepared, normalised, resized


class FullFrame(Preparation):
    """A preparation (see `preparation`) of pictures in which nothing has a place of its own.

    Pictures of one shape get one working size. Those of many shapes keep theirs: height and width each go to the nearest
    of a few, so that no picture is squeezed by much and equal ones still share a batch. Where `turn` is set, one that lies
    across (wide where training's were tall) is turned by a quarter first.
    """

    upright: Tensor  #: [2, 3]: the pose of a picture that is not turned
    turned: Tensor  #: [2, 3]: and of one that is, by a quarter

    def __init__(
        self,
        channels: int,
        heights: Sequence[int],
        widths: Sequence[int],
        centre: float,
        spread: float,
        scale: float = 1.0,
        turn: bool = True,
        raw: bool = False,
    ) -> None:
        """Working heights and widths to choose from, for pictures taken times `scale`.

        Prepared grey values have mean `centre` and standard deviation `spread`; `raw` ones stay, on a scale of 0..1.
        """
        super().__init__()
        self.channels, self.heights, self.widths = channels, list(heights), list(widths)
        self.height, self.width = max(heights), max(widths)
        self.centre, self.spread, self.least_deviation = centre, spread, LEAST_DEVIATION
        self.scale, self.turn, self.raw = scale, turn, raw
        # Buffers, for equal bytes: see the head of this package.
        self.register_buffer("upright", torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        self.register_buffer("turned", torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))

    def forward(self, picture: Tensor, other: Tensor | None = None) -> Prepared:
        """See `Preparation`."""
        values, pose = self._resize(picture)
        if self.raw:
            return Prepared(values / 255.0, pose, "")
        measured = values if other is None else self._resize(other)[0]
        return Prepared(normalised(values, measured, self.centre, self.spread, self.least_deviation), pose, "")

    def _resize(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Turned where it lies across, and resized; and its pose."""
        values = to_channels(picture, self.channels)
        pose = self.upright
        if self.turn and (values.shape[1] - values.shape[2]) * (self.height - self.width) < 0:
            values = values.transpose(1, 2).flip(1)  # a quarter turn; what was right is now on top
            pose = self.turned
        height = nearest(self.heights, self.scale * values.shape[1])
        width = nearest(self.widths, self.scale * values.shape[2])
        return resized(values[None], height, width)[0], pose


def nearest(sizes: list[int], wanted: float) -> int:
    """The size whose ratio to `wanted` is closest to 1."""
    best = sizes[0]
    for size in sizes:
        if abs(math.log(size / wanted)) < abs(math.log(best / wanted)):
            best = size
    return best
