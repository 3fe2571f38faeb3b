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

from snag.detector.exposure import background_of, fit_background, to_channels
from snag.detector.geometry import sample, shrink, stretched, strip_places
from snag.detector.preparation import NOT_ALIGNED

#: Long side, in pixels, of the picture that the pose is searched in, of the one that it is refined in, and of the one that the
#: background is fitted to.
SEARCH_SIDE: Final = 128
REFINE_SIDE: Final = 256
BACKGROUND_SIDE: Final = 64
#: Share of the part's depth at which its silhouette begins, and after how much more it is full: a shadow has a third, and stays
#: out.
RIM_BEGINS, RIM_WIDTH = 0.7, 0.2
#: Pixels, each way, that the search tries around where moments say the part lies.
SHIFTS: Final = 5
#: Share of the part that may lie outside of the picture beyond what it does in good pictures; estimates err by about this much.
OUTSIDE: Final = 0.02


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


def flatten(grey: Tensor, coefficients: Tensor, bright_share: float) -> tuple[Tensor, Tensor]:
    """Take the background out of a picture [1, h, w]: 1 where there is no part; and the unit of a bright part's depth.

    `bright_share` of the picture is covered by a bright part; 0 for dark ones. A dark part swallows a share of the table's
    light. How bright a bright one is has nothing to do with its table, which may be black: its depth is in units of this
    picture's part.
    """
    background = background_of(coefficients, grey.shape[1], grey.shape[2])[None]
    if bright_share == 0.0:
        return grey / background.clamp(min=1e-3), torch.ones([])
    unit = brightness(grey - background, bright_share)
    return 1.0 + (grey - background) / unit, unit


def silhouette_of(
    flat: Tensor, polarity: float, contrast: float, begins: float = RIM_BEGINS, width: float = RIM_WIDTH
) -> Tensor:
    """Soft silhouette [h, w] in 0..1 of a flattened picture [1, h, w]; polarity and contrast as of `Aligner`."""
    depth = polarity * (1.0 - flat[0])
    return ((depth - begins * contrast) / (width * contrast)).clamp(0.0, 1.0)


def unit_norm(values: Tensor) -> Tensor:
    """Zero mean, unit norm."""
    centred = values - values.mean()
    return centred / (centred.norm() + 1e-6)


