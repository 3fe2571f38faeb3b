"""Areas under ROC and precision-recall curves from weights per score level: one routine for pictures and for streamed pixels.

scikit-learn's functions are not used, though the tests hold these equal to them to 1e-12: they refuse infinite scores, by which
a picture that is rejected for a reason ranks above all, and take one sample at a time with every score in memory.

`good` and `bad` are weights per score level, [..., L], highest level first; samples of one level are ties.
"""

from __future__ import annotations

import numpy as np


def roc_points(good: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(false alarm rate, detection rate) when all down to each level is rejected: two [..., L + 1], from (0, 0) to (1, 1).

    NaN where a class has no weight.
    """
    return _share(good), _share(bad)


def precision_recall_points(good: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(precision, recall) when everything down to each level is rejected: two [..., L]."""
    found, rejected = np.cumsum(bad, axis=-1), np.cumsum(good, axis=-1) + np.cumsum(bad, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return found / rejected, found / found[..., -1:]


def roc_area(good: np.ndarray, bad: np.ndarray, limit: float = 1.0) -> np.ndarray:
    """Area under the ROC curve from false alarm rate 0 to `limit`, divided by `limit`: [...] in 0..1.

    NaN where a class is missing. Ties are joined by a straight line, which counts a tied pair one half; the curve is cut at
    `limit` on that line.
    """
    # In weights rather than shares: of whole numbers the sums are exact, and a perfect score is 1 and not nearly 1.
    rejected, found = np.cumsum(good, axis=-1) - good, np.cumsum(bad, axis=-1) - bad
    allowed, total = limit * good.sum(-1), bad.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = np.where(good > 0, np.clip((allowed[..., None] - rejected) / good, 0.0, 1.0), 0.0)
        area = (inside * good * (found + inside * bad / 2)).sum(-1) / (allowed * total)
    return np.where((allowed > 0) & (total > 0), area, np.nan)


def precision_area(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Average precision, sum of precision times the step in recall: [...] in 0..1, NaN where a class is missing.

    Ties enter together. Without good samples the sum would be 1 whatever the scores: NaN as well.
    """
    precision, _ = precision_recall_points(good, bad)
    total = bad.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.where(bad > 0, precision * bad, 0.0).sum(-1) / total
    return np.where((total > 0) & (good.sum(-1) > 0), area, np.nan)


def _share(weights: np.ndarray) -> np.ndarray:
    summed = np.cumsum(weights, axis=-1, dtype=np.float64)
    start = np.zeros((*summed.shape[:-1], 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.concatenate([start, summed], axis=-1) / summed[..., -1:]
