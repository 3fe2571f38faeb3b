"""From a score to a verdict."""

import math

import pytest

from snag.core.verdict import Verdict, judge
from tests.support.calibrations import calibrated

CALIBRATION = calibrated([1.0, 2.0, 3.0, 4.0], 0.2)


@pytest.mark.parametrize(
    ("score", "is_anomaly", "p"),
    [(-5.0, False, 1.0), (3.5, False, 0.4), (4.0, False, 0.4), (math.nextafter(4, 5), True, 0.2), (9.0, True, 0.2)],
)
def test_judge(score, is_anomaly, p):
    """Anomalous is what scores over the threshold; a score that equals it is good."""
    assert Verdict(is_anomaly, score, 4.0, p, 0.25, None) == judge(score, 0.25, None, CALIBRATION)


def test_reason():
    """A reason makes the picture anomalous whatever its score, and is passed on."""
    assert Verdict(True, 0.0, 4.0, 1.0, 0.25, "not_aligned") == judge(0.0, 0.25, "not_aligned", CALIBRATION)


def test_threshold_by_hand():
    """A threshold set by hand decides; the p-value still comes from the scores."""
    assert Verdict(True, 2.5, 2.0, 0.6, 0.0, None) == judge(
        2.5, 0.0, None, calibrated([1.0, 2.0, 3.0, 4.0], 0.2, threshold=2.0)
    )


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_score_that_is_no_number(score):
    """A score that is no number is an error and never a good part: no comparison with a threshold holds for it."""
    with pytest.raises(ValueError, match="the model's score is"):
        judge(score, 0.0, None, CALIBRATION)
    with pytest.raises(ValueError, match="its reconstruction error"):
        judge(0.0, score, None, CALIBRATION)
