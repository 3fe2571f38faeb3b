"""Pictures side by side with captions, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

GAP = 6
LINE = 16


def contact_sheet(pictures: Sequence[Tensor], captions: Sequence[str], columns: int, side: int = 256) -> Image.Image:
    """Lay out pictures [c, h, w] (c = 1 or 3, values 0..1, any sizes) in rows of `columns`, each shrunk into `side` pixels.

    A caption too long for its picture is cut. Raises ValueError when there are not as many captions as pictures, or none.
    """
    if len(pictures) != len(captions) or not pictures:
        raise ValueError(f"{len(pictures)} pictures and {len(captions)} captions; expected as many, at least one")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    images = [_image(picture) for picture in pictures]
    for image in images:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    height = max(image.height for image in images)  # flat pictures leave no empty band
    cell = (side + GAP, height + LINE + GAP)
    sheet = Image.new("RGB", (columns * cell[0] + GAP, rows * cell[1] + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default()
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = GAP + place % columns * cell[0], GAP + place // columns * cell[1]
        sheet.paste(image, (left + (side - image.width) // 2, top + (height - image.height) // 2))
        draw.text((left, top + height + 2), _fitting(caption, side, font), fill="black", font=font)
    return sheet


def _image(picture: Tensor) -> Image.Image:
    levels = (picture.detach().float().clamp(0, 1) * 255).round().byte().cpu().numpy()
    return Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0).repeat(3 // levels.shape[0], axis=2)))


def _fitting(caption: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The caption, or as much of its end as fits: names differ at their ends."""
    if font.getlength(caption) <= width:
        return caption
    while caption and font.getlength("…" + caption) > width:
        caption = caption[1:]
    return "…" + caption
