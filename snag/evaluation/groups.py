"""Groups of test pictures (one camera, one tool, one shift): named as those of the calibration are, by folders or a list."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snag.core.errors import BadConfig
from snag.evaluation.labelled import LabelledPicture


def grouped(pictures: Sequence[LabelledPicture], listed: Path | None, root: Path) -> list[LabelledPicture]:
    """The pictures with their groups: the first folder below test/<kind>, or what a CSV (columns path, group) says.

    Its paths are relative to `root`. Raises BadConfig for a file that can't be read or has other columns.
    """
    if listed is None:
        return [replace(picture, group=_folder(picture)) for picture in pictures]
    try:
        with listed.open(newline="", encoding="utf-8-sig") as file:
            known = {root / row["path"]: row["group"] for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise BadConfig(detail=f"{listed}: {error}; expected a CSV with the columns path and group") from error
    return [replace(picture, group=known.get(picture.path)) for picture in pictures]


def _folder(picture: LabelledPicture) -> str | None:
    _, _, *below = Path(picture.name).parts
    return below[0] if len(below) > 1 else None
