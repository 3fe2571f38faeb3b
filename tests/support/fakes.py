"""A detector small enough to build in a test, with the same exported methods as the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from snag.core.artifact import Artifact, load_artifact, save_artifact
from snag.core.calibration import Calibration, conformal_threshold, write_calibration
from snag.core.capture_reference import REFERENCE_FILE, CaptureReference, Spread, write_reference
from snag.core.golden import GOLDEN_FILE, Golden, GoldenPicture, tolerance_of, write_golden
from snag.detector.detector import ScoredPicture
from snag.detector.preparation import Prepared


class TinyDetector(nn.Module):
    """Resizes to 16 x 16 and 'reconstructs' mid-grey: bright or dark pictures get high scores."""

    def forward(self, prepared: Tensor) -> Tensor:
        """[N, 1, 16, 16] -> the same, all 0.5."""
        return torch.full_like(prepared, 0.5)

    @torch.jit.export
    def prepare(self, picture: Tensor) -> Prepared:
        """[C, H, W] -> [1, 16, 16]."""
        return self.resize(picture)

    def resize(self, picture: Tensor) -> Prepared:
        """[C, H, W] -> [1, 16, 16]."""
        grey = picture.to(torch.float32).mean(0, keepdim=True) / 255.0
        small = functional.adaptive_avg_pool2d(grey, [16, 16])
        return Prepared(small, torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), "")

    @torch.jit.export
    def score(self, pictures: list[Tensor]) -> list[ScoredPicture]:
        """See snag.core.artifact.Artifact.score."""
        scored: list[ScoredPicture] = []
        for picture in pictures:
            view = self.prepare(picture)
            reconstruction = self.forward(view.picture[None])[0]
            squared = (view.picture - reconstruction).square().mean(0)
            scored.append(
                ScoredPicture(
                    squared.max(),
                    squared.mean(),
                    squared,
                    squared,
                    torch.zeros_like(squared),
                    reconstruction,
                    view.picture,
                    view.pose,
                    view.reason,
                )
            )
        return scored

    @torch.jit.export
    def map_in_picture(self, anomaly_map: Tensor, pose: Tensor, height: int, width: int) -> Tensor:
        """[h, w] -> [height, width]."""
        return functional.interpolate(anomaly_map[None, None], [height, width], mode="nearest")[0, 0]


def tiny_artifact(folder: Path, **more: object) -> Artifact:
    """Write and load a tiny artefact `folder/snag.pt`; `more` are further settings of it."""
    settings = {"score_unit": "squared grey value, range 0..1", "preset": "tiny", "data_digest": "0" * 64, **more}
    save_artifact(torch.jit.script(TinyDetector().eval()), settings, folder / "snag.pt")
    return load_artifact(folder / "snag.pt")


def tiny_calibration(folder: Path, artifact: Artifact, scores: list[float] | None = None, rate: float = 0.05) -> Calibration:
    """Write all that is packed with the artefact, `folder/calibration.json` first; scores 0.001 .. 0.040 unless given."""
    scores = sorted(scores or [i / 1000 for i in range(1, 41)])
    calibration = Calibration(
        scores=tuple(scores),
        rate=rate,
        threshold=conformal_threshold(scores, rate),
        method="split-conformal",
        score_unit=artifact.score_unit,
        artifact=artifact.fingerprint,
        data_digest="0" * 64,
        created="2026-01-01T00:00:00+00:00",
    )
    tiny_golden(folder, artifact, scores)
    # Pictures of one grey have no edges: their sharpness is 0.
    reference = CaptureReference(
        Spread(0.4, 0.5, 0.6), Spread(0.0, 0.0, 0.5), calibration.data_digest, "2025-12-31T00:00:00+00:00"
    )
    write_reference(reference, folder / REFERENCE_FILE)
    write_calibration(calibration, folder / "calibration.json")
    return calibration


def tiny_golden(folder: Path, artifact: Artifact, scores: list[float]) -> None:
    """Write `folder/golden.json` and `folder/golden/0.png`, 24 x 32 pixels of one grey."""
    (folder / "golden").mkdir(exist_ok=True)
    grey = np.full((24, 32), 140, np.uint8)
    Image.fromarray(grey).save(folder / "golden" / "0.png")
    score = artifact.score([torch.from_numpy(grey)[None]])[0].anomaly_score
    golden = Golden(artifact.fingerprint, tolerance_of(scores), (GoldenPicture("golden/0.png", score),))
    write_golden(golden, folder / GOLDEN_FILE)
