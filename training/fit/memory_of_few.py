"""Where good pictures are few: the memory keeps all that don't calibrate, and cross-validation tells what is usual.

Of 30 good pictures, 4 say what is usual and 11 are remembered. Each of these 15 is worth more in both places: it is left out
once, while its distance to the others is measured, and remembered in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from snag.detector.memory import Memory
from snag.training.augment.symmetry import SymmetricCopies, Symmetry
from snag.training.fit.memory import candidates, distances, fill_banks, set_usual

#: Fewer pictures than this that say what is usual are few.
FEW: Final = 8
#: Parts in which good pictures are left out, one after the other.
FOLDS: Final = 4


def remember_all(memory: Memory, good: Sequence[Tensor], allowed: Symmetry, seed: int) -> None:
    """Fill the banks with all good pictures [c, h, w], and set what is usual by each of them as if it were unknown.

    Neighbours, which may show the same part, are left out together.
    """
    random = torch.Generator().manual_seed(seed)
    drawn = candidates(memory, good, allowed, random)
    seen: list[list[Tensor]] = [[] for _ in memory.banks]
    for left_out in torch.arange(len(good)).tensor_split(FOLDS):
        fill_banks(memory, drawn.without(left_out), random)
        shown = SymmetricCopies([good[number] for number in left_out.tolist()], allowed)
        for found, of_fold in zip(seen, distances(memory, shown), strict=True):
            found += of_fold
    fill_banks(memory, drawn, random)
    set_usual(memory, seen)
