"""Thumbnails: small pictures for the pages, made when they are first asked for and kept in the product's run folder."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

import numpy as np
from PIL import Image

from snag.core.display import displayed
from snag.core.errors import DiskFull, SnagError
from snag.core.files import write_bytes
from snag.core.picture import PictureLimits, decode
from snag.studio.products import Product

SIDE: Final = 240  #: pixels of the long side
LARGE: Final = 1200  #: of the picture that opens
_LIMITS: Final = PictureLimits(raw_shape=None)
_DECODING: Final = BoundedSemaphore(2)  #: pictures at a time: a camera's may take hundreds of megabytes


def thumbnail(product: Product, name: str, side: int = SIDE) -> bytes | None:
    """A picture of the data set as JPEG; None where it can't be read. Decoded as everything else in Snag decodes it."""
    path = product.data / name
    try:
        found = path.stat()
    except OSError:
        return None
    key = hashlib.sha256(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0{side}".encode("utf-8", "surrogateescape")).hexdigest()
    kept = product.own / "thumbnails" / f"{key[:2]}" / f"{key[2:32]}.jpg"
    try:
        return kept.read_bytes()
    except OSError:
        made = _made(path, side)
    if made is not None:
        try:
            write_bytes(kept, made)
        except DiskFull:  # it is shown all the same
            return made
    return made


def shrunk(data: bytes, side: int = SIDE) -> bytes | None:
    """An encoded picture as a small JPEG; None for what can't be read."""
    try:
        with _DECODING:
            planes = displayed(decode(data, _LIMITS)).numpy()
    except SnagError:
        return None
    pixels = np.ascontiguousarray(planes.transpose(1, 2, 0))
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((side, side), Image.Resampling.BOX if side < LARGE else Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _made(path: Path, side: int) -> bytes | None:
    try:
        return shrunk(path.read_bytes(), side)
    except OSError:
        return None
