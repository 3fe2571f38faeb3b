"""Filling the memory: which places of good pictures are remembered, and how far good pictures that it never saw are from them.

A greedy coreset after Roth et al., Towards Total Recall in Industrial Anomaly Detection (PatchCore), CVPR 2022, sec. 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from snag.detector.memory import Memory
from snag.detector.memory_bank import MemoryBank
from snag.training.augment.symmetry import SymmetricCopies, Symmetry
from snag.training.fit.usual import to_one_size, usual_of
from snag.training.run.progress import progress

#: Places that each bank remembers, among how many they are chosen, and of how many pictures these are at most.
REMEMBERED: Final = 2048
CANDIDATES: Final = 25_000
PICTURES: Final = 500
#: Numbers that a place is remembered by.
NUMBERS: Final = 64
#: Share of the mean variance that is added to that in each direction before it is evened out.
HELD_BACK: Final = 0.3
#: Dimensions in which the coreset is chosen: random projections keep distances well enough (sec. 3.2).
_PROJECTED: Final = 32
#: Side of the local mean over what is usual of distances.
WINDOW: Final = 3
#: So many good pictures more, as far as all places go, are seen at each place (see `usual_of`): where distances are small in
#: the few that are seen, an unusual one would else outweigh what is missing elsewhere.
PRIOR: Final = 32.0


@dataclass(frozen=True)
class Candidates:
    """Places of good pictures, of which some will be remembered."""

    places: list[Tensor]  #: of each bank, [places, features]
    pictures: list[Tensor]  #: the same of which picture each is, [places]

    def without(self, pictures: Tensor) -> Candidates:
        """Those of other pictures."""
        kept = [~torch.isin(numbers, pictures) for numbers in self.pictures]
        return Candidates(
            [places[keep] for places, keep in zip(self.places, kept, strict=True)],
            [numbers[keep] for numbers, keep in zip(self.pictures, kept, strict=True)],
        )


def remember(memory: Memory, good: Sequence[Tensor], allowed: Symmetry, seed: int) -> None:
    """Fill the banks with places of good pictures [c, h, w], spread out as far as they go (k-centre greedy)."""
    random = torch.Generator().manual_seed(seed)
    fill_banks(memory, candidates(memory, good, allowed, random), random)


@torch.no_grad()
def candidates(memory: Memory, good: Sequence[Tensor], allowed: Symmetry, random: torch.Generator) -> Candidates:
    """Places of good pictures [c, h, w], which are shown in the symmetries that they have, until there are PICTURES of them."""
    copies = SymmetricCopies(good, allowed)
    shown = _shown(len(good), copies.each, random)
    each = -(-CANDIDATES // len(shown))
    places: list[list[Tensor]] = [[] for _ in memory.banks]
    pictures: list[list[Tensor]] = [[] for _ in memory.banks]
    for number, copy in progress(shown, "remember", "picture"):
        picture = copies[number * copies.each + copy].float()
        for drawn, numbers, features in zip(places, pictures, memory.features(picture[None]), strict=True):
            flat = features[0].flatten(1).t()
            drawn.append(flat[torch.randperm(len(flat), generator=random)[:each]])
            numbers.append(torch.full([len(drawn[-1])], number))
    return Candidates([torch.cat(drawn) for drawn in places], [torch.cat(numbers) for numbers in pictures])


@torch.no_grad()
def fill_banks(memory: Memory, drawn: Candidates, random: torch.Generator) -> None:
    """Remember a coreset of the candidates, and nothing else."""
    for bank, places in zip(_banks(memory), drawn.places, strict=True):
        fill(bank, places, random)


def fill(bank: MemoryBank, places: Tensor, random: torch.Generator) -> None:
    """Remember a coreset of features [places, features]."""
    bank.whitening = whitening(places)
    places = places @ bank.whitening
    bank.remember(places[coreset(places, REMEMBERED, random)].contiguous())


def whitening(features: Tensor) -> Tensor:
    """What makes features [places, features] uncorrelated and of about unit variance: [features, NUMBERS at most].

    Directions in which good places hardly differ are held back, and those in which they differ least left out: what they say is
    mostly noise, and costs time.
    """
    scaled = features / features.std(0).clamp(min=1e-6)
    centred = scaled - scaled.mean(0)
    variance, directions = torch.linalg.eigh(centred.t() @ centred / len(centred))
    whitened = (directions / (variance + HELD_BACK * variance.mean()).sqrt())[:, -NUMBERS:]
    return whitened / features.std(0).clamp(min=1e-6)[:, None]


def _shown(pictures: int, copies: int, random: torch.Generator) -> list[tuple[int, int]]:
    """Which pictures are shown, each as it is; where there are few, also copies that they might as well have been."""
    chosen = torch.randperm(pictures, generator=random)[:PICTURES].tolist()
    others = torch.randperm(len(chosen) * (copies - 1), generator=random)[: PICTURES - len(chosen)].tolist()
    return [(number, 0) for number in chosen] + [(chosen[i % len(chosen)], 1 + i // len(chosen)) for i in others]


def standardise(memory: Memory, prepared: Iterable[Tensor], prior: float = PRIOR) -> None:
    """Set each bank's usual distance and its deviation at each place, by good pictures [c, h, w] that it does not remember."""
    set_usual(memory, distances(memory, prepared), prior)


@torch.no_grad()
def distances(memory: Memory, prepared: Iterable[Tensor]) -> list[list[Tensor]]:
    """Of each bank, the distances of the places of each picture [c, h, w]: [1, h/8, w/8]."""
    seen: list[list[Tensor]] = [[] for _ in memory.banks]
    for picture in prepared:
        for bank, found, features in zip(_banks(memory), seen, memory.features(picture[None].float()), strict=True):
            found.append(bank.distance(features))
    return seen


def set_usual(memory: Memory, seen: Sequence[Sequence[Tensor]], prior: float = PRIOR) -> None:
    """Set each bank's usual distance and its deviation at each place, by `distances` of good pictures."""
    for bank, found in zip(_banks(memory), seen, strict=True):
        bank.mean, bank.deviation = usual_of(to_one_size(found), WINDOW, prior)


def _banks(memory: Memory) -> list[MemoryBank]:
    return [bank for bank in memory.banks if isinstance(bank, MemoryBank)]


def coreset(places: Tensor, size: int, random: torch.Generator) -> list[int]:
    """Numbers of `size` rows, each the farthest from those before it; of all where there are no more."""
    if len(places) <= size:
        return list(range(len(places)))
    projection = torch.randn(places.shape[1], _PROJECTED, generator=random)
    points = places @ projection
    chosen = [0]
    farness = (points - points[0]).square().sum(1)
    while len(chosen) < size:
        chosen.append(int(farness.argmax()))
        farness = torch.minimum(farness, (points - points[chosen[-1]]).square().sum(1))
    return chosen
