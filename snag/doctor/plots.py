"""The doctor's plot: how bright the pictures of each folder are."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from snag.doctor.diagnosis import Diagnosis
from snag.evaluation.plots import BAD, GOOD, INK, STYLE, svg


def brightness_plot(diagnosis: Diagnosis) -> str:
    """Each picture's mean brightness as a dot, one line for each folder, as inline SVG."""
    folders = list(diagnosis.folders)
    with mpl.rc_context(STYLE):
        figure = Figure((10.4, 0.8 + 0.4 * len(folders)), layout="constrained")
        axes = figure.subplots()
        random = np.random.default_rng(0)
        for row, folder in enumerate(folders):
            exams = diagnosis.in_folder(folder)
            heights = row + random.uniform(-0.25, 0.25, len(exams))
            colour = BAD if exams[0].is_bad else GOOD
            axes.scatter([exam.brightness for exam in exams], heights, s=15, color=colour, alpha=0.7, linewidths=0)
        axes.set_yticks(range(len(folders)), [f"{folder} ({number})" for folder, number in diagnosis.folders.items()])
        axes.tick_params(axis="y", colors=INK)
        axes.set_ylim(len(folders) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("mean brightness, share of the scale")
        return svg(figure, "brightness")
