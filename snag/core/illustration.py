"""Illustration: what an answer shows of a picture besides its verdict: maps, overlay, and the regions that made it a reject."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from snag.core import heatmap
from snag.core.artifact import Artifact, Scores
from snag.core.calibration import Calibration, Standard, p_value
from snag.core.heatmap import Scale
from snag.core.legend import with_legend
from snag.core.regions import Region, find_regions

#: What `snag.core.wire.WANTED` names, drawn from picture, map and scale.
_DRAWN: Final[dict[str, Callable[[Tensor, Tensor, Scale], bytes]]] = {
    "heatmap": lambda _, anomaly_map, scale: heatmap.png(heatmap.coloured(anomaly_map, scale), scale),
    "map": lambda _, anomaly_map, scale: heatmap.png(heatmap.grey16(anomaly_map, scale), scale),
    "mask": lambda _, anomaly_map, scale: heatmap.png(heatmap.mask(anomaly_map, scale)),
    "overlay": lambda picture, anomaly_map, scale: _overlay(picture, anomaly_map, scale),
}


class Illustrator:
    """Draws for one model; everything has the picture's own size and pose."""

    def __init__(self, artifact: Artifact, calibration: Calibration) -> None:
        self._artifact = artifact
        self._calibration = calibration

    def overlay(self, picture: Tensor, scores: Scores, standard: Standard) -> bytes:
        """PNG of the picture [C, H, W] with what lies above the level laid over it, and the legend."""
        return _overlay(picture, self._map(picture, scores), heatmap.scale_of(self._calibration, standard.threshold))

    def extras(self, picture: Tensor, scores: Scores, wants: Collection[str], standard: Standard) -> dict[str, Any]:
        """The answer's fields asked for: pictures as base64 of PNG, `regions` as a list, highest peak first."""
        if not wants:
            return {}
        scale, anomaly_map = heatmap.scale_of(self._calibration, standard.threshold), self._map(picture, scores)
        fields: dict[str, Any] = {
            name: base64.b64encode(draw(picture, anomaly_map, scale)).decode() for name, draw in _DRAWN.items() if name in wants
        }
        if "regions" in wants:
            found = find_regions(anomaly_map.numpy(), heatmap.is_over(anomaly_map, scale))
            fields["regions"] = [region_json(region, self._p_value(region.peak, standard)) for region in found]
        return fields

    def _map(self, picture: Tensor, scores: Scores) -> Tensor:
        height, width = picture.shape[-2:]
        if scores.reason is not None:  # its pose is a guess: the map would point nowhere
            return torch.full((height, width), float(scores.anomaly_map.min()))
        return self._artifact.map_in_picture(scores, height, width)

    def _p_value(self, peak: float, standard: Standard) -> float:
        """Share of good parts whose map rises as high anywhere: for the highest peak it is the verdict's, as a rule."""
        peaks = self._calibration.map_peaks
        if not peaks:
            return p_value(peak, standard.known)
        lower = int(np.searchsorted(peaks, peak))
        return (1 + self._calibration.count - lower) / (self._calibration.count + 1)  # what was refused has no peak, and counts


def region_json(region: Region, p_value: float) -> dict[str, Any]:
    """One region as plain values; docs/reference/http-api.md says what they mean."""
    return {
        "box": list(region.box),
        "polygon": [list(corner) for corner in region.polygon],
        "area": region.area,
        "peak": region.peak,
        "peak_at": list(region.peak_at),
        "p_value": p_value,
    }


def _overlay(picture: Tensor, anomaly_map: Tensor, scale: Scale) -> bytes:
    drawn = heatmap.overlay(picture, anomaly_map, scale)
    return heatmap.png(with_legend(drawn, heatmap.is_over(anomaly_map, scale), scale))
