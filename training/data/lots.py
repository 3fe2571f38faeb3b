"""Lots of good pictures (a day, a delivery, a session): where the split is by lots, whole ones fit or calibrate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from snag.core.errors import BadConfig, BadDataset
from snag.labels.picture_list import read_column

FOLDER: Final = "folder"  #: the first folder below train/good
DATE: Final = "date"  #: the day of the file's modification time
_NAMED: Final = 5  #: lots that a sentence names


def lots_of(how: str, names: Sequence[str], data: Path) -> list[str]:
    """The lot of each good picture, named relative to `data`: by FOLDER, by DATE, or by the CSV `how` (path, lot).

    Raises BadConfig for a file that can't be read, BadDataset for pictures of no lot.
    """
    if how == DATE:
        return [datetime.fromtimestamp((data / name).stat().st_mtime).astimezone().date().isoformat() for name in names]
    if how == FOLDER:
        parts = [name.split("/")[2:] for name in names]
        found: list[str | None] = [inner[0] if len(inner) > 1 else None for inner in parts]
        expected = "expected every good picture in a folder of its lot, as train/good/<lot>/<picture>"
    else:
        if not Path(how).is_file():
            raise BadConfig(detail=f"lots = {how}: expected {FOLDER}, {DATE} or a CSV with the columns path and lot")
        found = read_column(Path(how), "lot", [data / name for name in names], data).of
        expected = "expected a line for every good picture, its path relative to the data set, as train/good/<picture>"
    if without := [name for name, lot in zip(names, found, strict=True) if lot is None]:
        raise BadDataset(detail=f"{len(without)} of {len(names)} good pictures are of no lot, first {without[0]}; {expected}")
    return [lot for lot in found if lot is not None]


def split_lots(lots: Sequence[str], parts: Sequence[int], sizes: Sequence[int], random: np.random.Generator) -> list[int]:
    """Where each picture goes, with its whole lot: 0 standardises, 1 calibrates, 2 fits.

    `parts` is the part that each picture shows, `sizes` how many parts shall standardise and calibrate, at least. Lots
    are drawn until there are so many; none calibrates that has more than half of all parts. Raises BadDataset for too few lots.
    """
    shown: dict[str, set[int]] = {}
    for lot, part in zip(lots, parts, strict=True):
        shown.setdefault(lot, set()).add(part)
    left = [sorted(shown)[i] for i in random.permutation(len(shown))]
    roles = 1 + sum(size > 0 for size in sizes)
    if len(left) < roles:
        raise BadDataset(
            detail=f"the good pictures are of {_lots(sorted(left))}; a split by lots needs at least {roles}: "
            f"{'one each to learn from, to standardise and to calibrate on' if roles > 2 else 'one each for two purposes'}"
        )
    half, drawn = len(set(parts)) / 2, dict.fromkeys(left, 2)
    for role, reserved in ((1, roles - 1), (0, 1)):
        # What standardises need not be drawn: the smallest lots do, and the others teach.
        order = left if role else sorted(left, key=lambda lot: len(shown[lot]))
        taken: set[int] = set()
        for lot in order:
            if len(taken) < sizes[role] and len(left) > reserved and len(taken | shown[lot]) <= half:
                taken |= shown[lot]
                drawn[lot] = role
                left = [other for other in left if other != lot]
    return [drawn[lot] for lot in lots]


def basis(lots: Sequence[str]) -> str | None:
    """What a promise rests on whose calibration pictures are of these lots, one for each picture; None where there are none."""
    if not lots:
        return None
    different = sorted(set(lots))
    pictures = f"{len(lots)} calibration picture{'s' * (len(lots) != 1)}"
    alike = "pictures of one lot are alike, so for lots to come the promise"
    return f"{pictures} of {_lots(different)} that training never saw: {alike} rests on {len(different)}, not on {len(lots)}"


def _lots(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _NAMED else ""
    return f"{len(names)} lot{'s' * (len(names) != 1)} ({', '.join(names[:_NAMED])}{more})"
