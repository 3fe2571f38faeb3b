"""The learning rate as a pure function of progress."""

from __future__ import annotations

import math


def one_cycle(progress: float, top: float, warm: float = 0.05, last: float = 0.005) -> float:
    """Learning rate at `progress` in 0..1: linear up to `top` over the first `warm`, then a cosine down to `last` * top.

    After Smith & Topin, Super-convergence, 2019.
    """
    if progress < warm:
        return top * (0.04 + 0.96 * progress / warm)
    rest = (progress - warm) / (1.0 - warm)
    return top * (last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * rest)))
