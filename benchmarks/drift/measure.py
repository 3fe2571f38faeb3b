"""Scores and looks of a pool of pictures, as they are and after each change: what a worker would see, kept in a file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.drift.changes import CHANGES
from snag.core.artifact import Artifact, load_artifact
from snag.core.files import write_text
from snag.core.imaging import brightness, sharpness
from snag.core.picture import decode

#: Values of one picture: score, exposure, sharpness.
Seen = tuple[float, float, float]
QUIET: Final = "quiet"
DEFECTS: Final = "defects"


def trained_model(folder: Path) -> Path:
    """The run folder of the sample's model, trained with the preset quick by the commands that a user types."""
    data, run = folder / "sample", folder / "run"
    if not (run / "snag.pt").exists():
        _run("snag.training.sample", "--data", str(data))
        _run("snag.training.train", "--data", str(data), "--run", str(run), "--preset", "quick")
    return run


def measured_pool(folder: Path, run: Path, good: int, changed: int, defects: int) -> dict[str, list[Seen]]:
    """What the model of `run` sees of fresh `good` pictures, of the first `changed` after each change, and of defects."""
    done = folder / "pool.json"
    if not done.exists():
        pool = folder / "pool"
        counts = ["--train-good", str(good), "--test-good", "1", "--each-defect", str(defects)]
        if not pool.exists():
            _run("snag.training.sample", "--data", str(pool), "--seed", "1", *counts)
        artifact = load_artifact(run / "snag.pt")
        torch.set_num_threads(1)  # one picture at a time has no work for more
        parts, faulty = sorted((pool / "train" / "good").glob("*.png")), sorted((pool / "test").glob("[!g]*/*.png"))
        found = {QUIET: _seen(artifact, parts, None), DEFECTS: _seen(artifact, faulty, None)}
        found |= {name: _seen(artifact, parts[:changed], change) for name, change in CHANGES.items()}
        write_text(done, json.dumps(found) + "\n")
    return {name: [tuple(one) for one in values] for name, values in json.loads(done.read_text()).items()}


def _seen(artifact: Artifact, paths: Sequence[Path], change: Callable[[Tensor, torch.Generator], Tensor] | None) -> list[Seen]:
    found = []
    for number, path in enumerate(tqdm(paths, "measure", unit="picture", disable=None)):
        picture = decode(path.read_bytes())
        if change is not None:
            picture = change(picture, torch.Generator().manual_seed(number))
        found.append((artifact.score([picture])[0].anomaly_score, brightness(picture), sharpness(picture)))
    return found


def _run(module: str, *flags: str) -> None:
    subprocess.run([sys.executable, "-m", module, *flags], check=True)
