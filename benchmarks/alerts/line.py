"""The line: a day's pictures in order, phase by phase, each trouble followed by its repair."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

#: Levels by which the sensor's noise varies; a blurred picture gets it anew, since lenses blur light and not noise.
_NOISE: Final = 1.0


@dataclass(frozen=True)
class Trouble:
    """What is wrong for a while."""

    name: str
    alert: str  #: the one that is meant for it
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None  #: of every picture
    defects: float = 0.0  #: share of the parts that have the new defect


@dataclass(frozen=True)
class Phase:
    """A stretch of the day."""

    name: str
    first: int  #: number of its first picture
    count: int
    trouble: Trouble | None = None

    @property
    def after(self) -> int:
        """Number of the first picture after it."""
        return self.first + self.count


def dimmed(share: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """The lamp gives `share` of its light."""
    return lambda picture, _: share * picture


def defocused(sigma: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """The lens blurs by a Gaussian of `sigma` pixels."""
    return lambda picture, random: gaussian_filter(picture, sigma) + random.normal(0, _NOISE, picture.shape)


def day(good: int, troubles: Sequence[Trouble], length: int, repaired: int) -> list[Phase]:
    """`good` pictures, then each trouble for `length` pictures, with `repaired` good ones after it."""
    phases = [Phase("good", 0, good)]
    for trouble in troubles:
        phases.append(Phase(trouble.name, phases[-1].after, length, trouble))
        phases.append(Phase("good again", phases[-1].after, repaired))
    return phases


def pictures(phase: Phase, good: Sequence[Path], bad: Sequence[Path], seed: int) -> Iterator[bytes]:
    """The phase's pictures as PNG; no good one comes twice in a phase unless there are too few."""
    random = np.random.default_rng([seed, phase.first])
    for number in range(phase.count):
        is_defective = phase.trouble is not None and random.random() < phase.trouble.defects
        path = bad[int(random.integers(len(bad)))] if is_defective else good[number % len(good)]
        if phase.trouble is None or phase.trouble.change is None:
            yield path.read_bytes()
            continue
        picture = np.asarray(Image.open(path).convert("L"), dtype=np.float32)
        yield _png(phase.trouble.change(picture, random))


def _png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
