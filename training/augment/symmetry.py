"""Which symmetries good pictures have: then each is worth several, and what lies the other way round is no defect.

A change that keeps good pictures good puts them as near to other good pictures as they were. Distances are between descriptions
by cells: each one's tones and gradients (after HOG, Dalal & Triggs, CVPR 2005; signed, since light comes from one side).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, overload

import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.registration import theta

#: Pictures are compared at this size, in cells of so many pixels.
_SIDE: Final = 192
_CELL: Final = 24
_DIRECTIONS: Final = 8
#: Changed pictures may lie this many times as far from the nearest good one, by the median; resampling alone takes some ...
NEAR: Final = 1.15
#: ... and by what is summed up over the whole picture, where distances are small and vary more.
NEAR_OVERALL: Final = 1.5
#: Pictures that are compared; more only cost time. With fewer than the least, chance decides what is nearest.
_ENOUGH: Final = 120
_LEAST: Final = 20
#: Angles that stand for all of them, degrees: pictures that allow these allow any.
_ANGLES: Final = (20.0, 45.0, 110.0)
#: Degrees by which both are turned that are compared, so that both are resampled and lack their corners.
_TILT: Final = 10.0
#: Degrees between the turns of a picture that allows any.
_TURN: Final = 45


@dataclass(frozen=True)
class Symmetry:
    """What may be done to a good picture."""

    flip: bool = False  #: mirrored, left to right
    half_turn: bool = False  #: turned by 180 degrees
    any_turn: bool = False  #: turned by any angle

    def __str__(self) -> str:
        """For people."""
        turns = ["turned by any angle"] if self.any_turn else ["turned by 180 degrees"] if self.half_turn else []
        return " and ".join((["mirrored"] if self.flip else []) + turns) or "none"


def symmetry(pictures: Sequence[Tensor]) -> Symmetry:
    """Find it by good prepared pictures [c, h, w] of any sizes."""
    some = pictures[:: max(1, math.ceil(len(pictures) / _ENOUGH))]
    if len(some) < _LEAST:
        return Symmetry()
    squares = torch.cat([_square(picture) for picture in some])
    tilted = _turned(squares, _TILT)  # what a turn's resampling does has no say
    return Symmetry(
        flip=_keep(squares, squares.flip(3)),
        half_turn=_keep(squares, squares.flip(2, 3)),
        any_turn=all(_keep(tilted, _turned(squares, _TILT + angle)) for angle in _ANGLES),
    )


class SymmetricCopies(Sequence[Tensor]):
    """Good pictures [c, h, w], and what each might as well have been, itself first; each made when it is asked for.

    Turned ones have their corners filled by what lies beside.
    """

    def __init__(self, pictures: Sequence[Tensor], allowed: Symmetry) -> None:
        """`each`: how many there are of a picture; copy n of picture i is the one of number i * each + n."""
        self._pictures, self._by_any = pictures, allowed.any_turn
        angles = range(0, 360, _TURN) if allowed.any_turn else (0, 180) if allowed.half_turn else (0,)
        flips = (False, True) if allowed.flip else (False,)
        self._ways = [(flip, angle) for flip in flips for angle in angles]
        self.each = len(self._ways)

    def __len__(self) -> int:
        """How many there are of all."""
        return self.each * len(self._pictures)

    @overload
    def __getitem__(self, which: int) -> Tensor: ...

    @overload
    def __getitem__(self, which: slice) -> list[Tensor]: ...

    def __getitem__(self, which: int | slice) -> Tensor | list[Tensor]:
        """One of them, or some."""
        if isinstance(which, slice):
            return [self[number] for number in range(*which.indices(len(self)))]
        if not -len(self) <= which < len(self):
            raise IndexError(which)
        picture = self._pictures[which % len(self) // self.each]
        flip, angle = self._ways[which % self.each]
        copy = picture.flip(2) if flip else picture
        if self._by_any:
            return rotated(copy[None], angle, "reflection")[0]
        return copy.flip(1, 2) if angle else copy


def _square(picture: Tensor) -> Tensor:
    """[c, h, w] -> [1, c, side, side] of zero mean and unit deviation."""
    small = functional.interpolate(picture[None].float(), [_SIDE, _SIDE], mode="bilinear", antialias=True)
    return (small - small.mean()) / small.std().clamp(min=1e-3)


def _keep(pictures: Tensor, changed: Tensor) -> bool:
    """Whether pictures [N, c, side, side], `changed`, lie as near to the others as they lie unchanged."""
    before, after = _description(pictures), _description(changed)
    return all(_further(known, asked) <= near for known, asked, near in zip(before, after, (NEAR, NEAR_OVERALL), strict=True))


def _further(known: Tensor, asked: Tensor) -> float:
    """How many times as far `asked` [N, d] lie from the nearest of the others as those that they were made of, `known`."""
    usual, changed = (_nearest(described, known).median() for described in (known, asked))
    return float(changed / usual) if usual > 0 else (1.0 if changed <= 1e-6 else math.inf)


def _nearest(asked: Tensor, known: Tensor) -> Tensor:
    """Distance of each [N, d] to the nearest of the others, [N]; not to the picture that it was made of."""
    return torch.cdist(asked, known).fill_diagonal_(math.inf).amin(1)


def _description(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """[N, c, side, side] -> gradients in each direction and tones by cells [N, d], and each direction's share over all [N, 8].

    Gradients are squared before they are summed up: what rises slowly and falls fast does otherwise when turned over. Of a
    texture, whose cells are never twice the same, the whole tells what no cell does.
    """
    grey = pictures.mean(1)
    down = functional.pad(grey.diff(dim=1), [0, 0, 0, 1])
    right = functional.pad(grey.diff(dim=2), [0, 1])
    strength, heading = torch.hypot(down, right), torch.atan2(down, right)
    at = [2.0 * math.pi * step / _DIRECTIONS for step in range(_DIRECTIONS)]
    parts = torch.stack([(strength * torch.cos(heading - angle).clamp(min=0.0) ** 2) ** 2 for angle in at], 1)
    gradients = functional.avg_pool2d(parts, _CELL).sqrt().flatten(1)
    tones = functional.avg_pool2d(pictures, _CELL).flatten(1) / math.sqrt(pictures.shape[1])
    overall = parts.mean((2, 3))
    return torch.cat([gradients, tones], 1), overall / overall.sum(1, keepdim=True).clamp(min=1e-9)


def _turned(pictures: Tensor, angle: float) -> Tensor:
    """By degrees, and nothing outside of the circle that stays in the picture."""
    return _disc() * rotated(pictures, angle, "zeros")


def rotated(pictures: Tensor, angle: float, beyond: str) -> Tensor:
    """[N, c, h, w] turned by `angle` degrees, as seen in pixels; `beyond` the picture lie "zeros" or its "reflection"."""
    turn = torch.tensor([[0.0, 0.0, math.radians(angle)]]).expand(len(pictures), 3)
    grid = functional.affine_grid(theta(turn, *pictures.shape[2:]), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode=beyond, align_corners=False)


def _disc() -> Tensor:
    """[side, side]: 1 in the circle that any turn leaves inside."""
    along = torch.linspace(-1.0, 1.0, _SIDE)
    return (torch.hypot(along[:, None], along[None, :]) < 1.0).float()
