"""Plots inside a page, as inline SVG: no file, no address, and colours that follow the page's light or dark theme."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Stand-ins that become the page's CSS variables; no other colour is drawn.
INK: Final = "#010101"
MUTED: Final = "#020202"
GRID: Final = "#030303"
GOOD: Final = "#040404"
BAD: Final = "#050505"
LIMIT: Final = "#060606"
_VARIABLES: Final = {INK: "ink", MUTED: "muted", GRID: "grid", GOOD: "good", BAD: "bad", LIMIT: "limit"}
#: matplotlib's settings for every plot.
STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a class may be called $x$
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


def dots(axes: Axes, labels: Sequence[str], rows: Sequence[np.ndarray], colours: Sequence[str]) -> None:
    """A dot for each value along x, a line for each row, the first on top; a row's dots are spread so that all are seen."""
    generator = np.random.default_rng(0)
    for place, (values, colour) in enumerate(zip(rows, colours, strict=True)):
        heights = place + generator.uniform(-0.26, 0.26, len(values))
        axes.scatter(values, heights, s=17, color=colour, alpha=0.7, linewidths=0)
    axes.set_yticks(range(len(rows)), labels)
    axes.tick_params(axis="y", colors=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def svg(figure: Figure, salt: str) -> str:
    """The figure as an <svg> element to stand inside HTML; `salt` keeps its ids apart from other plots'."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")  # HTML's parser knows both name spaces
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"font-family: [^;\"]*;?|font: ([\d.]+)px [^;\"]*", lambda m: f"font-size: {m[1]}px" if m[1] else "", svg)
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.strip()
