"""Findings: what labels say of the threshold: the false-alarm rate that was really seen, and a threshold for another rate.

Among J verdicts of one model's version, A were flagged. Of the flagged, people labelled some; a share f of those were false
alarms. Good parts are the judged less the true defects, so the observed false-alarm rate is

    rate = A f / (J - A (1 - f)) = a f / (1 - a (1 - f)),   a = A / J.

It rises with both a and f, and each has its own exact (Clopper-Pearson) interval at the half of the allowed error, so the rate
lies between its values at both lower and at both upper ends with at least the stated confidence (Bonferroni). Defects that were
missed count as good parts: nobody looked at them. With few defects on the line that changes next to nothing.

All of it takes the labelled pictures of a kind for a random sample of all of that kind that were judged. Labels of the newest
pictures are none where the line has changed, nor are those of the pictures that somebody cared to label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import beta

from snag.review.labels import DEFECT, FALSE_ALARM, UNSURE, Labelled


@dataclass(frozen=True)
class Seen:
    """How many verdicts there were of each kind."""

    flagged: int
    borderline: int
    unsuspicious: int

    @property
    def judged(self) -> int:
        """All of them."""
        return self.flagged + self.borderline + self.unsuspicious


@dataclass(frozen=True)
class Observed:
    """The false-alarm rate that the labels show."""

    rate: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class Suggestion:
    """A threshold for an asked rate, by the labels; `threshold` is None where no threshold can keep it."""

    threshold: float | None
    rate: float  #: what it would have let through of false alarms, among the good parts seen
    missed: int  #: labelled defects that it would have passed
    is_lowest: bool  #: below it nothing was kept, so that a lower one might do as well


@dataclass(frozen=True)
class LabelFindings:
    """Of one version of one model."""

    defects: int
    false_alarms: int
    unsure: int
    observed: Observed | None  #: None without labelled flagged pictures, or without counts


def label_findings(labels: Sequence[Labelled], seen: Seen, confidence: float = 0.95) -> LabelFindings:
    """What the labels of one version say. Unsure ones are counted, and otherwise left out."""
    flagged = [one.label for one in labels if one.kind == "flagged"]
    counts = {label: sum(one.label == label for one in labels) for label in (DEFECT, FALSE_ALARM, UNSURE)}
    wrong, right = flagged.count(FALSE_ALARM), flagged.count(DEFECT)
    observed = None
    if wrong + right and seen.judged >= wrong + right:
        error = (1 - confidence) / 2
        of_flagged, of_judged = interval(wrong, wrong + right, error), interval(seen.flagged, seen.judged, error)
        ends = [false_alarm_rate(a, f) for a, f in zip(of_judged, of_flagged, strict=True)]
        share = seen.flagged / seen.judged
        observed = Observed(false_alarm_rate(share, wrong / (wrong + right)), ends[0], ends[1], confidence)
    return LabelFindings(counts[DEFECT], counts[FALSE_ALARM], counts[UNSURE], observed)


def assumption(labels: Sequence[Labelled], seen: Seen) -> str:
    """What the findings of one version assume, in a sentence; empty where every suspicious picture has a sure label."""
    sure = [one.kind for one in labels if one.label != UNSURE]
    kinds = [
        f"{sure.count(kind)} of {total} {kind}"
        for kind, total in (("flagged", seen.flagged), ("borderline", seen.borderline))
        if sure.count(kind) < total
    ]
    if not kinds:
        return ""
    return (
        f"This takes the labelled pictures ({' and '.join(kinds)} ones) for a random sample of all of them, as `snag review "
        "--order random` shows those that are kept; the newest, or those that somebody picked, may tell another rate."
    )


def false_alarm_rate(flagged: float, wrong: float) -> float:
    """Of the share of pictures that are flagged, and the share of those that are good; see the head of this file."""
    good = 1 - flagged * (1 - wrong)
    return flagged * wrong / good if good > 0 else 0.0


def interval(count: int, total: int, error: float) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a share, which misses the truth with a probability of at most `error`."""
    low = 0.0 if count == 0 else float(beta.ppf(error / 2, count, total - count + 1))
    high = 1.0 if count == total else float(beta.ppf(1 - error / 2, count + 1, total - count))
    return low, high


def suggest(labels: Sequence[Labelled], seen: Seen, rate: float) -> Suggestion | None:
    """The lowest threshold that would have kept `rate` among the good parts seen; None without a label to go by.

    A labelled picture stands for all of its kind that were seen. Those with a reason are rejected whatever the threshold.
    """
    weights = _weights(labels, seen)
    wrong = [(one, weights[one.kind]) for one in labels if one.label == FALSE_ALARM]
    defects = [(one, weights[one.kind]) for one in labels if one.label == DEFECT]
    if not wrong + defects or not seen.judged:
        return None
    good = seen.judged - sum(weight for _, weight in defects)
    always = sum(weight for one, weight in wrong if one.reason is not None)
    scored = sorted(((one.score, weight) for one, weight in wrong if one.reason is None), reverse=True)
    lowest = min(one.score for one, _ in wrong + defects)
    above, threshold, is_lowest = always, None, False
    # From the highest score down: each threshold is the score of a picture that it just passes.
    for score, weight in [*scored, (-math.inf, 0.0)]:
        if above > rate * good:
            break
        threshold, kept = (score, above) if score > -math.inf else (math.nextafter(lowest, -math.inf), above)
        is_lowest = score == -math.inf
        above += weight
    if threshold is None or good <= 0:
        return Suggestion(None, always / max(good, 1), 0, False)
    missed = sum(one.reason is None and one.score <= threshold for one, _ in defects)
    return Suggestion(threshold, kept / good, missed, is_lowest)


def _weights(labels: Sequence[Labelled], seen: Seen) -> dict[str, float]:
    """How many pictures that were seen each labelled one stands for, by kind."""
    sure = [one.kind for one in labels if one.label != UNSURE]
    return {
        kind: max(1.0, total / sure.count(kind)) if kind in sure else 0.0
        for kind, total in (("flagged", seen.flagged), ("borderline", seen.borderline))
    }
