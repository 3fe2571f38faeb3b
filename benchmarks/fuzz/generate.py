"""A stream of inputs, each made from its own number: one that was answered wrongly can be made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from benchmarks.fuzz.craft import Maker
from benchmarks.fuzz.forms import FORMS
from benchmarks.fuzz.pictures import PICTURES
from benchmarks.fuzz.texts import TEXTS
from benchmarks.outcome import PreparedRequest

#: Every kind of input, and how often one is drawn among the others.
KINDS: Final[dict[Maker, float]] = {**PICTURES, **TEXTS, **FORMS}
#: The rare kinds are those that are large or costly; these are the others.
_RARE: Final = 0.4
COMMON: Final[tuple[Maker, ...]] = tuple(maker for maker, frequency in KINDS.items() if frequency >= _RARE)


def one_input(model: str, number: int) -> PreparedRequest:
    """Input `number`: any kind."""
    random = Random(number)
    return of_kind(random.choices(list(KINDS), list(KINDS.values()))[0], model, random)


def of_kind(maker: Maker, model: str, random: Random) -> PreparedRequest:
    """An input of one kind, for the model."""
    made = maker(random)
    return dataclasses.replace(made, path=made.path.replace("{model}", model))


def heavy_inputs(model: str, seed: int, each: int) -> Iterator[PreparedRequest]:
    """`each` inputs of every kind that is rare, which are those that are large or costly."""
    for maker in (maker for maker in KINDS if maker not in COMMON):
        for number in range(each):
            yield of_kind(maker, model, Random(f"{seed} heavy {number}"))


def inputs(model: str, seed: int) -> Iterator[PreparedRequest]:
    """Inputs without end; one of each kind comes first."""
    for number, maker in enumerate(KINDS):
        yield of_kind(maker, model, Random(f"{seed} {number}"))
    for number in count(seed):
        yield one_input(model, number)
