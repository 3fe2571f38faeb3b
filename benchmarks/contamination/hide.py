"""Data sets with defective pictures hidden among the good ones, made of links; the test is the same for every share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

from snag.core.errors import BadDataset
from snag.core.picture_files import picture_files, visible_folders

#: How a hidden picture's name begins.
HIDDEN: Final = "hidden-"


def hidden_count(good: int, share: float) -> int:
    """How many defective pictures beside so many good ones make up the share."""
    return round(share * good / (1 - share))


def with_hidden(data: Path, share: float, most: float, folder: Path) -> list[str]:
    """Make `folder` of `data`: hidden pictures are `share` of train/good; their names.

    The test lacks what the greatest share, `most`, hides, so that all shares are judged by the same pictures. Raises BadDataset
    where that leaves less than a third of the defects.
    """
    good = _pictures(data / "train" / "good")
    defects = _in_turn([_pictures(kind) for kind in visible_folders(data / "test") if kind.name != "good"])
    pool = hidden_count(len(good), most)
    if pool > len(defects) * 2 / 3:
        raise BadDataset(detail=f"{data} has {len(defects)} defective pictures; {pool} of them would be hidden")
    for picture in good:
        _link(picture, folder / "train" / "good" / picture.name)
    names = []
    for picture in defects[: hidden_count(len(good), share)]:
        names.append(f"{HIDDEN}{picture.parent.name}-{picture.name}")
        _link(picture, folder / "train" / "good" / names[-1])
    for picture in (*_pictures(data / "test" / "good"), *defects[pool:]):
        _link(picture, folder / "test" / picture.parent.name / picture.name)
        mask = data / "ground_truth" / picture.parent.name / f"{picture.stem}_mask.png"
        if mask.exists():
            _link(mask, folder / "ground_truth" / picture.parent.name / mask.name)
    return names


def _in_turn(kinds: Sequence[Sequence[Path]]) -> list[Path]:
    """The first of each kind, then the second of each, and so on."""
    return [picture for one_of_each in zip_longest(*kinds) for picture in one_of_each if picture is not None]


def _pictures(folder: Path) -> list[Path]:
    return picture_files(folder).pictures


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.symlink_to(source.resolve())
