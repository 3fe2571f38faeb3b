"""The studio's plots, as inline SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, MaxNLocator

from snag.core.artifact import UNJUDGED_SCORE
from snag.pages.plots import BAD, GOOD, INK, LIMIT, STYLE, dots, svg
from snag.studio import texts
from snag.studio.scores import LabelledScore


def loss_plot(losses: Mapping[str, Mapping[int, float]]) -> str:
    """Mean loss of each epoch, a curve for each name, logarithmic."""
    with mpl.rc_context(STYLE):
        figure = Figure((10.4, 2.8), layout="constrained")
        axes = figure.subplots()
        for (name, means), colour in zip(sorted(losses.items()), (GOOD, BAD, INK), strict=False):
            epochs = sorted(means)
            axes.plot(epochs, [means[at] for at in epochs], color=colour, label=name, marker="o", markersize=2.5, linewidth=1.2)
        axes.set(xlabel="epoch", yscale="log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(FormatStrFormatter("%g"))
        axes.legend(loc="upper right")
        return svg(figure, "loss")


def scores_plot(calibration: Sequence[float], tested: Sequence[LabelledScore], threshold: float | None) -> str:
    """Each picture's score as a dot, good parts first; the threshold as a line. What can't be judged is at the right end."""
    kinds = sorted({(one.is_bad, one.kind) for one in tested})
    rows = [np.array(calibration), *(np.array([one.score for one in tested if one.kind == kind]) for _, kind in kinds)]
    labels = [f"{texts.CALIBRATION_ROW} ({len(calibration)})"]
    labels += [f"{kind} ({len(row)})" for (_, kind), row in zip(kinds, rows[1:], strict=True)]
    judged = np.concatenate(rows)
    judged = judged[judged < UNJUDGED_SCORE]
    top = 1.06 * max(judged.max(initial=0.0), threshold or 0.0) or 1.0
    with mpl.rc_context(STYLE):
        figure = Figure((10.4, 0.9 + 0.42 * len(rows)), layout="constrained")
        axes = figure.subplots()
        dots(axes, labels, [np.minimum(row, top) for row in rows], [GOOD, *(BAD if bad else GOOD for bad, _ in kinds)])
        if threshold is not None:
            axes.axvline(min(threshold, top), color=LIMIT, linewidth=1.4)
        axes.set_xlabel("anomaly score")
        axes.set_xlim(min(0.0, judged.min(initial=0.0)), 1.01 * top)
        return svg(figure, "scores")
