"""Groups of test pictures (one camera, one tool, one shift): named as those of the calibration are, by folders or a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snag.evaluation.labelled import LabelledPicture
from snag.labels.picture_list import read_groups


def grouped(pictures: Sequence[LabelledPicture], listed: Path | None, root: Path) -> tuple[list[LabelledPicture], list[str]]:
    """The pictures with their groups, and what of the list does not fit, as sentences.

    A group is the first folder below test/<kind>, or what a CSV (columns path, group) says, its paths relative to `root`.
    Raises what `snag.labels.picture_list.read_groups` raises.
    """
    if listed is None:
        return [replace(picture, group=_folder(picture)) for picture in pictures], []
    found = read_groups(listed, [picture.path for picture in pictures], root)
    named = [replace(picture, group=group) for picture, group in zip(pictures, found.of, strict=True)]
    return named, found.remarks(listed, "test")


def _folder(picture: LabelledPicture) -> str | None:
    _, _, *below = Path(picture.name).parts
    return below[0] if len(below) > 1 else None
