"""`snag lamp`: the lamp trap as a picture, from the sample with a brighter lamp on defective parts.

What seems to find defects may only see the lamp: brightness alone does so, and so does a model that is shown the exposure. The
same pictures under one lamp for all are the proof; they are also what exposure is measured on where it shall be left in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import Field
from tqdm import tqdm

from snag.cli.settings import Settings, from_flags, run
from snag.core.artifact import Artifact, load_artifact
from snag.core.calibration import read_calibration
from snag.core.errors import BadDataset
from snag.core.files import write_atomically
from snag.evaluation.labelled import LabelledPicture, labelled_pictures, read_picture
from snag.evaluation.metrics import auroc_score
from snag.evaluation.score_histogram import picture_histogram
from snag.evaluation.shift_table import score_with_exposure_of
from snag.evaluation.shortcuts import grey_of

_GOOD, _BAD, _INK = "#2a78a8", "#d4632a", "#1a1d21"


class LampSettings(Settings):
    """Draw what the lamp does to brightness alone and to a model, exposure left in and taken out."""

    data: Path = Field(Path("data/lamp"), description="the sample with the lamp trap: `make data LAMP=on`")
    plain: Path = Field(Path("data/sample"), description="the same parts under one lamp: `make data`")
    run: Path = Field(Path("runs/demo"), description="folder with the model, trained on the sample, and its calibration")
    out: Path = Field(Path("docs/lamp.png"), description="picture to write")


@dataclass(frozen=True)
class Trap:
    """One way to tell good from defective: its numbers for each picture, and what they are worth."""

    title: str
    values: np.ndarray  #: of the pictures under different lamps
    auroc: float
    auroc_plain: float  #: of the same parts under one lamp
    limit: float | None  #: the threshold, of scores


def lamp(settings: LampSettings) -> None:
    """Measure and draw. Raises BadDataset where the two folders do not hold the same pictures, BadArtifact."""
    artifact, calibration = load_artifact(settings.run / "snag.pt"), read_calibration(settings.run / "calibration.json")
    under, plain = labelled_pictures(settings.data), labelled_pictures(settings.plain)
    if not under or [one.name for one in under] != [one.name for one in plain]:
        raise BadDataset(detail=f"{settings.data} and {settings.plain} do not hold the same pictures of the test")
    is_bad = np.array([picture.is_bad for picture in under])
    found = np.array([_numbers(artifact, *pair) for pair in tqdm(list(zip(under, plain, strict=True)), "lamp", disable=None)])
    traps = [
        Trap(title, found[:, 0, column], _auroc(is_bad, found[:, 0, column]), _auroc(is_bad, found[:, 1, column]), limit)
        for column, (title, limit) in enumerate(
            (
                ("Brightness alone, picture as taken", None),
                ("Brightness alone, exposure taken out", None),
                ("Model, exposure left in", calibration.threshold),
                ("Model, exposure taken out", calibration.threshold),
            )
        )
    ]
    figure = _drawn(traps, is_bad)
    write_atomically(settings.out, lambda temporary: figure.savefig(temporary, format="png", dpi=100))
    for trap in traps:
        print(f"{trap.title}: AUROC {trap.auroc:.3f} with the lamp trap, {trap.auroc_plain:.3f} under one lamp")
    print(settings.out)


def _numbers(artifact: Artifact, under: LabelledPicture, plain: LabelledPicture) -> list[list[float]]:
    """[2, 4]: brightness as taken and exposure taken out, score exposure left in and taken out; with the trap and without.

    Rounded where exposure is taken out: there the mean is a constant, and its rounding is nothing to rank by.
    """
    pictures = [read_picture(picture.path, artifact.limits) for picture in (under, plain)]
    rows = []
    for picture in pictures:
        scores = artifact.score([picture])[0]
        left_in = score_with_exposure_of(artifact, [picture], pictures[1])[0]
        rows.append(
            [
                float(grey_of(picture).mean()) / 255,
                round(float(grey_of(scores.prepared).mean()), 4),
                left_in,
                math.inf if scores.reason else scores.anomaly_score,
            ]
        )
    return rows


def _auroc(is_bad: np.ndarray, values: np.ndarray) -> float:
    return float(auroc_score(picture_histogram(is_bad, values)))


def _drawn(traps: list[Trap], is_bad: np.ndarray) -> Figure:
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False}):
        figure = Figure((10.4, 4.1), layout="constrained")
        scored = np.concatenate([trap.values for trap in traps if trap.limit is not None])
        end = 1.03 * float(scored[np.isfinite(scored)].max())
        for axes, trap in zip(figure.subplots(2, 2).flat, traps, strict=True):
            _panel(axes, trap, is_bad, None if trap.limit is None else end)
    return figure


def _panel(axes: Axes, trap: Trap, is_bad: np.ndarray, end: float | None) -> None:
    """One strip for good and one for defective pictures; what was refused without a score lies at `end`."""
    random = np.random.default_rng(0)
    if end is not None:
        axes.set_xlim(0, 1.01 * end)
    for row, (of_class, colour) in enumerate(((~is_bad, _GOOD), (is_bad, _BAD))):
        values = np.minimum(trap.values[of_class], np.inf if end is None else end)
        axes.scatter(values, row + random.uniform(-0.25, 0.25, len(values)), s=13, color=colour, alpha=0.75, linewidths=0)
    if trap.limit is not None:
        axes.axvline(trap.limit, color=_INK, linewidth=1.2)
    axes.set_yticks([0, 1], ["good", "defective"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(1.5, -0.5)
    axes.set_xlabel("anomaly score, line: threshold" if trap.limit is not None else "mean brightness")
    auroc = f"AUROC {trap.auroc:.2f}; of the same parts under one lamp {trap.auroc_plain:.2f}"
    axes.set_title(f"{trap.title}\n{auroc}", fontsize=9, loc="left")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: lamp(from_flags(LampSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
