"""Finding the part: its place and angle in the picture, so that the network sees every part in one pose. Scriptable.

Pose by the silhouette's moments, then cross-correlation with a template both ways round (a screw's head and tip look alike to
moments), then a few Gauss-Newton steps on the grey values (inverse compositional; Baker & Matthews, IJCV 56(3), 2004,
sec. 3.2), each pixel weighed by how little it varies among good parts, so that a rolled thread or a shadow has no say.
"""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.exposure import fit_background, grid_terms, polynomial_terms

#: Long side, in pixels, of the picture that the pose is searched in, and of the one that it is refined in.
SEARCH_SIDE: Final = 128
REFINE_SIDE: Final = 256
#: Share of the part that may lie outside of the picture beyond what it does in good pictures; estimates err by about this much.
OUTSIDE: Final = 0.02


def shrink(picture: Tensor, side: int) -> Tensor:
    """Area-average [C, H, W] to a long side of `side` pixels, keeping the aspect."""
    height, width = picture.shape[1], picture.shape[2]
    scale = float(side) / float(max(height, width))
    size = [max(8, int(height * scale + 0.5)), max(8, int(width * scale + 0.5))]
    return functional.adaptive_avg_pool2d(picture[None], size)[0]  # type: ignore[arg-type]


def strip_coordinates(pose: Tensor, height: int, width: int, step: float) -> tuple[Tensor, Tensor]:
    """Where the pixels of a strip lie in the picture: x and y, each [height, width], in units of the picture's long side.

    `pose` is (x, y, angle) of the strip's centre and long axis; `step` is the side of a strip pixel in the same unit.
    """
    v = (torch.arange(height, dtype=torch.float32) + 0.5 - height / 2.0) * step
    u = (torch.arange(width, dtype=torch.float32) + 0.5 - width / 2.0) * step
    cos, sin = torch.cos(pose[2]), torch.sin(pose[2])
    return (pose[0] + cos * u)[None, :] - (sin * v)[:, None], (pose[1] + sin * u)[None, :] + (cos * v)[:, None]


def stretched(pose: Tensor, height: int, width: int, to_height: int, to_width: int) -> Tensor:
    """A pose in a picture shrunk to height x width, as it is in the whole one: whole pixels don't quite keep the aspect."""
    side, to_side = float(max(height, width)), float(max(to_height, to_width))
    x, y = (side / width) * (to_width / to_side), (side / height) * (to_height / to_side)
    turned = torch.atan2(y * torch.sin(pose[2]), x * torch.cos(pose[2]))
    return torch.stack([x * pose[0], y * pose[1], turned])


def sample(picture: Tensor, place: tuple[Tensor, Tensor]) -> Tensor:
    """Read [C, H, W] at `place`, x and y [h, w] (units of the long side), bilinearly, the edge repeated: [C, h, w]."""
    height, width = picture.shape[1], picture.shape[2]
    side = float(max(height, width))
    grid = torch.empty([place[0].shape[0], place[0].shape[1], 2])  # filled by columns: stacking them takes three times as long
    grid[..., 0] = place[0] * (2.0 * side / width) - 1.0
    grid[..., 1] = place[1] * (2.0 * side / height) - 1.0
    return functional.grid_sample(picture[None], grid[None], mode="bilinear", padding_mode="border", align_corners=False)[0]


