"""Synthetic defects on whole pictures of a surface: many, cracks among them, none fainter than good pictures differ anyway."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_defects import clean, everywhere
from training import defects
from training.defect_shapes import crack
from training.defects import Surface, add_defects
from training.variation import Variation

ALIKE = Surface(Variation())


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 0.2]))
@settings(max_examples=30)
def test_a_shade_is_stronger_than_good_pictures_differ_anyway_and_its_mask_is_where_it_is_strong(
    seed: int, coarse: float
) -> None:
    before = clean(3, 1, 40, 60)

    with patch.object(defects, "SHADES", 1.0):
        changed, mask = add_defects(
            before, everywhere(before), np.random.default_rng(seed), None, Surface(Variation(0.0, coarse), crowd=1)
        )

    for change, marked in zip(np.abs(changed - before)[:, 0], mask, strict=True):
        assert change.max() == 0 or change.max() > 0.5 * max(0.03, coarse)  # two may meet and cancel in part
        assert change.max() <= 3 * max(0.3, 4 * coarse)
        unchanged = change < 1e-4
        assert marked[unchanged].sum() <= 0.02 * change.size  # where two cancel


def test_what_is_finer_than_the_grain_of_good_pictures_is_no_defect() -> None:
    before = clean(100)

    _, all_of_them = add_defects(before, everywhere(before), np.random.default_rng(0), None, ALIKE)
    _, coarser = add_defects(before, everywhere(before), np.random.default_rng(0), None, Surface(Variation(0.02, 0.0)))

    assert 0.3 * all_of_them.sum() < coarser.sum() < 0.95 * all_of_them.sum()
    assert not (coarser > all_of_them).any()


def test_a_surface_gets_many_times_as_many_defects_as_a_part() -> None:
    before = clean(200, 1, 96, 160)

    _, few = add_defects(before, everywhere(before), np.random.default_rng(0), None, Surface(Variation(), crowd=1))
    _, many = add_defects(before, everywhere(before), np.random.default_rng(0), None, ALIKE)

    assert many.mean() > 3 * few.mean()


def test_a_crack_is_a_thin_line_that_runs_far() -> None:
    y, x = np.arange(-40, 41, dtype=np.float32)[:, None], np.arange(-40, 41, dtype=np.float32)[None, :]

    for seed in range(20):
        alpha = crack(y, x, 20.0, np.random.default_rng(seed))
        seen = np.argwhere(alpha > 0.5)
        assert np.ptp(seen, axis=0).max() > 25
        assert len(seen) < 6 * np.ptp(seen, axis=0).sum()
        assert 0 <= alpha.min() <= alpha.max() <= 1


def test_colours_are_exchanged_and_their_sum_stays() -> None:
    reds = np.zeros((3, 8, 8), dtype=np.float32)
    reds[0] = 0.9

    filled = [defects._recolour(reds, reds, (0, 0), np.random.default_rng(seed), None) for seed in range(30)]

    assert any(one[0].mean() < 0.7 for one in filled)
    assert all(one.sum(0).mean() == pytest.approx(0.9, rel=1e-5) for one in filled)


@pytest.mark.parametrize(("channels", "drawn"), [(1, False), (3, True)])
def test_wrong_colours_are_drawn_in_colour_pictures_alone(channels: int, drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, recolour = [], defects._recolour
    monkeypatch.setattr(defects, "_recolour", lambda *given: calls.append(1) or recolour(*given))
    before = clean(50, channels, 24, 32)

    add_defects(before, everywhere(before), np.random.default_rng(0), None, ALIKE)

    assert bool(calls) is drawn


def test_parts_are_drawn_as_if_there_were_no_surfaces() -> None:
    """Which defects a part gets follows from the seed alone, whatever is added for surfaces."""
    before = clean(40)

    with patch.object(defects, "_on_surface", side_effect=AssertionError):
        first = add_defects(before, everywhere(before), np.random.default_rng(0), 0.8)

    assert np.array_equal(first[0], add_defects(before, everywhere(before), np.random.default_rng(0), 0.8)[0])
