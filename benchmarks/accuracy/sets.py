"""The sets that accuracy was measured on: what documents call them, and whether settings were chosen by looking at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class KnownSet:
    """One data set."""

    title: str
    #: How its pictures had a say in what Snag does; empty: they had none, and its figures are a test.
    say: str = ""


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
    "pills": KnownSet("round tablets on a mat (PillQC)", "mode `centred_crop` was made on them"),
    "ballscrew": KnownSet("a ball screw's spindle that wears (BSData)", "what white pixels say was mended for it"),
    "cells": KnownSet("monocrystalline solar cells (ELPV)", "when a scene is one was mended for them"),
    "polycells": KnownSet("polycrystalline solar cells (ELPV)"),
}


def known_set(name: str) -> KnownSet:
    """What is known of the set in a folder of that name."""
    return SETS.get(name, KnownSet(f"`{name}`"))
