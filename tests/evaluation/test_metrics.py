"""Metrics of pictures against slow twins, scikit-learn and cases worked by hand; properties swept over the table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from snag.evaluation.curves import precision_recall_points, roc_area, roc_points
from snag.evaluation.metrics import METRICS, ap_score, auroc_score, detection_score, false_alarm_rate, miss_rate, number
from snag.evaluation.score_histogram import PixelHistogram, ScoreHistogram, picture_histogram

THRESHOLD = 0.5
#: A few distinct scores, so that ties are common.
SCORES = st.lists(st.tuples(st.booleans(), st.integers(-3, 6).map(lambda step: step / 4)), min_size=2, max_size=40)


def labels_and_scores(pairs: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*pairs, strict=True)
    return np.array(labels), np.array(scores)


def value(name: str, pairs: list[tuple[bool, float]]) -> float | None:
    return number(METRICS[name].compute(picture_histogram(*labels_and_scores(pairs)), THRESHOLD))


# Slow twins: the definitions, one loop at a time.


def slow_auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    wins = [(bad > good) + (bad == good) / 2 for bad in scores[labels] for good in scores[~labels]]
    return sum(wins) / len(wins)


def slow_ap(labels: np.ndarray, scores: np.ndarray) -> float:
    area, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        rejected = scores >= threshold
        step = (rejected & labels).sum() / labels.sum() - recall
        recall += step
        area += step * (rejected & labels).sum() / rejected.sum()
    return area


@given(SCORES)
def test_auroc_and_ap_equal_their_slow_twins_and_scikit_learn(pairs: list[tuple[bool, float]]) -> None:
    """Ties included."""
    labels, scores = labels_and_scores(pairs)
    if labels.all() or not labels.any():
        return

    histogram = picture_histogram(labels, scores)

    assert auroc_score(histogram) == pytest.approx(slow_auroc(labels, scores), abs=1e-12)
    assert auroc_score(histogram) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert ap_score(histogram) == pytest.approx(slow_ap(labels, scores), abs=1e-12)
    assert ap_score(histogram) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


def test_a_case_by_hand() -> None:
    """Bad 3 and 1, good 2 and 0: three of four pairs are right; precision 1 at recall 1/2, then 2/3."""
    histogram = picture_histogram(np.array([True, True, False, False]), np.array([3.0, 1.0, 2.0, 0.0]))

    assert auroc_score(histogram) == 0.75
    assert ap_score(histogram) == pytest.approx((1 + 2 / 3) / 2)
    assert false_alarm_rate(histogram, 2.0) == 0.0  # equal to the threshold is not rejected
    assert false_alarm_rate(histogram, 1.5) == 0.5
    assert detection_score(histogram, 2.0) == 0.5
    assert miss_rate(histogram, 2.0) == 0.5


def test_the_curve_has_scikit_learns_points() -> None:
    """And starts at (0, 0)."""
    labels = np.array([0, 1, 1, 0, 1, 0, 0], dtype=bool)
    scores = np.array([0.1, 0.9, 0.4, 0.4, 0.7, 0.3, 0.3])
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)

    histogram = picture_histogram(labels, scores)

    assert np.array_equal(roc_points(histogram.good, histogram.bad), [fpr, tpr])
    precision, recall = precision_recall_points(histogram.good, histogram.bad)
    assert np.array_equal(recall, tpr[1:])
    assert np.allclose(precision, [1, 1, 3 / 4, 3 / 6, 3 / 7])


def test_a_perfect_area_is_exactly_one() -> None:
    """Not 0.9999999999999999, which a report could not tell from a mistake."""
    labels = np.arange(61 + 21) < 61

    assert auroc_score(picture_histogram(labels, labels + np.linspace(0, 0.5, 82))) == 1.0


def test_an_infinite_score_ranks_above_all() -> None:
    """It is what a picture gets that can't be judged at all; two of them are a tie."""
    labels = np.array([True, False, False])

    assert auroc_score(picture_histogram(labels, np.array([math.inf, math.inf, 7.0]))) == 0.75


def test_a_score_that_is_not_a_number_is_refused() -> None:
    """It would be sorted somewhere."""
    with pytest.raises(ValueError, match="not a number"):
        picture_histogram(np.array([True, False]), np.array([math.nan, 1.0]))
    with pytest.raises(ValueError, match="not a number"):
        PixelHistogram().add(np.full((2, 2), math.nan, dtype=np.float32), None)


@pytest.mark.parametrize("name", METRICS)
@given(pairs=SCORES, order=st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(name: str, pairs: list[tuple[bool, float]], order: object) -> None:
    """Of no metric in the table."""
    shuffled = list(pairs)
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    assert value(name, shuffled) == pytest.approx(value(name, pairs), abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
@given(pairs=SCORES, times=st.integers(2, 5))
def test_taking_every_sample_several_times_changes_nothing(name: str, pairs: list[tuple[bool, float]], times: int) -> None:
    assert value(name, pairs * times) == pytest.approx(value(name, pairs), abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
@given(pairs=SCORES)
def test_every_metric_is_a_share_or_undefined(name: str, pairs: list[tuple[bool, float]]) -> None:
    """It lies in 0..1; where a class that it needs is missing it is None."""
    has_bad, has_good = any(bad for bad, _ in pairs), not all(bad for bad, _ in pairs)
    needed = {"fpr": has_good, "tpr": has_bad}.get(name, has_bad and has_good)

    result = value(name, pairs)

    assert (result is not None) == needed
    assert result is None or 0 <= result <= 1


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if not metric.is_share])
@given(pairs=SCORES)
def test_areas_depend_on_the_order_of_scores_alone(name: str, pairs: list[tuple[bool, float]]) -> None:
    """Any rising function of the score leaves them as they are."""
    assert value(name, [(bad, math.exp(3 * score)) for bad, score in pairs]) == value(name, pairs)


@given(SCORES)
def test_swapping_good_and_bad_turns_auroc_round(pairs: list[tuple[bool, float]]) -> None:
    """And so does the sign of the score."""
    swapped = value("image_auroc", [(not bad, score) for bad, score in pairs])
    negated = value("image_auroc", [(bad, -score) for bad, score in pairs])
    plain = value("image_auroc", pairs)

    assert swapped == pytest.approx(None if plain is None else 1 - plain)
    assert negated == pytest.approx(swapped)


def test_roc_area_up_to_a_limit_interpolates_on_the_line() -> None:
    """One straight line to (1, 1) gives half the limit for each limit; many samples at once give the same."""
    good, bad = np.array([[1.0], [5.0]]), np.array([[2.0], [1.0]])

    assert np.allclose(roc_area(good, bad, 0.2), [0.1, 0.1])


def test_no_pictures_give_an_empty_histogram() -> None:
    """And metrics without meaning, not an exception."""
    histogram = picture_histogram(np.zeros(0, dtype=bool), np.zeros(0))

    assert isinstance(histogram, ScoreHistogram)
    assert {number(metric.compute(histogram, 0.5)) for metric in METRICS.values()} == {None}


def test_auroc_is_mann_whitneys_u() -> None:
    """Another library's name for the same number."""
    generator = np.random.default_rng(1)
    bad, good = generator.normal(0.7, 1, 50), generator.normal(size=40)
    labels = np.arange(90) < 50

    u = stats.mannwhitneyu(bad, good).statistic

    assert auroc_score(picture_histogram(labels, np.concatenate([bad, good]))) == pytest.approx(u / (50 * 40))
