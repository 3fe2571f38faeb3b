"""A decoded picture as it is drawn, by whatever draws one."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

#: This share of the values is drawn lighter than black and darker than white; a hot pixel must not make all else black.
_SHOWN: Final = 0.999
_ENOUGH: Final = 500_000  #: values that tell where the brightest are


def displayed(picture: Tensor) -> Tensor:
    """uint8 [C, H, W] of a picture [C, H, W] as `snag.core.picture.decode` returns it.

    Pictures of 8 bits are drawn as they are. Of deeper ones, many a camera uses a small part of the range: that part is spread
    over what a screen shows, black staying black.
    """
    if picture.dtype == torch.uint8:
        return picture
    values = picture.numpy()
    step = max(1, int((values.size / _ENOUGH) ** 0.5))
    brightest = float(np.quantile(values[:, ::step, ::step], _SHOWN))
    top = brightest if brightest > 0 else float(values.max()) or 1.0
    return torch.from_numpy(np.rint(np.clip(values * np.float32(255 / top), 0, 255)).astype(np.uint8))
