"""The summary of one evaluation: all that the report shows, and its figures as metrics.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snag.core.artifact import Artifact
from snag.core.calibration import SPLIT_CONFORMAL, Calibration
from snag.evaluation.figures import Estimate, Figures
from snag.evaluation.gallery import Gallery
from snag.evaluation.intervals import Interval, clopper_pearson, likeness, realised_rate_interval, surprise
from snag.evaluation.judged_pictures import Unreadable
from snag.evaluation.metrics import METRICS
from snag.evaluation.results import PictureResult
from snag.evaluation.score_histogram import PixelHistogram
from snag.evaluation.shift_table import ShiftTable, shifts_json
from snag.evaluation.shortcuts import Shortcut, chance_level


@dataclass(frozen=True)
class Evaluation:
    """Everything that was found out about one model on one data folder."""

    name: str  #: of the run folder
    data: str
    created: str  #: ISO 8601, UTC
    artifact: Artifact
    calibration: Calibration
    figures: Figures
    results: Sequence[PictureResult]
    unreadable: Sequence[Unreadable]
    mask_faults: Sequence[str]
    pixels: PixelHistogram
    gallery: Gallery
    shifts: ShiftTable | None = None  #: only when asked for
    remarks: Sequence[str] = ()  #: what of the data set was left out or read in a way that the user may not expect

    @property
    def promise(self) -> Promise | None:
        """What the calibration promised; None for a threshold set by hand or chosen with defects."""
        return promise_of(self.calibration)

    @property
    def false_alarms(self) -> Interval | None:
        """Exact 95 % interval of the false alarm rate, or None without good pictures."""
        good = self.figures.good
        return None if good is None else good.rejected_interval

    @property
    def detections(self) -> Interval | None:
        """Exact 95 % interval of the detection rate, or None without defective pictures."""
        return clopper_pearson(self.figures.bad_rejected, self.figures.bad_count)

    @property
    def good_likeness(self) -> float | None:
        """How well the good pictures' scores fit the calibration scores, see intervals.likeness; None without any."""
        scores = [result.rank_score for result in self.results if not result.picture.is_bad]
        return likeness(scores, self.calibration.scores) if scores else None

    @property
    def shortcut_chance(self) -> float | None:
        """Folded AUROC that features without meaning stay below in 19 of 20 audits of so many pictures."""
        good = self.figures.good
        return chance_level(good.count if good else 0, self.figures.bad_count)


@dataclass(frozen=True)
class Promise:
    """What a split conformal threshold promises."""

    rate: float  #: at most this share of good pictures is rejected, on average over calibrations
    realised: Interval  #: 95 % of calibrations of this size have their true rate in here
    count: int
    rank: int

    def surprise(self, false_alarms: int, good: int) -> float:
        """Probability of at least so many false alarms if the promise holds."""
        return surprise(false_alarms, good, self.count, self.rank)


def promise_of(calibration: Calibration) -> Promise | None:
    """The promise of a calibration, or None where the threshold was set by hand or chosen with defects."""
    if calibration.method != SPLIT_CONFORMAL:
        return None
    rank = calibration.rank
    return Promise(calibration.rate, realised_rate_interval(calibration.count, rank), calibration.count, rank)


def strongest(shortcuts: dict[str, Shortcut], column: str) -> tuple[str, float] | None:
    """Name and folded AUROC of the feature that separates best; `column` is "raw" or "normalised"."""
    folded = {name: getattr(shortcut, f"{column}_folded") for name, shortcut in shortcuts.items()}
    known = {name: value for name, value in folded.items() if value is not None}
    return max(known.items(), key=lambda item: item[1]) if known else None


def metrics_json(evaluation: Evaluation) -> str:
    """The file's text; null where a figure has no meaning (a class or the masks are missing).

    It travels in the archive's model card: no date and no path, so that equal inputs give equal bytes.
    """
    found = evaluation.figures
    document = {
        **{name: found.main[name].value for name in METRICS},
        "threshold": evaluation.calibration.threshold,
        "ci": {name: _pair(found.main[name].interval) for name in METRICS},
        "ci_exact": {"fpr": _pair(evaluation.false_alarms), "tpr": _pair(evaluation.detections)},
        "per_defect": {kind: _defect(evaluation, kind, row) for kind, row in found.per_defect.items()},
        "per_class": {
            kind: asdict(row) | {"rejected_interval": _pair(row.rejected_interval)} for kind, row in found.per_class.items()
        },
        "shortcut_audit": {name: asdict(shortcut) for name, shortcut in found.shortcuts.items()},
        "shortcut_largest": {column: _largest(found.shortcuts, column) for column in ("raw", "normalised")},
        "shortcut_chance": evaluation.shortcut_chance,
        "shifts": None if evaluation.shifts is None else shifts_json(evaluation.shifts),
        "counts": _counts(evaluation),
        "pixel_auroc_error_bound": found.pixel_auroc_bound,
        "calibration": _calibration(evaluation),
        "artifact": {
            "fingerprint": evaluation.artifact.fingerprint,
            **{key: evaluation.artifact.settings.get(key) for key in ("preset", "mode", "data_digest", "versions")},
        },
        "data": Path(evaluation.data).name,
        "unreadable": [{"path": item.picture.name, "code": item.code, "detail": item.detail} for item in evaluation.unreadable],
        "mask_faults": list(evaluation.mask_faults),
        "remarks": list(evaluation.remarks),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _defect(evaluation: Evaluation, kind: str, estimates: dict[str, Estimate]) -> dict[str, Any]:
    row = evaluation.figures.per_class[kind]
    return {
        **{name: estimate.value for name, estimate in estimates.items()},
        "count": row.count,
        "rejected": row.rejected,
        "ci": {name: _pair(estimate.interval) for name, estimate in estimates.items()},
    }


def _largest(shortcuts: dict[str, Shortcut], column: str) -> dict[str, Any] | None:
    found = strongest(shortcuts, column)
    return None if found is None else {"feature": found[0], "auroc_folded": found[1]}


def _counts(evaluation: Evaluation) -> dict[str, int]:
    found = evaluation.figures
    return {
        "pictures": len(evaluation.results) + len(evaluation.unreadable),
        "good": found.good.count if found.good else 0,
        "bad": found.bad_count,
        "refused": sum(row.refused for row in found.per_class.values()),
        "unreadable": len(evaluation.unreadable),
        "pixels": evaluation.pixels.pixels,
        "regions": evaluation.pixels.region_count,
    }


def _calibration(evaluation: Evaluation) -> dict[str, Any]:
    calibration, promise, good = evaluation.calibration, evaluation.promise, evaluation.figures.good
    return {
        "good_likeness_p_value": evaluation.good_likeness,
        **{
            key: value for key, value in asdict(calibration).items() if key not in ("scores", "artifact", "map_peaks", "groups")
        },
        "promise": None if calibration.guarantee is None else calibration.guarantee.sentence,
        "groups": {group.name: {"count": group.count, "threshold": group.threshold} for group in calibration.groups},
        "count": calibration.count,
        "realised_rate_95": None if promise is None else _pair(promise.realised),
        "probability_of_so_many_false_alarms": (
            None if promise is None or good is None else promise.surprise(good.rejected, good.count)
        ),
    }
