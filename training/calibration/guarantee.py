"""How often good parts are rejected: the exact law of a calibrated threshold, and the rank that keeps a rate with confidence.

Without ties the rate of false alarms of the k-th smallest of n exchangeable scores follows Beta(n + 1 - k, k) over the draw of
those n; ties only lower it (Vovk, ACML 2012; Bates et al., Annals of Statistics 51(1), 2023, sec. 2.2). Everything that a
threshold promises is read off that law, here, once; workers and the report take the numbers from calibration.json.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from scipy import stats

from snag.core.calibration import conformal_threshold, next_useful_size, rank_of_threshold
from snag.core.errors import BadScores, TooFewCalibrationPictures
from snag.core.guarantee import AVERAGE, CHOSEN, CONFIDENCE, MEASURED, Guarantee

#: The outlook shows what so many times the pictures would buy.
_FACTORS: Final = (2, 4, 10)


def bound_of(count: int, rank: int, confidence: float) -> float:
    """The rate of false alarms that a threshold at the `rank`-th of `count` scores does not exceed, with `confidence`."""
    return float(stats.beta.ppf(confidence, count + 1 - rank, rank))


def rank_with_confidence(count: int, rate: float, confidence: float) -> int:
    """The smallest rank whose threshold keeps `rate` both on average and with `confidence`; count + 1 where there is none."""
    ranks = np.arange(rank_of_threshold(count, rate), count + 1)
    kept = stats.beta.cdf(rate, count + 1 - ranks, ranks) >= confidence
    return int(ranks[kept.argmax()]) if kept.any() else count + 1


def fewest_with_confidence(rate: float, confidence: float) -> int:
    """The smallest calibration set that can keep `rate` with `confidence`: its greatest score is the threshold then."""
    count = max(1, math.ceil(math.log(1 - confidence) / math.log1p(-rate)) - 2)  # two below, for what rounding may have done
    while rank_with_confidence(count, rate, confidence) > count:
        count += 1
    return count


def promised_threshold(
    scores: Sequence[float], rate: float, kind: str = AVERAGE, confidence: float = 0.95
) -> tuple[float, Guarantee]:
    """The threshold that keeps `rate` on average or with confidence, and all that it promises.

    Raises TooFewCalibrationPictures when the scores can't carry that, naming how many would, and BadScores.
    """
    count = len(scores)
    if kind == AVERAGE:
        threshold = conformal_threshold(scores, rate)
        return threshold, guarantee(count, rank_of_threshold(count, rate), rate, kind, confidence)
    rank = rank_with_confidence(count, rate, confidence)
    if rank > count:
        raise TooFewCalibrationPictures(
            found=count,
            rate=rate,
            assurance=f" with {100 * confidence:.6g} % confidence",
            needed=fewest_with_confidence(rate, confidence),
            possible=f"{math.ceil(1e4 * _lowest(max(count, 1), confidence)) / 1e4:g}",
        )
    if wrong := sum(not math.isfinite(score) for score in scores):
        raise BadScores(count=wrong, total=count)
    return sorted(scores)[rank - 1], guarantee(count, rank, rate, kind, confidence)


def guarantee(count: int, rank: int, rate: float, kind: str, confidence: float) -> Guarantee:
    """What the `rank`-th smallest of `count` scores promises, and what more pictures would buy at the same request."""
    more = [factor * count for factor in _FACTORS]
    if kind == AVERAGE:  # sizes that use all of the rate, as training keeps them
        more = [next_useful_size(size, rate) for size in more]
    return Guarantee(
        kind=kind,
        count=count,
        rank=rank,
        confidence=confidence,
        bound=bound_of(count, rank, confidence),
        needed=fewest_with_confidence(rate, confidence),
        outlook=tuple(
            (n, _lowest(n, confidence) if kind == CONFIDENCE else bound_of(n, rank_of_threshold(n, rate), confidence))
            for n in more
        ),
        rate=rate,
    )


def guarantee_of_chosen(scores: Sequence[float], threshold: float, confidence: float) -> Guarantee:
    """What can be said of a threshold that was chosen by looking at `scores`, however it was chosen.

    The share of them above it, plus the distance within which a distribution stays everywhere at once of what was drawn from it
    (Dvoretzky, Kiefer and Wolfowitz; its constant by Massart, Annals of Probability 18(3), 1990).
    """
    above = sum(score > threshold for score in scores) / len(scores)
    distance = math.sqrt(-math.log(1 - confidence) / (2 * len(scores)))
    return Guarantee(CHOSEN, len(scores), None, confidence, min(1.0, above + distance))


def measured_share(scores: Sequence[float], threshold: float, confidence: float) -> Guarantee:
    """How many of `scores` lie above a threshold that came from elsewhere, and what share of good parts that may be.

    The interval is Clopper and Pearson's (Biometrika 26, 1934); it holds for a threshold that `scores` had no part in.
    """
    count, above = len(scores), sum(score > threshold for score in scores)
    interval = stats.binomtest(above, count).proportion_ci(confidence, method="exact")
    return Guarantee(MEASURED, count, None, confidence, float(interval.high), above=above, low=float(interval.low))


def with_left_out(promised: Guarantee, threshold: float, scores: Sequence[float], left_out: Sequence[float]) -> Guarantee:
    """`promised` for `scores`, and what holds if those of the pictures left out belong to good parts as well.

    The threshold stays; where it was the k-th of n scores, it is then the (k + those left out up to it)-th of all of them.
    """
    if not left_out:
        return promised
    every, confidence = [*scores, *left_out], promised.confidence
    if promised.kind == MEASURED:
        if_good = measured_share(every, threshold, confidence)
    elif promised.rank is None:
        if_good = guarantee_of_chosen(every, threshold, confidence)
    else:
        rank = promised.rank + sum(score <= threshold for score in left_out)
        bound = bound_of(len(every), rank, confidence)
        if_good = Guarantee(promised.kind, len(every), rank, confidence, bound, rate=promised.rate)
    return replace(promised, left_out=len(left_out), if_good=if_good)


def _lowest(count: int, confidence: float) -> float:
    """The lowest rate that `count` pictures can keep with `confidence`."""
    return bound_of(count, count, confidence)
