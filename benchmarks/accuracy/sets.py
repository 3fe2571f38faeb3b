"""The sets that accuracy was measured on: what documents call them, and whether settings were chosen by looking at them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from benchmarks.published.sets import SETS as PUBLISHED

#: Behind the title of a set that chose settings.
MARK: Final = " \\*"


@dataclass(frozen=True)
class KnownSet:
    """One data set."""

    title: str
    #: How its pictures had a say in what Snag does; empty: they had none, and its figures are a test.
    say: str = ""
    few: int | None = None  #: only so many of its good pictures were there to learn from; None: all

    @property
    def marked(self) -> str:
        """The title, with a mark where settings were chosen by looking at the set."""
        return self.title + (MARK if self.say else "")


#: What the published sets had a say in; the others had none.
_SAYS: Final = {
    "pills": "mode `centred_crop` was made on them",
    "ballscrew": "what white pixels say was mended for it",
    "cells": "when a scene is one was mended for them",
    "tire": "the scales of the memory were chosen on it",
    "screw_block": "how networks and memory are put together was chosen when its figures were known",
}
#: By the name of the folder. What is not listed has had no say.
SETS: Final[dict[str, KnownSet]] = {
    "screw": KnownSet("MVTec AD `screw`, half of its test set", "three recipes and the clipping saw its test pictures"),
    "magnetic_tile": KnownSet("magnetic tiles, part of the test set", "six comparisons of settings saw its test pictures"),
    "tablet": KnownSet("drawn tablets in colour", "the drift of the lamp's colour was chosen on them"),
    "nut": KnownSet("drawn nuts in colour", "the tone curves of training were added for them"),
    "cloth": KnownSet("drawn woven cloth in colour", "hues, stripes and shades of synthetic defects were chosen on it"),
    "board": KnownSet("drawn circuit boards in a holder", "mode `scene` was made on them"),
    "cable": KnownSet("drawn cut cables in a holder", "mode `scene` was made on them"),
    "panel": KnownSet("drawn fronts of instruments in a holder", "what stands out in a scene was mended for them"),
    "bottle": KnownSet("drawn mouths of bottles on a white table", "what usually white places say was mended for them"),
} | {name: KnownSet(one.title, _SAYS.get(name, "")) for name, one in PUBLISHED.items()}
#: How the folder is called that holds fewer of a set's good pictures.
_FEW: Final = re.compile(r"(.+)-(\d+)_good")


def name_of_few(name: str, count: int) -> str:
    """The folder with so many of the set's good pictures."""
    return f"{name}-{count}_good"


def known_set(name: str) -> KnownSet:
    """What is known of the set in a folder of that name, or of the one that it holds few good pictures of."""
    if few := _FEW.fullmatch(name):
        whole = known_set(few[1])
        return KnownSet(f"{whole.title}, {few[2]} good", whole.say, int(few[2]))
    return SETS.get(name, KnownSet(f"`{name}`"))
