"""Small sound pictures of every kind that Snag accepts, to be sent as they are or to be damaged."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fuzz.handmade import chunk, exif, png

HEIGHT, WIDTH = 48, 64


@cache
def sound_pictures() -> dict[str, bytes]:
    """Encoded pictures by name."""
    grey = _slope()
    colour = np.stack([grey, 255 - grey, grey // 2 + 60], -1)
    inks = Image.fromarray(np.dstack([colour, np.zeros_like(grey)]), "CMYK")
    clear = np.dstack([colour, np.where(grey > 99, 255, 0).astype(np.uint8)])
    deep = grey.astype(np.uint16) * 257
    palette = Image.fromarray(colour).quantize(16)
    return {
        "PNG grey": png(grey),
        "PNG 1 bit": png(grey >> 7, 1),
        "PNG 16 bit": png(deep, 16),
        "PNG 16 bit colour": png(colour.astype(np.uint16) * 257, 16),
        "PNG interlaced": png(grey, interlaced=True),
        "PNG palette with alpha": png(grey >> 4, 4, bytes(range(48)), [chunk(b"tRNS", bytes([0, 128]))]),
        "PNG RGBA": encoded(clear, "PNG"),
        "JPEG grey": encoded(grey, "JPEG"),
        "JPEG RGB": encoded(colour, "JPEG"),
        "JPEG progressive": encoded(colour, "JPEG", progressive=True),
        "JPEG CMYK": encoded(inks, "JPEG"),
        **{f"JPEG turned {turn}": encoded(colour, "JPEG", exif=exif(turn)) for turn in (3, 5, 6, 8)},
        "TIFF grey": encoded(grey, "TIFF"),
        "TIFF 1 bit": encoded(Image.fromarray(grey > 99), "TIFF", compression="group4"),
        "TIFF 16 bit": encoded(deep, "TIFF", compression="tiff_lzw"),
        "TIFF CMYK": encoded(inks, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF JPEG": encoded(colour, "TIFF", compression="jpeg"),
        "TIFF big": encoded(colour, "TIFF", big_tiff=True),
        "WebP": encoded(colour, "WEBP"),
        "WebP lossless": encoded(colour, "WEBP", lossless=True),
        "WebP alpha": encoded(clear, "WEBP", lossless=True),
        "BMP grey": encoded(grey, "BMP"),
        "BMP RGB": encoded(colour, "BMP"),
        "BMP palette": encoded(palette, "BMP"),
    }


@cache
def moving_pictures() -> dict[str, bytes]:
    """Pictures of several frames or pages, which are refused."""
    frames = [Image.fromarray(np.roll(_slope(), shift, 1)) for shift in range(3)]
    more = {"save_all": True, "append_images": frames[1:]}
    return {
        "GIF": encoded(frames[0], "GIF", **more),
        "APNG": encoded(frames[0], "PNG", **more),
        "WebP": encoded(frames[0].convert("RGB"), "WEBP", **more),
        "TIFF": encoded(frames[0], "TIFF", **more),
    }


@cache
def plain(height: int, width: int) -> bytes:
    """A grey PNG of one grey value."""
    return png(np.full((height, width), 130, np.uint8))


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """Bytes of an array or picture in Pillow's format `kind`."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _slope() -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((rows * 3 + columns * 5) % 256).astype(np.uint8)
