"""What the benchmark needs before it begins: a trained model of the embedded sample in an archive, and new pictures of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from snag.core.picture_files import picture_files

MODEL = "line"


@dataclass(frozen=True)
class Stock:
    """Where it lies."""

    model_store: Path
    good: list[Path]
    bad: list[Path]  #: pictures of the defect that is new


def stock(run: Path | None, out: Path, good: int, defect: str, seed: int) -> Stock:
    """Draw, train, calibrate and pack what is not there yet. Raises CalledProcessError when a command fails."""
    trained = run or _trained(out)
    _command("snag.training.archive", "--run", str(trained), "--model", MODEL, "--model-store", str(out / "store"))
    new = out / f"pictures-{seed}-{good}"
    counts = ["--train-good", "1", "--test-good", str(good), "--each-defect", str(max(20, good // 20))]
    _command("snag.training.sample", "--data", str(new), "--seed", str(seed), *counts)
    return Stock(out / "store", _pictures(new / "test" / "good"), _pictures(new / "test" / defect))


def _trained(out: Path) -> Path:
    """A run folder made here; what an earlier call made is used again."""
    place = ["--data", str(out / "sample"), "--run", str(out / "run")]
    if not (out / "run" / "calibration.json").exists():
        _command("snag.training.sample", "--data", str(out / "sample"))
        _command("snag.training.train", *place, "--preset", "quick")
        _command("snag.training.calibrate", *place)
    return out / "run"


def _pictures(folder: Path) -> list[Path]:
    return picture_files(folder).pictures


def _command(module: str, *flags: str) -> None:
    subprocess.run([sys.executable, "-m", module, *flags], check=True)
