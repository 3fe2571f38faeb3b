"""`snag export`: labelled pictures as folders, for training, calibration and evaluation anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import Field

from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import NoPictures
from snag.core.files import write_bytes
from snag.review.labels import DEFECT, FALSE_ALARM, read_labels

_FOLDERS: Final = {DEFECT: "defect", FALSE_ALARM: "good"}
_ENDINGS: Final = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"RIFF": ".webp",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}


class ExportSettings(Settings):
    """Write the labelled pictures of a model into OUT/good and OUT/defect; unsure ones stay out."""

    labels: Path = Field(description="file of labels")
    model: str = Field(description="name of the model")
    out: Path = Field(description="folder to write; test/ of a data folder, or for `snag calibrate --defects OUT/defect`")


def export(settings: ExportSettings) -> int:
    """Write the pictures; how many. Raises NoPictures when no label fits."""
    labels = read_labels(settings.labels)
    count = 0
    for one in labels.all():
        if one.model != settings.model or one.label not in _FOLDERS:
            continue
        picture = labels.picture(one.id) or b""
        # Bare grey bytes have no sign of their own, and no file can hold them as they are.
        if ending := next((ending for sign, ending in _ENDINGS.items() if picture.startswith(sign)), None):
            write_bytes(settings.out / _FOLDERS[one.label] / f"{one.id}{ending}", picture)
            count += 1
    labels.close()
    if not count:
        raise NoPictures(folder=settings.labels, expected=f"labelled pictures of {settings.model}")
    return count


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; see `--help`."""

    def work() -> None:
        settings = from_flags(ExportSettings, argv)
        print(f"{settings.out}: {export(settings)} pictures")

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
