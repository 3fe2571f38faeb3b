"""What a threshold promises: the exact law of its false alarms, kept over random splits, ties or not; and its words."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.guarantee.splits import p_value_misfit, random_splits
from snag.core.calibration import Calibration, p_value, rank_of_threshold
from snag.core.errors import BadScores, TooFewCalibrationPictures
from snag.core.guarantee import AVERAGE, CHOSEN, CONFIDENCE, Guarantee, read_guarantee
from snag.training.calibration.guarantee import (
    bound_of,
    fewest_with_confidence,
    guarantee,
    guarantee_of_chosen,
    measured_share,
    promised_threshold,
    rank_with_confidence,
    with_left_out,
)

SPLITS = 500
#: 3,000 scores without ties, long-tailed as those of good pictures are.
POOL = np.random.default_rng(10).gamma(3.0, size=3000)
#: The same in 25 steps, so that most scores tie.
TIED = np.round(POOL * 2.5) / 2.5


def binomial_tail(count: int, rate: float, most: int) -> float:
    """Probability of at most `most` successes, term by term: the slow twin of the incomplete beta function."""
    return math.fsum(math.comb(count, hits) * rate**hits * (1 - rate) ** (count - hits) for hits in range(most + 1))


class TestRank:
    @given(count=st.integers(1, 150), rate=st.floats(0.01, 0.6), confidence=st.floats(0.5, 0.999))
    def test_smallest_that_keeps_both_promises(self, count, rate, confidence):
        """The true rate exceeds r exactly when at most n - k of n pictures lie above the (1 - r)-quantile: a binomial tail."""
        lowest, error = rank_of_threshold(count, rate), 1e-9

        found = rank_with_confidence(count, rate, confidence)

        if found <= count:
            assert binomial_tail(count, rate, count - found) <= 1 - confidence + error
        if found > lowest:
            assert binomial_tail(count, rate, count - (found - 1)) > 1 - confidence - error

    @given(rate=st.floats(0.001, 0.9), confidence=st.floats(0.5, 0.9999))
    def test_fewest(self, rate, confidence):
        """The named number is enough, one less is not."""
        needed = fewest_with_confidence(rate, confidence)

        assert rank_with_confidence(needed, rate, confidence) <= needed
        assert needed == 1 or rank_with_confidence(needed - 1, rate, confidence) == needed

    @pytest.mark.parametrize(("rate", "confidence", "needed"), [(0.05, 0.95, 59), (0.01, 0.95, 299), (0.01, 0.99, 459)])
    def test_known_numbers(self, rate, confidence, needed):
        """The numbers that every table of tolerance limits has."""
        assert needed == fewest_with_confidence(rate, confidence)


class TestLaw:
    @pytest.mark.parametrize("count", [20, 40, 64, 150, 500])
    @pytest.mark.parametrize("kind", [AVERAGE, CONFIDENCE])
    def test_realised_rates_follow_the_beta_law(self, count, kind):
        """Over 500 random splits of good pictures, what is rejected of the others follows Beta(n + 1 - k, k)."""
        found = random_splits(POOL, count, 0.15, kind, 0.9, SPLITS, seed=count)

        assert found.misfit() > 0.001
        assert 0.1 <= found.expected_broken < 0.13  # the rest is finite: a little more than the 10 % that are promised
        assert found.rates.mean() == pytest.approx(found.promised.average, abs=4.5 * found.rates.std() / math.sqrt(SPLITS))
        assert stats.binomtest(round(found.broken * SPLITS), SPLITS, found.expected_broken, "greater").pvalue > 0.001

    @pytest.mark.parametrize("count", [20, 64, 500])
    @pytest.mark.parametrize("kind", [AVERAGE, CONFIDENCE])
    def test_ties_only_lower_the_rates(self, count, kind):
        """Both promises hold where most scores tie."""
        found = random_splits(TIED, count, 0.15, kind, 0.9, SPLITS, seed=count)

        assert found.rates.mean() <= found.promised.average + 4.5 * found.rates.std() / math.sqrt(SPLITS)
        assert stats.binomtest(round(found.broken * SPLITS), SPLITS, found.expected_broken, "greater").pvalue > 0.001

    def test_the_test_can_fail(self):
        """Calibration on other pictures than those that come: the law is not followed."""
        found = random_splits(POOL, 64, 0.15, AVERAGE, 0.9, SPLITS, seed=1)
        moved = type(found)(found.promised, found.alarms + round(0.05 * found.rest), found.rest)

        assert moved.misfit() < 1e-6

    @pytest.mark.parametrize("pool", [POOL, TIED], ids=["no ties", "ties"])
    @pytest.mark.parametrize("count", [20, 100, 500])
    def test_p_values_are_uniform(self, pool, count):
        """With ties ordered at random, the p-values of good pictures are uniform (Kolmogorov-Smirnov)."""
        assert p_value_misfit(pool, count, SPLITS, seed=count) > 0.001

    def test_p_values_as_another_library_has_them(self):
        """The p-values of crepes, by another author, on the same scores with ties."""
        crepes = pytest.importorskip("crepes")
        known, new = np.sort(TIED[:200]), TIED[200:400]
        calibration = Calibration(tuple(known.tolist()), 0.1, 0.0, "manual", "", "", "", "2026-01-01T00:00:00+00:00")

        theirs = crepes.base.p_values_batch(known, new, smoothing=False)

        assert [p_value(score, calibration) for score in new] == pytest.approx(theirs)

    @pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
    def test_a_chosen_threshold_is_bounded_whatever_was_chosen(self, confidence):
        """Even where the threshold is the worst of all for these scores, the bound is broken as seldom as is said."""
        random, broken = np.random.default_rng(3), 0
        for _ in range(SPLITS):
            scores = np.sort(random.random(50))
            overestimated = 1 - scores - (50 - np.arange(1, 51)) / 50  # true rate of each threshold minus its share above
            threshold = scores[overestimated.argmax()]
            broken += 1 - threshold > guarantee_of_chosen(scores.tolist(), threshold, confidence).bound

        assert stats.binomtest(broken, SPLITS, 1 - confidence, "greater").pvalue > 0.001


class TestThreshold:
    def test_on_average_it_is_the_usual_one(self):
        """40 scores at 5 %: the 39th, as ever; the confidence is told and changes nothing."""
        threshold, promised = promised_threshold(list(range(40, 0, -1)), 0.05, AVERAGE, 0.9)

        assert (threshold, promised.rank, promised.confidence) == (39, 39, 0.9)
        assert promised.bound == pytest.approx(stats.beta.ppf(0.9, 2, 39))

    def test_with_confidence_it_is_higher(self):
        """150 scores at 5 %: on average the 143rd, with 95 % confidence the 148th."""
        threshold, promised = promised_threshold(list(range(1, 151)), 0.05, CONFIDENCE, 0.95)

        assert (threshold, promised.rank) == (148, 148)
        assert bound_of(150, 148, 0.95) <= 0.05 < bound_of(150, 147, 0.95)

    def test_too_few_for_the_confidence(self):
        """The error names the number that is needed, and the rate that these can carry."""
        with pytest.raises(TooFewCalibrationPictures) as caught:
            promised_threshold([1.0] * 40, 0.05, CONFIDENCE, 0.95)

        assert str(caught.value) == (
            "40 calibration pictures can't carry a false-alarm rate of 0.05 with 95 % confidence: at least 59 are needed "
            "(or ask for a rate of at least 0.0722)"
        )
        assert rank_with_confidence(40, 0.0722, 0.95) == 40

    def test_scores_that_are_no_numbers(self):
        """Refused, as for the usual threshold."""
        with pytest.raises(BadScores, match="1 of 60 scores"):
            promised_threshold([*map(float, range(59)), math.nan], 0.05, CONFIDENCE, 0.95)


class TestWords:
    def test_on_average(self):
        """The sentence of 40 pictures at 5 %, and what more would buy."""
        promised = guarantee(40, 39, 0.05, AVERAGE, 0.95)

        assert promised.sentence == (
            "Of 1,000 good parts, on average at most 49 are rejected (asked: 50); with 95 % confidence at most 114."
        )
        assert promised.prospect == (
            "With 99 calibration pictures instead of 40 it would be at most 91, with 179 80, with 419 69. "
            "59 pictures are enough for PROMISE=confidence."
        )

    def test_with_confidence(self):
        """The sentence begins with what was asked for."""
        promised = guarantee(150, 148, 0.05, CONFIDENCE, 0.95)

        assert promised.sentence == (
            "Of 1,000 good parts, with 95 % confidence at most 42 are rejected (asked: 50); on average at most 20."
        )
        assert promised.prospect == (
            "300 calibration pictures instead of 150 could hold it to at most 10, 600 to at most 5, 1,500 to at most 2."
        )

    def test_chosen(self):
        """A threshold chosen by its results: one bound, and why it is so wide."""
        promised = guarantee_of_chosen([1.0] * 38 + [3.0] * 2, 2.0, 0.95)

        assert promised.kind == CHOSEN
        assert promised.sentence == (
            "Of 1,000 good parts, with 95 % confidence at most 244 are rejected: "
            "a threshold that was chosen by its results is promised less."
        )
        assert promised.prospect == ""

    def test_all_that_was_asked_for(self):
        """Where the pictures keep just what was asked for it is said once, and so it is where the asked rate is not known."""
        promised = guarantee(39, 38, 0.05, AVERAGE, 0.95)

        told = "Of 1,000 good parts, on average at most 50 are rejected; with 95 % confidence at most 116."
        assert [promised.sentence, replace(promised, rate=None).sentence] == [told, told]
        assert "(asked: 50)" not in replace(guarantee(40, 39, 0.05, AVERAGE, 0.95), rate=None).sentence

    @pytest.mark.parametrize(
        ("above", "count", "told"),
        [
            (32, 40, "32 of 40 calibration pictures lie above the threshold (95 %: 64 to 91 % of good parts"),
            (0, 40, "0 of 40 calibration pictures lie above the threshold (95 %: 0.0 to 8.9 % of good parts"),
            (5, 5, "5 of 5 calibration pictures lie above the threshold (95 %: 47 to 100 % of good parts"),
            (1, 4000, "1 of 4000 calibration pictures lie above the threshold (95 %: 0.00 to 0.14 % of good parts"),
        ],
    )
    def test_measured(self, above, count, told):
        """A threshold that came from elsewhere promises nothing; what it does is told with both ends, rounded outwards."""
        measured = measured_share([1.0] * (count - above) + [3.0] * above, 2.0, 0.95)

        assert measured.sentence == f"No false-alarm rate is promised; {told}, if it was not chosen by these pictures)."
        assert (measured.average, measured.prospect) == (None, "")

    def test_small_rates(self):
        """A rate of less than one in a thousand is told of more parts; nothing is rounded down."""
        assert guarantee(20_000, 19_999, 0.0001, AVERAGE, 0.95).sentence == (
            "Of 100,000 good parts, on average at most 10 are rejected; with 95 % confidence at most 24."
        )

    @given(count=st.integers(1, 3000), rate=st.floats(1e-3, 0.5), kind=st.sampled_from([AVERAGE, CONFIDENCE]))
    def test_what_is_said_is_at_least_what_is_promised(self, count, rate, kind):
        """The parts of the sentence are never fewer than the numbers behind it, and less than one part more."""
        rank = rank_of_threshold(count, rate) if kind == AVERAGE else rank_with_confidence(count, rate, 0.9)
        assume(rank <= count)
        promised = guarantee(count, rank, rate, kind, 0.9)

        parts, *told = (int(number.replace(",", "")) for number in re.findall(r"(?:Of|most) ([\d,]+)", promised.sentence))

        numbers = [promised.average, promised.bound] if kind == AVERAGE else [promised.bound, promised.average]
        assert [parts * number for number in numbers] <= [said + 1e-5 for said in told]
        assert all(said < parts * number + 1 for said, number in zip(told, numbers, strict=True))

    def test_the_file_gives_it_back(self):
        """Numbers and lists, as JSON has them."""
        scores = [float(score) for score in range(40)]
        usual = guarantee(40, 39, 0.05, AVERAGE, 0.95)
        for promised in (
            usual,
            with_left_out(usual, 38.0, scores, [50.0, 1.0]),
            with_left_out(measured_share(scores, 8.0, 0.9), 8.0, scores, [50.0]),
        ):
            fields = json.loads(json.dumps(asdict(promised)))

            assert read_guarantee(fields, 40) == promised
            assert isinstance(read_guarantee(fields, 40), Guarantee)
