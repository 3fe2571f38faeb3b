"""One cell of the table: a preset with a seed on a data set, through the commands that a user types."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.accuracy.exposure import aurocs_under_other_lamps
from snag.core.artifact import Artifact, load_artifact
from snag.core.calibration import read_calibration
from snag.core.files import write_text
from snag.core.picture import decode
from snag.core.picture_files import picture_files
from snag.training.data.split import USUAL_RATE, read_split


@dataclass(frozen=True)
class ResultLine:
    """What one run gave."""

    data: str
    preset: str
    seed: int
    mode: str
    image_auroc: float
    worst_defect: float  #: least image AUROC of a kind of defect
    pixel_ap: float | None
    aupro_30: float | None
    tpr: float  #: detection rate at the calibrated threshold
    fpr: float  #: false-alarm rate on test/good at it
    good: int  #: how many pictures test/good has
    bad: int  #: how many of the other test pictures there are
    told: float | None  #: the false-alarm rate that calibration promised on average
    shortcut: float | None  #: greatest shortcut AUROC (folded) of the normalised picture
    gain: float | None  #: image AUROC with gain and offset drawn for each picture
    gamma: float | None
    train_minutes: float
    network_ms: float | None  #: networks and memory on one prepared picture, one core
    score_ms: float  #: preparation and networks on one decoded picture, one core


def run_one(data: Path, preset: str, seed: int, folder: Path, extra: list[str]) -> ResultLine:
    """Train, calibrate and evaluate, or read what an earlier call found. Raises CalledProcessError when a stage fails.

    The usual false-alarm rate is asked for, or, of fewer calibration pictures than carry it, the lowest that they do.
    """
    done = folder / "row.json"
    if done.exists():
        return ResultLine(**json.loads(done.read_text()))
    where = ["--data", str(data), "--run", str(folder)]
    minutes = _timed("snag.training.train", *where, "--preset", preset, "--seed", str(seed), *extra) / 60
    rate = carried_rate(len(read_split(folder / "split.json").calibrate))
    _timed("snag.training.calibrate", *where, *(["--fpr", str(rate)] if rate > USUAL_RATE else []))
    _timed("snag.evaluation.evaluate", *where)
    metrics = json.loads((folder / "report" / "metrics.json").read_text())
    artifact = load_artifact(folder / "snag.pt")
    promised = read_calibration(folder / "calibration.json").guarantee
    lamps = aurocs_under_other_lamps(artifact, data)
    network, whole = _milliseconds(artifact, picture_files(data / "test" / "good").pictures[0])
    row = ResultLine(
        data=data.name,
        preset=preset,
        seed=seed,
        mode=artifact.settings["mode"],
        image_auroc=metrics["image_auroc"],
        worst_defect=min(kind["image_auroc"] for kind in metrics["per_defect"].values()),
        pixel_ap=metrics["pixel_ap"],
        aupro_30=metrics["aupro_30"],
        tpr=metrics["tpr"],
        fpr=metrics["fpr"],
        good=metrics["counts"]["good"],
        bad=metrics["counts"]["bad"],
        told=promised.average if promised else None,
        shortcut=max(_folded(found["normalised"]) for found in metrics["shortcut_audit"].values()),
        gain=lamps["gain"],
        gamma=lamps["gamma"],
        train_minutes=minutes,
        network_ms=network,
        score_ms=whole,
    )
    write_text(done, json.dumps(asdict(row), indent=1) + "\n")
    return row


def carried_rate(count: int, wanted: float = USUAL_RATE) -> float:
    """The false-alarm rate to ask of so many calibration pictures: the wanted one, or the lowest that they carry."""
    return max(wanted, 1 / (count + 1))


def least_milliseconds(work: Callable[[], object], repeats: int = 20) -> float:
    """Least processor time that `work` takes where there is one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = []
        for _ in range(repeats):
            start = time.process_time()
            work()
            times.append(time.process_time() - start)
    finally:
        torch.set_num_threads(threads)
    return 1e3 * min(times)


def _timed(module: str, *flags: str) -> float:
    """Run a command; seconds that it took."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", module, *flags], check=True)
    return time.monotonic() - start


def _folded(auroc: float) -> float:
    return max(auroc, 1.0 - auroc)


@torch.inference_mode()
def _milliseconds(artifact: Artifact, picture: Path) -> tuple[float, float]:
    """Of networks and memory alone, and of the whole score."""
    decoded = decode(picture.read_bytes())
    prepared = artifact.prepare(decoded)[None]
    return (
        least_milliseconds(lambda: artifact.script.score_prepared(prepared)),
        least_milliseconds(lambda: artifact.score([decoded])),
    )
