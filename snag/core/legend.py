"""The legend of an overlay: the colours with the values they stand for, laid where it hides nothing that is marked."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from snag.core.heatmap import LARGEST, LEVEL, Scale, colour_at

#: Pictures narrower or lower than this have no room for it.
LEAST_SIDE: Final = 160
_INK, _PAPER = (255, 255, 255), (20, 20, 20)
#: What the two halves of the bar mean.
_REJECTED, _BEYOND = "reject", "beyond good parts"


def with_legend(drawn: Image.Image, marked: np.ndarray, scale: Scale) -> Image.Image:
    """The overlay with its legend in the plainest corner where nothing is `marked` [H, W]; without it if there is none."""
    width, height = drawn.size
    if min(width, height) < LEAST_SIDE:
        return drawn
    legend = _legend(scale, max(10, round(min(width, height) / 40)))
    grey, gap = np.asarray(drawn.convert("L")), legend.height // 8
    corners = [
        (grey[top : top + legend.height, left : left + legend.width].std(), left, top)
        for top in (height - legend.height - gap, gap)
        for left in (gap, width - legend.width - gap)
        if not marked[top : top + legend.height, left : left + legend.width].any()
    ]
    if corners:
        drawn.paste(legend, min(corners)[1:])
    return drawn


@lru_cache(maxsize=16)
def _legend(scale: Scale, size: int) -> Image.Image:
    """A bar of the colours that an overlay can have, each bound with its value; `size` is that of the letters in pixels."""
    font = ImageFont.load_default(size)
    first, second, third = (f"{value:.3g}" for value in (scale.level, scale.largest, scale.top))
    left = round(max(font.getlength(text) for text in (_REJECTED, first))) + size
    right = round(max(font.getlength(_BEYOND), font.getlength(second + third) + size))
    line, pad = round(1.3 * size), size // 2
    picture = Image.new("RGB", (left + right + 2 * pad, 2 * line + size + 2 * pad), _PAPER)
    draw = ImageDraw.Draw(picture)
    for x in range(left + right):
        place = LEVEL + (LARGEST - LEVEL) * x / left if x < left else LARGEST + (1 - LARGEST) * (x - left) / right
        draw.line([(pad + x, pad + line), (pad + x, pad + line + size)], colour_at(place))
    below = pad + line + size + line // 6
    draw.text((pad, pad), _REJECTED, _INK, font)
    draw.text((pad + left, pad), _BEYOND, _INK, font)
    draw.text((pad, below), first, _INK, font)
    draw.text((pad + left, below), second, _INK, font)
    draw.text((pad + left + right, below), third, _INK, font, anchor="ra")
    return picture
