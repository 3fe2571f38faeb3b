"""Chooses the golden pictures among the calibration pictures and keeps them, with their scores, in the run folder."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from torch import Tensor

from snag.core.artifact import Artifact
from snag.core.errors import BadDataset
from snag.core.files import write_bytes
from snag.core.golden import GOLDEN_FILE, Golden, GoldenPicture, tolerance_of, write_golden
from snag.core.picture import FULL, decode
from snag.core.plain_png import encode_deep
from snag.training.data.dataset import read

COUNT: Final = 3
FOLDER: Final = "golden"
#: Bytes of one picture: it must fit into a request, whose limit is 16 MiB.
MOST_BYTES: Final = 10_000_000


def write_golden_pictures(artifact: Artifact, scores: Mapping[Path, float], run: Path) -> None:
    """Write `run`/golden/*.png and `run`/golden.json: the pictures whose scores lie in the middle of all `scores`.

    Those are the least likely to be parts that should not be there. Raises BadDataset when not one picture can be judged.
    """
    chosen = list(islice(_judged(artifact, scores), COUNT))
    if not chosen:
        raise BadDataset(detail="not one of the calibration pictures can be judged; are they of the part that was trained?")
    names = [f"{FOLDER}/{index}.png" for index in range(len(chosen))]
    for name, (data, _) in zip(names, chosen, strict=True):
        write_bytes(run / name, data)
    for left in {*(run / FOLDER).glob("*.png")} - {run / name for name in names}:
        left.unlink()
    pictures = tuple(GoldenPicture(name, score) for name, (_, score) in zip(names, chosen, strict=True))
    write_golden(Golden(artifact.fingerprint, tolerance_of(sorted(scores.values())), pictures), run / GOLDEN_FILE)


def _judged(artifact: Artifact, scores: Mapping[Path, float]) -> Iterator[tuple[bytes, float]]:
    """PNG and score of each picture that can be judged, those in the middle first; scored as it is kept, and alone."""
    for path in _middle_first(scores):
        data = _png(read(path, artifact.limits), artifact.limits.white or FULL)
        found = artifact.score([decode(data, artifact.limits)])[0]
        if found.reason is None:
            yield data, found.anomaly_score


def _middle_first(scores: Mapping[Path, float]) -> list[Path]:
    ranked = sorted(scores, key=lambda path: (scores[path], path))
    ranks = sorted(range(len(ranked)), key=lambda rank: abs(rank - (len(ranked) - 1) / 2))
    return [ranked[rank] for rank in ranks]


def _png(picture: Tensor, white: int) -> bytes:
    """The picture [C, H, W] as `snag.core.picture.decode` gives it, lossless and without any metadata.

    One that is too large for a request loses every second line and column until it fits: it needs a known score, no more.
    """
    pixels = picture.numpy().transpose(1, 2, 0)
    if pixels.dtype == np.float32:  # of more than 8 bits, on the scale of 8
        data = encode_deep(np.rint(pixels * np.float32(white / 255)).astype(np.uint16))
    else:
        buffer = io.BytesIO()
        Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
        data = buffer.getvalue()
    return data if len(data) <= MOST_BYTES else _png(picture[:, ::2, ::2], white)
