"""The page of the threshold: what a rate would promise and find, and from there to the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from nicegui import ui

from snag.core.calibration import Calibration
from snag.core.file_names import original
from snag.core.guarantee import AVERAGE
from snag.pages.formats import percent
from snag.studio import commands, jobs, marks, texts
from snag.studio.pages.deploy_panel import deploy_panel
from snag.studio.pages.frame import button, element, frame, heading, picture, radio, say, text
from snag.studio.pages.job_panel import job_panel
from snag.studio.plots import scores_plot
from snag.studio.products import Product, Workshop
from snag.studio.scores import LabelledScore, ThresholdChoice, at_the_edge, choice, detections, labelled_scores
from snag.studio.state import state_of
from snag.training.calibration.summary import lines_of

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
    """The slider, and what moves with it: drawn at most so often, for a drawing takes a tenth of a second."""
    scores, controls = labelled_scores(product, calibration), _controls(product, calibration)
    drawn = (controls.rate, controls.promise)
    with element("section"):
        heading(texts.SCORES, texts.SCORES_LEAD)
        plot = ui.html("", sanitize=False).classes("st-plot")

    @ui.refreshable
    def found(chosen: ThresholdChoice) -> None:
        if chosen.threshold is not None:
            _detected(scores, chosen.threshold)
            _edge(product, scores, chosen.threshold)

    def draw() -> ThresholdChoice:
        chosen = choice(calibration, controls.rate, controls.promise)
        controls.tell(chosen)
        plot.set_content(scores_plot(calibration.scores, scores, chosen.threshold))
        return chosen

    def look() -> None:
        nonlocal drawn
        if (now := (controls.rate, controls.promise)) != drawn:
            drawn = now
            found.refresh(draw())

    found(draw())
    ui.timer(_WAIT, look)


@dataclass(frozen=True)
class _Controls:
    """What a person sets, and where it is said what that promises."""

    slider: ui.slider
    kind: ui.radio
    label: ui.html
    number: ui.html
    promised: ui.html

    @property
    def rate(self) -> float:
        """Share of good parts that may be rejected."""
        return int(self.slider.value) / _PARTS

    @property
    def promise(self) -> str:
        """What keeps it."""
        return str(self.kind.value)

    def tell(self, chosen: ThresholdChoice) -> None:
        """Say what the choice promises."""
        say(self.label, texts.SLIDER if self.promise == AVERAGE else texts.SLIDER_SURE)
        say(self.number, str(int(self.slider.value)))
        say(self.promised, chosen.guarantee.sentence if chosen.guarantee else chosen.why_not)


def _controls(product: Product, calibration: Calibration) -> _Controls:
    known = calibration.guarantee
    begin = known.rate if known and known.rate else 0.05
    with element("section", "st-panel"):
        begun = known.kind if known and known.kind in texts.PROMISES else AVERAGE
        kind = radio(texts.PROMISE, texts.PROMISES, begun, "inline")
        label = text("label", texts.SLIDER, "st-lead", id="rate-label")
        number = text("output", "", "st-big")
        slider = ui.slider(min=1, max=_MOST, step=1, value=round(_PARTS * begin)).props('aria-labelledby="rate-label"')
        promised = text("p", "", "st-promise", aria_live="polite")
        text("p", texts.calibrated_with(calibration.threshold, calibration.rate), "st-lead")
        with element("details", "st-details"):
            text("summary", texts.IN_FORCE)
            text("pre", "\n".join(lines_of(calibration)), "st-log")
        surely = ui.checkbox(texts.SURELY).props("dense")
        surely.set_visibility(bool(marks.calibration_marks(product)))
        controls = _Controls(slider, kind, label, number, promised)

        def save() -> None:
            jobs.start(product.own, commands.calibrate(product, controls.rate, controls.promise, bool(surely.value)))

        button(texts.SAVE, save, "st-first").style("align-self: flex-start")
    return controls


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
                    picture(product, original(one.name), one.name)
                    with element("figcaption"):
                        text("span", f"{one.name}: {one.score:.4g}, {said}")


def _highest(product: Product) -> None:
    if not (product.run / "highest.png").exists():
        return
    with element("section"):
        heading(texts.HIGHEST, texts.HIGHEST_LEAD)
        element("img", "st-sheet", src=f"/sheet/{quote(product.name, safe='')}", alt=texts.HIGHEST_ALT, loading="lazy")
