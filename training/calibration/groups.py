"""Groups of calibration pictures (one camera, one tool, one shift): who belongs to which, and each group's own threshold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snag.core.artifact import UNJUDGED_SCORE
from snag.core.calibration import Group, is_group
from snag.core.errors import BadDataset, TooFewCalibrationPictures
from snag.labels.picture_list import read_groups
from snag.training.calibration.guarantee import promised_threshold


def groups_by_folder(paths: Sequence[Path], folder: Path) -> list[str | None]:
    """The first folder below `folder` in which each picture lies; None for those that lie in it directly."""
    inner = [path.relative_to(folder).parts if path.is_relative_to(folder) else (path.name,) for path in paths]
    return [_checked(parts[0], folder / parts[0]) if len(parts) > 1 else None for parts in inner]


def groups_by_list(paths: Sequence[Path], listed: Path, root: Path) -> list[str | None]:
    """The group that the CSV `listed` (columns path, group; paths relative to `root`) names for each picture, None for others.

    Prints what of the list does not fit. Raises what `snag.labels.picture_list.read_groups` raises, and BadDataset where it
    names not one of the pictures.
    """
    found = read_groups(listed, paths, root)
    if not any(found.of):
        raise BadDataset(detail=f"{listed} names not one of the {len(paths)} calibration pictures; expected paths below {root}")
    for remark in found.remarks(listed, "calibration"):
        print(f"warning: {remark}")
    return found.of


def calibrated_groups(
    scores: Sequence[float], names: Sequence[str | None], rate: float, kind: str, confidence: float
) -> tuple[Group, ...]:
    """Each group with its scores; those with enough pictures for the promise get a threshold of their own."""
    by_name: dict[str, list[float]] = {}
    for score, name in zip(scores, names, strict=True):
        if name is not None:
            by_name.setdefault(name, []).append(score)
    return tuple(_group(name, sorted(by_name[name]), rate, kind, confidence) for name in sorted(by_name))


def _group(name: str, scores: list[float], rate: float, kind: str, confidence: float) -> Group:
    try:
        threshold, promised = promised_threshold(scores, rate, kind, confidence)
    except TooFewCalibrationPictures:
        return Group(name, tuple(scores), None)
    if threshold >= UNJUDGED_SCORE:  # it would reject nothing but what can't be judged
        return Group(name, tuple(scores), None)
    return Group(name, tuple(scores), threshold, promised)


def _checked(name: str, where: Path) -> str:
    if not is_group(name):
        raise BadDataset(detail=f"{where}: a group is called {name!r}; expected up to 64 printable characters, not 'pooled'")
    return name
