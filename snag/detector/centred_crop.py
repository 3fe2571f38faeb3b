"""From a decoded picture to its part in the middle of a plain table: a preparation, as those of `snag.detector.preparation`."""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

import torch
from torch import Tensor, nn

from snag.detector.exposure import to_channels
from snag.detector.geometry import block_means, sample, sample_strip, strip_places
from snag.detector.locator import Locator


class LocatedPreparation(nn.Module):
    """Cuts out the box that holds the part, paints over what is not part of it, and takes out one gain and one offset.

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
        self.centre, self.spread = centre, spread
        self.least_deviation = 0.5  # grey levels: a picture of nothing stays a picture of nothing
        self.register_buffer("core", torch.zeros(height, width))
        self.register_buffer("table", torch.zeros(channels, 1, 1))

    def forward(self, picture: Tensor, other: Tensor | None = None) -> tuple[Tensor, Tensor, str]:
        """See the head of `snag.detector.preparation`."""
        values, shown, pose, reason = self.parts(picture, other)
        shown = torch.maximum(shown, self.core)
        return self.table + shown * (values - self.table), pose, reason

    def parts(self, picture: Tensor, other: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, str]:
        """The box before it is painted over [c, h, w], where its part is [h, w], pose and reason."""
        place, part, reason = self.locator(picture if other is None else other)
        values = self._cut(picture, place)
        measured = values if other is None else self._cut(other, place)
        deviation = measured.std().clamp(min=self.least_deviation)
        values = (values - measured.mean()) / deviation * self.spread + self.centre
        shown = sample(part[None], strip_places(place, self.height, self.width, self.step, part.shape[0], part.shape[1]))[0]
        side = float(max(picture.shape[1], picture.shape[2]))
        to_x, to_y = 2.0 * side / picture.shape[2], 2.0 * side / picture.shape[1]
        u, v = 0.5 * self.step * self.width, 0.5 * self.step * self.height
        none = torch.zeros_like(place[0])
        pose = torch.stack(
            [
                torch.stack([none + u * to_x, none, place[0] * to_x - 1.0]),
                torch.stack([none, none + v * to_y, place[1] * to_y - 1.0]),
            ]
        )
        return values, shown, pose, reason

    def _cut(self, picture: Tensor, place: Tensor) -> Tensor:
        # Twice the resolution and then the mean of four, as of a strip: a part of a pixel blurs nothing.
        fine = sample_strip(picture, place, 2 * self.height, 2 * self.width, 0.5 * self.step)
        return to_channels(block_means(fine, 2), self.channels)
