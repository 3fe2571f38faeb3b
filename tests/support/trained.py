"""A detector of bolts, small but really trained and calibrated: what a user's run folder holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.core.artifact import Artifact, load_artifact
from snag.core.calibration import Calibration, read_calibration
from snag.training import calibrate, train
from tests.support.parts import write_data_set

SIZE: Final = (256, 256)
COUNT: Final = 40
RATE: Final = 0.1


@dataclass(frozen=True)
class Trained:
    """Where it lies, and what was read back from there."""

    data: Path
    run: Path
    artifact: Artifact
    calibration: Calibration

    @property
    def spread(self) -> float:
        """Standard deviation of the calibration scores: what the score of one good part differs from another's."""
        scores = self.calibration.scores
        middle = sum(scores) / len(scores)
        return (sum((score - middle) ** 2 for score in scores) / (len(scores) - 1)) ** 0.5


def train_bolts(folder: Path) -> None:
    """Train and calibrate in `folder`, with the commands, in this process; takes a few seconds."""
    data, run = write_data_set(folder / "data", COUNT, SIZE), folder / "run"
    place = ["--data", str(data), "--run", str(run)]
    small = ["--preset", "quick", "--pixels", "4096", "--base-channels", "8", "--bottleneck", "16", "--weight-channels", "8"]
    shares = ["--standardise-share", "0.2", "--calibrate-share", "0.3"]
    assert train.main([*place, *small, *shares, "--epochs", "30", "--batch-size", "4", "--precision", "float32"]) == 0
    assert calibrate.main([*place, "--fpr", str(RATE)]) == 0


def trained_in(folder: Path) -> Trained:
    """What `train_bolts` left in `folder`."""
    run = folder / "run"
    return Trained(folder / "data", run, load_artifact(run / "snag.pt"), read_calibration(run / "calibration.json"))
