"""Which files a folder's pictures are, and the pictures that come back from the server."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image

from snag.errors import NoPictures

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


def mask_of(heat_map: bytes) -> bytes:
    """The server's map as a mask, PNG: 255 where it is over the threshold's level, 0 elsewhere."""
    picture = Image.open(io.BytesIO(heat_map))
    position = Image.frombytes(
        "L", picture.size, picture.tobytes()
    )  # palette values are positions on the scale, 128 its middle
    buffer = io.BytesIO()
    position.point([0] * 128 + [255] * 128).save(buffer, "PNG")
    return buffer.getvalue()