def silhouette_pose(silhouette: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of `silhouette` [h, w]: pose (x, y, angle of the long axis), in units of the long side; and elongation.

    Elongation is the ratio of the greater to the smaller variance, 1 for a disc.
    """
    height, width = silhouette.shape[0], silhouette.shape[1]
    side = float(max(height, width))
    y = ((torch.arange(height, dtype=torch.float32) + 0.5) / side)[:, None]
    x = ((torch.arange(width, dtype=torch.float32) + 0.5) / side)[None, :]
    mass = silhouette.sum() + 1e-6
    centre_x, centre_y = (silhouette * x).sum() / mass, (silhouette * y).sum() / mass
    dx, dy = x - centre_x, y - centre_y
    xx, yy = (silhouette * dx * dx).sum() / mass, (silhouette * dy * dy).sum() / mass
    xy = (silhouette * dx * dy).sum() / mass
    angle = 0.5 * torch.atan2(2.0 * xy, xx - yy)
    root = torch.sqrt((xx - yy).square() + 4.0 * xy * xy)
    return torch.stack([centre_x, centre_y, angle]), (xx + yy + root) / (xx + yy - root + 1e-9)


def brightness(above: Tensor, share: float) -> Tensor:
    """How far a bright part that covers `share` of the picture lies above its table: half of its pixels lie higher.

    `above` [1, h, w] is the picture less its background.
    """
    rank = int((1.0 - 0.5 * share) * above.numel())
    return above.reshape(-1).kthvalue(max(1, rank))[0].clamp(min=1e-3)


def normalised(values: Tensor) -> Tensor:
    """Zero mean, unit norm."""
    centred = values - values.mean()
    return centred / (centred.norm() + 1e-6)


class Aligner(nn.Module):
    """From a picture to the pose of its part; the buffers are fitted by `training.fit_alignment`."""

    template: Tensor  #: [h, w], zero mean, unit norm
    mean: Tensor
    weight: Tensor
    descent: Tensor  #: [3, pixels]: differences -> move (u, v in pixels, angle)
    depth: Tensor  #: [h, w]: the mean part's depth below the background, weighed
    mass: Tensor  #: [h, w]: where the part lies, its sum is 1

    def __init__(
        self,
        template: Tensor,
        mean: Tensor,
        weight: Tensor,
        *,
        polarity: float,
        contrast: float,
        step: float,
        area: tuple[float, float],
        least_match: float,
    ) -> None:
        """`template` [h, w] silhouette at SEARCH_SIDE; `mean`, `weight` [h, w] flattened part at REFINE_SIDE.

        `polarity` is 1 for dark parts, -1 for bright ones; `contrast` how far the part usually lies from the background, as a
        share of it; `step` the side of a REFINE_SIDE pixel; `area` the silhouette's accepted range, as a share of the picture.
        """
        super().__init__()
        self.polarity, self.contrast, self.step, self.least_match = polarity, contrast, step, least_match
        self.least_area, self.most_area = area
        self.share = math.sqrt(area[0] * area[1])
        self.register_buffer("template", normalised(template))
        self.register_buffer("mean", mean)
        self.register_buffer("weight", weight)
        gradient_v, gradient_u = torch.gradient(mean)
        height, width = mean.shape
        v = (torch.arange(height) + 0.5 - height / 2.0)[:, None].expand(height, width)
        u = (torch.arange(width) + 0.5 - width / 2.0)[None, :].expand(height, width)
        jacobian = torch.stack([gradient_u, gradient_v, gradient_v * u - gradient_u * v], 0).reshape(3, -1)
        weighted = jacobian * weight.reshape(1, -1)
        hessian = weighted @ jacobian.t()
        self.register_buffer("descent", torch.linalg.solve(hessian + 1e-6 * hessian.diagonal().mean() * torch.eye(3), weighted))
        self.register_buffer("depth", polarity * (1.0 - mean) * weight)
        part = ((polarity * (1.0 - mean) / contrast - 0.3) / 0.4).clamp(0.0, 1.0)
        self.register_buffer("mass", part / (part.sum() + 1e-6))
        self.most_outside = OUTSIDE

    def flatten(self, grey: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Take the background out of a picture [1, h, w]: 1 where there is no part; and the unit of a bright part's depth.

        A dark part swallows a share of the table's light. How bright a bright one is has nothing to do with its table, which
        may be black: its depth is in units of this picture's part.
        """
        background = (coefficients @ grid_terms(grey.shape[1], grey.shape[2])).reshape(grey.shape)
        if self.polarity > 0.0:
            return grey / background.clamp(min=1e-3), torch.ones([])
        unit = brightness(grey - background, self.share)
        return 1.0 + (grey - background) / unit, unit

    def silhouette(self, flat: Tensor) -> Tensor:
        """Soft silhouette [h, w] in 0..1 of a flattened picture [1, h, w]; shadows, a third of the part's depth, stay out."""
        depth = self.polarity * (1.0 - flat[0])
        return ((depth - 0.7 * self.contrast) / (0.2 * self.contrast)).clamp(0.0, 1.0)

    def search(self, silhouette: Tensor) -> tuple[Tensor, Tensor]:
        """Pose of the best match with the template among both ways round, a few angles and shifts; and the match in -1..1."""
        start, _ = silhouette_pose(silhouette)
        side = float(max(silhouette.shape[0], silhouette.shape[1]))
        height, width = self.template.shape[0], self.template.shape[1]
        angles: list[float] = []
        for turn in (0.0, math.pi):
            for degrees in (-4.0, -2.0, 0.0, 2.0, 4.0):
                angles.append(turn + degrees * math.pi / 180.0)
        step = 1.0 / side
        strips: list[Tensor] = []
        for angle in angles:
            pose = start + torch.tensor([0.0, 0.0, angle])
            strips.append(sample(silhouette[None], strip_coordinates(pose, height + 2 * 5, width + 2 * 5, step)))
        stack = torch.stack(strips)
        match = functional.conv2d(stack, self.template[None, None])[:, 0]
        best = int(match.argmax())
        shifts = match.shape[1] * match.shape[2]
        which, place = best // shifts, best % shifts
        dy, dx = float(place // match.shape[2] - 5), float(place % match.shape[2] - 5)
        turned = start[2] + angles[which]
        cos, sin = torch.cos(turned), torch.sin(turned)
        pose = torch.stack([start[0] + (cos * dx - sin * dy) * step, start[1] + (sin * dx + cos * dy) * step, turned])
        row, column = int(dy) + 5, int(dx) + 5
        window = stack[which, 0, row : row + height, column : column + width]
        return pose, (normalised(window) * self.template).sum()

    def refine(self, flat: Tensor, pose: Tensor, rounds: int = 6) -> tuple[Tensor, Tensor]:
        """Gauss-Newton on the grey values of `flat` [1, h, w], to a small part of a pixel.

        Also returns the part's depth below the background as a share of the mean part's: an offset on the picture scales it.
        """
        height, width = self.mean.shape[0], self.mean.shape[1]
        scale = torch.ones([])
        for _ in range(rounds):
            strip = sample(flat, strip_coordinates(pose, height, width, self.step))[0]
            depth = self.polarity * (1.0 - strip)
            scale = ((depth * self.depth).sum() / (self.polarity * (1.0 - self.mean) * self.depth).sum()).clamp(min=0.1)
            difference = (self.mean - (1.0 - self.polarity * depth / scale)).reshape(-1)
            move = self.descent @ difference
            cos, sin = torch.cos(pose[2]), torch.sin(pose[2])
            turn = move[2].clamp(-0.03, 0.03)
            shift_u, shift_v = move[0].clamp(-3.0, 3.0) * self.step, move[1].clamp(-3.0, 3.0) * self.step
            pose = pose + torch.stack([cos * shift_u - sin * shift_v, sin * shift_u + cos * shift_v, turn])
        return pose, scale

    def outside(self, pose: Tensor, height: int, width: int) -> Tensor:
        """Share of the part at `pose` that lies outside of a picture of height x width."""
        side = float(max(height, width))
        x, y = strip_coordinates(pose, self.mass.shape[0], self.mass.shape[1], self.step)
        x, y = x * (side / width), y * (side / height)
        return (self.mass * ((x < 0.0) | (x > 1.0) | (y < 0.0) | (y > 1.0))).sum()

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor, Tensor, str]:
        """Picture [1, H, W], any unit -> pose (x, y, angle), background coefficients [10], depth's scale, reason.

        The scale is of the depth as a share of the background, for bright parts of the depth in grey values. The reason is ""
        or "not_aligned".
        """
        middle = shrink(grey, 256)
        coefficients = fit_background(shrink(middle, 64)[0])
        flat, unit = self.flatten(middle, coefficients)
        silhouette = self.silhouette(shrink(flat, 128))
        pose, match = self.search(silhouette)
        pose, scale = self.refine(flat, pose)
        area = float(silhouette.mean())
        aligned = float(match) >= self.least_match and self.least_area <= area and area <= self.most_area
        # A part that the picture's border cuts off still matches the template by what is left of it.
        aligned = aligned and float(self.outside(pose, middle.shape[1], middle.shape[2])) <= self.most_outside
        pose = stretched(pose, middle.shape[1], middle.shape[2], grey.shape[1], grey.shape[2])
        return pose, coefficients, scale * unit, "" if aligned else "not_aligned"


def background_at(coefficients: Tensor, place: tuple[Tensor, Tensor], height: int, width: int) -> Tensor:
    """The background polynomial at `place`, x and y [h, w] (units of the long side), of a picture of height x width: [h, w]."""
    side = float(max(height, width))
    x, y = place[0] * (2.0 * side / width) - 1.0, place[1] * (2.0 * side / height) - 1.0
    terms = polynomial_terms(y, x)
    return (coefficients @ terms.reshape(10, -1)).reshape(x.shape).clamp(min=1e-3)
