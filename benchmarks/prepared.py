"""Real requests with the answers that they must get: pictures scored here, by the archive's own model and the same decoder."""

from __future__ import annotations

import base64
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image

from benchmarks.outcome import JSON, Expected, PreparedRequest
from snag.core.artifact import Artifact, load_artifact
from snag.core.errors import NoPictures
from snag.core.picture import DEFAULT_LIMITS, decode
from snag.core.picture_files import picture_files

BYTES: Final = "application/octet-stream"
#: Share of a score by which a batch or another number of threads may change it: rounding in another order.
TOLERANCE: Final = 1e-4


@dataclass(frozen=True)
class Judge:
    """What answers in the server, here."""

    model: str
    version: str
    artifact: Artifact

    def expected(self, picture: bytes) -> Expected:
        """The verdict that the bytes of a picture must get."""
        score = self.artifact.score([decode(picture)])[0].anomaly_score
        return Expected(score=score, tolerance=TOLERANCE * max(1.0, abs(score)), version=self.version)


def judge_of(archive: Path) -> Judge:
    """The judge inside of an archive. Raises BadArtifact."""
    torch.set_num_threads(1)  # as a worker does
    with zipfile.ZipFile(archive) as members, tempfile.TemporaryDirectory() as folder:
        manifest = json.loads(members.read("MAR-INF/MANIFEST.json"))["model"]
        return Judge(manifest["modelName"], manifest["modelVersion"], load_artifact(Path(members.extract("snag.pt", folder))))


def grey_pictures(folder: Path, most: int) -> list[np.ndarray]:
    """Up to `most` pictures below a folder, spread over it, each as grey uint8 [H, W]. Raises NoPictures."""
    paths = [path for path in picture_files(folder).pictures if "ground_truth" not in path.parts]
    if not paths:
        raise NoPictures(folder=folder, expected="pictures, at any depth")
    chosen = paths[:: max(1, len(paths) // most)][:most]
    return [decode(path.read_bytes()).float().mean(0).round().to(torch.uint8).numpy() for path in chosen]


def png(grey: np.ndarray) -> bytes:
    """A grey PNG of uint8 [H, W]."""
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    return buffer.getvalue()


def as_body(name: str, judge: Judge, picture: bytes) -> PreparedRequest:
    """The picture's bytes as the body."""
    return PreparedRequest(name, f"/predictions/{judge.model}", picture, {"Content-Type": BYTES}, (judge.expected(picture),))


def in_json(name: str, judge: Judge, picture: bytes, **more: object) -> PreparedRequest:
    """The picture's bytes in base64 in JSON; `more` are further fields."""
    body = json.dumps({"image": base64.b64encode(picture).decode(), **more}).encode()
    return PreparedRequest(name, f"/predictions/{judge.model}", body, {"Content-Type": JSON}, (judge.expected(picture),))


def explained(name: str, judge: Judge, picture: bytes) -> PreparedRequest:
    """The picture's bytes as the body, the heat map over the picture as the answer."""
    answers = (Expected(content_type="image/png"),)
    return PreparedRequest(name, f"/explanations/{judge.model}", picture, {"Content-Type": BYTES}, answers)


RAW: Final = "raw bytes in JSON"
#: The three ways in which a picture comes: from a grey array [H, W] to a request. The first is the reference's own.
FORMATS: Final[dict[str, Callable[[str, Judge, np.ndarray], PreparedRequest]]] = {
    RAW: lambda name, judge, grey: in_json(name, judge, grey.tobytes()),
    "PNG in JSON": lambda name, judge, grey: in_json(name, judge, png(grey)),
    "PNG as body": lambda name, judge, grey: as_body(name, judge, png(grey)),
}


def in_format(form: str, judge: Judge, pictures: Iterable[np.ndarray]) -> list[PreparedRequest]:
    """Each picture as a request of one of FORMATS; as bare bytes only those of the shape that a server takes for bare."""
    fitting = (grey for grey in pictures if form != RAW or grey.shape == DEFAULT_LIMITS.raw_shape)
    return [FORMATS[form](form, judge, grey) for grey in fitting]
