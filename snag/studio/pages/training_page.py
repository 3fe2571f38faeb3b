"""The page of training: a preset, what is under way, and the loss."""

from __future__ import annotations

from nicegui import ui

from snag.studio import commands, jobs, marks, texts
from snag.studio.idle import check_idle
from snag.studio.jobs import JobState
from snag.studio.pages.frame import address, button, element, frame, heading, link, radio, text
from snag.studio.pages.job_panel import LOOK, job_panel
from snag.studio.plots import loss_plot
from snag.studio.products import Product, Workshop
from snag.studio.state import State, state_of
from snag.training.run.loss_history import read_losses


def training_page(product: Product, workshop: Workshop) -> None:
    """Start, follow, stop, go on."""
    state = state_of(product, workshop)
    with frame(texts.TABS["training"], product, "training"):
        with element("div"):
            text("h1", texts.TABS["training"])
            text("p", texts.TRAINING_LEAD, "st-lead")
        if state.is_training and not state.job.is_running:
            text("p", texts.ELSEWHERE)
        if learnt := marks.learnt_marks(product):
            text("p", texts.learnt_from_marked(len(learnt)), "st-bad")
        job_panel(product.own, ("train", "calibrate", "evaluate"), ui.navigate.reload)
        if not state.job.is_running and not state.is_training:
            _start(product, state)
        _loss(product)


def _start(product: Product, state: State) -> None:
    offered = commands.presets()
    with element("section", "st-panel"):
        sentences = {name: f"{name}: {said}" for name, said in offered.items()}
        chosen = radio(texts.PRESET, sentences, next(iter(offered)))
        with element("details", "st-details"):
            text("summary", texts.FURTHER)
            further = ui.textarea(texts.FURTHER_HINT).props("outlined dense autogrow").style("margin-top: 8px")

        def train(fresh: bool = False) -> None:
            check_idle(product)  # before anything is written that a training may be reading
            steps = commands.train(product, str(chosen.value), further.value or "", fresh)
            marks.set_aside(product)  # under a training that runs, its pictures would change
            jobs.start(product.own, steps)
            ui.navigate.reload()

        with element("div", "st-row"):
            if _was_stopped(state.job):
                button(texts.GO_ON, lambda: _go_on(product, state.job), "st-first")
            if state.is_trained:
                button(texts.TRAIN_ANEW, lambda: train(fresh=True), "st-second")
                link(texts.TABS["threshold"], address(product, "threshold")).style("color: var(--ink)")
            else:
                button(texts.TRAIN, train, "st-second" if _was_stopped(state.job) else "st-first")
        if state.is_trained:
            text("p", texts.FINISHED_MODEL, "st-lead")


def _was_stopped(job: JobState) -> bool:
    return job.status in ("stopped", "failed") and job.has("train")


def _go_on(product: Product, job: JobState) -> None:
    """From where it stopped: the same steps from the one that was under way."""
    check_idle(product)
    jobs.start(product.own, commands.go_on(product, job))
    ui.navigate.reload()


def _loss(product: Product) -> None:
    folder = product.run / "tensorboard"
    losses = read_losses(folder)
    with element("section"):
        heading(texts.LOSS, texts.LOSS_LEAD if losses else texts.NO_LOSS)
        plot = ui.html(loss_plot(losses) if losses else "", sanitize=False).classes("st-plot")

    def look() -> None:
        nonlocal losses
        now = read_losses(folder)
        if now != losses:
            losses = now
            plot.set_content(loss_plot(losses) if losses else "")

    ui.timer(2 * LOOK, look)
