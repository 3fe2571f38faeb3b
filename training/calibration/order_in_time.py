"""Order in time: whether the first half of the calibration pictures scores like the second."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from scipy import stats

#: A day in a name, as 2024-05-17 or 20240517: names that have one are in order of time.
_DAY: Final = re.compile(r"(?<!\d)(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])")
#: Files that were written within less than a minute, or of which many were written at once, were copied: that says nothing.
_LEAST_SPAN: Final = 60.0
_LEAST_DISTINCT: Final = 0.9
#: Names that only count pictures must agree so far with the files' times (rank correlation): random times are no order.
_AGREES: Final = 0.9
_LEAST_SCORES: Final = 10
_DIFFERS: Final = 0.05


def order_in_time(paths: Sequence[Path], scores: Sequence[float]) -> str | None:
    """What the two halves say; None where neither names nor file times tell the order, or there are fewer than ten scores.

    The halves are compared by the two-sample test of Kolmogorov and Smirnov.
    """
    told = _times(paths)
    if told is None or len(scores) < _LEAST_SCORES:
        return None
    times, source = told
    ordered = np.array(scores)[np.argsort(times, kind="stable")]
    first, second = np.array_split(ordered, 2)
    found = stats.ks_2samp(first, second)
    start = f"in order of time (by {source}) the first half of the calibration scores and the second "
    numbers = f"(Kolmogorov-Smirnov {found.statistic:.2f}, p = {found.pvalue:.2g})"
    if found.pvalue >= _DIFFERS:
        return f"{start}show no difference {numbers}"
    return f"{start}differ {numbers}: the rate is promised for parts like all of these, not like the latest"


def _times(paths: Sequence[Path]) -> tuple[np.ndarray, str] | None:
    """A number for each picture that grows with time, and where it is from."""
    shared = os.path.commonpath([path.parent for path in paths]) if paths else ""  # a day that all lie under orders none
    names = [path.relative_to(shared).as_posix() for path in paths]
    days = [_DAY.search(name) for name in names]
    if all(days):
        since = [_numbers(name[day.start() :]) for name, day in zip(names, days, strict=True) if day]
        return (_ranks(since), "the dates in their names") if len(set(map(tuple, since))) > 1 else None
    times = np.array([path.stat().st_mtime for path in paths])
    if np.ptp(times) < _LEAST_SPAN or len(np.unique(times)) < _LEAST_DISTINCT * len(times):
        return None
    counted = [_numbers(path.stem) for path in paths]
    is_counted = all(counted) and len({re.sub(r"\d+", "", path.stem) for path in paths}) == 1
    if is_counted and abs(stats.spearmanr(_ranks(counted), times).statistic) < _AGREES:
        return None
    return times, "the times of their files"


def _numbers(name: str) -> list[int]:
    """The numbers in a name: 9 comes before 10, whether or not it is written 09."""
    return [int(digits) for digits in re.findall(r"\d+", name)]


def _ranks(keys: Sequence[list[int]]) -> np.ndarray:
    """The place of each among all of them."""
    ranks = np.empty(len(keys))
    ranks[sorted(range(len(keys)), key=lambda i: keys[i])] = np.arange(len(keys))
    return ranks
