"""Labelled pictures: the test part of a data folder in the MVTec AD layout, and its ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from torch import Tensor

from snag.core.errors import BadDataset, SnagError
from snag.core.file_names import spelled
from snag.core.left_out import LeftOut, Reason
from snag.core.picture import DEFAULT_LIMITS, PictureLimits, decode
from snag.core.picture_files import picture_files

#: The folder of good pictures; every other folder under test/ is a kind of defect.
GOOD: Final = "good"


@dataclass(frozen=True)
class LabelledPicture:
    """One picture of test/."""

    path: Path
    name: str  #: path relative to the data folder, with forward slashes, as `snag.core.file_names` spells it
    kind: str  #: the name of the folder below test/: "good" or the defect's
    mask_path: Path | None  #: ground_truth/<kind>/<same path>_mask.png, where that file exists
    group: str | None = None  #: camera, tool or shift, where it is known

    @property
    def is_bad(self) -> bool:
        """Whether the picture shows a defect."""
        return self.kind != GOOD


def labelled_pictures(data: Path) -> list[LabelledPicture]:
    """Every picture of DATA/test, good first, then by defect and name; empty without test/. Raises BadDataset."""
    if not data.is_dir():
        raise BadDataset(detail=f"{data} is not a folder; expected one with test/{GOOD}, test/<defect>, ground_truth/<defect>")
    test = data / "test"
    found = [(path.relative_to(test).parts, path) for path in picture_files(test).pictures]
    return [
        LabelledPicture(path, spelled(path.relative_to(data).as_posix()), spelled(kind), _mask_of(data, test / kind, path))
        for (kind, *below), path in sorted(found, key=lambda one: (one[0][0] != GOOD, one[0]))
        if below  # folders, one for each group, and the picture
    ]


def left_out_of_test(data: Path) -> LeftOut:
    """What of DATA/test is not among the labelled pictures: what is none, and what lies in no folder of a kind."""
    found = picture_files(data / "test")
    for path in found.pictures:
        if path.parent == found.folder:
            found.left_out.add(Reason.PLACE, path.name)
    return found.left_out


def read_picture(path: Path, limits: PictureLimits = DEFAULT_LIMITS) -> Tensor:
    """Decode a file, see snag.core.picture.decode. Raises BadDataset for one that can't be opened, or the decoder's errors."""
    try:
        return decode(path.read_bytes(), limits)
    except OSError as error:
        raise BadDataset(detail=f"{path}: {error.strerror}") from error


def read_mask(path: Path, height: int, width: int) -> np.ndarray:
    """Ground truth as bool [height, width], true where any channel is not 0.

    Raises BadDataset when it can't be read, has another size than its picture, or marks nothing.
    """
    size = max(DEFAULT_LIMITS.max_pixels, height * width), max(DEFAULT_LIMITS.max_side, height, width)
    try:
        pixels = read_picture(path, PictureLimits(*size, white=None))  # as large as its picture is always fine
    except SnagError as error:
        raise BadDataset(detail=f"{path.name} can't be read: {error}") from error
    if tuple(pixels.shape[1:]) != (height, width):
        found = f"{pixels.shape[2]} x {pixels.shape[1]}"
        raise BadDataset(detail=f"{path.name} has {found} pixels; expected {width} x {height} as its picture")
    mask = np.any(pixels.numpy() > 0, axis=0)
    if not mask.any():
        raise BadDataset(detail=f"{path.name} marks nothing; expected the defect in white")
    return mask


def _mask_of(data: Path, folder: Path, path: Path) -> Path | None:
    if folder.name == GOOD:
        return None
    mask = data / "ground_truth" / folder.name / path.relative_to(folder).with_name(f"{path.stem}_mask.png")
    return mask if mask.is_file() else None
