"""Pictures inside a page, as data URIs: the page stays one file."""

from __future__ import annotations

import base64
import io

from PIL import Image


def png_uri(data: bytes) -> str:
    """A PNG's bytes as a URI."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def jpeg_uri(image: Image.Image, quality: int = 85, subsampling: int = -1) -> str:
    """The image as a JPEG; `subsampling` 0 keeps the colour of every pixel, -1 leaves it to the encoder."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
