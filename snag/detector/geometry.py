"""Pictures made smaller, and strips read off them at any angle and place. Scriptable.

A pose is (x, y, angle) of a strip's centre and long axis, lengths in units of the picture's long side, so that it holds for
the picture at any resolution.
"""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

import math

import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.exposure import polynomial_terms


def shrink(picture: Tensor, side: int) -> Tensor:
    """Area-average [C, H, W] of any type to a long side of `side` pixels, keeping the aspect: float32."""
    height, width = picture.shape[1], picture.shape[2]
    scale = float(side) / float(max(height, width))
    size = [max(8, int(height * scale + 0.5)), max(8, int(width * scale + 0.5))]
    block = height // size[0]
    if height == block * size[0] and width == block * size[1]:
        return block_means(picture, block)
    return functional.adaptive_avg_pool2d(picture.to(torch.float32)[None], size)[0]  # type: ignore[arg-type]


def block_means(picture: Tensor, side: int) -> Tensor:
    """Means of the blocks of side x side pixels of [C, H, W], H and W multiples of it: float32.

    Whole rows are added up first, bytes as integers of 16 bits: several times as fast as pooling floats.
    """
    count, height, width = picture.shape[0], picture.shape[1] // side, picture.shape[2] // side
    rows = picture.reshape(count, height, side, picture.shape[2])
    total = rows[:, :, 0].to(torch.int16 if picture.dtype == torch.uint8 and side <= 128 else torch.float32)
    for row in range(1, side):
        total = total + rows[:, :, row]
    columns = total.to(torch.float32).reshape(count, height, width, side)
    mean = columns[..., 0]
    for column in range(1, side):
        mean = mean + columns[..., column]
    return mean / float(side * side)


def strip_places(pose: Tensor, height: int, width: int, step: float, picture_height: int, picture_width: int) -> Tensor:
    """Where the pixels of a strip lie in a picture: x and y, each -1..1 from edge to edge, [..., height, width, 2].

    `pose` [..., 3] is (x, y, angle) of the strip's centre and long axis and `step` the side of a strip pixel, both in units of
    the picture's long side.
    """
    side = float(max(picture_height, picture_width))
    to_x, to_y = 2.0 * side / picture_width, 2.0 * side / picture_height
    v = (torch.arange(height, dtype=torch.float32) + 0.5 - height / 2.0) * step
    u = (torch.arange(width, dtype=torch.float32) + 0.5 - width / 2.0) * step
    x, y, cos, sin = pose[..., 0:1], pose[..., 1:2], torch.cos(pose[..., 2:3]), torch.sin(pose[..., 2:3])
    # Filled by columns: stacking them takes three times as long.
    places = torch.empty(list(pose.shape[:-1]) + [height, width, 2])  # noqa: RUF005  # TorchScript unpacks no lists
    places[..., 0] = ((x + cos * u) * to_x - 1.0)[..., None, :] - (sin * v * to_x)[..., :, None]
    places[..., 1] = ((y + sin * u) * to_y - 1.0)[..., None, :] + (cos * v * to_y)[..., :, None]
    return places


def stretched(pose: Tensor, height: int, width: int, to_height: int, to_width: int) -> Tensor:
    """A pose in a picture shrunk to height x width, as it is in the whole one: whole pixels don't quite keep the aspect."""
    side, to_side = float(max(height, width)), float(max(to_height, to_width))
    x, y = (side / width) * (to_width / to_side), (side / height) * (to_height / to_side)
    turned = torch.atan2(y * torch.sin(pose[2]), x * torch.cos(pose[2]))
    return torch.stack([x * pose[0], y * pose[1], turned])


def pose_of(place: Tensor, height: int, width: int, step: float, picture_height: int, picture_width: int) -> Tensor:
    """What takes normalised coordinates of a strip, (x, y, 1), to those of the picture, -1..1 from edge to edge each: [2, 3].

    `place` [3] is (x, y, angle) of the strip's centre and long axis, as of `strip_places`.
    """
    side = float(max(picture_height, picture_width))
    to_x, to_y = 2.0 * side / picture_width, 2.0 * side / picture_height
    u, v = 0.5 * step * width, 0.5 * step * height
    cos, sin = torch.cos(place[2]), torch.sin(place[2])
    x = torch.stack([cos * u * to_x, -sin * v * to_x, place[0] * to_x - 1.0])
    y = torch.stack([sin * u * to_y, cos * v * to_y, place[1] * to_y - 1.0])
    return torch.stack([x, y])


def sample(picture: Tensor, places: Tensor) -> Tensor:
    """Read [C, H, W] at `places` [h, w, 2], x and y in -1..1, bilinearly, the edge repeated: [C, h, w]."""
    return functional.grid_sample(picture[None], places[None], mode="bilinear", padding_mode="border", align_corners=False)[0]


def sample_strip(picture: Tensor, pose: Tensor, height: int, width: int, step: float) -> Tensor:
    """Read the strip of height x width at `pose` off [C, H, W] of any type: float32 [C, height, width].

    Only what surrounds the strip is made into floats.
    """
    tall, wide = picture.shape[1], picture.shape[2]
    side = float(max(tall, wide))
    x, y, angle = float(pose[0]) * side, float(pose[1]) * side, float(pose[2])
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    along, across = 0.5 * step * width * side, 0.5 * step * height * side
    reach_x, reach_y = cos * along + sin * across + 2.0, sin * along + cos * across + 2.0
    left, top = min(max(int(x - reach_x), 0), wide - 1), min(max(int(y - reach_y), 0), tall - 1)
    right, bottom = max(min(int(x + reach_x) + 1, wide), left + 1), max(min(int(y + reach_y) + 1, tall), top + 1)
    around = picture[:, top:bottom, left:right].to(torch.float32)
    scale = side / float(max(bottom - top, right - left))
    corner = torch.tensor([left / side, top / side, 0.0])
    here = (pose - corner) * torch.tensor([scale, scale, 1.0])
    return sample(around, strip_places(here, height, width, scale * step, bottom - top, right - left))


def crop(picture: Tensor, place: Tensor, height: int, width: int, step: float) -> Tensor:
    """The strip of height x width at `place`, read at twice the resolution and averaged four by four: [C, height, width].

    So a shift by a part of a pixel blurs nothing, and a turn moves the features' distances less.
    """
    return block_means(sample_strip(picture, place, 2 * height, 2 * width, 0.5 * step), 2)


def background_at(coefficients: Tensor, places: Tensor) -> Tensor:
    """The background polynomial at `places` [h, w, 2], x and y in -1..1: [h, w]."""
    terms = polynomial_terms(places[..., 1], places[..., 0])
    return (coefficients @ terms.reshape(10, -1)).reshape(places.shape[0], places.shape[1]).clamp(min=1e-3)
