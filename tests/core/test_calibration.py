"""The threshold and the p-value: one rule, and its guarantee."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from snag.core.calibration import conformal_threshold, fewest_pictures, next_useful_size, p_value, rank_of_threshold
from snag.core.errors import BadConfig, BadScores, TooFewCalibrationPictures
from snag.core.verdict import judge
from tests.support.calibrations import calibrated

#: Scores with many ties, and scores of all sizes.
SCORES = st.one_of(st.integers(0, 6).map(float), st.floats(-1e6, 1e6))


#: Rates as people write them, and every float.
RATES = st.one_of(
    st.integers(1, 999).map(lambda thousandths: float(f"0.{thousandths:03d}")),
    st.floats(1e-3, 1, exclude_max=True),
    st.tuples(st.integers(1, 60), st.integers(2, 60))
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: pair[0] / pair[1]),
)


class TestRule:
    @given(scores=st.lists(SCORES, min_size=1, max_size=120), rate=RATES, score=SCORES)
    @example(scores=[float(i) for i in range(99)], rate=0.29, score=70.0)  # 0.29 * 100 is 28.999... in floats
    @example(scores=[1.0, 2.0], rate=1 / 3, score=3.0)  # a third as a float is less than a third
    @example(scores=[0.0] * 19, rate=0.05, score=0.0)
    def test_p_value_and_threshold_agree(self, scores, rate, score):
        """The p-value is at most the rate exactly when the score is over the threshold, whatever the ties."""
        assume(rank_of_threshold(len(scores), rate) <= len(scores))
        calibration = calibrated(scores, rate)

        for candidate in {score, *scores, calibration.threshold, math.nextafter(calibration.threshold, math.inf)}:
            assert (p_value(candidate, calibration) <= rate) == (candidate > calibration.threshold)
            assert judge(candidate, 0.0, None, calibration).is_anomaly == (candidate > calibration.threshold)

    @given(count=st.integers(1, 3000), digits=st.integers(1, 5), numerator=st.integers(1, 99_999))
    def test_floor_of_the_rate_as_written(self, count, digits, numerator):
        """For a rate written in decimals the rank is n + 1 - floor(rate * (n + 1)), reckoned exactly."""
        assume(numerator < 10**digits)
        rate = Fraction(numerator, 10**digits)

        assert count + 1 - math.floor(rate * (count + 1)) == rank_of_threshold(count, float(rate))

    @given(count=st.integers(0, 400), rate=RATES)
    @example(count=38, rate=0.05)
    @example(count=28, rate=0.29)
    def test_the_next_useful_size_is_the_first_that_lets_one_more_score_lie_above(self, count, rate):
        """By trying one size after the other: before it no more may lie above than with one picture less, there one may."""
        above = [size + 1 - rank_of_threshold(size, rate) for size in range(3000)]
        useful = [size for size in range(1, 3000) if above[size] > above[size - 1]]

        assert next_useful_size(count, rate) == next(size for size in useful if size >= count)
        assert fewest_pictures(rate) == useful[0]

    def test_sizes_that_carry_five_percent_and_no_less(self):
        assert [next_useful_size(size, 0.05) for size in (0, 19, 20, 38, 39, 64)] == [19, 19, 39, 39, 39, 79]

    @given(scores=st.lists(SCORES, min_size=1, max_size=60), score=SCORES)
    def test_p_value_by_counting(self, scores, score):
        """The p-value counts the calibration pictures that look at least as anomalous, this one included."""
        calibration = calibrated(scores, 0.5, threshold=0.0)

        assert (1 + sum(known >= score for known in scores)) / (len(scores) + 1) == p_value(score, calibration)

    @pytest.mark.parametrize(
        ("count", "rate", "rank"),
        [
            (19, 0.05, 19),
            (20, 0.05, 20),
            (39, 0.05, 38),
            (99, 0.29, 71),
            (18, 0.05, 19),
            (0, 0.5, 1),
            (1, 0.5, 1),
            (2, 1 / 3, 2),
        ],
    )
    def test_by_hand(self, count, rate, rank):
        """Some ranks worked out by hand."""
        assert rank == rank_of_threshold(count, rate)

    def test_order_does_not_matter(self):
        """The scores may come in any order, and of any float type."""
        assert conformal_threshold(np.array([3.0, 1.0, 2.0], np.float32), np.float64(0.5)) == 2.0

    @pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, math.nan, math.inf])
    def test_impossible_rates(self, rate):
        """A rate that is no share of pictures is refused."""
        with pytest.raises(BadConfig, match="expected a number between 0 and 1"):
            conformal_threshold([1.0, 2.0], rate)


class TestGuarantee:
    @pytest.mark.parametrize(("count", "rate"), [(19, 0.05), (40, 0.05), (63, 0.1), (99, 0.29), (10, 0.5)])
    def test_false_alarms_of_exchangeable_pictures(self, count, rate):
        """Over many calibrations, good parts are rejected at floor(rate * (n + 1)) / (n + 1): at most the rate, hardly less."""
        draws, expected = 4000, math.floor(Fraction(str(rate)) * (count + 1)) / (count + 1)
        generator = np.random.default_rng(1)
        scores = generator.standard_normal((draws, count + 1))

        alarms = sum(row[-1] > conformal_threshold(row[:-1].tolist(), rate) for row in scores)

        # Each draw is an independent Bernoulli trial: 4.5 standard deviations are wrong once in 150,000 runs.
        assert expected <= rate
        assert abs(alarms / draws - expected) < 4.5 * math.sqrt(expected * (1 - expected) / draws)

    def test_p_values_are_uniform(self):
        """Without ties the p-values of exchangeable pictures take each of their n + 1 values equally often."""
        count, draws = 9, 5000
        scores = np.random.default_rng(2).standard_normal((draws, count + 1))

        found = [p_value(row[-1], calibrated(row[:-1].tolist(), 0.5)) for row in scores]

        values, counts = np.unique(found, return_counts=True)
        assert values == pytest.approx(np.arange(1, 11) / 10)
        assert ((counts - draws / 10) ** 2 / (draws / 10)).sum() < 33.7  # chi square, 9 degrees of freedom, 1 in 10,000

    def test_ties_stop_fewer(self):
        """Where scores tie, fewer good pictures are rejected, never more: here by all orders of a small example."""
        values, rate = (0.0, 0.0, 1.0, 1.0, 1.0), 0.4
        alarms = sum(values[i] > conformal_threshold([*values[:i], *values[i + 1 :]], rate) for i in range(5))

        assert (alarms, alarms / 5 <= rate) == (0, True)


class TestTooFew:
    @given(count=st.integers(0, 400), rate=RATES)
    @example(count=1, rate=1 / 3)
    @example(count=0, rate=0.9)
    @example(count=18, rate=0.05)
    def test_needed_and_possible(self, count, rate):
        """The error names the smallest number of pictures that is enough, and a rate that this many can carry."""
        scores = [float(i) for i in range(count)]
        if rank_of_threshold(count, rate) <= count:
            assert conformal_threshold(scores, rate) in scores
            return

        with pytest.raises(TooFewCalibrationPictures) as caught:
            conformal_threshold(scores, rate)

        details = caught.value.details
        assert (count, rate) == (details["found"], details["rate"])
        needed = details["needed"]
        assert needed > count
        assert rank_of_threshold(needed, rate) <= needed
        assert rank_of_threshold(needed - 1, rate) > needed - 1
        possible = float(details["possible"].removesuffix(" with one picture"))
        assert rank_of_threshold(max(count, 1), possible) <= max(count, 1)
        assert not count or possible < 1 / (count + 1) + 1e-4

    def test_message(self):
        """The message as a person reads it."""
        with pytest.raises(TooFewCalibrationPictures) as caught:
            conformal_threshold([1.0] * 12, 0.05)

        assert str(caught.value) == (
            "12 calibration pictures can't carry a false-alarm rate of 0.05: at least 19 are needed "
            "(or ask for a rate of at least 0.077)"
        )

    @pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
    def test_scores_that_are_no_numbers(self, wrong):
        """Scores that are no finite numbers are refused: among them nothing is sorted."""
        with pytest.raises(BadScores, match="1 of 20 scores are not finite"):
            conformal_threshold([*map(float, range(19)), wrong], 0.05)


class TestUsefulSize:
    @pytest.mark.parametrize(
        ("count", "rate", "more"),
        [
            *[
                (1, 0.05, 19),
                (18, 0.05, 19),
                (19, 0.05, 19),
                (20, 0.05, 39),
                (32, 0.05, 39),
                (38, 0.05, 39),
                (39, 0.05, 39),
            ],
            *[(40, 0.05, 59), (64, 0.05, 79), (79, 0.05, 79), (98, 0.01, 99), (150, 0.01, 199), (40, 0.03, 66)],
            (99, 0.29, 99),
        ],
    )
    def test_known(self, count, rate, more):
        """20 m - 1 for 5 %, as is known from the rule."""
        assert next_useful_size(count, rate) == more

    @given(count=st.integers(1, 400), rate=RATES)
    def test_by_counting(self, count, rate):
        """The first size, counted upwards, that lets one more picture lie above the threshold."""

        def above(size):
            return size + 1 - rank_of_threshold(size, rate)

        found = next_useful_size(count, rate)

        if found == count:
            assert above(count) > above(count - 1)
        elif found - count < 2000:
            assert above(found) > above(count)
            assert all(above(size) <= above(count) for size in range(count, found))
