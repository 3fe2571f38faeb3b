"""Thresholds chosen with labelled defects: the best one by trying all, and mistakes counted on pictures that chose nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.calibration import COST, SPLIT_CONFORMAL, YOUDEN, Calibration
from snag.training.calibration.compare_thresholds import Costs, best_threshold, compare_chosen, compare_thresholds
from snag.training.calibration.summary import lines_of

SCORES = st.lists(st.one_of(st.integers(0, 8).map(float), st.floats(-100, 100), st.just(math.inf)), min_size=1, max_size=25)
COSTS = Costs(miss=50, false_alarm=2, defect_share=0.02)


def worth(threshold, good, bad, weights):
    """What is gained at a threshold, counted one by one."""
    return weights[0] * sum(score > threshold for score in bad) - weights[1] * sum(score > threshold for score in good)


class TestBestThreshold:
    @given(good=SCORES, bad=SCORES, weights=st.sampled_from([(1.0, 1.0), (3.0, 1.0), (0.1, 1.0)]))
    def test_none_is_better(self, good, bad, weights):
        """Tried are all thresholds that differ in what they stop."""
        found = best_threshold(np.array(good), np.array(bad), *weights)

        tried = [worth(threshold, good, bad, weights) for threshold in (-math.inf, *good, *bad) if threshold < math.inf]
        assert worth(found, good, bad, weights) == pytest.approx(max(tried))

    def test_in_the_middle_of_a_gap(self):
        """Where good and bad are apart, the threshold lies halfway: either side of it is as far from a mistake."""
        assert best_threshold(np.array([1.0, 2.0]), np.array([4.0, 9.0]), 1, 1) == 3.0

    def test_refused_pictures_move_nothing(self):
        """A picture that is rejected whatever the threshold has no say in it."""
        with_refused = best_threshold(np.array([1.0, 2.0, math.inf]), np.array([4.0, math.inf]), 1, 1)

        assert with_refused == best_threshold(np.array([1.0, 2.0]), np.array([4.0]), 1, 1) == 3.0

    def test_extremes(self):
        """Where defects are all that costs, everything is rejected; where alarms are, nothing of what was seen."""
        good, bad = np.array([1.0, 3.0]), np.array([2.0, 4.0])

        assert best_threshold(good, bad, 1.0, 1e-9) < 2.0
        assert best_threshold(good, bad, 1e-9, 1.0) >= 3.0
        assert best_threshold(np.array([5.0]), np.array([1.0, 2.0]), 1.0, 1.0) < 1.0


class TestChoices:
    def test_side_by_side(self):
        """All three, with costs; two without; the conformal row counts what its own threshold does."""
        good, bad = [float(i) for i in range(40)], [30.5, 38.5, 50.0, 60.0, math.inf]

        rows = compare_thresholds(good, bad, (38.0, 0.11), 0.95, COSTS)

        assert [row.method for row in rows] == [SPLIT_CONFORMAL, YOUDEN, COST]
        assert (rows[0].rejected, rows[0].missed, rows[0].false_alarm_bound) == (1, 1, 0.11)
        assert (rows[0].false_alarm_rate, rows[0].miss_rate) == (1 / 40, 1 / 5)
        assert rows[0].cost == pytest.approx(1000 * (0.02 * 50 / 5 + 0.98 * 2 / 40))
        assert [row.method for row in compare_thresholds(good, bad, None, 0.95, None)] == [YOUDEN]

    def test_exact_interval_of_misses(self):
        """None of ten missed: at most 30.8 % in the long run (the rule of three, exactly)."""
        row = compare_thresholds([0.0] * 20, [5.0] * 10, (1.0, 0.2), 0.95, None)[0]

        assert (row.missed, row.miss_low) == (0, 0.0)
        assert row.miss_high == pytest.approx(1 - 0.025 ** (1 / 10))

    @pytest.mark.parametrize("method", [YOUDEN, COST])
    def test_mistakes_are_not_told_better_than_they_are(self, method):
        """On average over draws the told rates are the true ones of a threshold so chosen; counted as usual they are better."""
        random, told, true, flattered = np.random.default_rng(1), [], [], []
        costs = replace(COSTS, miss=98)  # an alarm weighs as much as a miss
        for _ in range(150):
            good, bad = random.normal(0, 1, 25), random.normal(1.5, 1, 25)
            row = compare_chosen(method, good.tolist(), bad.tolist(), 0.95, costs)
            told.append(row.miss_rate + row.false_alarm_rate)
            far, near = random.normal(0, 1, 1500), random.normal(1.5, 1, 1500)
            true.append((far > row.threshold).mean() + (near <= row.threshold).mean())
            flattered.append((good > row.threshold).mean() + (bad <= row.threshold).mean())

        error = 4 * np.std(np.array(told) - np.array(true)) / math.sqrt(150)
        assert np.mean(told) > np.mean(true) - error
        assert np.mean(flattered) < np.mean(true) - error

    def test_a_lone_defect(self):
        """One defect, one good part: nothing breaks, and leaving it out there is nothing to detect."""
        row = compare_chosen(YOUDEN, [1.0], [2.0], 0.95, None)

        assert (row.threshold, row.good, row.defects) == (1.5, 1, 1)


class TestAccount:
    def test_table(self):
        """A line for each method, in columns, with the cost where costs were named."""
        rows = compare_thresholds([float(i) for i in range(40)], [38.5, 50.0], (38.0, 0.11), 0.95, COSTS)
        calibration = Calibration((1.0,), 0.05, 2.0, "manual", "", "", "", "", comparisons=rows)

        lines = lines_of(calibration)

        assert " ".join(lines[1].split()) == "method threshold good parts rejected defects missed cost of 1,000 parts"
        assert lines[2].startswith(
            "split-conformal          38  1 of 40, long run at most 11.0 %       0 of 2 (0.0 % to 84.2 %)"
        )
        assert len(lines) == 5
        assert "cost" not in "".join(
            lines_of(replace(calibration, comparisons=compare_thresholds([1.0], [2.0], None, 0.95, None)))
        )
