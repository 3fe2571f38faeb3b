"""The shortcut audit: can a number that knows nothing of defects, such as brightness, tell good from bad?

If it can on the raw pictures, good and bad were photographed differently, and a detector may look brilliant by seeing the lamp.
If it can't on the pictures as the network sees them, this detector had no such help.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage, stats
from torch import Tensor

from snag.evaluation.metrics import auroc_score, number
from snag.evaluation.score_histogram import picture_histogram


def gradient(grey: np.ndarray) -> float:
    """Mean magnitude of the gradient, central differences, per pixel."""
    down, right = np.gradient(grey)
    return float(np.hypot(down, right).mean())


def laplacian_energy(grey: np.ndarray) -> float:
    """Mean square of the 4-neighbour Laplacian: sharpness and noise."""
    return float(np.square(ndimage.laplace(grey, mode="nearest")).mean())


def foreground_area(grey: np.ndarray) -> float:
    """Share of the picture that is the part: the side of Otsu's threshold (IEEE SMC 9, 1979) less present on the border."""
    is_bright = grey > _otsu(grey)
    border = np.concatenate([is_bright[0], is_bright[-1], is_bright[:, 0], is_bright[:, -1]])
    bright = float(is_bright.mean())
    return bright if border.mean() < 0.5 else 1.0 - bright


#: Grey picture [H, W], float32 in 0..1 as a rule, to a number. The registry: keys of `shortcut_audit` in metrics.json.
FEATURES: Final[dict[str, Callable[[np.ndarray], float]]] = {
    "mean": lambda grey: float(grey.mean()),
    "std": lambda grey: float(grey.std()),
    "median": lambda grey: float(np.median(grey)),
    "p95": lambda grey: float(np.percentile(grey, 95)),
    "gradient": gradient,
    "laplacian_energy": laplacian_energy,
    "foreground_area": foreground_area,
}


#: What each is called.
FEATURE_NAMES: Final = {
    "mean": "mean brightness",
    "std": "contrast (standard deviation)",
    "median": "median brightness",
    "p95": "brightness of the lightest 5 %",
    "gradient": "edge strength (gradient)",
    "laplacian_energy": "sharpness and noise (Laplacian energy)",
    "foreground_area": "size of the part (foreground area)",
}


def grey_of(pixels: Tensor) -> np.ndarray:
    """[C, H, W] -> float32 [H, W], the mean of the channels."""
    return pixels.numpy().mean(axis=0, dtype=np.float32)


@dataclass(frozen=True)
class Shortcut:
    """How well one feature alone separates: plain AUROC (below 0.5: the bad are lower), and folded to the better way round."""

    raw: float | None
    normalised: float | None
    raw_folded: float | None
    normalised_folded: float | None


def features(grey: np.ndarray) -> tuple[float, ...]:
    """Every feature of one grey picture [H, W], in the order of FEATURES."""
    if min(grey.shape) < 2:  # np.gradient needs two pixels; an edge row twice has the same statistics
        grey = np.pad(grey, [(0, max(0, 2 - side)) for side in grey.shape], mode="edge")
    return tuple(feature(grey) for feature in FEATURES.values())


def audit(
    is_bad: Sequence[bool], raw: Sequence[tuple[float, ...]], normalised: Sequence[tuple[float, ...] | None]
) -> dict[str, Shortcut]:
    """AUROC of each feature over n pictures, raw and as the network saw them (None: it refused to look, left out)."""
    seen = [index for index, values in enumerate(normalised) if values is not None]
    seen_values = [values for values in normalised if values is not None]
    result = {}
    for column, name in enumerate(FEATURES):
        plain = _separation(is_bad, [values[column] for values in raw])
        network = _separation([is_bad[index] for index in seen], [values[column] for values in seen_values])
        result[name] = Shortcut(plain, network, _folded(plain), _folded(network))
    return result


def chance_level(good: int, bad: int) -> float | None:
    """Folded AUROC that, of features without any meaning, not one reaches in 19 of 20 audits; None if a class is missing.

    Normal law of the rank sum, with Bonferroni's correction for the number of features.
    """
    if not good or not bad:
        return None
    quantile = float(stats.norm.ppf(1 - 0.05 / (2 * len(FEATURES))))
    return min(1.0, 0.5 + quantile * math.sqrt((good + bad + 1) / (12 * good * bad)))


def _separation(is_bad: Sequence[bool], values: Sequence[float]) -> float | None:
    # A normalised mean is one constant up to rounding: without this its noise would be ranked.
    rounded = np.array([float(f"{value:.5g}") for value in values])
    return number(auroc_score(picture_histogram(np.array(is_bad, dtype=bool), rounded)))


def _folded(auroc: float | None) -> float | None:
    return None if auroc is None else max(auroc, 1.0 - auroc)


def _otsu(grey: np.ndarray) -> float:
    counts, edges = np.histogram(grey, bins=256)
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = counts.sum() - below
    moments = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = below * above * np.square(moments[:-1] / below - (moments[-1] - moments[:-1]) / above)
    return float(edges[1:-1][np.argmax(np.nan_to_num(spread))])
