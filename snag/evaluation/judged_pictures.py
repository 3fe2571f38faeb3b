"""Judging: labelled pictures one after another through the exported artefact, as the server would judge them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from snag.core.artifact import Artifact, Scores
from snag.core.calibration import Calibration
from snag.core.errors import BadArtifact, SnagError
from snag.core.picture import PictureLimits
from snag.core.verdict import Verdict, judge
from snag.evaluation.labelled import LabelledPicture, read_picture


@dataclass(frozen=True)
class JudgedPicture:
    """One picture and all that was said of it; large, so keep what you need and let it go."""

    picture: LabelledPicture
    pixels: Tensor  #: [C, H, W], grey values 0..255
    scores: Scores
    verdict: Verdict


@dataclass(frozen=True)
class Unreadable:
    """One picture that could not be decoded."""

    picture: LabelledPicture
    code: str  #: of the error, as the server would answer it
    detail: str


def judge_pictures(
    artifact: Artifact, calibration: Calibration, pictures: Sequence[LabelledPicture], batch: int
) -> Iterator[JudgedPicture | Unreadable]:
    """Judge `pictures` in their order, `batch` at a time. Raises BadArtifact when the model answers no number."""
    for start in range(0, len(pictures), batch):
        some = pictures[start : start + batch]
        decoded = [_decode(picture, artifact.limits) for picture in some]
        answers = iter(artifact.score([pixels for pixels in decoded if isinstance(pixels, Tensor)]))
        for picture, pixels in zip(some, decoded, strict=True):
            if isinstance(pixels, Unreadable):
                yield pixels
            else:
                scores = next(answers)
                _check(artifact, picture, scores)
                found = scores.anomaly_score, scores.reconstruction_error, scores.reason
                verdict = judge(*found, calibration, picture.group)
                yield JudgedPicture(picture, pixels, scores, verdict)


def _decode(picture: LabelledPicture, limits: PictureLimits) -> Tensor | Unreadable:
    try:
        return read_picture(picture.path, limits)
    except SnagError as error:
        return Unreadable(picture, error.code, str(error))


def _check(artifact: Artifact, picture: LabelledPicture, scores: Scores) -> None:
    numbers = [scores.anomaly_score, scores.reconstruction_error, float(scores.anomaly_map.sum())]
    if any(math.isnan(number) for number in numbers):
        raise BadArtifact(path=artifact.path, detail=f"it answers {picture.name} with something that is not a number")
