"""The exam: one look at a picture, and all that is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from snag.core.errors import SnagError, UnreadablePictures
from snag.core.picture import SUFFIXES
from snag.evaluation.labelled import GOOD
from snag.evaluation.shortcuts import features, grey_of
from snag.labels.folder_names import means_good
from snag.training.data.dataset import read
from snag.training.data.survey import PictureSummary, in_threads, summarise

#: Folder of the pictures that training takes, relative to the data set.
TRAIN: Final = f"train/{GOOD}"
_TILE: Final = 160  #: pixels of a tile's long side


@dataclass(frozen=True)
class Exam:
    """One readable picture."""

    name: str  #: path relative to the data set, with forward slashes
    folder: str  #: TRAIN, "test/good" or "test/<defect>"
    encoding: str  #: format and pixels, e.g. "PNG, grey"
    summary: PictureSummary
    features: tuple[float, ...]  #: shortcuts.FEATURES of the grey picture
    clipped: float  #: share of pixels at the brightest or the darkest value there is
    tile: Tensor  #: [c, h, w] in 0..1, small

    @property
    def brightness(self) -> float:
        """Mean grey value, 0..1."""
        return self.features[0]

    @property
    def is_bad(self) -> bool:
        """Whether the picture is said to show a defect."""
        return self.folder not in (TRAIN, f"test/{GOOD}")


def pictures_to_examine(data: Path) -> list[Path]:
    """train/good and the folders of test/, in this order, each sorted; of what a name like Good means nobody knows."""
    folders = [data / TRAIN, *sorted(data.glob("test/*/"), key=lambda folder: (folder.name != GOOD, folder.name))]
    return [path for folder in folders if not means_good(folder.name) for path in _pictures(folder)]


def examine_all(data: Path) -> list[Exam]:
    """Look at every picture; those that can't be read are left out, for the layout's check names them."""

    def examined(path: Path) -> Exam | None:
        try:
            return examine(path, data)
        except UnreadablePictures:
            return None

    return [exam for exam in in_threads(examined, pictures_to_examine(data), "look") if exam is not None]


def examine(path: Path, data: Path) -> Exam:
    """Look at one picture. Raises UnreadablePictures."""
    pixels = read(path)
    grey = grey_of(pixels) / 255.0
    return Exam(
        name=path.relative_to(data).as_posix(),
        folder=_folder(path, data),
        encoding=_encoding(path),
        summary=summarise(pixels),
        features=features(grey),
        clipped=float(((grey <= 0.0) | (grey >= 1.0)).mean()),
        tile=tile_of(pixels.float() / 255.0),
    )


def tile_of(values: Tensor) -> Tensor:
    """[c, h, w] at most _TILE pixels on a side."""
    scale = min(1.0, _TILE / max(values.shape[1:]))
    size = [max(1, round(side * scale)) for side in values.shape[1:]]
    small: Tensor = functional.interpolate(values[None], size, mode="bilinear", antialias=True)[0]
    return small.clamp(0, 1).to(torch.float32)


def _pictures(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()))


def _folder(path: Path, data: Path) -> str:
    parts = path.relative_to(data).parts
    return "/".join(parts[:2])


def _encoding(path: Path) -> str:
    """Format and pixels by the header alone."""
    try:
        with Image.open(path) as image:
            names = {"L": "grey", "1": "black and white", "P": "palette"}
            mode = "grey, 16 bit" if image.mode.startswith("I") else names.get(image.mode, image.mode)
            return f"{image.format}, {mode}"
    except (OSError, SnagError):
        return "unknown"
