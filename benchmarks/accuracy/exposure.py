"""The lamp taken as an enemy: test pictures with gain, offset or gamma drawn anew for each, scored as they are."""

from __future__ import annotations

from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from snag.core.artifact import Artifact
from snag.core.picture import decode
from snag.core.picture_files import picture_files


def exposed(picture: Tensor, kind: str, random: torch.Generator) -> Tensor:
    """`picture` [C, H, W] uint8 under another lamp: "gain" 0.7-1.3 with offset +-0.03, or "gamma" 0.9-1.1; clipped, 8 bits."""
    value = picture.float() / 255.0
    draw = torch.rand(2, generator=random)
    if kind == "gain":
        value = value * (0.7 + 0.6 * draw[0]) + (draw[1] - 0.5) * 0.06
    elif kind == "gamma":
        value = value ** (0.9 + 0.2 * draw[0])
    return (value.clamp(0, 1) * 255.0).round().to(torch.uint8)


def aurocs_under_other_lamps(artifact: Artifact, data: Path, seed: int = 0) -> dict[str, float]:
    """Image AUROC of DATA/test as it is ("none") and under each kind of exposure."""
    files = picture_files(data / "test").pictures
    defective = [path.parent.name != "good" for path in files]
    found = {}
    for kind in ("none", "gain", "gamma"):
        random = torch.Generator().manual_seed(seed)
        scores = [artifact.score([exposed(decode(path.read_bytes()), kind, random)])[0].anomaly_score for path in files]
        found[kind] = float(roc_auc_score(defective, scores))
    return found
