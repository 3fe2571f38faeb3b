"""One mask, drawn in every way in which people write masks."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter


def ways(marked: np.ndarray) -> dict[str, Image.Image]:
    """The mask [H, W] of bools as pictures, by name: those that mark the same, but for pixels at the edge."""
    white = (marked * 255).astype(np.uint8)
    return {
        "plain": Image.fromarray(white),
        "one bit": Image.fromarray(marked),
        "zero and one": Image.fromarray(marked.astype(np.uint8)),
        "percent": Image.fromarray((marked * 100).astype(np.uint8)),
        "16 bits": Image.fromarray((marked * 65535).astype(np.uint16)),
        "16 bits, zero and one": Image.fromarray(marked.astype(np.uint16)),
        "soft": soft(marked),
        "was JPEG": was_jpeg(marked, 75),
        "was fine JPEG": was_jpeg(marked, 100),
        **_clear(marked),
        **_coloured(marked),
    }


def soft(marked: np.ndarray) -> Image.Image:
    """With soft edges."""
    return Image.fromarray((marked * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))


def was_jpeg(marked: np.ndarray, quality: int) -> Image.Image:
    """Once kept as JPEG."""
    stream = io.BytesIO()
    Image.fromarray((marked * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("L")


def _clear(marked: np.ndarray) -> dict[str, Image.Image]:
    """The shape in the alpha channel, or beside one that says nothing."""

    def rgba(defect: tuple[int, ...], background: tuple[int, ...]) -> Image.Image:
        return Image.fromarray(np.where(marked[..., None], defect, background).astype(np.uint8))

    return {
        "red on clear black": rgba((255, 0, 0, 255), (0, 0, 0, 0)),
        "red on clear white": rgba((255, 0, 0, 255), (255, 255, 255, 0)),
        "half red on clear": rgba((255, 0, 0, 128), (0, 0, 0, 0)),
        "black on clear": rgba((0, 0, 0, 255), (0, 0, 0, 0)),
        "white on black, opaque": rgba((255, 255, 255, 255), (0, 0, 0, 255)),
        "white on black, alpha 0": rgba((255, 255, 255, 0), (0, 0, 0, 0)),
        "grey with alpha": Image.merge("LA", [Image.fromarray(marked * np.uint8(255))] * 2),
    }


def _coloured(marked: np.ndarray) -> dict[str, Image.Image]:
    """In a colour, or by a palette."""
    index = Image.fromarray(marked.astype(np.uint8)).convert("P")
    dark, turned = index.copy(), Image.fromarray((~marked).astype(np.uint8)).convert("P")
    index.putpalette([255, 255, 255, 0, 0, 0])
    dark.putpalette([0, 0, 0, 128, 0, 0])
    turned.putpalette([255, 255, 255, 0, 0, 0])
    return {
        "red": Image.fromarray((marked[..., None] * np.array([200, 0, 0])).astype(np.uint8)),
        "palette, black on white": index,
        "palette, dark red": dark,
        "palette, white is entry 0": turned,
    }
