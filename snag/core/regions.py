"""Regions: the connected places of an anomaly map that lie over a level, each with its box, outline, area and peak.

Written out with NumPy alone, because a worker has no SciPy; the tests compare it with scipy.ndimage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

#: As many are told, those with the highest peaks: an answer must not grow with the noise of a map.
MOST: Final = 50
#: An outline is simplified until no corner left out lies further from it than so many pixels.
TOLERANCE: Final = 1.0


@dataclass(frozen=True)
class Region:
    """One 8-connected place; coordinates in pixels of the picture, x to the right, y down, on the pixels' edges."""

    box: tuple[int, int, int, int]  #: left, top, right, bottom
    polygon: tuple[tuple[int, int], ...]  #: outline without holes, clockwise on the screen, not closed
    area: int  #: pixels
    peak: float  #: greatest value of the map inside
    peak_at: tuple[int, int]  #: x and y of the pixel that has it


@dataclass(frozen=True)
class _Runs:
    """Uninterrupted stretches of a mask's rows, in reading order."""

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray  #: exclusive


def find_regions(values: np.ndarray, over: np.ndarray) -> list[Region]:
    """The places where `over` [H, W] is true in a map `values` [H, W], highest peak first; at most MOST."""
    runs = _runs(over)
    if not len(runs.rows):
        return []
    labels = _labels(runs, over.shape[1])
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    # Peak of each run first: of thousands of regions only the highest are drawn.
    flat = np.append(values.ravel(), np.float32(-np.inf))
    bounds = np.stack([runs.rows * over.shape[1] + runs.starts, runs.rows * over.shape[1] + runs.ends], axis=1).ravel()
    peaks = np.maximum.reduceat(flat, bounds)[::2]
    groups.sort(key=lambda group: -peaks[group].max())
    return [_region(values, runs, group) for group in groups[:MOST]]


def _runs(over: np.ndarray) -> _Runs:
    edges = np.diff(np.pad(over.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edges == 1)
    return _Runs(rows, starts, np.nonzero(edges == -1)[1])


def _labels(runs: _Runs, width: int) -> np.ndarray:
    """The number of each run's region: the least number among its runs.

    Runs of neighbouring rows that touch are pairs; each run takes the least number of its pairs and then of the run so named,
    until nothing changes: some ten rounds even for a spiral, since what is taken over doubles its reach each time.
    """
    stride = width + 2
    first = np.searchsorted(runs.rows * stride + runs.ends, (runs.rows + 1) * stride + runs.starts, "left")
    last = np.searchsorted(runs.rows * stride + runs.starts, (runs.rows + 1) * stride + runs.ends, "right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(counts)), counts)
    lower = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
    labels = np.arange(len(counts))
    while True:
        least = np.minimum(labels[upper], labels[lower])
        new = labels.copy()
        for end in (labels[upper], labels[lower], upper, lower):
            np.minimum.at(new, end, least)
        new = new[new]
        if np.array_equal(new, labels):
            return labels
        labels = new


def _region(values: np.ndarray, runs: _Runs, group: np.ndarray) -> Region:
    rows, starts, ends = runs.rows[group], runs.starts[group], runs.ends[group]
    left, top, right, bottom = int(starts.min()), int(rows[0]), int(ends.max()), int(rows[-1]) + 1
    inside = np.zeros((bottom - top, right - left), dtype=bool)
    for row, start, end in zip(rows - top, starts - left, ends - left, strict=True):
        inside[row, start:end] = True
    shown = np.where(inside, values[top:bottom, left:right], -np.inf)
    y, x = np.unravel_index(int(shown.argmax()), shown.shape)
    outline = [(px + left, py + top) for px, py in _simplified(_outline(inside))]
    return Region(
        (left, top, right, bottom), tuple(outline), int(inside.sum()), float(shown[y, x]), (int(x) + left, int(y) + top)
    )


def _outline(inside: np.ndarray) -> list[tuple[int, int]]:
    """Corners (x, y) of the outer edge of one region, clockwise on the screen, from its topmost leftmost pixel.

    Walks along the pixels' edges with the region on the right hand. Where two pixels meet at a corner alone it crosses over to
    the other one, since both belong to the region.
    """
    solid = np.pad(inside, 1).tolist()
    start = x, y = int(inside[0].argmax()), 0
    dx, dy = 1, 0
    corners = []
    while True:
        corners.append((x, y))
        while True:  # as far as the edge goes straight on
            x, y = x + dx, y + dy
            # The pixels ahead on either hand; the padding moved them by one.
            left = solid[y + (dy - dx + 1) // 2][x + (dx + dy + 1) // 2]
            right = solid[y + (dy + dx + 1) // 2][x + (dx - dy + 1) // 2]
            if left or not right:
                break
        dx, dy = (dy, -dx) if left else (-dy, dx)
        if (x, y) == start and (dx, dy) == (1, 0):
            return corners


def _simplified(corners: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Fewer corners (Douglas and Peucker, Cartographica 10, 1973); all of them where that would change the area by a tenth."""
    points = np.array(corners)
    far = int(np.abs(points - points[0]).sum(1).argmax())
    kept = {0, far}
    chains = [(0, far), (far, len(corners))]
    while chains:
        first, last = chains.pop()
        between = points[first + 1 : last]
        if not len(between):
            continue
        chord = points[last % len(corners)] - points[first]
        away = np.abs(_cross(chord, between - points[first])) / max(1e-9, float(np.hypot(*chord)))
        if away.max() > TOLERANCE:
            middle = first + 1 + int(away.argmax())
            kept.add(middle)
            chains += [(first, middle), (middle, last)]
    few = points[sorted(kept)]
    area = _area(points)
    return corners if abs(_area(few) - area) > 0.1 * area else [(int(x), int(y)) for x, y in few]


def _cross(one: np.ndarray, many: np.ndarray) -> np.ndarray:
    return one[..., 0] * many[..., 1] - one[..., 1] * many[..., 0]


def _area(points: np.ndarray) -> float:
    """What a closed polygon [n, 2] encloses."""
    return abs(float(_cross(points, np.roll(points, -1, axis=0)).sum())) / 2
