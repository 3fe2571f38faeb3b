"""`python -m benchmarks.augmentation`: augmentation's pieces by torchvision and by torch alone, beside a step of training.

Both sides draw the same numbers, so that their pictures can be compared: away from the edge they differ by rounding alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import torch
from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2.functional import InterpolationMode, affine, center_crop, pad

from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text
from snag.training.augment.augment import apply_camera, apply_geometry, augment
from snag.training.augment.augmentation import Augmentation
from snag.training.augment.default_augmentation import FULL_TURN, default_augmentation
from snag.training.augment.defects import add_defects
from snag.training.augment.symmetry import Symmetry
from snag.training.augment.variation import Variation
from snag.training.learner import Learner
from snag.training.modes import FALLBACK
from snag.training.run.hardware import Hardware
from snag.training.settings import settle, train_settings

#: Channels, and rows and columns, multiples of 16: about 30,000 pixels are what a part is looked at in, 60,000 a surface.
PICTURES: Final = tuple(product((1, 3), ((144, 208), (208, 288))))


class AugmentationSettings(Settings):
    """Time both sides by turns on one thread, and take the fastest of each."""

    batch: int = Field(8, ge=1, description="pictures a batch")
    repeats: int = Field(15, ge=1, description="times that each side is timed")
    out: Path = Field(Path("runs/augmentation/table.md"), description="the table")


Side = Callable[[Tensor, Augmentation, torch.Generator], Tensor]


@dataclass(frozen=True)
class Piece:
    """A part of augmentation, made in both ways."""

    name: str
    how: Augmentation
    by_torch: Side
    by_torchvision: Side


def uniform(count: int, reach: float, random: torch.Generator) -> Tensor:
    """[count], either way, as training draws them."""
    return (torch.rand(count, generator=random) * 2.0 - 1.0) * reach


def move(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """Geometry by torchvision, which fills with a constant: padded first, then moved one by one, then cropped."""
    count, _, height, width = pictures.shape
    turns = how.rotation >= 45.0
    angles = uniform(count, how.rotation, random).tolist()
    uniform(count, how.shear, random)
    zooms = (1.0 + uniform(count, how.zoom, random)).tolist()
    right, down = (uniform(count, how.shift, random) * width).tolist(), (uniform(count, how.shift, random) * height).tolist()
    beyond = 0.5 * (math.hypot(height, width) - min(height, width)) if turns else 0.5 * max(height, width) * math.sin(0.06)
    margin = min(min(height, width) - 1, math.ceil(beyond + (how.shift + how.zoom) * max(height, width)) + 2)
    padded = pad(pictures, [margin] * 4, padding_mode="reflect" if turns else "edge")
    moved = [
        _move_picture(picture, -angle, zoom, x, y)
        for picture, angle, zoom, x, y in zip(padded, angles, zooms, right, down, strict=True)
    ]
    return center_crop(torch.stack(moved), [height, width])


def _move_picture(picture: Tensor, angle: float, zoom: float, right: float, down: float) -> Tensor:
    """What lies `right` and `down` of the middle comes to it; training's grid says where from, torchvision where to."""
    cos, sin = zoom * math.cos(math.radians(angle)), zoom * math.sin(math.radians(angle))
    to = [-(cos * right - sin * down), -(sin * right + cos * down)]
    return affine(picture, angle, to, zoom, [0.0, 0.0], InterpolationMode.BILINEAR)


