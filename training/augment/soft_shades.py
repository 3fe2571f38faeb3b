"""Large soft spots, lighter or darker: stains, uneven coats, wear. One kind for parts and one for surfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator

from snag.training.augment.canvas import VISIBLE, Canvas, box_around, offsets
from snag.training.augment.defect_fills import FAINT, hue
from snag.training.augment.defect_shapes import log_uniform, turned
from snag.training.augment.variation import Variation

#: Reaches in pixels of a picture of 100,000: larger than the largest of other defects, up to a third of a part's side ...
_ON_PARTS: Final = (30, 110)
#: ... and on surfaces, which have no outline that ends them, up to two thirds of the picture's.
_ON_SURFACES: Final = (30, 200)
#: The Gaussian's deviation as a share of its reach, at which it has fallen to a twelfth.
_DEVIATION: Final = 0.45
#: The strongest shade, where good pictures differ little: twice their own deviation. Stronger ones have the edge of a blob.
_STRONG: Final = 0.3
#: A soft shade on a surface is at least this many times what good pictures differ by: what is fainter is one of them.
COARSES: Final = 2.5
#: A soft shade on a surface counts as defective down to this share of its strength.
SHADE_EDGE: Final = 0.35


def shade_part(canvas: Canvas, centre: tuple[int, int], random: Generator, usual: Variation) -> None:
    """A round one. Parts are laid and lit alike, so that it counts where any other change would; `usual` has no say."""
    reach = float(log_uniform(*_ON_PARTS, random)) * canvas.scale
    box = box_around(canvas.picture, centre, int(np.ceil(reach)) + 3)
    alpha = np.exp(-0.5 * (box.x * box.x + box.y * box.y) / (_DEVIATION * reach) ** 2)
    shade = alpha * random.choice((-1, 1)) * log_uniform(FAINT, _STRONG, random)
    box.pixels[:] += (hue(len(box.pixels), random) * shade).astype(np.float32)


def shade_surface(canvas: Canvas, centre: tuple[int, int], random: Generator, usual: Variation) -> None:
    """An oval one, stronger than the soft light and dark that good pictures have anyway, which counts while it is strong."""
    height, width = canvas.shaded.shape
    reach = float(log_uniform(*_ON_SURFACES, random)) * canvas.scale
    v, u = turned(*offsets(range(height), range(width), centre), random)
    aspect = log_uniform(1.0, 3.0, random)  # as of a blob
    least = max(FAINT, COARSES * usual.coarse)
    strength = float(log_uniform(least, max(_STRONG, 2.0 * least), random))
    alpha = np.exp(-0.5 * ((v * aspect) ** 2 + u * u) / (_DEVIATION * reach) ** 2)
    shade = (random.choice((-1, 1)) * strength * alpha).astype(np.float32)
    canvas.shades[:] += hue(len(canvas.shades), random) * shade
    canvas.shaded[:] |= np.abs(shade) > max(VISIBLE, SHADE_EDGE * strength)


Shade = Callable[[Canvas, tuple[int, int], Generator, Variation], None]
