"""`python -m benchmarks.control`: PatchCore on ImageNet's features, on the pictures as a run prepares and splits them.

After Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022: the score is the largest distance of a
place's features to the nearest of those that are remembered of good pictures; see snag/detector/memory_bank.py. The backbone is
EfficientNet-Lite0, whose weights come in a package.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from pydantic import Field
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional

from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.artifact import load_artifact
from snag.core.calibration import conformal_threshold
from snag.core.errors import BadConfig
from snag.core.files import write_text
from snag.core.picture import decode
from snag.core.picture_files import picture_files, visible_folders
from snag.detector.memory_bank import MemoryBank
from snag.training.fit.backbone import backbone
from snag.training.fit.memory_bank import remember

#: A picture that could not be prepared is as far from good ones as can be.
_FAILED: Final = 1e6


class ControlSettings(Settings):
    """Judge a run's test pictures by PatchCore; its good pictures, their preparation and their split are the run's."""

    data: Path = Field(Path("data/sample"), description="data set in MVTec layout, with test/")
    run: Path = Field(Path("runs/demo"), description="folder of the run: snag.pt and split.json")
    scale: float = Field(1.0, ge=0.25, le=8, description="how many times larger the features' picture is than the run's")
    fpr: float = Field(0.05, gt=0, lt=1, description="false-alarm rate that the threshold is calibrated for")
    seed: int = Field(0, ge=0, description="draws what is remembered")
    out: Path = Field(Path("runs/control/table.md"), description="the table")


def control(settings: ControlSettings) -> None:
    """Remember, calibrate, judge, print. Raises BadConfig where data, run or backbone are missing, BadArtifact."""
    for needed in (settings.data / "test" / "good", settings.run / "split.json"):
        if not needed.exists():
            raise BadConfig(detail=f"{needed} is not there: expected the test pictures of a data set and the run trained on it")
    artifact = load_artifact(settings.run / "snag.pt")
    split = json.loads((settings.run / "split.json").read_text())
    memory = MemoryBank(backbone())

    def prepared(path: Path) -> Tensor | None:
        with torch.inference_mode():
            found, _, reason = artifact.script.prepare(decode(path.read_bytes()))
        return functional.interpolate(found[None], scale_factor=settings.scale, mode="bilinear")[0] if reason == "" else None

    def score(path: Path) -> float:
        picture = prepared(path)
        with torch.inference_mode():
            return _FAILED if picture is None else float(memory(picture[None]).amax())

    good = [picture for name in split["fit"] if (picture := prepared(settings.data / name)) is not None]
    remember(memory, good, settings.seed)
    threshold = conformal_threshold([score(settings.data / name) for name in split["calibrate"]], settings.fpr)
    scores = {
        folder.name: [score(path) for path in picture_files(folder).pictures]
        for folder in visible_folders(settings.data / "test")
    }
    text = f"{machine()}\n\n{_result(settings, scores, threshold)}"
    write_text(settings.out, text)
    print(text)


def _result(settings: ControlSettings, scores: dict[str, list[float]], threshold: float) -> str:
    good = scores["good"]
    kinds = {name: found for name, found in scores.items() if name != "good"}
    defective = [score for found in kinds.values() for score in found]

    def auroc(found: Sequence[float]) -> float:
        return float(roc_auc_score([False] * len(good) + [True] * len(found), [*good, *found]))

    each = {name: auroc(found) for name, found in kinds.items()}
    head = ("data", "scale", "image AUROC", "worst defect", "detected", "false alarms")
    stopped = [statistics.mean(score > threshold for score in found) for found in (defective, good)]
    row = (
        settings.data.name,
        f"{settings.scale:g}",
        *(f"{value:.3f}" for value in (auroc(defective), min(each.values()), *stopped)),
    )
    return f"{table(head, [row])}\n{table(('defect', 'image AUROC'), [(name, f'{value:.3f}') for name, value in each.items()])}"


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: control(from_flags(ControlSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
