"""Pictures side by side, each with its caption: what a set of verdicts looks like, in one small file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from PIL import Image, ImageChops, ImageDraw

_CAPTION: Final = 16  #: pixels below each picture
_GAP: Final = 6
_GREYS: Final = 52  #: of the palette's 256 colours
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
    _few_colours(sheet).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _few_colours(sheet: Image.Image) -> Image.Image:
    """256 colours for grey pictures with a little colour on them: a scale of true greys, and the rest for what has colour."""
    red, green, blue = sheet.split()
    lightest, darkest = (combine(combine(red, green), blue) for combine in (ImageChops.lighter, ImageChops.darker))
    has_colour = ImageChops.subtract(lightest, darkest).point([0] * (_GREYISH + 1) + [255] * (255 - _GREYISH))
    found: Any = sheet.getcolors(sheet.width * sheet.height)
    colours = [colour for _, colour in found if max(colour) - min(colour) > _GREYISH]
    strip = Image.new("RGB", (max(1, len(colours)), 1))
    strip.putdata(colours)
    chosen = strip.quantize(256 - _GREYS, Image.Quantize.MEDIANCUT)
    numbered = sheet.quantize(palette=chosen, dither=Image.Dither.NONE)
    places = Image.frombytes("L", sheet.size, numbered.tobytes()).point([min(255, _GREYS + place) for place in range(256)])
    greys = sheet.convert("L").point([round(level * (_GREYS - 1) / 255) for level in range(256)])
    few = Image.composite(places, greys, has_colour)
    scale = [round(255 * step / (_GREYS - 1)) for step in range(_GREYS)]
    few.putpalette([*(level for level in scale for _ in range(3)), *(chosen.getpalette() or [])[: 3 * (256 - _GREYS)]])
    return few
