"""Golden pictures: good parts that travel inside the archive with the scores that they got when it was made.

Whoever brings a model up scores them again. An equal score says that model, decoder, PyTorch and processor together still give
the verdicts that the threshold was calibrated for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final

from snag.core.errors import ArtifactMismatch, BadArtifact, GoldenMismatch
from snag.core.files import write_text

GOLDEN_FILE: Final = "golden.json"
#: Share of the calibration scores' interquartile range by which a golden score may differ. Rounding depends on the processor:
#: for the sample's model (`quick`) SSE 4.1 instead of AVX-512 changed it by 6e-5 of that range, two threads instead of one by
#: 6e-4, bfloat16 by 2e-2. Half of the good parts lie in the range, so 5 % of it moves a p-value by some 0.025, which no verdict
#: notices; another model, another decoder or a broken file moves it by whole ranges.
TOLERATED_SHARE: Final = 0.05
#: Where all calibration scores are almost the same, so much of the score itself: some roundings of float32.
_ROUNDING: Final = 1e-4


@dataclass(frozen=True)
class GoldenPicture:
    """One picture and what it scored."""

    name: str  #: path below the run folder or inside of the archive
    score: float


@dataclass(frozen=True)
class Golden:
    """The golden pictures of one model."""

    artifact: str  #: fingerprint of the model
    tolerance: float  #: in the score's unit
    pictures: tuple[GoldenPicture, ...]

    def check(self, picture: GoldenPicture, score: float, where: str) -> None:
        """Raise GoldenMismatch unless `score`, got `where`, is the expected one within the tolerance."""
        if not abs(score - picture.score) <= self.tolerance:
            expected = f"{picture.score:.6g} within {self.tolerance:.2g}"
            raise GoldenMismatch(picture=picture.name, where=where, found=f"scores {score:.6g}", expected=expected)

    def check_model(self, fingerprint: str, path: Path) -> None:
        """Raise ArtifactMismatch unless these are the scores of the model with this fingerprint; `path` is this file."""
        if self.artifact != fingerprint:
            raise ArtifactMismatch(
                calibration=path, expected=self.artifact[:12], artifact=path.with_name("snag.pt"), found=fingerprint[:12]
            )


def tolerance_of(scores: Sequence[float]) -> float:
    """How far a golden score may be off, given the calibration scores."""
    low, middle, high = quantiles(scores, n=4) if len(scores) > 1 else (scores[0],) * 3
    return max(TOLERATED_SHARE * (high - low), _ROUNDING * abs(middle))


def write_golden(golden: Golden, path: Path) -> None:
    """Write the file atomically."""
    write_text(path, json.dumps(asdict(golden), indent=1, allow_nan=False) + "\n")


def read_golden(path: Path) -> Golden:
    """Read the file. Raises BadArtifact."""
    try:
        return parse_golden(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError as error:
        raise BadArtifact(path=path, detail="there are no golden pictures; run `make calibrate archive`") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadArtifact(path=path, detail=f"can't be read ({error}); run `make calibrate archive`") from error


def parse_golden(text: str, path: Path) -> Golden:
    """What `write_golden` wrote, read from `path` or out of the archive there. Raises BadArtifact."""
    try:
        fields = json.loads(text)
        pictures = tuple(GoldenPicture(str(one["name"]), float(one["score"])) for one in fields["pictures"])
        golden = Golden(str(fields["artifact"]), float(fields["tolerance"]), pictures)
        numbers = (golden.tolerance, *(one.score for one in pictures))
        if not pictures or not all(map(math.isfinite, numbers)) or golden.tolerance < 0:
            raise ValueError("no pictures, or a number that is none")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise BadArtifact(path=path, detail=f"not a list of golden pictures ({error}); run `make calibrate archive`") from error
    return golden
