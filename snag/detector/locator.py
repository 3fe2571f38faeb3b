"""Finding a part that lies anywhere and has no long axis to lay it straight by: its place and silhouette. Scriptable.

Each picture is told into two tones along the colour in which good pictures differ most. The threshold is the picture's own
(Otsu), so that a gain or an offset moves it along. The part is what hangs together, is not thin, and does not touch the border.
"""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.aligner import silhouette_pose
from snag.detector.exposure import to_channels
from snag.detector.geometry import shrink, stretched
from snag.detector.otsu import variance_between
from snag.detector.preparation import NOT_ALIGNED

#: Long side, in pixels, of the picture that the part is looked for in.
SIDE: Final = 128
#: Steps of the histogram that the two tones are told apart by.
STEPS: Final = 128
#: Pixels, each way, of what is too thin to be the part: a wire that holds it, dust, the edge of a glare.
THIN: Final = 2


def two_tones(values: Tensor, steps: int = STEPS) -> tuple[Tensor, Tensor]:
    """Otsu's threshold of `values`, and its share of their variance: 1 where two tones are all."""
    flat = values.reshape(-1)
    low, high = flat.quantile(0.002), flat.quantile(0.998)
    share = torch.histc((flat.clamp(low, high) - low) / (high - low + 1e-6), steps, 0.0, 1.0) / flat.numel()
    centres = (torch.arange(steps, dtype=torch.float32) + 0.5) / steps
    between, mean = variance_between(share, centres)
    best = between.argmax()
    variance = (share * (centres - mean).square()).sum()
    return low + (high - low + 1e-6) * (best + 1.0) / steps, between[best] / variance.clamp(min=1e-9)


def widened(mask: Tensor, reach: int) -> Tensor:
    """[h, w] with every pixel the greatest within `reach` pixels, in a square."""
    side = 2 * reach + 1
    rows = functional.max_pool2d(mask[None, None], [1, side], [1, 1], [0, reach])
    return functional.max_pool2d(rows, [side, 1], [1, 1], [reach, 0])[0, 0]


def flooded(seed: Tensor, mask: Tensor) -> Tensor:
    """What of `mask` [h, w], booleans, hangs together with `seed`, side by side or corner to corner."""
    found = seed & mask
    size = int(found.sum())
    growing = size > 0
    while growing:
        for _ in range(4):  # counting takes as long as growing
            found[1:].logical_or_(found[:-1].clone())
            found[:-1].logical_or_(found[1:].clone())
            found[:, 1:].logical_or_(found[:, :-1].clone())
            found[:, :-1].logical_or_(found[:, 1:].clone())
            found.logical_and_(mask)
        now = int(found.sum())
        growing, size = now > size, now
    return found


def silhouette(mask: Tensor, thin: int = THIN) -> Tensor:
    """The part among what stands out of [h, w], 0 or 1, its holes filled; 0 everywhere where there is none."""
    border = torch.zeros_like(mask, dtype=torch.bool)
    border[0], border[-1] = True, True
    border[:, 0], border[:, -1] = True, True
    thick = (widened(1.0 - widened(1.0 - mask, thin), thin) * mask) > 0.5
    inner = thick & ~flooded(border, thick)
    # Where most of it is close by: the part, not the crumb beside it.
    count = inner.to(torch.float32)
    reach = int(0.25 * float(count.sum()) ** 0.5) + 1
    rows = functional.avg_pool2d(count[None, None], [1, 2 * reach + 1], [1, 1], [0, reach])
    crowd = functional.avg_pool2d(rows, [2 * reach + 1, 1], [1, 1], [reach, 0])[0, 0] * count
    seed = torch.zeros_like(inner)
    seed.view(-1)[crowd.argmax()] = True
    part = flooded(seed, inner)
    return (~flooded(border, ~part)).to(torch.float32)


def centre_of(part: Tensor) -> Tensor:
    """Pose (x, y, 0) of a silhouette [h, w], in units of the long side."""
    moments, _ = silhouette_pose(part)
    return torch.stack([moments[0], moments[1], torch.zeros_like(moments[0])])


def tones_of(small: Tensor, direction: Tensor) -> Tensor:
    """[c, h, w] -> how far each pixel lies towards a colour [c]: [h, w]."""
    return (direction[:, None, None] * small).sum(0)


class Locator(nn.Module):
    """From a picture to the place and the silhouette of its part; fitted by `snag.training.fit.locator`."""

    direction: Tensor  #: [c]: the colour in which the part differs from its table, towards the part

    def __init__(self, direction: Tensor, area: tuple[float, float], rim: int) -> None:
        """`area`: the silhouette's accepted range, as a share of the picture; `rim`: how far around it is looked, pixels."""
        super().__init__()
        self.register_buffer("direction", direction)
        self.least_area, self.most_area = area
        self.rim, self.side, self.not_aligned = rim, SIDE, NOT_ALIGNED

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, str]:
        """Picture [1 or 3, H, W] -> pose (x, y, 0), silhouette [h, w] 0..1 with its rim, reason: "" or "not_aligned"."""
        small = to_channels(shrink(picture, self.side), self.direction.shape[0])
        tones = tones_of(small, self.direction)
        part = silhouette((tones > two_tones(tones)[0]).to(torch.float32))
        pose = centre_of(part)
        pose = stretched(pose, part.shape[0], part.shape[1], picture.shape[1], picture.shape[2])
        area = float(part.mean())
        with_rim = functional.avg_pool2d(widened(part, self.rim)[None, None], 3, 1, 1)[0, 0]
        return pose, with_rim, "" if self.least_area <= area and area <= self.most_area else self.not_aligned
