"""Metrics of pixels, streamed: against slow twins on all pixels in one list, and AUPRO by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.metrics import average_precision_score, roc_auc_score

from snag.evaluation.aupro import aupro_score, region_weights
from snag.evaluation.metrics import ap_score, auroc_score
from snag.evaluation.score_histogram import PixelHistogram


def slow_aupro(maps: list[np.ndarray], masks: list[np.ndarray], limit: float) -> float:
    """Thresholds from above, overlap region by region, trapezoids, the last one cut at the limit."""
    values = np.concatenate([one.ravel() for one in maps])
    good = np.concatenate([one[~mask] for one, mask in zip(maps, masks, strict=True)])
    regions = []
    for one, mask in zip(maps, masks, strict=True):
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        regions += [one[labels == index] for index in range(1, count + 1)]
    curve = [(0.0, 0.0)]
    for threshold in sorted(set(values.tolist()), reverse=True):
        curve.append(((good >= threshold).mean(), np.mean([(region >= threshold).mean() for region in regions])))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 < limit and x1 > x0:
            end = min(x1, limit)
            y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
            area += (end - x0) * (y0 + y_end) / 2
    return area / limit


def pixel_tally(maps: list[np.ndarray], masks: list[np.ndarray]) -> PixelHistogram:
    histogram = PixelHistogram()
    for one, mask in zip(maps, masks, strict=True):
        histogram.add(one, region_weights(mask) if mask.any() else None)
    return histogram


def some_pixels(seed: int = 0, count: int = 5) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Maps [24, 30] in steps of 1/8 (exact in float32, ties common), zero at the left, with defects in every second one."""
    generator = np.random.default_rng(seed)
    maps, masks = [], []
    for index in range(count):
        mask = np.zeros((24, 30), dtype=bool)
        if index % 2 == 0:
            mask[3:6, 8:20] = True
            mask[10:20, 21] = True
            mask[23, 29] = True
        raw = generator.normal(size=mask.shape) + 1.5 * mask
        one = (np.round(raw * 8) / 8).astype(np.float32)
        one[:, :5] = 0
        maps.append(one)
        masks.append(mask)
    return maps, masks


@pytest.mark.parametrize("seed", range(3))
def test_pixel_areas_equal_the_slow_definitions(seed: int) -> None:
    """Scores that need no rounding: AUROC, AP and AUPRO as from all pixels in one list."""
    maps, masks = some_pixels(seed)
    labels, scores = np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps])

    histogram = pixel_tally(maps, masks).total()

    assert auroc_score(histogram) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert ap_score(histogram) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    for limit in (0.05, 0.3, 1.0):
        assert aupro_score(histogram, limit) == pytest.approx(slow_aupro(maps, masks, limit), abs=1e-12)


def test_levels_are_the_scores_and_counts_the_pixels() -> None:
    """Negative ones and both zeros among them."""
    histogram = PixelHistogram()
    histogram.add(np.array([[-2.5, -0.0, 0.0], [0.5, 0.5, 1e-3]], dtype=np.float32), np.array([[0, 0, 0], [1.0, 0, 0]]))

    total = histogram.total()

    assert np.allclose(total.levels, [0.5, 1e-3, 0, -2.5], rtol=2**-13, atol=0)
    assert np.array_equal(total.good, [1, 1, 2, 1])
    assert np.array_equal(total.bad, [1, 0, 0, 0])
    assert (histogram.pixels, histogram.region_count) == (6, 1)


def test_rounding_of_pixel_scores_moves_auroc_less_than_the_stated_bound() -> None:
    """Scores over many magnitudes, and many equal to 0, which is no rounding: the bound holds and is small."""
    generator = np.random.default_rng(3)
    masks = [generator.random((60, 70)) < 0.1 for _ in range(4)]
    maps = [np.exp(3 * generator.normal(size=mask.shape) + mask).astype(np.float32) for mask in masks]
    for one in maps:
        one[:20] = 0
    labels, scores = np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps])

    pixels = pixel_tally(maps, masks)

    histogram, bound = pixels.total(), pixels.rounding_bound()
    assert 0 < bound < 1e-4
    assert abs(float(auroc_score(histogram)) - roc_auc_score(labels, scores)) <= bound
    assert float(ap_score(histogram)) == pytest.approx(average_precision_score(labels, scores), abs=1e-4)


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False), min_size=1, max_size=30))
def test_levels_keep_the_order_of_any_float(values: list[float]) -> None:
    """Rounding merges neighbours but never swaps them: a level is at most 2^-13 from its score."""
    histogram = PixelHistogram()
    histogram.add(np.array([values], dtype=np.float32), None)
    levels = np.repeat(histogram.total().levels, histogram.total().good.astype(int))

    exact = np.sort(np.array(values, dtype=np.float32))[::-1].astype(np.float64)
    assert np.allclose(levels, exact, rtol=2**-13, atol=1e-38)


def test_regions_weigh_alike_whatever_their_size() -> None:
    """Corners touch: one region of three pixels (8 neighbours), and one of one."""
    mask = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 1]], dtype=bool)

    weights = region_weights(mask)

    third = 1 / 3
    assert np.allclose(weights, [[third, 0, 0, 0], [0, third, 0, 0], [0, third, 0, 1]])


def test_aupro_by_hand() -> None:
    """A region of 2 found at once, one of 1 found after 1 of 10 good pixels; the rest is a tie at 0.

    Overlap 1/2 at once, a vertical step to 1 at rate 0.1: area up to 0.3 is 0.1 * 1/2 + 0.2 * 1, of 0.3.
    """
    scores = np.array([[9, 9, 8, 7] + [0] * 9], dtype=np.float32)
    mask = np.array([[1, 1, 0, 0] + [0] * 9], dtype=bool)
    mask[0, 3] = True

    histogram = PixelHistogram()
    histogram.add(scores, region_weights(mask))

    assert aupro_score(histogram.total()) == pytest.approx((0.1 * 0.5 + 0.2) / 0.3)


def test_aupro_of_a_perfect_and_of_a_constant_map() -> None:
    """1, and the limit's half: the straight line from (0, 0) to (1, 1), cut at 0.3."""
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:4, 2:6] = True
    perfect, constant = PixelHistogram(), PixelHistogram()
    perfect.add(mask.astype(np.float32), region_weights(mask))
    constant.add(np.ones((8, 8), dtype=np.float32), region_weights(mask))

    assert aupro_score(perfect.total()) == pytest.approx(1.0)
    assert aupro_score(constant.total()) == pytest.approx(0.15)
