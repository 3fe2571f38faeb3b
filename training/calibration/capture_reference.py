"""Measures how the calibration pictures were taken and keeps them in the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from snag.core.capture_reference import PROPERTIES, REFERENCE_FILE, CaptureReference, spread_of, write_reference
from snag.core.group import POOLED
from snag.core.imaging import brightness, sharpness
from snag.core.picture import PictureLimits
from snag.training.data.dataset import LIMITS, read


def write_capture_reference(
    paths: Sequence[Path],
    data_digest: str,
    run: Path,
    groups: Sequence[str | None] = (),
    limits: PictureLimits = LIMITS,
) -> None:
    """Write `run`/reference.json: exposure and sharpness of these pictures, and when the model was made.

    `groups` names for each picture the group whose threshold judges it, the rest's too, or None. Raises UnreadablePictures.
    """
    conditions = [(brightness(picture), sharpness(picture)) for picture in (read(path, limits) for path in paths)]
    exposures, sharpnesses = zip(*conditions, strict=True)
    of_group = {POOLED: conditions}
    for group in sorted({group for group in groups if group is not None}):
        of_group[group] = [one for one, own in zip(conditions, groups, strict=True) if own == group]
    # The artefact holds no date, so that equal training gives equal bytes; its file has one.
    created = datetime.fromtimestamp((run / "snag.pt").stat().st_mtime, UTC).isoformat(timespec="seconds")
    reference = CaptureReference(
        spread_of(exposures),
        spread_of(sharpnesses),
        data_digest,
        created,
        values={group: _by_property(some) for group, some in of_group.items()},
    )
    write_reference(reference, run / REFERENCE_FILE)


def _by_property(conditions: Sequence[tuple[float, float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(sorted(values)) for name, values in zip(PROPERTIES, zip(*conditions, strict=True), strict=True)}
