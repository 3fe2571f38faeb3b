"""The contact sheet: one HTML file with the counts, the histogram, and the pictures that stand out with their heat maps."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from snag import __version__
from snag.offline.summary import EDGES, Standout, Summary

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
class Tile:
    """One picture of the sheet."""

    found: Standout
    thumbnail: str | None  #: data URI; None when the picture could no longer be read


def render(summary: Summary, origin: Mapping[str, Any], overlay: Callable[[str], bytes | None]) -> str:
    """The file's text; `overlay` gives a picture's heat map by its name, as PNG."""
    return _TEMPLATES.get_template("sheet.html").render(
        summary=summary,
        origin=origin,
        version=__version__,
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


def _tiles(found: Sequence[Standout], overlay: Callable[[str], bytes | None]) -> list[Tile]:
    return [Tile(one, _thumbnail(overlay(one.name))) for one in found]


def _thumbnail(picture: bytes | None) -> str | None:
    if picture is None:
        return None
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
