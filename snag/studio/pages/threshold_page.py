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
from snag.studio.scores import (
    Detection,
    LabelledScore,
    ThresholdChoice,
    at_the_edge,
    choice,
    confidence_of,
    detections,
    in_force,
    labelled_scores,
)
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
            _choose(product, state.calibration, marks.have_changed(product, state.album.good))
            deploy_panel(product, workshop, state)
            _highest(product)


def _choose(product: Product, calibration: Calibration, is_stale: bool) -> None:
    """The slider, and what moves with it: drawn at most so often, for a drawing takes a tenth of a second."""
    scores, controls = labelled_scores(product, calibration), _controls(product, calibration, is_stale)
    grouped = any(group.threshold is not None for group in calibration.groups)
    drawn = (controls.rate, controls.promise)
    with element("section"):
        heading(texts.SCORES, texts.SCORES_LEAD)
        plot = ui.html("", sanitize=False).classes("st-plot")

    @ui.refreshable
    def found(chosen: ThresholdChoice) -> None:
        if chosen.threshold is not None:
            own = calibration if grouped and in_force(calibration, controls.rate, controls.promise) else None
            _detected(detections(scores, chosen.threshold, own), texts.GROUPS_NOT_SHOWN if grouped and own is None else "")
            _edge(product, *at_the_edge(scores, chosen.threshold, own))

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
    confidence: float

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
        say(self.label, texts.SLIDER if self.promise == AVERAGE else texts.SLIDER_SURE.format(percent(self.confidence)))
        say(self.number, str(int(self.slider.value)))
        say(self.promised, chosen.guarantee.sentence if chosen.guarantee else chosen.why_not)


def _controls(product: Product, calibration: Calibration, is_stale: bool) -> _Controls:
    known = calibration.guarantee
    asked = known.rate if known and known.rate else 0.05
    begin = max(1, min(_MOST, round(_PARTS * asked)))
    with element("section", "st-panel"):
        begun = known.kind if known and known.kind in texts.PROMISES else AVERAGE
        kind = radio(texts.PROMISE, texts.PROMISES, begun, "inline")
        label = text("label", texts.SLIDER, "st-lead", id="rate-label")
        number = text("output", "", "st-big")
        slider = ui.slider(min=1, max=_MOST, step=1, value=begin).props('aria-labelledby="rate-label"')
        promised = text("p", "", "st-promise", aria_live="polite")
        text("p", texts.calibrated_with(calibration.threshold, calibration.rate), "st-lead")
        with element("details", "st-details"):
            text("summary", texts.IN_FORCE)
            text("pre", "\n".join(lines_of(calibration)), "st-log")
        surely = ui.checkbox(texts.SURELY).props("dense")
        surely.set_visibility(bool(marks.calibration_marks(product)))
        controls = _Controls(slider, kind, label, number, promised, confidence_of(calibration))

        def save() -> None:
            chosen = (controls.rate, controls.promise, controls.confidence)
            jobs.start(product.own, commands.calibrate(product, *chosen, surely=bool(surely.value)))

        if is_stale:
            text("p", texts.PICTURES_CHANGED, "st-bad")
        button(texts.SAVE, save, "st-first").style("align-self: flex-start").set_enabled(not is_stale)
    return controls


def _detected(found: Sequence[Detection], remark: str) -> None:
    with element("section"):
        heading(texts.DETECTION, texts.DETECTION_LEAD if found else texts.NO_TEST)
        if not found:
            return
        if remark:
            text("p", remark, "st-lead")
        with element("div", "st-scroll"), element("table", "st-table"):
            with element("tr"):
                for name in texts.REJECTED_COLUMN:
                    text("th", name)
            for one in found:
                with element("tr"):
                    text("td", one.kind)
                    text("td", str(one.rejected))
                    text("td", str(one.total))
                    text("td", percent(one.rejected / one.total))


def _edge(product: Product, passed: Sequence[LabelledScore], rejected: Sequence[LabelledScore]) -> None:
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
