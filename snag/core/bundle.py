"""What is packed and served together: a model, its calibration, its golden pictures, and what pictures it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from snag.core.artifact import Artifact, check_pair, load_artifact
from snag.core.calibration import Calibration, read_calibration
from snag.core.capture_reference import REFERENCE_FILE, CaptureReference, read_reference
from snag.core.errors import BadArtifact
from snag.core.golden import GOLDEN_FILE, Golden, read_golden
from snag.core.verdict import Verdict, judge


@dataclass(frozen=True)
class Bundle:
    """A model that can be served."""

    artifact: Artifact
    calibration: Calibration
    golden: Golden
    pictures: Mapping[str, bytes]  #: the golden pictures by their names
    reference: CaptureReference

    def judge(self, picture: Tensor, group: str | None = None) -> Verdict:
        """The verdict on one decoded picture [C, H, W], by the threshold of its group."""
        found = self.artifact.score([picture])[0]
        return judge(found.anomaly_score, found.reconstruction_error, found.reason, self.calibration, group)


def load_bundle(folder: Path) -> Bundle:
    """Read a run folder or an unpacked archive. Raises BadArtifact or ArtifactMismatch unless all parts belong together."""
    artifact = load_artifact(folder / "snag.pt")
    calibration = read_calibration(folder / "calibration.json")
    check_pair(artifact, calibration, folder / "calibration.json")
    golden = read_golden(folder / GOLDEN_FILE)
    golden.check_model(artifact.fingerprint, folder / GOLDEN_FILE)
    reference = read_reference(folder / REFERENCE_FILE)
    if reference.data_digest != calibration.data_digest:
        detail = "made from other pictures than the calibration; run `make calibrate`"
        raise BadArtifact(path=folder / REFERENCE_FILE, detail=detail)
    return Bundle(artifact, calibration, golden, {one.name: _bytes(folder / one.name) for one in golden.pictures}, reference)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadArtifact(path=path, detail=f"{error.strerror}; run `make calibrate`") from error
