"""`python -m benchmarks.control`: PatchCore on ImageNet's features, on whole pictures, or on those that a run has prepared.

After Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022: the score is the largest distance of a
place's features to the nearest of those that are remembered of good pictures; see `benchmarks.patchcore`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from pydantic import Field
from sklearn.metrics import roc_auc_score
from torch import Tensor

from benchmarks.accuracy.run import carried_rate, least_milliseconds
from benchmarks.control_pictures import ControlPictures, of_run, of_whole_pictures
from benchmarks.patchcore import PICTURES, PatchCore
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.calibration import conformal_threshold, rank_of_threshold
from snag.core.errors import BadConfig
from snag.core.files import write_text
from snag.core.picture_files import picture_files, visible_folders
from snag.training.data.split import USUAL_RATE

#: A picture that could not be prepared is as far from good ones as can be.
_FAILED: Final = 1e6


class ControlSettings(Settings):
    """Judge test pictures by PatchCore: whole, or prepared and split as a run has it."""

    data: Path = Field(Path("data/sample"), description="data set in MVTec layout, with test/")
    run: Path | None = Field(None, description="folder of a run: snag.pt and split.json (unset: whole pictures, split anew)")
    scale: float = Field(1.0, ge=0.25, le=8, description="how many times larger the features' picture is than a run's")
    fpr: float = Field(USUAL_RATE, gt=0, lt=1, description="false-alarm rate to calibrate for; if too few can, the lowest")
    seed: int = Field(0, ge=0, description="draws the split, where there is no run, and what is remembered")
    out: Path = Field(Path("runs/control/table.md"), description="the table")


@dataclass(frozen=True)
class ControlResult:
    """What the control gave on a data set."""

    mode: str
    image_auroc: float
    kinds: Mapping[str, float]  #: image AUROC of each kind of defect
    tpr: float  #: detection rate at the calibrated threshold
    fpr: float  #: false-alarm rate on test/good at it
    good: int  #: how many pictures test/good has
    bad: int  #: how many of the other test pictures there are
    told: float  #: the false-alarm rate that calibration promises on average
    minutes: float  #: to read, prepare and remember the good pictures
    score_ms: float  #: preparation, features and distances of one decoded picture, one core

    @property
    def worst_defect(self) -> float:
        """Least image AUROC of a kind of defect."""
        return min(self.kinds.values())


def control_of(
    data: Path, scale: float, run_folder: Path | None = None, rate: float = USUAL_RATE, seed: int = 0
) -> ControlResult:
    """Remember, calibrate, judge. Raises BadConfig where data, run or backbone are missing, BadArtifact, TooFewPictures."""
    needed = [data / "test" / "good", *([run_folder / "split.json"] if run_folder is not None else [])]
    for path in needed:
        if not path.exists():
            raise BadConfig(detail=f"{path} is not there: expected the test pictures of a data set and the run trained on it")
    start = time.monotonic()
    pictures = of_whole_pictures(data, scale, seed) if run_folder is None else of_run(data, run_folder, scale)
    some = Random(seed).sample(pictures.fit, min(PICTURES, len(pictures.fit)))  # of more none would be looked at
    fitted = PatchCore([good for path in sorted(some) if (good := pictures.prepared(path)) is not None], seed)
    minutes = (time.monotonic() - start) / 60

    def score(path: Path) -> float:
        return _score(fitted, pictures.prepared(path))

    rate = carried_rate(len(pictures.calibrate), rate)
    threshold = conformal_threshold([score(path) for path in pictures.calibrate], rate)
    scores = {
        folder.name: [score(path) for path in picture_files(folder).pictures] for folder in visible_folders(data / "test")
    }
    told = 1 - rank_of_threshold(len(pictures.calibrate), rate) / (len(pictures.calibrate) + 1)
    return _result(scores, threshold, pictures.mode, told, minutes, _milliseconds(fitted, pictures, data))


def _score(fitted: PatchCore, prepared: Tensor | None) -> float:
    return _FAILED if prepared is None else fitted.score(prepared)


def _milliseconds(fitted: PatchCore, pictures: ControlPictures, data: Path) -> float:
    decoded = pictures.decoded(picture_files(data / "test" / "good").pictures[0])
    return least_milliseconds(lambda: _score(fitted, pictures.prepare(decoded)))


def _result(
    scores: Mapping[str, Sequence[float]], threshold: float, mode: str, told: float, minutes: float, milliseconds: float
) -> ControlResult:
    good = scores["good"]
    kinds = {name: found for name, found in scores.items() if name != "good" and found}
    defective = [score for found in kinds.values() for score in found]

    def auroc(found: Sequence[float]) -> float:
        return float(roc_auc_score([False] * len(good) + [True] * len(found), [*good, *found]))

    def stopped(found: Sequence[float]) -> float:
        return statistics.mean(score > threshold for score in found)

    return ControlResult(
        mode=mode,
        image_auroc=auroc(defective),
        kinds={name: auroc(found) for name, found in kinds.items()},
        tpr=stopped(defective),
        fpr=stopped(good),
        good=len(good),
        bad=len(defective),
        told=told,
        minutes=minutes,
        score_ms=milliseconds,
    )


def control(settings: ControlSettings) -> None:
    """Measure, print, write. Raises what `control_of` does."""
    found = control_of(settings.data, settings.scale, settings.run, settings.fpr, settings.seed)
    head = ("data", "scale", "image AUROC", "worst defect", "detected", "false alarms", "told", "mode", "minutes", "score ms")
    figures = (found.image_auroc, found.worst_defect, found.tpr, found.fpr, found.told)
    row = (
        settings.data.name,
        f"{settings.scale:g}",
        *(f"{value:.3f}" for value in figures),
        f"`{found.mode}`",
        f"{found.minutes:.1f}",
        f"{found.score_ms:.0f}",
    )
    kinds = table(("defect", "image AUROC"), [(name, f"{value:.3f}") for name, value in found.kinds.items()])
    text = f"{machine()}\n\n{table(head, [row])}\n{kinds}"
    write_text(settings.out, text)
    print(text)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: control(from_flags(ControlSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
