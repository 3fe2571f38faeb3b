"""Files of masks: which of them belongs to which picture, by their names."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

#: What the name of a mask's file may have behind its picture's stem, besides nothing.
_ENDING: Final = re.compile(r"^(.+)[ _.-](mask|gt|ground_?truth|label)$", re.IGNORECASE)


@dataclass(frozen=True)
class MaskFiles:
    """Pictures below test/ and masks below ground_truth/, by their paths from there."""

    of: dict[PurePath, PurePath]  #: picture -> its mask
    ambiguous: dict[PurePath, str]  #: picture -> why it can't be said which mask is its own
    strays: list[PurePath]  #: masks that belong to no picture, sorted


def mask_files(pictures: Iterable[PurePath], masks: Iterable[PurePath]) -> MaskFiles:
    """Find each picture its mask: in the same folders, <stem>_mask or <stem>, with whatever suffix."""
    named: dict[PurePath, list[PurePath]] = defaultdict(list)
    plain: dict[PurePath, list[PurePath]] = defaultdict(list)
    for mask in sorted(masks):
        place = _key(mask)
        if ending := _ENDING.match(place.name):
            named[place.with_name(ending[1])].append(mask)
        plain[place].append(mask)
    found = {picture: named.get(_key(picture)) or plain.get(_key(picture)) or [] for picture in sorted(pictures)}
    owners: dict[PurePath, list[PurePath]] = defaultdict(list)
    for picture, its in found.items():
        for mask in its:
            owners[mask].append(picture)
    of: dict[PurePath, PurePath] = {}
    ambiguous: dict[PurePath, str] = {}
    for picture, its in found.items():
        others = [other for mask in its for other in owners[mask] if other != picture]
        if len(its) > 1:
            ambiguous[picture] = f"has several masks ({', '.join(mask.name for mask in its)}); expected one"
        elif others:
            ambiguous[picture] = f"shares its mask with test/{others[0].as_posix()}; expected different stems"
        elif its:
            of[picture] = its[0]
    claimed = {mask for its in found.values() for mask in its}
    return MaskFiles(of, ambiguous, sorted(mask for its in plain.values() for mask in its if mask not in claimed))


def _key(path: PurePath) -> PurePath:
    """The path without suffix, its letters composed: macOS takes them apart."""
    return PurePath(unicodedata.normalize("NFC", path.with_suffix("").as_posix()))
