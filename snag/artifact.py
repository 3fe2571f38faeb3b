"""The artefact: one TorchScript file that holds the detector and, as an extra file inside it, the settings that made it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from snag.calibration import Calibration
from snag.errors import ArtifactMismatch, BadArtifact
from snag.files import sha256_of, write_atomically

_SETTINGS: Final = "settings.json"


@dataclass(frozen=True)
class Scores:
    """What the model says of one picture, before any threshold."""

    anomaly_score: float
    reconstruction_error: float  #: plain mean squared error over the prepared picture
    reason: str | None  #: e.g. "not_aligned"; the score is then FAILED_SCORE of `scoring`
    anomaly_map: Tensor  #: float32 [h, w], working resolution and pose
    reconstruction: Tensor  #: float32 [c, h, w], working resolution and pose
    prepared: Tensor  #: float32 [c, h, w], the picture as the network saw it
    pose: Tensor  #: float32 [2, 3], normalised working coordinates -> normalised picture coordinates


@dataclass(frozen=True)
class Artifact:
    """A loaded model."""

    script: torch.jit.ScriptModule
    settings: dict[str, Any]  #: resolved settings of the training run
    fingerprint: str  #: SHA-256 of the file
    path: Path

    @property
    def score_unit(self) -> str:
        """What one unit of the anomaly score means."""
        return str(self.settings["score_unit"])

    @torch.inference_mode()
    def score(self, pictures: Sequence[Tensor]) -> list[Scores]:
        """Score decoded pictures [C, H, W] of any sizes; a picture's score does not depend on its neighbours."""
        if not pictures:
            return []
        score, error, maps, reconstructions, prepared, poses, reasons = self.script.score(list(pictures))
        return [
            Scores(float(score[i]), float(error[i]), reasons[i] or None, maps[i], reconstructions[i], prepared[i], poses[i])
            for i in range(len(pictures))
        ]

    @torch.inference_mode()
    def map_in_picture(self, scores: Scores, height: int, width: int) -> Tensor:
        """The anomaly map laid back onto the picture: float32 [height, width], 0 where the model does not look."""
        return self.script.map_in_picture(scores.anomaly_map, scores.pose, height, width)

    @torch.inference_mode()
    def prepare(self, picture: Tensor) -> Tensor:
        """One decoded picture as the network sees it, float32 [c, h, w]: exposure normalised, aligned or resized."""
        return self.script.prepare(picture)[0]


def save_artifact(script: torch.jit.ScriptModule, settings: dict[str, Any], path: Path) -> None:
    """Write the artefact atomically; equal inputs give equal bytes."""
    extra = {_SETTINGS: json.dumps(settings, sort_keys=True)}

    def write(temporary: Path) -> None:
        # The file's own name becomes the name of the folder inside the zip: write through a buffer that has none.
        import io

        buffer = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(script, buffer, _extra_files=extra)
        temporary.write_bytes(buffer.getvalue())

    write_atomically(path, write)


def load_artifact(path: Path) -> Artifact:
    """Load an artefact for the CPU. Raises BadArtifact when it is missing or damaged."""
    extra = {_SETTINGS: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates TorchScript in each call; that it is one is decided
            script = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
        settings = json.loads(extra[_SETTINGS])
    except (ValueError, RuntimeError) as error:
        detail = "there is no model; run `make train`" if not path.exists() else "not a Snag model, or damaged"
        raise BadArtifact(path=path, detail=detail) from error
    script.eval()
    return Artifact(script, settings, sha256_of(path), path)


def check_pair(artifact: Artifact, calibration: Calibration, calibration_path: Path) -> None:
    """Raise ArtifactMismatch unless the calibration was made with this very model."""
    if calibration.artifact != artifact.fingerprint:
        raise ArtifactMismatch(
            calibration=calibration_path,
            expected=calibration.artifact[:12],
            artifact=artifact.path,
            found=artifact.fingerprint[:12],
        )
