"""The exam: one look at a picture, and all that is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from snag.core.display import displayed
from snag.core.errors import SnagError, UnreadablePictures
from snag.core.file_names import spelled
from snag.core.picture import PictureLimits
from snag.core.picture_files import picture_files
from snag.core.samples import is_deep
from snag.evaluation.labelled import GOOD, labelled_pictures
from snag.evaluation.shortcuts import features, grey_of
from snag.training.data.dataset import LIMITS, read
from snag.training.data.survey import PictureSummary, in_threads, summarise

#: Folder of the pictures that training takes, relative to the data set.
TRAIN: Final = f"train/{GOOD}"
_TILE: Final = 160  #: pixels of a tile's long side


@dataclass(frozen=True)
class Exam:
    """One readable picture."""

    name: str  #: path relative to the data set, with forward slashes, as `snag.core.file_names` spells it
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
    """train/good and the folders of test/, in this order, each sorted."""
    return [*picture_files(data / TRAIN).pictures, *(picture.path for picture in labelled_pictures(data))]


def examine_all(paths: Sequence[Path], data: Path, limits: PictureLimits = LIMITS) -> list[Exam]:
    """Look at these pictures of a data set; those that can't be read are left out, for the layout's check names them."""

    def examined(path: Path) -> Exam | None:
        try:
            return examine(path, data, limits)
        except UnreadablePictures:
            return None

    return [exam for exam in in_threads(examined, paths, "look") if exam is not None]


def examine(path: Path, data: Path, limits: PictureLimits = LIMITS) -> Exam:
    """Look at one picture. Raises UnreadablePictures."""
    pixels = read(path, limits)
    grey = grey_of(pixels) / 255.0
    return Exam(
        name=spelled(path.relative_to(data).as_posix()),
        folder=_folder(path, data),
        encoding=_encoding(path),
        summary=summarise(pixels),
        features=features(grey),
        clipped=float(((grey <= 0.0) | (grey >= 1.0)).mean()),
        tile=tile_of(displayed(pixels) / 255.0),
    )


def tile_of(values: Tensor) -> Tensor:
    """[c, h, w] at most _TILE pixels on a side."""
    scale = min(1.0, _TILE / max(values.shape[1:]))
    size = [max(1, round(side * scale)) for side in values.shape[1:]]
    small: Tensor = functional.interpolate(values[None], size, mode="bilinear", antialias=True)[0]
    return small.clamp(0, 1).to(torch.float32)


def _folder(path: Path, data: Path) -> str:
    parts = path.relative_to(data).parts
    return spelled("/".join(parts[:2]))


def _encoding(path: Path) -> str:
    """Format and pixels by the header alone."""
    try:
        with Image.open(path) as image:
            names = {"L": "grey", "1": "black and white", "P": "palette"}
            kind = names.get(image.mode, "grey" if image.mode.startswith("I") else image.mode)
            return f"{image.format}, {kind}{', 16 bit' if is_deep(image) else ''}"
    except (OSError, SnagError):
        return "unknown"
