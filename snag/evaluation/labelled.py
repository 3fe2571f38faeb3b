"""Labelled pictures: the test part of a data folder in the MVTec AD layout, and its ground truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from torch import Tensor

from snag.core.errors import BadDataset, SnagError
from snag.core.file_names import spelled
from snag.core.left_out import LeftOut, Reason
from snag.core.picture import DEFAULT_LIMITS, PictureLimits, decode
from snag.core.picture_files import PictureFiles, picture_files
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
    name: str  #: path relative to the data folder, with forward slashes, as `snag.core.file_names` spells it
    kind: str  #: the name of the folder below test/: "good" or the defect's
    mask_path: Path | None  #: ground_truth/<kind>/<same path>_mask.png or of another of the names that masks have, where it is
    group: str | None = None  #: camera, tool or shift, where it is known
    mask_fault: str | None = None  #: why it can't be said which mask is its own

    @property
    def is_bad(self) -> bool:
        """Whether the picture shows a defect."""
        return self.kind != GOOD


@dataclass(frozen=True)
class LabelledFolder:
    """The labelled pictures of a data folder, and what else lies in its test/ and ground_truth/."""

    pictures: list[LabelledPicture]  #: good first, then by defect and name
    left_out: LeftOut  #: of test/: what is no picture, and what lies in no folder of a kind
    like_good: Mapping[str, int]  #: folders of test/ that are not called "good" but probably mean it -> pictures, none is read
    stray_masks: Sequence[PurePath]  #: below ground_truth/: those of defects that belong to no picture, sorted


def labelled_pictures(data: Path) -> list[LabelledPicture]:
    """Every picture of DATA/test, good first, then by defect and name; empty without test/. Raises BadDataset.

    A folder that is not called "good" but probably means it is neither: its pictures are left out, see `remarks`.
    """
    return labelled_folder(data).pictures


def labelled_folder(data: Path) -> LabelledFolder:
    """The same with what else lies there: test/ and ground_truth/ are walked once each. Raises BadDataset."""
    if not data.is_dir():
        raise BadDataset(detail=f"{data} is not a folder; expected one with test/{GOOD}, test/<defect>, ground_truth/<defect>")
    test = picture_files(data / "test")
    may_be_good = {kind: means_good(kind) for kind in {_below(path, test)[0] for path in test.pictures}}
    paths, like_good = [], Counter[str]()
    for path in test.pictures:
        kind, *below = _below(path, test)  # below a kind may be folders, one for each group
        if not below:
            test.left_out.add(Reason.PLACE, path.name)
        elif may_be_good[kind]:
            like_good[kind] += 1
        else:
            paths.append(path)
    paths.sort(key=lambda path: (_below(path, test)[0] != GOOD, _below(path, test)))
    truth = picture_files(data / "ground_truth")
    masks = mask_files(
        [PurePath(*_below(path, test)) for path in paths], [PurePath(*_below(path, truth)) for path in truth.pictures]
    )
    strays = [mask for mask in masks.strays if mask.parts[0] != GOOD]
    return LabelledFolder([_labelled(data, path, masks) for path in paths], test.left_out, like_good, strays)


def read_picture(path: Path, limits: PictureLimits = DEFAULT_LIMITS) -> Tensor:
    """Decode a file, see snag.core.picture.decode. Raises BadDataset for one that can't be opened, or the decoder's errors."""
    return decode(_read(path), limits)


def read_mask(path: Path, height: int, width: int) -> Mask:
    """Ground truth, see `snag.labels.mask`.

    Raises BadDataset when it can't be read, has another size than its picture, marks nothing or is probably inverted.
    """
    size = max(DEFAULT_LIMITS.max_pixels, height * width), max(DEFAULT_LIMITS.max_side, height, width)
    try:
        found = mask.read_mask(_read(path), PictureLimits(*size, raw_shape=None))  # as large as its picture is always fine
    except SnagError as error:
        raise BadDataset(detail=f"{spelled(path.name)} can't be read: {error}") from error
    if fault := found.fault(height, width):
        raise BadDataset(detail=f"{spelled(path.name)} {fault[1]}")
    return found


def _below(path: Path, files: PictureFiles) -> tuple[str, ...]:
    return path.relative_to(files.folder).parts


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
        spelled(name.as_posix()),
        kind=spelled(name.parts[1]),
        mask_path=None if found is None else data / "ground_truth" / found,
        mask_fault=None if is_good else masks.ambiguous.get(place),
    )