def bend(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """Tone curves by torch alone: all of the batch at once."""
    exponents = 1.0 + uniform(len(pictures), how.gamma, random)
    low, high = pictures.amin((1, 2, 3), keepdim=True), pictures.amax((1, 2, 3), keepdim=True)
    bent = ((pictures - low) / (high - low).clamp(min=1e-6)).pow(exponents.view(-1, 1, 1, 1))
    spread, mean = torch.std_mean(bent, (1, 2, 3), keepdim=True)
    wanted, middle = torch.std_mean(pictures, (1, 2, 3), keepdim=True)
    return (bent - mean) / spread.clamp(min=1e-6) * wanted + middle


def blur(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """Blur by torch alone: rows, then columns, with the edge repeated."""
    sigmas = (torch.rand(len(pictures), generator=random) * how.blur).tolist()
    return torch.stack([_blur_picture(picture, sigma) for picture, sigma in zip(pictures, sigmas, strict=True)])


def _blur_picture(picture: Tensor, sigma: float) -> Tensor:
    if sigma < 0.25:
        return picture
    reach = math.ceil(2.5 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1).expand(len(picture), 1, 1, -1)
    padded = functional.pad(picture[None], (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel, groups=len(picture))
    return functional.conv2d(rows, kernel.transpose(2, 3), groups=len(picture))[0]


_DEFAULT: Final = default_augmentation(train_settings([]), FALLBACK.augmentation, Symmetry())
PIECES: Final = (
    Piece("moves", Augmentation(rotation=_DEFAULT.rotation, shift=_DEFAULT.shift, zoom=_DEFAULT.zoom), apply_geometry, move),
    Piece("any turn", Augmentation(rotation=FULL_TURN, shift=_DEFAULT.shift, zoom=_DEFAULT.zoom), apply_geometry, move),
    Piece("tone curve", Augmentation(gamma=_DEFAULT.gamma), bend, apply_camera),
    Piece("blur", Augmentation(blur=_DEFAULT.blur), blur, apply_camera),
)


def augmentation(settings: AugmentationSettings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    rows = [row for channels, size in PICTURES for row in _rows(settings, channels, size)]
    head = ("pictures", "piece", "torch ms", "torchvision ms", "ratio", "difference inside", "step ms", "step longer by %")
    text = f"{machine()}batches of {settings.batch}, one thread, fastest of {settings.repeats}\n\n{table(head, rows)}"
    write_text(settings.out, text)
    Console(width=140).print(Markdown(text))


def _rows(settings: AugmentationSettings, channels: int, size: tuple[int, int]) -> Sequence[tuple[object, ...]]:
    noise = torch.randn(settings.batch, channels, *size, generator=torch.Generator().manual_seed(0))
    pictures = 0.5 + 0.3 * functional.avg_pool2d(noise, 5, 1, 2, count_include_pad=False)  # as prepared, and not too fine
    (step,) = fastest(min(3, settings.repeats), [training_step(pictures)])
    rows = []
    for piece in PIECES:
        seconds = fastest(settings.repeats, [_by(piece.by_torch, piece, pictures), _by(piece.by_torchvision, piece, pictures)])
        made = [by(pictures, piece.how, torch.Generator().manual_seed(1)) for by in (piece.by_torch, piece.by_torchvision)]
        own, library = (1e3 * each for each in seconds)
        apart = float((made[0] - made[1]).abs()[..., size[0] // 4 : -size[0] // 4, size[1] // 4 : -size[1] // 4].max())
        longer = 100.0 * (library - own) / (1e3 * step)
        shape = f"{settings.batch} x {channels} x {size[0]} x {size[1]}"
        rows.append((shape, piece.name, own, library, library / own, apart, 1e3 * step, f"{longer:+.2f}"))
    return rows


def _by(side: Side, piece: Piece, pictures: Tensor) -> Callable[[], object]:
    """The same draws each time: what a blur takes hangs on them."""
    return lambda: side(pictures, piece.how, torch.Generator().manual_seed(2))


def training_step(pictures: Tensor) -> Callable[[], object]:
    """A whole step of training on surfaces by the default preset: augmentation, defects, networks there and back."""
    settings = settle(train_settings([]), FALLBACK, 100)
    learner = Learner(settings, pictures.shape[1], Hardware(torch.device("cpu"), half=False))
    tensors, numbers = torch.Generator().manual_seed(3), np.random.default_rng(3)
    where = np.ones(pictures.shape[2:], dtype=np.float32)

    def step() -> None:
        clean = augment(pictures, _DEFAULT, tensors)
        shown, mask = add_defects(clean.numpy(), where, numbers, FALLBACK.defects, background=None, variation=Variation())
        learner.step(torch.from_numpy(shown), clean, torch.from_numpy(mask), 1e-3)

    return step


def fastest(repeats: int, sides: Sequence[Callable[[], object]]) -> list[float]:
    """Seconds of each, by turns, once all have been warmed up."""
    best = [math.inf] * len(sides)
    for side in sides:
        side()
    for _ in range(repeats):
        for number, side in enumerate(sides):
            start = time.perf_counter()
            side()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: augmentation(from_flags(AugmentationSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
