"""From a decoded picture to what the network sees: exposure taken out, part aligned or picture resized. Scriptable modules.

Each module's forward takes one picture [C, H, W] (uint8, or float on the same scale) and returns
- the prepared picture, float32 [c, h, w];
- its pose, float32 [2, 3]: takes normalised prepared coordinates (x, y, 1), each in -1..1, to normalised picture coordinates;
- a reason: "" or why there is no verdict on this picture's surface.

Given another picture of the same size, the first is prepared by what is measured on that one. With the picture before the lamp
changed as the other, this shows what the network would see if exposure were not taken out.
"""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.aligner import Aligner
from snag.detector.exposure import at_limits, to_channels
from snag.detector.flat_field import Light
from snag.detector.geometry import background_at, block_means, sample_strip, strip_places
from snag.detector.registration import Registration, moved, theta

#: Grey values of the table around an aligned dark part; of a bright part, and of the table around it.
LEVEL: Final = 0.8
DARK_LEVEL: Final = 0.2


def resized(values: Tensor, height: int, width: int) -> Tensor:
    """Resize [1, C, H, W] bilinearly, antialiased.

    What functional.interpolate calls: of that one's checks, freezing folds away sometimes all and sometimes some, and the same
    weights would make artefacts of different bytes.
    """
    return torch.ops.aten._upsample_bilinear2d_aa(values, [height, width], False, None, None)


class WholePreparation(nn.Module):
    """Resizes the whole picture and takes out one gain and one offset: zero mean, unit deviation over all its pixels.

    Pictures of one shape get one working size. Those of many shapes keep theirs: height and width each go to the nearest
    of a few, so that no picture is squeezed by much and equal ones still share a batch. Where `turn` is set, one that lies
    across (wide where training's were tall) is turned by a quarter first.

    A scene that only moves a little is moved back. Where it is known what it usually looks like, its light may be uneven and
    is taken out too; and what nobody can say is taken to look as usual: what lies outside of the picture, and where it is
    white or black as far as the camera goes, how much brighter or darker the scene is.
    """

    upright: Tensor  #: [2, 3]: the pose of a picture that is not turned
    turned: Tensor  #: [2, 3]: and of one that is, by a quarter
    usual: Tensor  #: [c, h, w]: what a scene usually looks like, from `snag.training.fit.registration`; [1, 1, 1] where unknown

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
        registration: Registration | None = None,
    ) -> None:
        """Working heights and widths to choose from, for pictures taken times `scale`; one each with a `registration`.

        Prepared grey values have mean `centre` and standard deviation `spread`; `raw` ones stay, on a scale of 0..1.
        """
        super().__init__()
        self.channels, self.heights, self.widths = channels, list(heights), list(widths)
        self.height, self.width = max(heights), max(widths)  # the greatest
        self.centre, self.spread, self.scale, self.turn, self.raw = centre, spread, scale, turn, raw
        self.least_deviation = 0.5  # grey levels: a picture of nothing stays a picture of nothing
        self.registration = registration
        self.light = Light(self.height, self.width) if registration is not None else None
        # What is made of numbers alone, freezing folds away sometimes and sometimes not.
        self.register_buffer("upright", torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        self.register_buffer("turned", torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))
        self.register_buffer("usual", torch.zeros(1, 1, 1))
        self.black = 0.0  # what would be prepared of a place without any light; with `usual`

    def forward(self, picture: Tensor, other: Tensor | None = None) -> tuple[Tensor, Tensor, str]:
        """See the head of this file."""
        move, reason = torch.zeros(3), ""
        if self.registration is not None:
            move, reason = self.registration(picture if other is None else other)
        values, pose = self._laid(picture, move)
        if self.raw:
            return values / 255.0, pose, reason
        measured = values if other is None else self._laid(other, move)[0]
        if self.light is not None and self.usual.shape[1] > 1:
            seen, least = covered(pose, self.height, self.width), self.least_deviation / self.spread
            low, high = at_limits(measured)
            strength, offset = self.light(measured, self.usual - self.black, seen * (1.0 - low - high))
            shown = (values - offset) / strength.clamp(min=least) + self.black
            if other is not None:
                low, high = at_limits(values)
            differs = shown - self.usual
            differs = differs - low * differs.clamp(min=0.0) - high * differs.clamp(max=0.0)
            return self.usual + seen * differs, pose, reason
        deviation = measured.std().clamp(min=self.least_deviation)
        return (values - measured.mean()) / deviation * self.spread + self.centre, pose, reason

    def _laid(self, picture: Tensor, move: Tensor) -> tuple[Tensor, Tensor]:
        """Moved back, or turned, and resized; and its pose."""
        values = to_channels(picture, self.channels)
        if self.registration is not None:
            # Twice the resolution and then the mean of four, as of a strip: a part of a pixel blurs nothing.
            tall, wide = min(2 * self.height, values.shape[1]), min(2 * self.width, values.shape[2])
            fine = moved(resized(values[None], tall, wide), move[None], 2 * self.height, 2 * self.width)[0]
            return block_means(fine, 2), theta(move[None], picture.shape[1], picture.shape[2])[0]
        pose = self.upright
        if self.turn and (values.shape[1] - values.shape[2]) * (self.height - self.width) < 0:
            values = values.transpose(1, 2).flip(1)  # a quarter turn; what was right is now on top
            pose = self.turned
        height = nearest(self.heights, self.scale * values.shape[1])
        width = nearest(self.widths, self.scale * values.shape[2])
        return resized(values[None], height, width)[0], pose


