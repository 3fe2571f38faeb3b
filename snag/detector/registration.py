"""Finding how far a scene that is always the same has moved: the play of a holder, the shake of a camera. Scriptable.

Gauss-Newton on grey values from where the scene usually lies (inverse compositional; Baker & Matthews, IJCV 56(3), 2004,
sec. 3.2), each pixel weighed by how little it varies among good pictures. Unlike `snag.detector.aligner` it needs no part that
stands out, and finds none that lies anywhere.
"""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.aligner import REFINE_SIDE
from snag.detector.exposure import grid_terms, to_channels
from snag.detector.geometry import shrink
from snag.detector.preparation import NOT_ALIGNED

#: Long side, in pixels, of the pictures that are compared.
SIDE: Final = REFINE_SIDE // 2
#: Share of a side that is left out all around: what comes into the picture there, or leaves it, says nothing.
RIM: Final = 0.06
#: Share of a picture's contrast that the usual scene explains at least where it shows that scene: of drawn boards it explains
#: nearly all, with a large component missing four fifths, and of pictures of something else a third at most.
LEAST_LIKE: Final = 0.5


def small(picture: Tensor, side: int = SIDE) -> Tensor:
    """[1 or 3, H, W] of any type -> grey [h, w], long side `side`, zero mean and unit deviation: no lamp has a say.

    By way of twice that, at which pictures are looked at in training: rounded once more or less, a side may have a pixel less.
    """
    return unit(shrink(to_channels(shrink(picture, 2 * side), 1), side))[0]


def unit(pictures: Tensor) -> Tensor:
    """[N, h, w] -> each of zero mean and unit deviation; one of nothing stays one of nothing."""
    deviation, mean = torch.std_mean(pictures, (1, 2), keepdim=True)
    return (pictures - mean) / deviation.clamp(min=1e-3)


def theta(moves: Tensor, height: int, width: int) -> Tensor:
    """Moves [N, 3], right and down as shares of the long side and radians, as [N, 2, 3] of normalised coordinates, -1..1."""
    side = float(max(height, width))
    right, down = moves[:, 0] * (2.0 * side / width), moves[:, 1] * (2.0 * side / height)
    cos, sin = torch.cos(moves[:, 2]), torch.sin(moves[:, 2])
    x = torch.stack([cos, -sin * (float(height) / width), right], 1)
    y = torch.stack([sin * (float(width) / height), cos, down], 1)
    return torch.stack([x, y], 1)


def moved(pictures: Tensor, moves: Tensor, height: int, width: int) -> Tensor:
    """Pictures [N, C, H, W] as they look after `moves` [N, 3]: [N, C, height, width], bilinear, the edge repeated."""
    at = theta(moves, pictures.shape[2], pictures.shape[3])
    grid = functional.affine_grid(at, [pictures.shape[0], pictures.shape[1], height, width], align_corners=False)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


class Registration(nn.Module):
    """Fitted by `snag.training.fit.registration`."""

    mean: Tensor  #: [h, w]: the usual scene, zero mean and unit deviation
    descent: Tensor  #: [3, h * w]: difference from the mean -> move, shares of the long side and radians
    weight: Tensor  #: [h, w]: 0 on the rim, and little where good pictures differ
    basis: Tensor  #: [12, h * w]: what smooth light does, alone (6) and on the mean scene; orthonormal, times the weight's root

    def __init__(self, mean: Tensor, weight: Tensor, limits: tuple[float, float]) -> None:
        """`limits`: how far a scene may have moved, as a share of the long side and in radians; what is further, it is not."""
        super().__init__()
        self.most_shift, self.most_turn = limits
        self.most_difference, self.not_aligned = 1.0 - LEAST_LIKE, NOT_ALIGNED
        height, width = mean.shape
        side = float(max(height, width))
        gradient_v, gradient_u = torch.gradient(mean)
        v = (torch.arange(height) + 0.5 - height / 2.0)[:, None]
        u = (torch.arange(width) + 0.5 - width / 2.0)[None, :]
        jacobian = torch.stack([gradient_u * side, gradient_v * side, gradient_v * u - gradient_u * v]).reshape(3, -1)
        # What a smooth change of the light does asks for no move (projected out; Baker, Gross & Matthews, Lucas-Kanade 20 years
        # on, part 3, CMU-RI-TR-03-35, 2003, sec. 4).
        smooth, root = grid_terms(height, width)[:6], weight.reshape(1, -1).sqrt()
        basis = torch.linalg.qr((torch.cat([smooth, smooth * mean.reshape(1, -1)]) * root).t().double())[0].t().float()
        moving = jacobian * root
        moving = moving - (moving @ basis.t()) @ basis
        hessian = moving @ moving.t()
        self.register_buffer("mean", mean)
        self.register_buffer("weight", weight)
        self.register_buffer("basis", basis * root)
        # A scene of nothing asks for no move.
        ridge = 1e-6 * (1.0 + hessian.diagonal().mean()) * torch.eye(3)
        self.register_buffer("descent", torch.linalg.solve(hessian + ridge, moving * root))

    def refine(self, pictures: Tensor, rounds: int = 8) -> Tensor:
        """How each of [N, h, w], as `small` makes them, lies against the mean: moves [N, 3]."""
        height, width = self.mean.shape[0], self.mean.shape[1]
        moves = torch.zeros(pictures.shape[0], 3)
        for _ in range(rounds):
            here = unit(moved(pictures[:, None], moves, height, width)[:, 0])
            step = (self.mean - here).reshape(pictures.shape[0], -1) @ self.descent.t()
            step = step.clamp(-0.03, 0.03)
            cos, sin = torch.cos(moves[:, 2]), torch.sin(moves[:, 2])
            moves = moves + torch.stack(
                [cos * step[:, 0] - sin * step[:, 1], sin * step[:, 0] + cos * step[:, 1], step[:, 2]], 1
            )
        return moves

    def difference(self, pictures: Tensor, moves: Tensor) -> Tensor:
        """Share of the contrast of each of [N, h, w] after `moves` that is not the mean scene's under any smooth light: [N]."""
        here = unit(moved(pictures[:, None], moves, self.mean.shape[0], self.mean.shape[1])[:, 0]).flatten(1)
        explained = (here @ self.basis.t()).square()
        contrast = (here.square() @ self.weight.flatten()) - explained[:, :6].sum(1)  # beside the light's own
        return 1.0 - explained[:, 6:].sum(1) / (contrast + 1e-3 * self.weight.sum())

    def forward(self, picture: Tensor) -> tuple[Tensor, str]:
        """Picture [1 or 3, H, W], any type and unit -> its move [3], and "" or "not_aligned": it shows another scene.

        There is no move where that brings the picture no nearer to the usual scene.
        """
        found = small(picture)[None]
        if found.shape[1] != self.mean.shape[0] or found.shape[2] != self.mean.shape[1]:
            return torch.zeros(3), self.not_aligned
        moves, like = self.place(found)
        return moves[0], "" if bool(like[0]) else self.not_aligned

    def place(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Each of [N, h, w], as `small` makes them: its move [N, 3], and whether it shows the usual scene [N]."""
        moves = self.refine(pictures)
        still = torch.zeros_like(moves)
        allowed = (moves[:, :2].abs() <= self.most_shift).all(1) & (moves[:, 2].abs() <= self.most_turn)
        before, after = self.difference(pictures, still), self.difference(pictures, moves)
        nearer = allowed & (after < before)
        difference = torch.where(nearer, after, before)
        return torch.where(nearer[:, None], moves, still), difference <= self.most_difference
