"""The PNGs that cameras write, decoded in a fifth of the time that Pillow takes.

What is said is what Pillow would say, pixel by pixel, of PNGs of 8 or 16 bits, grey or colour, not interlaced, that carry
nothing which changes how they look; of colour all 16 bits are kept. ISA-L inflates them and native/unfilter.c undoes their
filters; where that is not compiled, Rust's png decoder behind kornia-rs does both. All others, and what is damaged, are left to
Pillow and its words.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import numpy as np
from isal import isal_zlib
from isal.igzip_lib import IsalError
from kornia_rs.io import decode_image_png_u8, decode_image_png_u16, write_image_png_u16
from numpy.typing import NDArray

from snag.core.png_chunks import PlainPng, has_right_sum, plain_png
from snag.core.samples import over_black
from snag.core.unfilter import can_unfilter, unfiltered

_MODES: Final = {1: "mono", 3: "rgb"}
#: Bytes that one byte of deflate's can hold: 258 for two bits.
_MOST_DENSE: Final = 1032
_WIDEST_WINDOW: Final = 0x7F  #: zlib's first byte (RFC 1950, section 2.2): ISA-L would take a wider one than there is


def decode_plain(data: bytes, most_pixels: int, most_side: int) -> NDArray | None:
    """Pixels [H, W, 1 or 3], uint8 or uint16, writable; or None: not such a PNG, larger than that, or damaged.

    Transparency is laid over black.
    """
    plain = plain_png(data)
    if plain is None or plain.height * plain.width > most_pixels or max(plain.height, plain.width) > most_side:
        return None
    values = _natively(data, plain) if can_unfilter() else None
    if values is None:  # what is wrong with its pixels, others may forgive
        return _by_library(data, plain)
    return values if plain.channels in _MODES else over_black(values[..., :-1], values[..., -1])


def encode_deep(pixels: NDArray[np.uint16]) -> bytes:
    """A plain PNG of [H, W, 1 or 3], 16 bits a value: of colour Pillow writes none."""
    with NamedTemporaryFile(suffix=".png") as file:
        write_image_png_u16(file.name, np.ascontiguousarray(pixels), _MODES[pixels.shape[-1]])
        return Path(file.name).read_bytes()


def inflated(data: bytes, plain: PlainPng) -> bytes | None:
    """The filtered rows, if every sum is right; else None.

    Takes no more memory than they have, however much was deflated; and none if there is too little for them.
    """
    if not all(has_right_sum(data, chunk) for chunk in plain.pixels):
        return None
    whole = memoryview(data)
    packed = b"".join(whole[chunk.start + 4 : chunk.stop] for chunk in plain.pixels)
    if len(packed) * _MOST_DENSE < plain.filtered_bytes or packed[0] > _WIDEST_WINDOW:
        return None
    inflater = isal_zlib.decompressobj()
    try:
        filtered = inflater.decompress(packed, plain.filtered_bytes + 1)
    except IsalError:  # type: ignore[misc]  # its stub calls it a value
        return None
    is_whole = inflater.eof and not inflater.unused_data and len(filtered) == plain.filtered_bytes
    return filtered if is_whole else None


def _natively(data: bytes, plain: PlainPng) -> NDArray | None:
    """[H, W, channels] of pixels that are there to the byte, with every sum right; else None."""
    filtered = inflated(data, plain)
    if filtered is None:
        return None
    values: NDArray | None = unfiltered(filtered, plain.height, plain.width * plain.pixel_bytes, plain.pixel_bytes)
    if values is None:
        return None
    if plain.depth == 16:
        values = values.view(np.uint16).byteswap(inplace=True)  # in the file the upper byte comes first, in x86-64 the lower
    return values.reshape(plain.height, plain.width, plain.channels)


def _by_library(data: bytes, plain: PlainPng) -> NDArray | None:
    """[H, W, 1 or 3] by kornia-rs; None: it has an alpha, or is damaged."""
    if plain.channels not in _MODES:
        return None
    try:
        decode = decode_image_png_u8 if plain.depth == 8 else decode_image_png_u16
        return decode(data, (plain.height, plain.width), _MODES[plain.channels])
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a panic of Rust's is no Exception; what is wrong with the picture is Pillow's to say
        return None
