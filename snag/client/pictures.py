"""Which files a folder's pictures are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from snag.core.errors import NoPictures

#: What a folder is searched for; the same as the server's decoder (a test compares them), without loading it.
SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def find_pictures(place: Path) -> list[Path]:
    """The file itself, or every picture below the folder, sorted. Raises NoPictures."""
    if place.is_dir():
        found = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    else:
        found = [place] if place.exists() else []
    if not found:
        raise NoPictures(folder=place, expected=f"a picture, or a folder of {', '.join(sorted(SUFFIXES))} files")
    return found
