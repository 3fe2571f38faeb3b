"""Watches: how many end in an alarm on lines that never change, and on lines that changed before their first verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import numpy as np
from scipy import stats
from tqdm import tqdm

from benchmarks.drift.many_lines import ManyLines
from benchmarks.drift.streams import BELL, LOT, Begin, again, autocorrelated, bell, drawn, in_lots
from snag.drift.bets import WATCH
from snag.drift.martingale import PROPERTIES

_TOGETHER: Final = 700  #: lines that one process simulates side by side
_SHORT: Final = 20_000  #: pictures of a line that comes in an order, or has changed: what raises an alarm does so by then
#: Share of the good parts below the threshold, of which the rest is stopped.
_PASSED: Final = 0.95


@dataclass(frozen=True)
class Situation:
    """Lines of one kind."""

    title: str
    begin: Begin
    values: Mapping[str, np.ndarray]  #: [k] by property, those of calibration are drawn from it too
    calibration: int  #: pictures
    lines: int
    pictures: int
    is_joint: bool = False  #: whether a picture has the values of one number, as measured pictures have


def quiet(pool: np.ndarray, lines: int) -> list[Situation]:
    """Lines that never change: measured pictures `pool` [k, properties], and values that nearly all tie."""
    measured = dict(zip(PROPERTIES, pool.T, strict=True))
    begin = partial(drawn, count=len(pool))
    situations = [Situation("measured pictures", begin, measured, 64, lines, WATCH, is_joint=True)]
    for count, name in ((7, "seven"), (2, "two")):
        few = dict.fromkeys(PROPERTIES, np.arange(count, dtype=float))
        situations.append(Situation(f"{name} values", partial(drawn, count=count), few, 64, lines, WATCH, is_joint=True))
    return situations


def in_an_order(lines: int) -> list[Situation]:
    """Lines that never change either, but whose pictures come in an order that calibration's did not have."""
    kinds: dict[str, Begin] = {
        "in no order": bell,
        **{
            f"each like the one before: autocorrelation {share}": partial(autocorrelated, share=share)
            for share in (0.3, 0.5, 0.9)
        },
        f"in lots of {LOT}, 9 % of the variance between lots": partial(in_lots, variance=0.09),
        "every part photographed twice": partial(again, times=2),
        "every picture sent twice": partial(again, times=2, same_file=True),
        "stopped parts photographed again": partial(again, times=2, least=_PASSED),
        "stopped parts photographed 50 times": partial(again, times=50, least=_PASSED),
        "stopped parts sent 50 times": partial(again, times=50, least=_PASSED, same_file=True),
    }
    return [Situation(name, begin, dict.fromkeys(PROPERTIES, BELL), 64, lines, _SHORT) for name, begin in kinds.items()]


def changed_before(lines: int) -> list[Situation]:
    """Lines that changed between calibration and their first verdict."""
    kinds = {
        **{f"scores {moved:g} standard deviations higher": partial(bell, moved=moved) for moved in (0.5, 1.0, 1.5, 2.0)},
        "20 % defects": partial(bell, defects=0.2),
    }
    return [
        Situation(name, begin, dict.fromkeys(PROPERTIES, BELL), count, lines, _SHORT)
        for count in (40, 200)
        for name, begin in kinds.items()
    ]


def alarms(situations: Sequence[Situation], processes: int, seed: int = 0) -> list[np.ndarray]:
    """Of each situation with which picture the lines' alarms came, 0 for none [lines]."""
    jobs = [
        (number, min(_TOGETHER, one.lines - first), [seed, number, first])
        for number, one in enumerate(situations)
        for first in range(0, one.lines, _TOGETHER)
    ]
    with ProcessPoolExecutor(processes) as pool:
        waiting = [pool.submit(_alarms, situations[number], lines, seeds) for number, lines, seeds in jobs]
        done = [job.result() for job in tqdm(waiting, "watches", disable=None)]
    numbers = [number for number, *_ in jobs]
    return [
        np.concatenate([part for at, part in zip(numbers, done, strict=True) if at == one]) for one in range(len(situations))
    ]


def rows(situations: Sequence[Situation], found: Iterable[np.ndarray]) -> list[Sequence[object]]:
    """A row of the table for each."""
    return [_row(*pair) for pair in zip(situations, found, strict=True)]


def _alarms(one: Situation, lines: int, seeds: Sequence[int]) -> np.ndarray:
    random = np.random.default_rng(seeds)
    first = {name: random.integers(0, len(one.values[name]), (one.calibration, lines)) for name in PROPERTIES}
    calibration = dict.fromkeys(PROPERTIES, first[PROPERTIES[0]]) if one.is_joint else first
    watched = ManyLines(one.values, calibration, int(random.integers(2**31)))
    return watched.alarms(islice(one.begin(random, lines), one.pictures))


def _row(one: Situation, found: np.ndarray) -> Sequence[object]:
    raised = found[found > 0]
    ends = stats.binomtest(len(raised), len(found)).proportion_ci(0.95, method="exact")
    return (
        one.title,
        one.calibration,
        len(found),
        f"{one.pictures:,}",
        f"{len(raised)}",
        _percent(len(raised) / len(found)),
        f"{_percent(ends.low)} to {_percent(ends.high)}",
        f"{np.median(raised):.0f}" if len(raised) else "-",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if 0 < share < 0.01 else f"{100 * share:.3g} %"
