"""The artefact: one TorchScript file that holds the detector and, as an extra file inside it, the settings that made it."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from snag.core.calibration import Calibration
from snag.core.errors import ArtifactMismatch, BadArtifact
from snag.core.files import write_bytes
from snag.core.format import FORMAT, FORMAT_KEY, check_model
from snag.core.picture import DEFAULT_LIMITS, PictureLimits

#: Anomaly score of a picture that can't be judged (its reason says why): above any real one, and a number that JSON can carry.
UNJUDGED_SCORE: Final = 1e6
_SETTINGS: Final = "settings.json"
_METHODS: Final = ("score", "map_in_picture", "prepare")


@dataclass(frozen=True)
class Scores:
    """What the model says of one picture, before any threshold."""

    anomaly_score: float
    reconstruction_error: float  #: plain mean squared error over the prepared picture
    reason: str | None  #: e.g. "not_aligned"; the score is then UNJUDGED_SCORE
    anomaly_map: Tensor  #: float32 [h, w], working resolution and pose: of both below, the root of the sum of squares
    error_map: Tensor  #: the same: what the networks find
    memory_map: Tensor  #: the same: what the memory of good pictures finds; 0 where there is none
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

    @property
    def limits(self) -> PictureLimits:
        """What its training accepted of a picture, and where white is for it; no bare pixels."""
        size = {name: self.settings.get(name, getattr(DEFAULT_LIMITS, name)) for name in ("max_pixels", "max_side", "white")}
        return PictureLimits(**size, raw_shape=None)

    @torch.inference_mode()
    def score(self, pictures: Sequence[Tensor]) -> list[Scores]:
        """Score decoded pictures [C, H, W] of any sizes; a picture's score does not depend on its neighbours."""
        if not pictures:
            return []
        return [_scores(found) for found in self.script.score(list(pictures))]

    @torch.inference_mode()
    def map_in_picture(self, scores: Scores, height: int, width: int) -> Tensor:
        """The map laid back onto the picture, float32 [height, width]; where it does not look, the least there can be.

        Its peak lies in the one pixel that shows the place: between pixels it would be lost, and the
        reason for a reject with it.
        """
        laid: Tensor = self.script.map_in_picture(scores.anomaly_map, scores.pose, height, width)
        row, column = divmod(int(scores.anomaly_map.argmax()), scores.anomaly_map.shape[1])
        x, y = _in_picture(scores, row, column)
        place = min(max(int(y * height), 0), height - 1), min(max(int(x * width), 0), width - 1)
        laid[place] = torch.maximum(laid[place], scores.anomaly_map[row, column])
        return laid

    @torch.inference_mode()
    def prepare(self, picture: Tensor) -> Tensor:
        """One decoded picture as `score_prepared` takes it, float32 [c, h, w]: exposure normalised, aligned or resized."""
        return self.script.prepare(picture).picture


def save_artifact(script: torch.jit.ScriptModule, settings: dict[str, Any], path: Path) -> None:
    """Write the artefact atomically, with its format among the settings; equal inputs give equal bytes."""
    buffer = io.BytesIO()  # a file's own name would become the name of the folder inside the zip
    with _deprecations_ignored():
        torch.jit.save(script, buffer, _extra_files={_SETTINGS: json.dumps({**settings, FORMAT_KEY: FORMAT}, sort_keys=True)})
    write_bytes(path, buffer.getvalue())


def load_artifact(path: Path) -> Artifact:
    """Load an artefact for the CPU. Raises BadArtifact when it is missing, damaged or of another format."""
    extra = {_SETTINGS: ""}
    try:
        data = path.read_bytes()  # read once, so that what is loaded is what the fingerprint is of
        with _deprecations_ignored():
            script = torch.jit.load(io.BytesIO(data), map_location="cpu", _extra_files=extra)
        settings = json.loads(extra[_SETTINGS])
    except FileNotFoundError as error:
        raise BadArtifact(path=path, detail="there is no model; run `make train`") from error
    except (OSError, ValueError, RuntimeError, IndexError, EOFError) as error:
        raise BadArtifact(path=path, detail="not a Snag model, or damaged") from error
    lacking = [method for method in _METHODS if not hasattr(script, method)]
    if lacking or not isinstance(settings, dict) or "score_unit" not in settings:
        raise BadArtifact(path=path, detail="a TorchScript file, but not a Snag model")
    check_model(settings, path)
    del settings[FORMAT_KEY]
    script.eval()
    return Artifact(script, settings, sha256(data).hexdigest(), path)


def _scores(found: Any) -> Scores:
    """Of what the script says of one picture (`snag.detector.detector.ScoredPicture`)."""
    return Scores(
        anomaly_score=UNJUDGED_SCORE if found.reason else float(found.score),
        reconstruction_error=float(found.error),
        reason=found.reason or None,
        anomaly_map=found.anomaly_map,
        error_map=found.error_map,
        memory_map=found.memory_map,
        reconstruction=found.reconstruction,
        prepared=found.prepared,
        pose=found.pose,
    )


def _in_picture(scores: Scores, row: int, column: int) -> tuple[float, float]:
    """Where the middle of a working pixel lies in the picture: x and y, 0 to 1 from edge to edge, beyond where it juts out."""
    height, width = scores.anomaly_map.shape
    working = torch.tensor([(2 * column + 1) / width - 1, (2 * row + 1) / height - 1, 1.0])
    x, y = ((scores.pose @ working + 1) / 2).tolist()
    return x, y


@contextmanager
def _deprecations_ignored() -> Iterator[None]:
    """torch deprecates TorchScript in each call; that it is TorchScript is decided."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*torch.jit", category=DeprecationWarning)
        yield


def check_pair(artifact: Artifact, calibration: Calibration, calibration_path: Path) -> None:
    """Raise ArtifactMismatch unless the calibration was made with this very model."""
    if calibration.artifact != artifact.fingerprint:
        raise ArtifactMismatch(
            calibration=calibration_path,
            expected=calibration.artifact[:12],
            artifact=artifact.path,
            found=artifact.fingerprint[:12],
        )
