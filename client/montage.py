"""Pictures side by side, each with its caption: what a set of verdicts looks like, in one small file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from PIL import Image, ImageDraw

_CAPTION: Final = 16  #: pixels below each picture
_GAP: Final = 6
_GREYS: Final = 96  #: of the palette's 256 colours
_GREYISH: Final = 8  #: levels by which the channels of a grey may differ


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
    sheet.quantize(palette=_palette(sheet), dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _palette(sheet: Image.Image) -> Image.Image:
    """256 colours for grey pictures with a little colour on them: as many for the little as for the much, and true greys."""
    found: Any = sheet.getcolors(sheet.width * sheet.height)
    coloured = [colour for _, colour in found if max(colour) - min(colour) > _GREYISH]
    colours = 256 - _GREYS
    greys = [level for step in range(_GREYS) for level in [round(255 * step / (_GREYS - 1))] * 3]
    strip = Image.new("RGB", (max(1, len(coloured)), 1))
    strip.putdata(coloured)
    chosen = strip.quantize(colours, Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*greys, *chosen[: 3 * colours]])
    return palette