def covered(pose: Tensor, height: int, width: int) -> Tensor:
    """How much of each pixel of a prepared picture of this size lies within the picture it is of, 0..1: [height, width]."""
    places = functional.affine_grid(pose[None], [1, 1, height, width], align_corners=False)[0].abs()
    return ((1.0 - places[..., 0]) * (0.5 * width) + 0.5).clamp(0.0, 1.0) * (
        (1.0 - places[..., 1]) * (0.5 * height) + 0.5
    ).clamp(0.0, 1.0)


def nearest(sizes: list[int], wanted: float) -> int:
    """The one of `sizes` whose ratio to `wanted` is closest to 1."""
    best = sizes[0]
    for size in sizes:
        if abs(math.log(size / wanted)) < abs(math.log(best / wanted)):
            best = size
    return best


class AlignedPreparation(nn.Module):
    """Cuts the strip that holds the part, upright, and takes out background, gain and offset: the background is `level`."""

    def __init__(self, aligner: Aligner, channels: int, height: int, width: int, length: float) -> None:
        """`length` is the strip's long side in units of the picture's long side; its other side follows from the pixels."""
        super().__init__()
        self.aligner = aligner
        self.channels, self.height, self.width = channels, height, width
        self.step = length / width
        self.dark = aligner.polarity > 0.0
        self.level = LEVEL if self.dark else DARK_LEVEL
        # A dark part lies between black and the table's level; a bright one is as bright as a dark one's table.
        self.reach = LEVEL if self.dark else (LEVEL - DARK_LEVEL) / aligner.contrast

    def forward(self, picture: Tensor, other: Tensor | None = None) -> tuple[Tensor, Tensor, str]:
        """See the head of this file."""
        height, width = picture.shape[1], picture.shape[2]
        place, coefficients, scale, reason = self.aligner(picture if other is None else other)
        # Twice the resolution and then the mean of four: the strip's pixels are larger than the picture's.
        fine = sample_strip(picture, place, 2 * self.height, 2 * self.width, 0.5 * self.step)
        strip = to_channels(block_means(fine, 2), self.channels)
        coarse = strip_places(place, self.height // 8, self.width // 8, 8.0 * self.step, height, width)
        background = resized(background_at(coefficients, coarse)[None, None], self.height, self.width)[0]
        side = float(max(height, width))
        cos, sin = torch.cos(place[2]), torch.sin(place[2])
        u, v = 0.5 * self.step * self.width, 0.5 * self.step * self.height
        to_x, to_y = 2.0 * side / width, 2.0 * side / height
        pose = torch.stack(
            [
                torch.stack([cos * u * to_x, -sin * v * to_x, place[0] * to_x - 1.0]),
                torch.stack([sin * u * to_y, cos * v * to_y, place[1] * to_y - 1.0]),
            ]
        )
        depth = 1.0 - strip / background if self.dark else background - strip
        return self.level - self.reach * depth / scale, pose, reason


def back_to_picture(working: Tensor, pose: Tensor, height: int, width: int) -> Tensor:
    """Lay a map [h, w] in the prepared pose onto a picture of height x width; 0 outside of the prepared part."""
    linear, shift = pose[:, :2], pose[:, 2]
    inverse = torch.linalg.inv(linear)
    theta = torch.cat([inverse, -(inverse @ shift)[:, None]], 1)
    grid = functional.affine_grid(theta[None], [1, 1, height, width], align_corners=False)
    return functional.grid_sample(working[None, None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0, 0]
