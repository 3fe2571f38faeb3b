"""The page of the threshold: what a rate would promise and find, and from there to the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from nicegui import ui

from snag.core.calibration import Calibration
from snag.core.file_names import original
from snag.core.guarantee import AVERAGE
from snag.pages.formats import percent
from snag.studio import commands, jobs, marks, texts
from snag.studio.pages.deploy_panel import deploy_panel
from snag.studio.pages.frame import button, element, frame, heading, picture, say, text
from snag.studio.pages.job_panel import job_panel
from snag.studio.plots import scores_plot
from snag.studio.products import Product, Workshop
from snag.studio.scores import Choice, LabelledScore, at_the_edge, choice, detections, labelled_scores
from snag.studio.state import state_of

_VERBS: Final = ("calibrate", "evaluate", "archive", "serve", "deploy", "rollback", "stop")
_PARTS: Final = 1000  #: the slider counts good parts of so many
_MOST: Final = 200
_WAIT: Final = 0.15  #: seconds between two drawings while the slider moves


def threshold_page(product: Product, workshop: Workshop) -> None:
    """The slider and everything that moves with it; saving, deploying, going back."""
    state = state_of(product, workshop)
    with frame(texts.TABS["threshold"], product, "threshold"):
        with element("div"):
            text("h1", texts.TABS["threshold"])
            text("p", texts.THRESHOLD_LEAD if state.calibration else texts.NOT_CALIBRATED, "st-lead")
        job_panel(product.own, _VERBS, ui.navigate.reload)
        if state.calibration is not None:
            _choose(product, state.calibration)
            deploy_panel(product, workshop, state)
            _highest(product)


def _choose(product: Product, calibration: Calibration) -> None:
    scores = labelled_scores(product, calibration)
    begin = calibration.guarantee.rate if calibration.guarantee and calibration.guarantee.rate else 0.05
    kind = calibration.guarantee.kind if calibration.guarantee and calibration.guarantee.kind in texts.PROMISES else AVERAGE
    with element("section", "st-panel"):
        text("b", texts.PROMISE)
        promise = ui.radio(texts.PROMISES, value=kind).props("inline dense")
        label = text("label", texts.SLIDER, "st-lead", id="rate-label")
        number = text("output", "", "st-big")
        slider = ui.slider(min=1, max=_MOST, step=1, value=round(_PARTS * begin)).props('aria-labelledby="rate-label"')
        promised = text("p", "", "st-promise", aria_live="polite")
        text("p", texts.calibrated_with(calibration.threshold, calibration.rate), "st-lead")
        surely = ui.checkbox(texts.SURELY).props("dense")
        surely.set_visibility(bool(marks.calibration_marks(product)))

        def save() -> None:
            rate = int(slider.value) / _PARTS
            jobs.start(product.own, commands.calibrate(product, rate, str(promise.value), bool(surely.value)))

        button(texts.SAVE, save, "st-first").style("align-self: flex-start")
    with element("section"):
        heading(texts.SCORES, texts.SCORES_LEAD)
        plot = ui.html("", sanitize=False).classes("st-plot")

    @ui.refreshable
    def found(chosen: Choice) -> None:
        if chosen.threshold is not None:
            _detected(scores, chosen.threshold)
            _edge(product, scores, chosen.threshold)

    drawn: tuple[int, str] | None = None

    def draw() -> None:
        """What moves with the slider, at most so often: a drawing takes a tenth of a second."""
        nonlocal drawn
        now = int(slider.value), str(promise.value)
        if now == drawn:
            return
        drawn = now
        chosen = choice(calibration, now[0] / _PARTS, now[1])
        say(label, texts.SLIDER if now[1] == AVERAGE else texts.SLIDER_SURE)
        say(number, str(now[0]))
        say(promised, chosen.guarantee.sentence if chosen.guarantee else chosen.why_not)
        plot.set_content(scores_plot(calibration.scores, scores, chosen.threshold))
        found.refresh(chosen)

    found(choice(calibration, begin, kind))
    draw()
    ui.timer(_WAIT, draw)


def _detected(scores: Sequence[LabelledScore], threshold: float) -> None:
    with element("section"):
        heading(texts.DETECTION, texts.DETECTION_LEAD if scores else texts.NO_TEST)
        if not scores:
            return
        with element("div", "st-scroll"), element("table", "st-table"):
            with element("tr"):
                for name in texts.REJECTED_COLUMN:
                    text("th", name)
            for one in detections(scores, threshold):
                with element("tr"):
                    text("td", one.kind)
                    text("td", str(one.rejected))
                    text("td", str(one.total))
                    text("td", percent(one.rejected / one.total))


def _edge(product: Product, scores: Sequence[LabelledScore], threshold: float) -> None:
    passed, rejected = at_the_edge(scores, threshold)
    if not passed and not rejected:
        return
    with element("section"):
        heading(texts.EDGE, texts.EDGE_LEAD)
        with element("div", "st-gallery"):
            for one, said in [*((one, texts.JUST_PASSED) for one in passed), *((one, texts.JUST_REJECTED) for one in rejected)]:
                with element("figure"):
                    picture(product, original(one.name))
                    with element("figcaption"):
                        text("span", f"{one.name}: {one.score:.4g}, {said}")


def _highest(product: Product) -> None:
    if not (product.run / "highest.png").exists():
        return
    with element("section"):
        heading(texts.HIGHEST, texts.HIGHEST_LEAD)
        element("img", "st-sheet", src=f"/sheet/{quote(product.name, safe='')}", alt=texts.HIGHEST_ALT, loading="lazy")
