"""What labels say: the observed false-alarm rate and the suggested threshold, against counting and against simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from snag.review.findings import Seen, assumption, false_alarm_rate, interval, label_findings, suggest
from snag.review.labels import DEFECT, FALSE_ALARM, UNSURE, Labelled


def labelled(label: str, score: float, kind: str = "flagged", reason: str | None = None) -> Labelled:
    return Labelled("id", label, 0.0, 0.0, "request", "bolt", "1.0", kind, score, 2.0, 0.1, reason)


class TestAssumption:
    def test_some(self):
        """With labels of a part of the pictures, unsure ones not counted, the others are taken to be alike, and it is said."""
        labels = [labelled(FALSE_ALARM, 3.0)] * 8 + [labelled(DEFECT, 9.0)] * 2 + [labelled(UNSURE, 4.0)] * 5
        labels += [labelled(FALSE_ALARM, 1.9, "borderline")] * 3

        assert assumption(labels, Seen(50, 30, 920)).startswith(
            "This takes the labelled pictures (10 of 50 flagged and 3 of 30 borderline ones) for a random sample of all of them"
        )
        assert "(3 of 30 borderline ones)" in assumption(labels, Seen(10, 30, 920))

    def test_all(self):
        """Where each suspicious picture has a label nothing need be assumed of them."""
        assert assumption([labelled(FALSE_ALARM, 3.0)] * 4, Seen(4, 0, 96)) == ""


class TestObserved:
    def test_by_hand(self):
        """Of 1000 judged 50 were flagged; of 20 labelled ones 8 were good: 20 false alarms among 970 good parts."""
        labels = [labelled(FALSE_ALARM, 3.0)] * 8 + [labelled(DEFECT, 9.0)] * 12 + [labelled(UNSURE, 4.0)] * 5

        found = label_findings(labels, Seen(50, 30, 920))

        assert (found.defects, found.false_alarms, found.unsure) == (12, 8, 5)
        assert found.observed is not None
        assert found.observed.rate == pytest.approx(20 / 970)
        assert found.observed.low < 20 / 970 < found.observed.high

    def test_without(self):
        """Without a label of a flagged picture, or without the server's counts, nothing is said."""
        assert label_findings([], Seen(5, 5, 5)).observed is None
        assert label_findings([labelled(UNSURE, 3.0)], Seen(5, 5, 5)).observed is None
        assert label_findings([labelled(FALSE_ALARM, 3.0, "borderline")], Seen(5, 5, 5)).observed is None
        assert label_findings([labelled(FALSE_ALARM, 3.0)], Seen(0, 0, 0)).observed is None

    @given(count=st.integers(0, 60), more=st.integers(0, 60), error=st.floats(0.001, 0.5))
    def test_interval(self, count, more, error):
        """The interval is that of SciPy's exact binomial test."""
        total = max(1, count + more)
        count = min(count, total)

        expected = binomtest(count, total).proportion_ci(1 - error, "exact")

        assert interval(count, total, error) == pytest.approx((expected.low, expected.high))

    @given(st.floats(0, 0.99), st.floats(0, 0.99), st.floats(0, 1), st.floats(0, 1))
    def test_rises(self, flagged, more, wrong, worse):
        """The rate rises with the share that is flagged and with that of the good among them: so its ends are at theirs."""
        assert (
            false_alarm_rate(min(flagged, more), min(wrong, worse))
            <= false_alarm_rate(max(flagged, more), max(wrong, worse)) + 1e-12
        )

    def test_covers(self):
        """In simulated lines, some of whose flagged pictures are labelled, the interval holds the truth as often as it says."""
        generator = random.Random(0)
        truth, held, lines = 0.04, 0, 300
        for _ in range(lines):
            parts = [generator.random() < 0.02 for _ in range(1500)]  # whether it is a defect
            flagged = [is_bad for is_bad in parts if generator.random() < (0.9 if is_bad else truth)]
            labels = [labelled(DEFECT if is_bad else FALSE_ALARM, 3.0) for is_bad in flagged if generator.random() < 0.5]
            observed = label_findings(labels, Seen(len(flagged), 0, len(parts) - len(flagged))).observed
            held += observed is not None and observed.low <= truth <= observed.high

        assert held / lines >= 0.95


class TestSuggestion:
    def test_by_hand(self):
        """Four false alarms among 100 good parts; for 2 % the two highest may stay, and a defect below them is named."""
        labels = [labelled(FALSE_ALARM, score) for score in (2.1, 2.5, 3.0, 4.0)] + [
            labelled(DEFECT, 2.4),
            labelled(DEFECT, 8.0),
        ]

        found = suggest(labels, Seen(6, 0, 96), 0.02)

        assert found is not None
        assert (found.threshold, found.rate, found.missed, found.is_lowest) == (2.5, 0.02, 1, False)

    def test_lower(self):
        """Where there are fewer false alarms than allowed, borderline pictures show how far down it may go."""
        labels = [labelled(DEFECT, 8.0), labelled(FALSE_ALARM, 1.95, "borderline"), labelled(FALSE_ALARM, 1.9, "borderline")]

        found, all_of_them = suggest(labels, Seen(1, 2, 98), 0.01), suggest(labels, Seen(1, 2, 98), 0.05)

        assert found is not None
        assert all_of_them is not None
        assert (found.threshold, found.is_lowest) == (1.9, False)
        assert all_of_them.threshold == math.nextafter(1.9, -math.inf)
        assert all_of_them.is_lowest

    def test_a_label_stands_for_those_without(self):
        """When half of the flagged are labelled, each stands for two."""
        labels = [labelled(FALSE_ALARM, score) for score in (2.1, 2.5, 3.0, 4.0)]

        found = suggest(labels, Seen(8, 0, 92), 0.04)

        assert found is not None
        assert (found.threshold, found.rate) == (2.5, 0.04)

    def test_unaligned(self):
        """Good parts that could not be aligned are rejected whatever the threshold: too many, and none can help."""
        labels = [labelled(FALSE_ALARM, 1e6, reason="not_aligned")] * 5

        found = suggest(labels, Seen(5, 0, 95), 0.02)

        assert found is not None
        assert found.threshold is None

    def test_nothing(self):
        """Without labels there is no suggestion."""
        assert suggest([], Seen(5, 5, 5), 0.05) is None
        assert suggest([labelled(UNSURE, 3.0)], Seen(5, 5, 5), 0.05) is None

    @given(
        scores=st.lists(st.floats(1.8, 9.0), min_size=1, max_size=30),
        good=st.integers(40, 400),
        rate=st.floats(0.005, 0.3),
    )
    def test_keeps_the_rate(self, scores, good, rate):
        """With every flagged picture labelled, the threshold keeps the rate among the good parts seen; the next lower fails."""
        labels = [labelled(FALSE_ALARM, score) for score in scores]

        found = suggest(labels, Seen(len(scores), 0, good - len(scores)), rate) if good > len(scores) else None

        if found is not None and found.threshold is not None:
            assert sum(score > found.threshold for score in scores) <= rate * good
            lower = [score for score in scores if score < found.threshold]
            assert not lower or sum(score > max(lower) for score in scores) > rate * good
