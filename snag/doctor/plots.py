"""The doctor's plot: how bright the pictures of each folder are."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from snag.doctor.diagnosis import Diagnosis
from snag.pages.plots import BAD, GOOD, STYLE, dots, svg


def brightness_plot(diagnosis: Diagnosis) -> str:
    """Each picture's mean brightness as a dot, one line for each folder, as inline SVG."""
    folders = diagnosis.folders
    exams = [diagnosis.in_folder(folder) for folder in folders]
    with mpl.rc_context(STYLE):
        figure = Figure((10.4, 0.8 + 0.4 * len(folders)), layout="constrained")
        axes = figure.subplots()
        dots(
            axes,
            [f"{folder} ({number})" for folder, number in folders.items()],
            [np.array([exam.brightness for exam in some]) for some in exams],
            [BAD if some[0].is_bad else GOOD for some in exams],
        )
        axes.set_xlabel("mean brightness, share of the scale")
        return svg(figure, "brightness")
