"""The panel of a job: what runs or ran last, how far it has come, how to stop it, and what it said."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from nicegui import ui

from snag.studio import jobs, texts
from snag.studio.jobs import JobState
from snag.studio.pages.frame import bar, button, element, say, text
from snag.studio.progress import progress_of

LOOK: Final = 1.0  #: seconds between two looks at the files
_LINES: Final = 40


def job_panel(folder: Path, verbs: Collection[str], ended: Callable[[], object] = lambda: None) -> None:
    """Shows the folder's job as it goes; `ended` is called when one ends that was under way.

    One that is over is shown where its last verb is one of `verbs`: what a page is about.
    """
    before = jobs.read(folder)

    @ui.refreshable
    def head(job: JobState) -> None:
        _head(folder, job)

    def look() -> None:
        nonlocal before
        job = jobs.read(folder)
        if job == before:
            return
        has_ended = before.is_running and not job.is_running
        before = job
        show(job)
        head.refresh(job)
        if has_ended:
            ended()

    def show(job: JobState) -> None:
        panel.set_visibility(job.is_running or job.verb in verbs)
        say(said, "\n".join(job.lines[-_LINES:]))

    with element("section", "st-panel", aria_live="polite") as panel:
        head(before)
        with element("details", "st-details"):
            text("summary", texts.LOG)
            said = text("pre", "", "st-log")
    show(before)
    ui.timer(LOOK, look)


def _head(folder: Path, job: JobState) -> None:
    progress = progress_of(job) if job.is_running else None
    with element("div", "st-row"):
        text(
            "b",
            texts.stage([step.verb for step in job.steps], job.verb, job.status),
            "st-bad" if job.status == "failed" else "",
        )
        if progress is not None:
            text("span", f"{progress.what}: {texts.step_of(progress.done, progress.total, progress.left)}", "st-lead")
        if job.is_running:
            button(texts.STOP, lambda: jobs.stop(folder), "st-second st-small")
    if progress is not None:
        bar(progress.share, progress.what)
    if job.status == "failed":
        text("p", job.error)
