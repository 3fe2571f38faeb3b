"""The metrics and their table.

Names are a contract: `*_score`: higher is better; `*_rate`, `*_error`: of mistakes, lower is better.

Each takes a ScoreHistogram and the calibrated threshold and answers one number, NaN where it has no meaning (a class is
missing), which `number` turns into None, null in JSON. Equal scores are ties: a tied pair counts one half in an
area, and a score equal to the threshold is not rejected.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from snag.evaluation.aupro import aupro_score
from snag.evaluation.curves import precision_area, roc_area
from snag.evaluation.intervals import Interval, auroc_interval, clopper_pearson
from snag.evaluation.score_histogram import ScoreHistogram


def auroc_score(histogram: ScoreHistogram) -> np.ndarray:
    """Probability that a bad sample scores higher than a good one (Hanley and McNeil, Radiology 143, 1982): [...]."""
    return roc_area(histogram.good, histogram.bad)


def ap_score(histogram: ScoreHistogram) -> np.ndarray:
    """Average precision, scikit-learn's definition: [...]."""
    return precision_area(histogram.good, histogram.bad)


def false_alarm_rate(histogram: ScoreHistogram, threshold: float) -> np.ndarray:
    """Share of the good with a score above the threshold: [...]."""
    return _share_above(histogram.levels, histogram.good, threshold)


def miss_rate(histogram: ScoreHistogram, threshold: float) -> np.ndarray:
    """Share of the bad with a score not above the threshold: [...]."""
    return 1.0 - _share_above(histogram.levels, histogram.bad, threshold)


def detection_score(histogram: ScoreHistogram, threshold: float) -> np.ndarray:
    """Share of the bad with a score above the threshold, the detection rate: [...]."""
    return _share_above(histogram.levels, histogram.bad, threshold)


@dataclass(frozen=True)
class Metric:
    """A line of the table."""

    title: str
    level: Literal["image", "pixel"]
    compute: Callable[[ScoreHistogram, float], np.ndarray]
    meaning: str  #: one sentence for the report
    #: Of the value, with so many good and so many defective pictures; None: no method is known that can be stood behind.
    interval: Callable[[float, int, int], Interval | None] | None = None
    is_share: bool = False  #: of pictures, at the calibrated threshold: told in percent


#: The registry: what evaluation computes, gives an interval and reports, by the key in metrics.json.
METRICS: Final[dict[str, Metric]] = {
    "image_auroc": Metric(
        "Image AUROC",
        "image",
        lambda histogram, _: auroc_score(histogram),
        "Chance that a defective picture scores higher than a good one; 0.5 is guessing, 1 is perfect. Needs no threshold.",
        auroc_interval,
    ),
    "image_ap": Metric(
        "Image AP",
        "image",
        lambda histogram, _: ap_score(histogram),
        "Average precision: share of true defects among what is rejected, averaged over thresholds; depends on the mix.",
    ),
    "tpr": Metric(
        "Detection rate",
        "image",
        detection_score,
        "Share of the defective pictures that are rejected at the calibrated threshold.",
        lambda value, _, bad: clopper_pearson(round(value * bad), bad),
        is_share=True,
    ),
    "fpr": Metric(
        "False alarm rate",
        "image",
        false_alarm_rate,
        "Share of the good pictures that are rejected at the calibrated threshold.",
        lambda value, good, _: clopper_pearson(round(value * good), good),
        is_share=True,
    ),
    "pixel_auroc": Metric(
        "Pixel AUROC",
        "pixel",
        lambda histogram, _: auroc_score(histogram),
        "As image AUROC, of pixels. Most pixels are easy to tell, so it flatters; AUPRO and pixel AP say more.",
    ),
    "pixel_ap": Metric(
        "Pixel AP",
        "pixel",
        lambda histogram, _: ap_score(histogram),
        "Average precision of pixels: how cleanly the map outlines the defects.",
    ),
    "aupro_30": Metric(
        "AUPRO 30 %",
        "pixel",
        lambda histogram, _: aupro_score(histogram),
        "Share of each defective region that is covered, large and small alike, averaged up to 30 % falsely marked pixels.",
    ),
}


def number(value: float | np.ndarray) -> float | None:
    """A metric's value as it goes into JSON: None where it has no meaning."""
    plain = float(value)
    return None if math.isnan(plain) else plain


def _share_above(levels: np.ndarray, weights: np.ndarray, threshold: float) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return weights[..., levels > threshold].sum(-1) / weights.sum(-1)
