"""Streams: which values the pictures of many lines have, one after the other, where nothing ever changes but their order.

Values of the bell-shaped law are numbered from the lowest up, in steps that are equally probable. With the parameters that come
after the first two bound, each function here is a stream's begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from snag.drift.martingale import PROPERTIES
from snag.drift.recent_pictures import RecentPictures

#: Values that the bell-shaped law is cut into.
STEPS: Final = 4000
BELL: Final = ndtri((np.arange(STEPS) + 0.5) / STEPS)
Stream = Iterator[dict[str, np.ndarray]]  #: of numbers of values [lines], by property
Begin = Callable[[np.random.Generator, int], Stream]  #: a stream of so many lines
LOT: Final = 50  #: parts


def drawn(random: np.random.Generator, lines: int, count: int) -> Stream:
    """Each picture shows one of `count` values, or is one of so many pictures, all of its properties with it."""
    while True:
        yield dict.fromkeys(PROPERTIES, random.integers(0, count, lines))


def bell(random: np.random.Generator, lines: int, moved: float = 0.0, defects: float = 0.0) -> Stream:
    """Properties that know nothing of each other; the scores lie `moved` standard deviations higher, defects' above all."""
    while True:
        values = {name: random.normal(size=lines) for name in PROPERTIES}
        values["score"] = np.where(random.random(lines) < defects, np.inf, values["score"] + moved)
        yield _numbers(values)


def autocorrelated(random: np.random.Generator, lines: int, share: float) -> Stream:
    """Each picture resembles the one before it: an autoregressive line of the first order."""
    values = {name: random.normal(size=lines) for name in PROPERTIES}
    while True:
        yield _numbers(values)
        values = {name: share * old + (1 - share**2) ** 0.5 * random.normal(size=lines) for name, old in values.items()}


def in_lots(random: np.random.Generator, lines: int, variance: float) -> Stream:
    """Parts come in lots, between which lies this share of the variance."""
    while True:
        lot = {name: variance**0.5 * random.normal(size=lines) for name in PROPERTIES}
        for _ in range(LOT):
            yield _numbers({name: lot[name] + (1 - variance) ** 0.5 * random.normal(size=lines) for name in PROPERTIES})


def again(random: np.random.Generator, lines: int, times: int, least: float = 0.0, same_file: bool = False) -> Stream:
    """A picture whose score lies above the share `least` of all comes `times` times.

    As the same file, so that the memory of recent pictures decides what is watched; or taken anew, and looking the same.
    """
    rows = [_one_again(np.random.default_rng(random.integers(2**63)), times, least, same_file) for _ in range(lines)]
    while True:
        yield dict(zip(PROPERTIES, np.array([next(row) for row in rows]).T, strict=True))


def _one_again(random: np.random.Generator, times: int, least: float, same_file: bool) -> Iterator[np.ndarray]:
    """One line: the numbers of its pictures' values [properties]."""
    recent, number = RecentPictures(), 0
    while True:
        for picture in random.integers(0, STEPS, (1000, len(PROPERTIES))):
            number += 1
            for _ in range(times if picture[0] >= least * STEPS else 1):
                if not (same_file and recent.has_seen(number.to_bytes(8, "big"))):
                    yield picture


def _numbers(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.minimum((STEPS * ndtr(value)).astype(np.int64), STEPS - 1) for name, value in values.items()}
