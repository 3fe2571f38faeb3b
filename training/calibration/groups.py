"""Groups of calibration pictures (one camera, one tool, one shift): who belongs to which, each one's threshold, and the rest's.

The rest is every picture whose group has too few for a threshold of its own, and of no group (Mondrian conformal: one category
for each large group, one for all others together).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snag.core.artifact import UNJUDGED_SCORE
from snag.core.errors import BadDataset, TooFewCalibrationPictures
from snag.core.file_names import spelled
from snag.core.group import POOLED, REST, Group, is_group
from snag.labels.picture_list import read_groups
from snag.training.calibration.guarantee import promised_threshold, with_left_out


def groups_by_folder(paths: Sequence[Path], folder: Path) -> list[str | None]:
    """The first folder below `folder` in which each picture lies; None for those that lie in it directly."""
    inner = [path.relative_to(folder).parts if path.is_relative_to(folder) else (path.name,) for path in paths]
    return [_checked(spelled(parts[0]), folder / parts[0]) if len(parts) > 1 else None for parts in inner]


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


def scores_by_group(scores: Sequence[float], names: Sequence[str | None]) -> dict[str, list[float]]:
    """The scores of each named group, sorted; the groups in the order of their names."""
    found: dict[str, list[float]] = {}
    for name, score in sorted((name, score) for score, name in zip(scores, names, strict=True) if name is not None):
        found.setdefault(name, []).append(score)
    return found


def calibrated_groups(
    scores: Sequence[float],
    names: Sequence[str | None],
    rate: float,
    kind: str,
    confidence: float,
    left_out: Sequence[tuple[str | None, float]] = (),
) -> tuple[tuple[Group, ...], Group | None]:
    """Each group with its scores, and the rest; those with enough pictures for the promise get a threshold of their own.

    The rest are all pictures of groups without one, and of no group; None where every group has one. `left_out` are group and
    score of pictures that were left out as no good parts.
    """
    groups = tuple(
        _group(name, some, [score for group, score in left_out if group == name], rate, kind, confidence)
        for name, some in scores_by_group(scores, names).items()
    )
    own = {group.name for group in groups if group.threshold is not None}
    if len(own) == len(groups):
        return groups, None
    members = sorted(score for score, name in zip(scores, names, strict=True) if name not in own)
    return groups, _group(REST, members, [score for name, score in left_out if name not in own], rate, kind, confidence)


def _group(name: str, scores: Sequence[float], left_out: Sequence[float], rate: float, kind: str, confidence: float) -> Group:
    try:
        threshold, promised = promised_threshold(scores, rate, kind, confidence)
    except TooFewCalibrationPictures:
        return Group(name, tuple(scores), None)
    if threshold >= UNJUDGED_SCORE:  # it would reject nothing but what can't be judged
        return Group(name, tuple(scores), None)
    return Group(name, tuple(scores), threshold, with_left_out(promised, threshold, scores, left_out))


def _checked(name: str, where: Path) -> str:
    if not is_group(name):
        raise BadDataset(
            detail=f"{where}: a group is called {name!r}; expected up to 64 printable characters, not {POOLED!r} or {REST!r}"
        )
    return name