class Aligner(nn.Module):
    """From a picture to the pose of its part; the buffers are fitted by `snag.training.fit.aligner`."""

    template: Tensor  #: [h, w], zero mean, unit norm
    bands: Tensor  #: [h * (w + 2 SHIFTS), 2 SHIFTS + 1]: the template in each place along a row of a strip with that margin
    mean: Tensor  #: [h, w]
    descent: Tensor  #: [4, pixels]: depths below the background -> move (u, v in pixels, angle) before `usual`, and scale
    usual: Tensor  #: [3]: the move that the mean part's depths ask for
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
        self.shifts, self.search_side, self.refine_side = SHIFTS, SEARCH_SIDE, REFINE_SIDE
        self.background_side, self.not_aligned = BACKGROUND_SIDE, NOT_ALIGNED
        self.register_buffer("template", unit_norm(template))
        self.register_buffer("bands", _bands(self.template))
        self.register_buffer("mean", mean)
        gradient_v, gradient_u = torch.gradient(mean)
        height, width = mean.shape
        v = (torch.arange(height) + 0.5 - height / 2.0)[:, None].expand(height, width)
        u = (torch.arange(width) + 0.5 - width / 2.0)[None, :].expand(height, width)
        jacobian = torch.stack([gradient_u, gradient_v, gradient_v * u - gradient_u * v], 0).reshape(3, -1)
        weighted = jacobian * weight.reshape(1, -1)
        hessian = weighted @ jacobian.t()
        moves = torch.linalg.solve(hessian + 1e-6 * hessian.diagonal().mean() * torch.eye(3), weighted)
        depth = (1.0 - mean).reshape(-1)
        scale = depth * weight.reshape(-1)
        self.register_buffer("descent", torch.cat([moves, (scale / (scale @ depth))[None]]))
        self.register_buffer("usual", moves @ depth)
        part = ((polarity * (1.0 - mean) / contrast - 0.3) / 0.4).clamp(0.0, 1.0)
        self.register_buffer("mass", part / (part.sum() + 1e-6))
        self.most_outside = OUTSIDE

    def flatten(self, grey: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """See the function; by this aligner's polarity."""
        return flatten(grey, coefficients, 0.0 if self.polarity > 0.0 else self.share)

    def silhouette(self, flat: Tensor) -> Tensor:
        """Soft silhouette [h, w] in 0..1 of a flattened picture [1, h, w]."""
        return silhouette_of(flat, self.polarity, self.contrast)

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
        poses = torch.stack([start[0].expand(len(angles)), start[1].expand(len(angles)), start[2] + torch.tensor(angles)], 1)
        tall, wide = height + 2 * self.shifts, width + 2 * self.shifts
        places = strip_places(poses, tall, wide, step, silhouette.shape[0], silhouette.shape[1])
        strips = functional.grid_sample(
            silhouette.expand(len(angles), 1, -1, -1), places, mode="bilinear", padding_mode="border", align_corners=False
        )[:, 0]
        rows: list[Tensor] = []
        for row in range(2 * self.shifts + 1):
            rows.append(strips[:, row : row + height].reshape(len(angles), -1) @ self.bands)
        match = torch.stack(rows, 1)
        best = int(match.argmax())
        shifts = match.shape[1] * match.shape[2]
        which, place = best // shifts, best % shifts
        row, column = place // match.shape[2], place % match.shape[2]
        dy, dx = float(row - self.shifts), float(column - self.shifts)
        turned = poses[which, 2]
        cos, sin = torch.cos(turned), torch.sin(turned)
        pose = torch.stack([start[0] + (cos * dx - sin * dy) * step, start[1] + (sin * dx + cos * dy) * step, turned])
        window = strips[which, row : row + height, column : column + width]
        return pose, (unit_norm(window) * self.template).sum()

    def refine(self, flat: Tensor, pose: Tensor, rounds: int = 6) -> tuple[Tensor, Tensor]:
        """Gauss-Newton on the grey values of `flat` [1, h, w], to a small part of a pixel.

        Also returns the part's depth below the background as a share of the mean part's: an offset on the picture scales it.
        A step asks for `descent` times the difference between the mean part and this one at the mean's depth; both that and
        the depth are sums over the strip, so one product gives both.
        """
        height, width = self.mean.shape[0], self.mean.shape[1]
        scale = torch.ones([])
        for _ in range(rounds):
            strip = sample(flat, strip_places(pose, height, width, self.step, flat.shape[1], flat.shape[2]))[0]
            found = self.descent @ (1.0 - strip).reshape(-1)
            scale = found[3].clamp(min=0.1)
            move = found[:3] / scale - self.usual
            cos, sin = torch.cos(pose[2]), torch.sin(pose[2])
            turn = move[2].clamp(-0.03, 0.03)
            shift_u, shift_v = move[0].clamp(-3.0, 3.0) * self.step, move[1].clamp(-3.0, 3.0) * self.step
            pose = pose + torch.stack([cos * shift_u - sin * shift_v, sin * shift_u + cos * shift_v, turn])
        return pose, scale

    def outside(self, pose: Tensor, height: int, width: int) -> Tensor:
        """Share of the part at `pose` that lies outside of a picture of height x width."""
        places = strip_places(pose, self.mass.shape[0], self.mass.shape[1], self.step, height, width)
        return (self.mass * (places.abs() > 1.0).any(2)).sum()

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, str]:
        """Picture [1 or 3, H, W], any type and unit -> pose (x, y, angle), background coefficients [10], depth's scale, reason.

        The scale is of the depth as a share of the background, for bright parts of the depth in grey values. The reason is ""
        or "not_aligned".
        """
        middle = to_channels(shrink(picture, self.refine_side), 1)
        coefficients = fit_background(shrink(middle, self.background_side)[0])
        flat, unit = self.flatten(middle, coefficients)
        silhouette = self.silhouette(shrink(flat, self.search_side))
        pose, match = self.search(silhouette)
        pose, scale = self.refine(flat, pose)
        area = float(silhouette.mean())
        aligned = float(match) >= self.least_match and self.least_area <= area and area <= self.most_area
        # A part that the picture's border cuts off still matches the template by what is left of it.
        aligned = aligned and float(self.outside(pose, middle.shape[1], middle.shape[2])) <= self.most_outside
        pose = stretched(pose, middle.shape[1], middle.shape[2], picture.shape[1], picture.shape[2])
        return pose, coefficients, scale * unit, "" if aligned else self.not_aligned


def _bands(template: Tensor) -> Tensor:
    """See `Aligner.bands`: cross-correlation along rows as a product of matrices, a quarter of a convolution's time here."""
    height, width = template.shape[0], template.shape[1]
    bands = torch.zeros(height, width + 2 * SHIFTS, 2 * SHIFTS + 1)
    for shift in range(2 * SHIFTS + 1):
        bands[:, shift : shift + width, shift] = template
    return bands.reshape(-1, 2 * SHIFTS + 1)
