"""Which files a folder's pictures are."""

from __future__ import annotations

from pathlib import Path

from snag.core.errors import NoPictures
from snag.core.left_out import LeftOut
from snag.core.picture_files import PictureFiles, picture_files
from snag.core.picture_formats import FORMATS


def find_pictures(place: Path) -> PictureFiles:
    """The file itself, whatever it is called, or every picture below the folder. Raises NoPictures, UnreadableFolder."""
    expected = f"a picture, or a folder of {', '.join(FORMATS)} files"
    if place.is_file():
        return PictureFiles(place, [place], LeftOut())
    if place.exists() and not place.is_dir():
        raise NoPictures(folder=place, expected=f"{expected}, and no pipe, socket or device")
    return picture_files(place).required(expected)
