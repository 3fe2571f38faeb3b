"""Pictures side by side, each with its caption: what a set of verdicts looks like, in one small file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

_CAPTION: Final = 16  #: pixels below each picture
_GAP: Final = 6


def montage(pictures: Sequence[tuple[str, bytes]], columns: int, side: int) -> bytes:
    """PNG of (caption, encoded picture), each scaled to fit into `side` x `side` pixels; 256 colours, to stay small."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (side + _GAP) + _GAP, rows * (side + _CAPTION + _GAP) + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (caption, data) in enumerate(pictures):
        left, top = _GAP + number % columns * (side + _GAP), _GAP + number // columns * (side + _CAPTION + _GAP)
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        picture.thumbnail((side, side))
        sheet.paste(picture, (left, top))
        draw.text((left, top + side + 2), caption, "black")
    buffer = io.BytesIO()
    # The method that keeps rare colours: the heat map is a small part of grey pictures.
    sheet.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
