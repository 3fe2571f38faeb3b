"""The anomaly map as a picture: one fixed scale for all pictures of a model, tied to its threshold.

The scale runs from 0 to twice the level at which a picture is called anomalous, so the level lies in the middle. Below it the
colours are black to blue, above it red to yellow: what is red is what would stop the part, and a good part is not painted red.
The luminance rises all the way, so the picture stays right when printed or converted to grey.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image
from torch import Tensor

from snag.calibration import Calibration

#: Position on the scale (0.5 is the level) and colour there; linear in between.
_ANCHORS: Final = (
    (0.0, (0, 0, 0)),
    (0.25, (16, 24, 72)),
    (0.499, (44, 66, 128)),
    (0.5, (176, 28, 36)),
    (0.75, (240, 112, 24)),
    (1.0, (255, 240, 168)),
)
_OPACITY: Final = 0.6  #: of the colours laid over a picture, from the level upwards
_VISIBLE: Final = 0.25  #: position on the scale, half the level, below which the picture shows through untouched


def level_of(calibration: Calibration) -> float:
    """The map value in the middle of the scale: the map's own level, else the threshold, else the largest calibration score."""
    candidates = (calibration.map_level or 0.0, calibration.threshold, calibration.scores[-1], 1.0)
    return next(candidate for candidate in candidates if candidate > 0)


def position(anomaly_map: Tensor, level: float) -> np.ndarray:
    """Where each value of the map lies on the scale: float32 in [0, 1], 0.5 at `level`; values that are no number lie at 1."""
    values = np.nan_to_num(anomaly_map.detach().cpu().numpy().astype(np.float32), nan=np.inf)
    return np.clip(values / np.float32(2 * level), 0, 1)


def coloured(anomaly_map: Tensor, level: float) -> Image.Image:
    """The map [H, W] in colours, as a palette picture whose pixel values 0..255 are the positions on the scale.

    A viewer shows colours; `numpy.asarray` of the opened file gives the numbers back, 128 and above being over the level.
    """
    picture = grey(anomaly_map, level)
    picture.putpalette(_palette().tobytes())
    return picture


def grey(anomaly_map: Tensor, level: float) -> Image.Image:
    """The map [H, W] in 8 bits, 0 to twice the level; 128 and above are over the level."""
    return Image.fromarray(_steps(anomaly_map, level, 256).astype(np.uint8))


def grey16(anomaly_map: Tensor, level: float) -> Image.Image:
    """The map [H, W] in 16 bits, 0 to twice the level; 32768 and above are over the level."""
    return Image.fromarray(_steps(anomaly_map, level, 65536).astype(np.uint16))


def mask(anomaly_map: Tensor, level: float) -> Image.Image:
    """The map [H, W] cut at the level: 255 over it, 0 elsewhere."""
    return Image.fromarray(np.where(_steps(anomaly_map, level, 256) > 127, 255, 0).astype(np.uint8))


def overlay(picture: Tensor, anomaly_map: Tensor, level: float) -> Image.Image:
    """A decoded picture [C, H, W] in grey, with the map [H, W] laid over where it is above half the level."""
    background = np.clip(picture.numpy().astype(np.float32).mean(0), 0, 255)[..., None]
    where = position(anomaly_map, level)
    opacity = (np.clip((where - _VISIBLE) / _VISIBLE, 0, 1) * np.float32(_OPACITY))[..., None]
    colours = _palette()[_steps(anomaly_map, level, 256)].astype(np.float32)
    return Image.fromarray((background * (1 - opacity) + colours * opacity + 0.5).astype(np.uint8))


def png(picture: Image.Image) -> bytes:
    """The picture as PNG; packed lightly, since it is made while a client waits."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _steps(anomaly_map: Tensor, level: float, count: int) -> np.ndarray:
    """Position in `count` whole steps, int32, such that the upper half is exactly what lies over the level."""
    steps = np.minimum(position(anomaly_map, level) * count, count - 1).astype(np.int32)
    over = np.nan_to_num(anomaly_map.detach().cpu().numpy(), nan=np.inf) > level
    return np.where(over, np.maximum(steps, count // 2), np.minimum(steps, count // 2 - 1))


def _palette() -> np.ndarray:
    """[256, 3] uint8."""
    places, colours = zip(*_ANCHORS, strict=True)
    steps = np.arange(256) / 255
    channels = [np.interp(steps, places, [colour[channel] for colour in colours]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)
