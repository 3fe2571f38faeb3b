"""The contact sheet: one HTML file with the counts, the histogram, and the pictures that stand out with their heat maps."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from snag.offline.summary import EDGES, ScoringSummary, Standout
from snag.pages import frame
from snag.pages.data_uri import jpeg_uri

_TEMPLATE: Final = Path(__file__).with_name("sheet.html")
_SIDE: Final = 320  #: longest side of a thumbnail
_HEIGHT: Final = 140  #: of the histogram


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram."""

    label: str
    count: int
    height: float  #: in units of the drawing
    is_anomaly: bool


@dataclass(frozen=True)
class SheetPicture:
    """One picture of the sheet."""

    found: Standout
    thumbnail: str | None  #: data URI; None when the picture could no longer be read


def render(
    summary: ScoringSummary, origin: Mapping[str, Any], overlay: Callable[[str], bytes | None], left_out: str = ""
) -> str:
    """The file's text; `overlay` gives a picture's heat map by its name, as PNG; `left_out` says what was left out."""
    return frame.render(
        _TEMPLATE,
        summary=summary,
        origin=origin,
        left_out=left_out,
        bars=bars(summary.bars),
        height=_HEIGHT,
        most_anomalous=_tiles(summary.most_anomalous, overlay),
        with_reason=_tiles(summary.with_reason, overlay),
    )


def bars(counts: Sequence[int]) -> list[Bar]:
    """The bars, as high as their share of the highest."""
    most = max(counts) or 1
    labels = [*(f"{edge:g}" for edge in EDGES), f"> {EDGES[-1]:g}"]
    beyond = [edge > 1 for edge in EDGES] + [True]
    return [
        Bar(label, count, _HEIGHT * count / most, is_anomaly)
        for label, count, is_anomaly in zip(labels, counts, beyond, strict=True)
    ]


def _tiles(found: Sequence[Standout], overlay: Callable[[str], bytes | None]) -> list[SheetPicture]:
    return [SheetPicture(one, _thumbnail(overlay(one.name))) for one in found]


def _thumbnail(picture: bytes | None) -> str | None:
    if picture is None:
        return None
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail((_SIDE, _SIDE))
    return jpeg_uri(image)
