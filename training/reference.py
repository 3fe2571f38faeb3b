"""Measures the calibration pictures' looks and keeps them in the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from snag.imaging import brightness, sharpness
from snag.reference import REFERENCE_FILE, Reference, spread_of, write_reference
from training.dataset import read


def write_looks(paths: Sequence[Path], data_digest: str, run: Path) -> None:
    """Write `run`/reference.json: exposure and sharpness of these pictures, and when the model was made.

    Raises UnreadablePictures.
    """
    looks = [(brightness(picture), sharpness(picture)) for picture in map(read, paths)]
    exposures, sharpnesses = zip(*looks, strict=True)
    # The artefact holds no date, so that equal training gives equal bytes; its file has one.
    created = datetime.fromtimestamp((run / "snag.pt").stat().st_mtime, UTC).isoformat(timespec="seconds")
    write_reference(Reference(spread_of(exposures), spread_of(sharpnesses), data_digest, created), run / REFERENCE_FILE)
