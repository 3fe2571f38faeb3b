"""The size that pictures are prepared to: within a budget of pixels, none enlarged by much, squeezed by little."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

from snag.training.data.survey import PictureSummary

#: Sides are multiples of this: four times the networks halve them.
BLOCK: Final = 16
#: The least side: below it, nothing is left at a sixteenth of the resolution.
LEAST_SIDE: Final = 32
#: Pictures whose aspects differ by less than this factor are resized to one shape ...
ONE_SHAPE: Final = 1.3
#: ... others to the nearest of working heights and widths that differ by about this factor.
RUNG: Final = 1.25
#: Without a clear grain, or with one along the picture, pictures that lie across are turned.
CLEAR_GRAIN: Final = 0.1
#: Of so many pictures, one at each end may have an odd size without a say.
ODD_SIZES: Final = 50


def should_turn(summaries: Sequence[PictureSummary]) -> bool:
    """Whether pictures that lie across are to be turned: not where tall and wide ones have the same grain as they lie."""
    tall = [summary.grain for summary in summaries if summary.height >= summary.width]
    wide = [summary.grain for summary in summaries if summary.height < summary.width]
    if not tall or not wide:
        return True
    as_they_lie = abs(sum(tall) / len(tall) - sum(wide) / len(wide))
    return as_they_lie + CLEAR_GRAIN >= abs(sum(tall) / len(tall) + sum(wide) / len(wide))


def shapes_of(summaries: Sequence[PictureSummary], turn: bool) -> list[tuple[int, int]]:
    """Heights and widths; where pictures are turned, after those that lie across were turned to how most lie."""
    shapes = [(summary.height, summary.width) for summary in summaries]
    if not turn:
        return shapes
    upright = sum(height >= width for height, width in shapes) * 2 >= len(shapes)
    return [(max(shape), min(shape)) if upright else (min(shape), max(shape)) for shape in shapes]


def working_sizes(shapes: list[tuple[int, int]], pixels: int, most: float = 1.0) -> tuple[list[int], list[int], float]:
    """Working heights and widths, and the scale of the pictures: the median picture is within the budget.

    None is enlarged more than `most` times a side.
    """
    tall, wide = sorted(shape[0] for shape in shapes), sorted(shape[1] for shape in shapes)
    aspects = sorted(height / width for height, width in shapes)
    low, high = len(shapes) // ODD_SIZES, -1 - len(shapes) // ODD_SIZES
    if aspects[high] < ONE_SHAPE * aspects[low]:  # one working size squeezes none by much
        height, width = working_size(float(median(tall)), float(median(wide)), pixels, most)
        return [height], [width], 1.0
    scale = min(most, (pixels / (median(tall) * median(wide))) ** 0.5)
    return _ladder(scale * tall[low], scale * tall[high]), _ladder(scale * wide[low], scale * wide[high]), scale


def _ladder(least: float, most: float) -> list[int]:
    """Multiples of BLOCK from `least` to `most`, each about a quarter greater than the one before."""
    steps = max(1, round(math.log(most / least) / math.log(RUNG)))
    return sorted({_rounded(least * (most / least) ** (step / steps)) for step in range(steps + 1)})


def working_size(height: float, width: float, pixels: int, most: float = 1.0) -> tuple[int, int]:
    """Working height and width: within the budget, at most `most` times as large as the pictures, multiples of BLOCK."""
    scale = min(most, (pixels / (height * width)) ** 0.5)
    return _rounded(height * scale), _rounded(width * scale)


def _rounded(side: float) -> int:
    return max(LEAST_SIDE, BLOCK * round(side / BLOCK))
