"""The anomaly map as a picture: one scale for all pictures of a model, made from the maps of its calibration pictures.

On a picture nothing is marked but what lies above the level at which a part is rejected. Of that, violet is what good parts of
calibration showed as well (the few above the level that the false-alarm rate allows for), and red to yellow is more than any of
them showed: no calibration picture is ever painted red. A map by itself has colours below the level too, black to blue. The
luminance rises all the way, so the picture stays right when printed or converted to grey.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor
from torch.nn import functional

from snag.core.calibration import Calibration
from snag.core.display import displayed

#: Positions on the scale: the median of the calibration maps' peaks, the level, the greatest of the peaks.
USUAL, LEVEL, LARGEST = 0.25, 0.5, 0.625
#: Position on the scale and colour there; linear in between.
_ANCHORS: Final = (
    (0.0, (0, 0, 0)),
    (USUAL, (16, 24, 72)),
    (LEVEL - 0.001, (40, 60, 120)),
    (LEVEL, (96, 44, 160)),
    (LARGEST - 0.001, (132, 40, 140)),
    (LARGEST, (204, 36, 36)),
    (0.8, (240, 112, 24)),
    (1.0, (255, 240, 168)),
)
_OPACITY: Final = 0.6  #: of the colours laid over a picture
#: Key of the PNG's text in which a map carries its scale: pairs of value and pixel value, linear in between.
SCALE_NOTE: Final = "Snag-Scale"


@dataclass(frozen=True)
class Scale:
    """Values of the map at which its colours are pinned down, rising: 0 is as usual for the place."""

    usual: float  #: median of the calibration maps' peaks, or half the level where that is less
    level: float  #: what lies above it stops a part
    largest: float  #: the greatest of the calibration maps' peaks, or just over the level where that is more
    top: float  #: the colours' end

    @property
    def pins(self) -> tuple[tuple[float, float], ...]:
        """(value, position 0..1), values strictly rising."""
        return ((0.0, 0.0), (self.usual, USUAL), (self.level, LEVEL), (self.largest, LARGEST), (self.top, 1.0))

    def value_at(self, place: np.ndarray) -> np.ndarray:
        """The values that lie at positions 0..1 of the scale."""
        values, places = zip(*self.pins, strict=True)
        return np.interp(place, places, values)


def scale_of(calibration: Calibration, threshold: float | None = None) -> Scale:
    """The scale of a calibrated model, the same for each of its pictures; `threshold` is a group's own, where it has one."""
    peaks = calibration.map_peaks or calibration.scores
    threshold = calibration.threshold if threshold is None else threshold
    candidates = (calibration.map_level or 0.0, threshold, peaks[-1], 1.0)
    level = next(candidate for candidate in candidates if candidate > 0)
    median, largest = peaks[len(peaks) // 2], max(math.nextafter(level, math.inf), peaks[-1])
    return Scale(median if 0 < median < level else level / 2, level, largest, 2 * largest)


def position(anomaly_map: Tensor, scale: Scale) -> np.ndarray:
    """Where each value of the map lies on the scale: float64 in [0, 1]; values that are no number lie at 1."""
    return _position(_values(anomaly_map), scale)


def coloured(anomaly_map: Tensor, scale: Scale) -> Image.Image:
    """The map [H, W] in colours, as a palette picture whose pixel values 0..255 are the positions on the scale.

    A viewer shows colours; `numpy.asarray` of the opened file gives the numbers back, 128 and above being over the level.
    """
    picture = Image.fromarray(_steps(_values(anomaly_map), scale, 256).astype(np.uint8))
    picture.putpalette(_palette().tobytes())
    return picture


def grey16(anomaly_map: Tensor, scale: Scale) -> Image.Image:
    """The map [H, W] as positions in 16 bits; 32768 and above are over the level."""
    return Image.fromarray(_steps(_values(anomaly_map), scale, 65536).astype(np.uint16))


def mask(anomaly_map: Tensor, scale: Scale) -> Image.Image:
    """The map [H, W] cut at the level: 255 over it, 0 elsewhere."""
    return Image.fromarray(np.where(is_over(anomaly_map, scale), 255, 0).astype(np.uint8))


def is_over(anomaly_map: Tensor, scale: Scale) -> np.ndarray:
    """Which places of the map lie over the level: bool [H, W]."""
    return _values(anomaly_map) > np.float64(scale.level)


def overlay(picture: Tensor, anomaly_map: Tensor, scale: Scale) -> Image.Image:
    """A decoded picture [C, H, W] in grey, with the map [H, W] laid over where it is above the level, at the picture's size.

    A line in the colour of what it surrounds runs around each marked place, a little apart, so that a small one is found.
    """
    drawn = displayed(picture).numpy().astype(np.float32).mean(0)[..., None].repeat(3, axis=2)
    values = _values(anomaly_map)
    over = values > np.float64(scale.level)
    if over.any():
        apart, wide = max(2, min(over.shape) // 200), max(1, min(over.shape) // 400)
        box = _box(over, apart + wide)  # the rest of the picture costs nothing
        marked, steps = over[box], np.zeros(over[box].shape, dtype=np.int32)
        steps[marked] = _steps(values[box][marked], scale, 256)
        drawn[box][marked] = drawn[box][marked] * (1 - _OPACITY) + _palette()[steps[marked]] * np.float32(_OPACITY)
        line = _surrounding(steps, apart, wide)
        drawn[box][line > 0] = _palette()[line[line > 0]]
    return Image.fromarray((drawn + 0.5).astype(np.uint8))


def png(picture: Image.Image, scale: Scale | None = None) -> bytes:
    """The picture as PNG, packed lightly, since it is made while a client waits; a map given its scale carries it along."""
    buffer, notes = io.BytesIO(), PngInfo()
    if scale is not None:
        count = 65536 if picture.mode.startswith("I;16") else 256
        notes.add_text(SCALE_NOTE, json.dumps([[value, round(place * count)] for value, place in scale.pins]))
    picture.save(buffer, "PNG", compress_level=1, pnginfo=notes)
    return buffer.getvalue()


def colour_at(place: float) -> tuple[int, int, int]:
    """The colour at a position 0..1 on the scale."""
    red, green, blue = _palette()[min(255, int(place * 256))].tolist()
    return red, green, blue


def _values(anomaly_map: Tensor) -> np.ndarray:
    return np.nan_to_num(anomaly_map.detach().cpu().numpy().astype(np.float32), nan=np.inf, posinf=np.inf)


def _position(values: np.ndarray, scale: Scale) -> np.ndarray:
    pinned, places = zip(*scale.pins, strict=True)
    return np.interp(values, pinned, places)


def _steps(values: np.ndarray, scale: Scale, count: int) -> np.ndarray:
    """Position in `count` whole steps, int32; what is over the level, or over every good part, begins a new step."""
    steps = np.minimum(_position(values, scale) * count, count - 1).astype(np.int32)
    for limit, place in ((scale.level, round(LEVEL * count)), (scale.largest, round(LARGEST * count))):
        steps = np.where(values > np.float64(limit), np.maximum(steps, place), np.minimum(steps, place - 1))
    return steps


def _box(over: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns of all that is true, and a margin."""
    places = [np.flatnonzero(over.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (slice(max(0, place[0] - margin), place[-1] + margin + 1) for place in places)
    return rows, columns


def _surrounding(steps: np.ndarray, apart: int, wide: int) -> np.ndarray:
    """[H, W], 0 where nothing is marked -> the greatest step near by on a line around what is marked, 0 elsewhere."""
    outer, inner = (
        functional.max_pool2d(torch.from_numpy(steps)[None, None].float(), 2 * reach + 1, 1, reach)[0, 0].numpy()
        for reach in (apart + wide, apart)
    )
    return np.where(inner > 0, 0, outer).astype(np.int32)


def _palette() -> np.ndarray:
    """[256, 3] uint8."""
    places, colours = zip(*_ANCHORS, strict=True)
    steps = np.arange(256) / 256
    channels = [np.interp(steps, places, [colour[channel] for colour in colours]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)
