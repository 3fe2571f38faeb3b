"""Mode scene: a scene that is always the same but for a little play, moved back to where it usually lies, evenly lit."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.exposure import at_limits, to_channels
from snag.detector.flat_field import FlatField
from snag.detector.geometry import block_means
from snag.detector.preparation import LEAST_DEVIATION, Preparation, Prepared, normalised, resized
from snag.detector.registration import Registration, moved, theta


class Scene(Preparation):
    """A preparation (see `preparation`) that knows what the scene looks like.

    Its light may be uneven and is taken out. What nobody can say is taken to look as usual: what lies outside of the picture,
    and how much brighter or darker the scene is where the picture is white or black as far as the camera goes, or where good
    pictures usually are: their look is known there only to be at least so bright, or at most.
    """

    appearance: Tensor  #: [c, h, w]: what the scene looks like, prepared values; set by `know`, as the following are
    not_black: Tensor  #: [c, h, w]: share of good pictures that were not black there as far as the camera goes
    not_white: Tensor  #: [c, h, w]: and not white

    def __init__(
        self, registration: Registration, channels: int, height: int, width: int, centre: float, spread: float
    ) -> None:
        """Prepared grey values have mean `centre` and standard deviation `spread`; `height` and `width` multiples of 16."""
        super().__init__()
        self.channels, self.height, self.width = channels, height, width
        self.centre, self.spread, self.least_deviation = centre, spread, LEAST_DEVIATION
        self.registration = registration
        self.flat_field = FlatField(height, width)
        self.register_buffer("appearance", torch.full([channels, height, width], centre))
        self.register_buffer("not_black", torch.ones(channels, height, width))
        self.register_buffer("not_white", torch.ones(channels, height, width))
        self.darkness = 0.0  # what would be prepared of a place without any light; set by `know`

    def know(self, appearance: Tensor, darkness: float, not_black: Tensor, not_white: Tensor) -> None:
        """Set what the scene looks like, [c, h, w], what is prepared of a place without any light, and what was not cut off."""
        self.appearance, self.darkness = appearance, darkness
        self.not_black, self.not_white = not_black, not_white

    def forward(self, picture: Tensor, other: Tensor | None = None) -> Prepared:
        """See `Preparation`."""
        values, measured, pose, reason = self.placed(picture, other)
        seen = covered(pose, self.height, self.width)
        brighter, darker = self._tells(measured)
        strength, offset = self.flat_field(measured, self.appearance - self.darkness, seen * brighter, seen * darker)
        even = (values - offset) / strength.clamp(min=self.least_deviation / self.spread) + self.darkness
        if other is not None:
            brighter, darker = self._tells(values)
        differs = even - self.appearance
        differs = brighter * differs.clamp(min=0.0) + darker * differs.clamp(max=0.0)
        return Prepared(self.appearance + seen * differs, pose, reason)

    def unlit(self, picture: Tensor, other: Tensor | None = None) -> Prepared:
        """The same with one gain and one offset taken out alone: what is known before the scene's appearance is."""
        values, measured, pose, reason = self.placed(picture, other)
        return Prepared(normalised(values, measured, self.centre, self.spread, self.least_deviation), pose, reason)

    def placed(self, picture: Tensor, other: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, str]:
        """The picture where the scene usually lies, what is measured on, pose and reason."""
        move, reason = self.registration(picture if other is None else other)
        values, pose = self._move_back(picture, move)
        measured = values if other is None else self._move_back(other, move)[0]
        return values, measured, pose, reason

    def _tells(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """How much each value tells if it is brighter than usual, and if it is darker, 0..1 each.

        One that is black may be darker still, and where the scene is usually white it may always have been brighter.
        """
        low, high = at_limits(values)
        return (1.0 - low) * self.not_white, (1.0 - high) * self.not_black

    def _move_back(self, picture: Tensor, move: Tensor) -> tuple[Tensor, Tensor]:
        """Where the scene usually lies, at the working size; and its pose."""
        values = to_channels(picture, self.channels)
        # Twice the resolution and then the mean of four, as of a strip: a part of a pixel blurs nothing.
        tall, wide = min(2 * self.height, values.shape[1]), min(2 * self.width, values.shape[2])
        fine = moved(resized(values[None], tall, wide), move[None], 2 * self.height, 2 * self.width)[0]
        return block_means(fine, 2), theta(move[None], picture.shape[1], picture.shape[2])[0]


def covered(pose: Tensor, height: int, width: int) -> Tensor:
    """How much of each pixel of a prepared picture of this size lies within the picture it is of, 0..1: [height, width]."""
    places = functional.affine_grid(pose[None], [1, 1, height, width], align_corners=False)[0].abs()
    across = ((1.0 - places[..., 0]) * (0.5 * width) + 0.5).clamp(0.0, 1.0)
    return across * ((1.0 - places[..., 1]) * (0.5 * height) + 0.5).clamp(0.0, 1.0)
