"""Pictures of every accepted kind, made by code: their bytes, and the pixels that a decoder must find in them."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from benchmarks.fuzz.handmade import chunk, packed, png, tiff, tiff_tags

HEIGHT: Final = 10
WIDTH: Final = 13


@dataclass(frozen=True)
class Case:
    """One encoded picture."""

    data: bytes
    pixels: np.ndarray  #: [C, H, W] on the scale 0..255, what `snag.core.picture.decode` must answer
    tolerance: float = 0.0  #: largest difference that the lossy formats may show


def grey() -> np.ndarray:
    """uint8 [H, W]: a smooth slope, different in every corner."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (20 + 14 * rows + 6 * columns).astype(np.uint8)


def colour() -> np.ndarray:
    """uint8 [H, W, 3]: three different slopes."""
    return np.stack([grey(), 255 - grey(), grey() // 2 + 60], -1)


def deep() -> np.ndarray:
    """uint16 [H, W]: uses the low byte, so that a loss of depth shows."""
    return (grey().astype(np.uint16) * 257 + np.arange(WIDTH, dtype=np.uint16)).astype(np.uint16)


def encode(pixels: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """Bytes of an array or picture in Pillow's format `kind`."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 [H, W] that no codec can compress."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def planes(pixels: np.ndarray) -> np.ndarray:
    """[H, W] or [H, W, C] -> [C, H, W]."""
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def over_black(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """[H, W] or [H, W, 3] under `alpha` 0..255 -> [1 or 3, H, W]; exact where alpha is 0 or 255."""
    values = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return planes(np.round(values * (alpha[:, :, None] / 255.0)))


def alpha() -> np.ndarray:
    """uint8 [H, W]: opaque, half and clear columns."""
    return np.broadcast_to(np.array([255, 128, 0], np.uint8)[np.arange(WIDTH) % 3], (HEIGHT, WIDTH))


def cases() -> dict[str, Case]:
    """Every kind of picture that Snag accepts, by name."""
    return {**_png_cases(), **_jpeg_cases(), **_bmp_cases(), **_tiff_cases(), **_webp_cases()}


def _png_cases() -> dict[str, Case]:
    g, c, d, a = grey(), colour(), deep(), alpha()
    bits = (g > 100).astype(np.uint8)
    table = {
        "png-grey1": Case(png(bits, 1), planes(bits * 255)),
        "png-grey2": Case(png(g >> 6, 2), planes((g >> 6) * 85)),
        "png-grey4": Case(png(g >> 4, 4), planes((g >> 4) * 17)),
        "png-grey8": Case(png(g), planes(g)),
        "png-grey8-interlaced": Case(png(g, interlaced=True), planes(g)),
        "png-grey16": Case(png(d, 16), planes(d / np.float32(257))),
        "png-grey16-interlaced": Case(png(d, 16, interlaced=True), planes(d / np.float32(257))),
        "png-greyalpha8": Case(png(np.dstack([g, a])), over_black(g, a), 1),
        "png-rgb8": Case(png(c), planes(c)),
        "png-rgb16": Case(png(c.astype(np.uint16) * 257, 16), planes(c)),
        "png-rgba8": Case(png(np.dstack([c, a])), over_black(c, a), 1),
        "png-rgba16": Case(png(np.dstack([c, a]).astype(np.uint16) * 257, 16), over_black(c, a), 1),
    }
    shown = c.reshape(-1, 3)[:16]
    index = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 16
    for depth in (4, 8):
        table[f"png-palette{depth}"] = Case(png(index, depth, shown.tobytes()), planes(shown[index]))
    clear = chunk(b"tRNS", bytes([0, 128]))  # entry 0 clear, 1 half, the others opaque
    entry_alpha = np.array([0, 128] + [255] * 14, np.uint8)
    table["png-palette-alpha"] = Case(png(index, 8, shown.tobytes(), [clear]), over_black(shown[index], entry_alpha[index]), 1)
    key = chunk(b"tRNS", struct.pack(">H", int(g[0, 0])))
    table["png-grey-key"] = Case(png(g, before=[key]), over_black(g, np.where(g == g[0, 0], 0, 255)))
    key = chunk(b"tRNS", struct.pack(">HHH", *(int(value) for value in c[0, 0])))
    table["png-rgb-key"] = Case(png(c, before=[key]), over_black(c, np.where((c == c[0, 0]).all(-1), 0, 255)))
    key = chunk(b"tRNS", struct.pack(">H", 1))
    table["png-grey1-key"] = Case(png(bits, 1, before=[key]), over_black(bits * 255, np.where(bits == 1, 0, 255)))
    return table


def _jpeg_cases() -> dict[str, Case]:
    g, c = grey(), colour()
    fine = {"quality": 100, "subsampling": 0}
    inks = np.dstack([c, np.zeros_like(g)])
    return {
        "jpeg-grey": Case(encode(g, "JPEG", quality=100), planes(g), 3),
        "jpeg-rgb": Case(encode(c, "JPEG", **fine), planes(c), 6),
        "jpeg-progressive": Case(encode(c, "JPEG", progressive=True, **fine), planes(c), 6),
        "jpeg-cmyk": Case(encode(Image.fromarray(inks, "CMYK"), "JPEG", **fine), planes(255 - c), 6),
        "jpeg-kept-as-rgb": Case(encode(c, "JPEG", keep_rgb=True, **fine), planes(c), 6),
        "jpeg-two-pictures": Case(
            encode(c, "MPO", save_all=True, append_images=[Image.fromarray(255 - c)], **fine), planes(c), 6
        ),
    }


def _bmp_cases() -> dict[str, Case]:
    g, c = grey(), colour()
    bits = g > 100
    few = Image.fromarray(c).quantize(8)
    return {
        "bmp-grey1": Case(encode(Image.fromarray(bits), "BMP"), planes(bits * np.uint8(255))),
        "bmp-grey8": Case(encode(g, "BMP"), planes(g)),
        "bmp-palette": Case(encode(few, "BMP"), planes(np.asarray(few.convert("RGB")))),
        "bmp-rgb": Case(encode(c, "BMP"), planes(c)),
    }


def _tiff_cases() -> dict[str, Case]:
    g, c, d, a = grey(), colour(), deep(), alpha()
    bits = Image.fromarray(g > 100)
    exact = planes(d / np.float32(257))
    table = {
        "tiff-grey1-group4": Case(encode(bits, "TIFF", compression="group4"), planes(np.asarray(bits) * np.uint8(255))),
        "tiff-grey12": Case(
            tiff(tiff_tags(WIDTH, HEIGHT, [12], 1), [b"".join(packed(line >> 4, 12) for line in d)]),
            planes((d >> 4) / np.float32(4095 / 255)),
            1e-4,
        ),
        "tiff-grey16": Case(encode(d, "TIFF"), exact),
        "tiff-grey16-lzw": Case(encode(d, "TIFF", compression="tiff_lzw"), exact),
        "tiff-grey16-big-endian": Case(
            encode(Image.frombytes("I;16B", (WIDTH, HEIGHT), d.astype(">u2").tobytes()), "TIFF"), exact
        ),
        "tiff-grey16-white-is-zero": Case(
            tiff(tiff_tags(WIDTH, HEIGHT, [16], 0), [(65535 - d).astype("<u2").tobytes()]), exact
        ),
        "tiff-grey8-white-is-zero": Case(tiff(tiff_tags(WIDTH, HEIGHT, [8], 0), [(255 - g).tobytes()]), planes(g)),
        "tiff-rgba": Case(encode(np.dstack([c, a]), "TIFF"), over_black(c, a), 1),
        "tiff-cmyk": Case(encode(Image.fromarray(np.dstack([c, np.zeros_like(g)]), "CMYK"), "TIFF"), planes(255 - c)),
        "tiff-palette": Case(
            encode(Image.fromarray(c).quantize(8), "TIFF"), planes(np.asarray(Image.fromarray(c).quantize(8).convert("RGB")))
        ),
        "tiff-jpeg": Case(encode(c, "TIFF", compression="jpeg", quality=100), planes(c), 12),
        "tiff-big": Case(encode(c, "TIFF", big_tiff=True), planes(c)),
        "tiff-strips": Case(
            tiff(tiff_tags(WIDTH, HEIGHT, [8], 1) | {278: (4, [3])}, [g[at : at + 3].tobytes() for at in range(0, HEIGHT, 3)]),
            planes(g),
        ),
        "tiff-planar": Case(
            tiff(tiff_tags(WIDTH, HEIGHT, [8, 8, 8], 2) | {284: (3, [2])}, [c[:, :, i].tobytes() for i in range(3)]), planes(c)
        ),
    }
    square = np.zeros((16, 16), np.uint8)
    square[:HEIGHT, :WIDTH] = g
    for name, compression, payload in (
        ("tiff-tile", 1, square.tobytes()),
        ("tiff-tile-deflate", 8, zlib.compress(square.tobytes())),
    ):
        tags = tiff_tags(WIDTH, HEIGHT, [8], 1, compression) | {322: (4, [16]), 323: (4, [16])}
        table[name] = Case(tiff(tags, [payload], tiled=True), planes(g))
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        table[f"tiff-grey8-{compression}"] = Case(encode(g, "TIFF", compression=compression), planes(g))
        table[f"tiff-rgb-{compression}"] = Case(encode(c, "TIFF", compression=compression), planes(c))
    return table


def _webp_cases() -> dict[str, Case]:
    g, c, a = grey(), colour(), alpha()
    return {
        "webp-lossless": Case(encode(c, "WEBP", lossless=True), planes(c)),
        "webp-lossless-grey": Case(encode(g, "WEBP", lossless=True), np.repeat(g[None], 3, 0)),
        "webp-lossless-alpha": Case(encode(np.dstack([c, a]), "WEBP", lossless=True, exact=True), over_black(c, a), 1),
        "webp-lossy": Case(encode(c, "WEBP", quality=100), planes(c), 24),
    }


def several_frames() -> dict[str, bytes]:
    """Pictures that move or have pages, by name: refused, because nobody said which one is meant."""
    frames = [Image.fromarray(colour()), Image.fromarray(255 - colour())]
    rest: dict[str, Any] = {"save_all": True, "append_images": frames[1:]}
    return {
        "apng": encode(frames[0], "PNG", **rest),
        "tiff": encode(frames[0], "TIFF", **rest),
        "webp": encode(frames[0], "WEBP", **rest),
        "gif": encode(frames[0], "GIF", **rest),
    }
