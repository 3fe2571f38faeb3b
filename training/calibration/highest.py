"""The calibration pictures with the highest scores, to look at: one that is no good part holds the threshold up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from snag.core.artifact import Artifact
from snag.core.display import displayed
from snag.core.file_names import spelled
from snag.core.files import write_atomically
from snag.pages.contact_sheet import contact_sheet
from snag.training.data.dataset import read

FILE: Final = "highest.png"
#: So many are shown where fewer reach the threshold, and where more do.
LEAST, MOST = 6, 12
#: Pixels of a picture on the sheet, and of the ring around its worst place.
SIDE: Final = 320
RING: Final = 18


def write_highest(artifact: Artifact, scores: Mapping[Path, float], threshold: float, root: Path, run: Path) -> Path:
    """Write `run`/highest.png, highest score first, a ring around each one's worst place; names are relative to `root`."""
    ranked = sorted(scores, key=lambda path: (-scores[path], path))
    reach = sum(score >= threshold for score in scores.values())
    shown, captions = [], []
    for path in ranked[: min(MOST, max(LEAST, reach))]:
        picture = read(path, artifact.limits)
        found = artifact.score([picture])[0]
        height, width = picture.shape[1:]
        anomaly_map = None if found.reason else artifact.map_in_picture(found, height, width)
        shown.append(_ringed(picture, anomaly_map))
        captions.append(f"{spelled(path.relative_to(root).as_posix())}  {found.reason or format(scores[path], '.3g')}")
    sheet = contact_sheet(shown, captions, columns=3, side=SIDE)
    write_atomically(run / FILE, lambda temporary: sheet.save(temporary, format="PNG"))
    return run / FILE


def _ringed(picture: Tensor, anomaly_map: Tensor | None) -> Tensor:
    """[3, h, w] in 0..1, shrunk to the sheet, with a ring around the map's peak."""
    pixels = displayed(picture).expand(3, -1, -1).numpy()
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    if anomaly_map is not None:
        row, column = divmod(int(anomaly_map.argmax()), anomaly_map.shape[1])
        x = (column + 0.5) / anomaly_map.shape[1] * image.width
        y = (row + 0.5) / anomaly_map.shape[0] * image.height
        ImageDraw.Draw(image).ellipse((x - RING, y - RING, x + RING, y + RING), outline=(230, 60, 20), width=2)
    return torch.from_numpy(np.asarray(image).transpose(2, 0, 1) / np.float32(255))
