"""Labelled pictures: the test part of a data folder in the MVTec AD layout, and its ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from torch import Tensor

from snag.core.errors import BadDataset, SnagError
from snag.core.picture import SUFFIXES, decode
from snag.labels import folder_names, mask
from snag.labels.folder_names import means_good
from snag.labels.mask import Mask
from snag.labels.mask_files import MaskFiles, mask_files

#: The folder of good pictures; every other folder under test/ is a kind of defect.
GOOD: Final = folder_names.GOOD


@dataclass(frozen=True)
class LabelledPicture:
    """One picture of test/."""

    path: Path
    name: str  #: path relative to the data folder, with forward slashes
    kind: str  #: the name of the folder below test/: "good" or the defect's
    mask_path: Path | None  #: ground_truth/<kind>/<same path>_mask.png or of another of the names that masks have, where it is
    group: str | None = None  #: camera, tool or shift, where it is known
    mask_fault: str | None = None  #: why it can't be said which mask is its own

    @property
    def is_bad(self) -> bool:
        """Whether the picture shows a defect."""
        return self.kind != GOOD


def labelled_pictures(data: Path) -> list[LabelledPicture]:
    """Every picture of DATA/test, good first, then by defect and name; empty without test/. Raises BadDataset.

    A folder that is not called "good" but probably means it is neither: its pictures are left out, see `remarks`.
    """
    if not data.is_dir():
        raise BadDataset(detail=f"{data} is not a folder; expected one with test/{GOOD}, test/<defect>, ground_truth/<defect>")
    test = data / "test"
    folders = [folder for folder in test.iterdir() if folder.is_dir()] if test.is_dir() else []
    paths = [
        path
        for folder in sorted(folders, key=lambda folder: (folder.name != GOOD, folder.name))
        if not means_good(folder.name)
        for path in pictures_below(folder)  # below it may be folders, one for each group
    ]
    masks = masks_of(data, paths)
    return [_labelled(data, path, masks) for path in paths]


def pictures_below(folder: Path) -> list[Path]:
    """Every picture in the folder or below it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def masks_of(data: Path, pictures: list[Path]) -> MaskFiles:
    """The masks of DATA/ground_truth that belong to these pictures of DATA/test."""
    truth = data / "ground_truth"
    return mask_files(
        [path.relative_to(data / "test") for path in pictures], [path.relative_to(truth) for path in pictures_below(truth)]
    )


def read_picture(path: Path) -> Tensor:
    """Decode a file, see snag.core.picture.decode. Raises BadDataset for one that can't be opened, or the decoder's errors."""
    return decode(_read(path))


def read_mask(path: Path, height: int, width: int) -> Mask:
    """Ground truth, see `snag.labels.mask`.

    Raises BadDataset when it can't be read, has another size than its picture, marks nothing or is probably inverted.
    """
    try:
        found = mask.read_mask(_read(path))
    except SnagError as error:
        raise BadDataset(detail=f"{path.name} can't be read: {error}") from error
    if fault := found.fault(height, width):
        raise BadDataset(detail=f"{path.name} {fault[1]}")
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadDataset(detail=f"{path}: {error.strerror}") from error


def _labelled(data: Path, path: Path, masks: MaskFiles) -> LabelledPicture:
    name = path.relative_to(data)
    place = PurePath(*name.parts[1:])
    is_good = name.parts[1] == GOOD
    found = None if is_good else masks.of.get(place)
    return LabelledPicture(
        path,
        name.as_posix(),
        kind=name.parts[1],
        mask_path=None if found is None else data / "ground_truth" / found,
        mask_fault=None if is_good else masks.ambiguous.get(place),
    )
