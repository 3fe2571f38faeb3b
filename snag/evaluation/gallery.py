"""The gallery: of each class the pictures judged most rightly and most wrongly, as thumbnails small enough to keep."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from snag.core.display import displayed
from snag.core.heatmap import Scale, coloured, overlay, png
from snag.evaluation.judged_pictures import JudgedPicture
from snag.evaluation.results import PictureResult
from snag.pages.data_uri import jpeg_uri, png_uri

#: Longest side of a thumbnail in pixels; smaller pictures stay as they are.
SIDE: Final = 360
_TRUTH: Final = (0, 200, 230)  #: colour of the ground truth, one that neither parts nor heat map have
_BY_NETWORKS, _BY_MEMORY = "what the networks find", "what the memory finds"
#: High enough that a coloured spot of three pixels keeps its colour.
_JPEG_QUALITY: Final = 92


@dataclass(frozen=True)
class Exhibit:
    """One picture of the gallery, as data URIs; `seen`, `reconstruction` and `heat` are in the network's own pose."""

    result: PictureResult
    picture: str
    seen: str
    reconstruction: str
    heat: str
    found: tuple[tuple[str, str], ...]  #: what either finds of the heat: title and map; none where the networks are alone
    overlay: str  #: the heat laid over the picture
    truth: str | None  #: None without ground truth
    seen_aspect: float  #: width / height of what the network saw


@dataclass
class Gallery:
    """Keeps the `size` best and the `size` worst pictures of each class while all of them pass by."""

    size: int
    scale: Scale  #: of the heat maps
    has_memory: bool = False  #: whether a memory looks beside the networks
    _shelves: dict[str, list[Exhibit]] = field(default_factory=dict)  #: by class, worst first

    def wants(self, result: PictureResult) -> bool:
        """Whether this picture is among the best or the worst of its class so far."""
        shelf = self._shelves.get(result.picture.kind, [])
        return len(shelf) < 2 * self.size or self._place(shelf, result) != self.size

    def add(self, judged: JudgedPicture, result: PictureResult, anomaly_map: Tensor, mask: np.ndarray | None) -> None:
        """Take in a picture with its map laid back on it, [H, W], and its ground truth, bool [H, W]."""
        shelf = self._shelves.setdefault(result.picture.kind, [])
        shelf.insert(self._place(shelf, result), self._exhibit(judged, result, anomaly_map, mask))
        if len(shelf) > 2 * self.size:
            del shelf[self.size]

    def worst(self, kind: str) -> list[Exhibit]:
        """Most wrongly judged first."""
        shelf = self._shelves.get(kind, [])
        return shelf[: min(self.size, (len(shelf) + 1) // 2)]

    def best(self, kind: str) -> list[Exhibit]:
        """Most rightly judged first; none that is among the worst."""
        shelf = self._shelves.get(kind, [])
        return shelf[len(self.worst(kind)) :][::-1]

    def _exhibit(self, judged: JudgedPicture, result: PictureResult, anomaly_map: Tensor, mask: np.ndarray | None) -> Exhibit:
        picture = _shrunk(displayed(judged.pixels).numpy())
        scores, scale = judged.scores, self.scale
        low, high = _grey_range(scores.prepared)
        seen = _shrunk(_to_bytes(scores.prepared, low, high))
        maps = {_BY_NETWORKS: scores.error_map, _BY_MEMORY: scores.memory_map} if self.has_memory else {}
        return Exhibit(
            result=result,
            picture=_jpeg(picture),
            seen=_jpeg(seen),
            reconstruction=_jpeg(_shrunk(_to_bytes(scores.reconstruction, low, high))),
            heat=png_uri(png(coloured(_cells(scores.anomaly_map, seen), scale))),
            found=tuple((title, png_uri(png(coloured(_cells(values, seen), scale)))) for title, values in maps.items()),
            overlay=jpeg_uri(
                overlay(torch.from_numpy(picture), _cells(anomaly_map, picture), scale), _JPEG_QUALITY, subsampling=0
            ),
            truth=None if mask is None else _jpeg(_marked(picture, mask)),
            seen_aspect=seen.shape[-1] / seen.shape[-2],
        )

    @staticmethod
    def _place(shelf: list[Exhibit], result: PictureResult) -> int:
        return bisect_left(shelf, rightness(result), key=lambda exhibit: rightness(exhibit.result))


def rightness(result: PictureResult) -> float:
    """How far the score lies on the right side: high for a defective picture, low for a good one."""
    return result.rank_score if result.picture.is_bad else -result.rank_score


def _cells(values: Tensor, thumbnail: np.ndarray) -> Tensor:
    """[H, W] at the size of a thumbnail [C, h, w]: the largest value of each cell, so that a thin defect does not fade."""
    return functional.adaptive_max_pool2d(values[None, None].float(), thumbnail.shape[1:])[0, 0]


def _grey_range(prepared: Tensor) -> tuple[float, float]:
    """One range for a picture as the network saw it and its reconstruction: 0..1, wider where that would clip."""
    low, high = np.percentile(prepared.numpy(), [0.5, 99.5])
    return min(0.0, float(low)), max(1.0, float(high))


def _to_bytes(values: Tensor, low: float, high: float) -> np.ndarray:
    scaled = (values.numpy() - low) / (high - low) * 255
    return np.clip(scaled + 0.5, 0, 255).astype(np.uint8)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """[C, H, W] uint8 -> the same with at most SIDE pixels on a side."""
    height, width = pixels.shape[1:]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    planes = [Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in pixels]
    return np.stack([np.asarray(plane) for plane in planes])


def _marked(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture in dimmed grey, its defects in one colour, a pixel wider than they are so that small ones are seen."""
    cells = _cells(torch.from_numpy(mask), picture)
    wider = functional.max_pool2d(cells[None], 3, 1, 1)[0].numpy() > 0
    grey = picture.mean(0) * 0.6
    return np.stack([np.where(wider, channel, grey) for channel in _TRUTH]).astype(np.uint8)


def _jpeg(pixels: np.ndarray) -> str:
    image = Image.fromarray(pixels[0] if len(pixels) != 3 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    return jpeg_uri(image, _JPEG_QUALITY, subsampling=0)
