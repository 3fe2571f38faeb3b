"""The training command on few small pictures, in a child or here, and what its errors look like."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from snag.training import train
from snag.training.settings import TrainSettings, train_settings
from tests.support.children import Finished, run_command

COUNT, EPOCHS, STEPS = 18, 3, 3  #: pictures, epochs, steps an epoch
TINY = [
    "--preset",
    "quick",
    "--mode",
    "full_frame",
    "--pixels",
    "1024",
    "--base-channels",
    "4",
    "--bottleneck",
    "4",
    "--weight-channels",
    "4",
]
TINY += ["--no-features", "--batch-size", "4", "--epochs", str(EPOCHS), "--precision", "float32", "--calibrate-share", "0.2"]


def in_child(data: Path, run: Path, *flags: str, before: partial | None = None) -> Finished:
    return run_command("snag.training.train", ["--data", str(data), "--run", str(run), *TINY, *flags], before)


def here(data: Path, run: Path, *flags: str) -> int:
    """In this process: for what ends before it trains."""
    return train.main(["--data", str(data), "--run", str(run), *TINY, *flags])


def settings_of(data: Path, run: Path, *flags: str) -> TrainSettings:
    return train_settings(["--data", str(data), "--run", str(run), *TINY, *flags])


def last_line(text: str) -> str:
    """The last line, without progress bars, which end in carriage returns."""
    return text.rstrip("\n").splitlines()[-1].split("\r")[-1]


def is_one_error(finished: Finished) -> bool:
    """Exit code 2, one line that begins with "error: ", no trace."""
    return finished.code == 2 and last_line(finished.err).startswith("error: ") and "Traceback" not in finished.err


def undisturbed(data: Path, run: Path) -> Path:
    """A run that nothing disturbed."""
    assert in_child(data, run).code == 0
    return run
