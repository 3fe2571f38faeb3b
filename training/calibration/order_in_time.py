"""Order in time: whether the first half of the calibration pictures scores like the second."""

from __future__ import annotations

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
    days = [_DAY.search(path.as_posix()) for path in paths]
    if all(days):
        digits = [re.sub(r"\D", "", path.as_posix()[day.start() :]) for path, day in zip(paths, days, strict=True) if day]
        longest = max(map(len, digits))
        times = np.array([float(some.ljust(longest, "0")[:15]) for some in digits])
        return (times, "the dates in their names") if len(set(times)) > 1 else None
    times = np.array([path.stat().st_mtime for path in paths])
    if np.ptp(times) < _LEAST_SPAN or len(np.unique(times)) < _LEAST_DISTINCT * len(times):
        return None
    numbers = [re.findall(r"\d+", path.stem) for path in paths]
    if all(numbers) and len({re.sub(r"\d+", "", path.stem) for path in paths}) == 1:
        counted = [[int(one) for one in some] for some in numbers]
        ranks = np.empty(len(counted))
        ranks[sorted(range(len(counted)), key=lambda i: counted[i])] = np.arange(len(counted))
        if abs(stats.spearmanr(ranks, times).statistic) < _AGREES:
            return None
    return times, "the times of their files"
