"""The page of a product's pictures: what there is, what the doctor says of it, and marks."""

from __future__ import annotations

from nicegui import ui

from snag.core.file_names import spelled
from snag.studio import commands, jobs, marks, texts
from snag.studio.album import TRAIN, Album, page_of, pages
from snag.studio.findings import Findings
from snag.studio.pages.bring_in import bring_in_panel
from snag.studio.pages.frame import address, button, element, frame, heading, link, picture, text, told
from snag.studio.pages.job_panel import job_panel
from snag.studio.products import Product, Workshop
from snag.studio.state import state_of

FOUND, MARKED = "findings", "marked"  #: what may be asked for besides a kind


def pictures_page(product: Product, workshop: Workshop, kind: str, number: int) -> None:
    """One page of the pictures of one kind, or of those that something is said of."""
    state = state_of(product, workshop)
    marked = marks.read_marks(product)
    names = _names(state.album, state.findings, marked, kind)
    number = min(max(1, number), pages(names))
    with frame(texts.TABS["pictures"], product, "pictures"):
        with element("div"):
            text("h1", product.name)
            text("p", texts.pictures_count(len(state.album.good), state.album.defects), "st-lead")
        arrivals = bring_in_panel(product)
        job_panel(product.own, ("doctor",), arrivals.reload)
        _doctor(product, state.findings, state.album)
        with element("section"):
            _filters(product, state.album, state.findings, marked, kind)
        if not names:
            text("p", texts.NO_PICTURES_HERE, "st-lead")
            return
        with element("section", "st-gallery"):
            for name in page_of(names, number):
                _picture(product, name, state.findings.of.get(name, []), name in marked)
        _pager(product, kind, number, pages(names))
        text("p", texts.NOT_GOOD_HINT, "st-lead")


def _names(album: Album, findings: Findings, marked: list[str], kind: str) -> tuple[str, ...]:
    if kind == FOUND:
        return tuple(name for name in sorted(findings.of) if name in album.names)
    if kind == MARKED:
        return tuple(name for name in marked if name in album.names or _aside(name) in album.names)
    return album.kinds.get(kind, ())


def _aside(name: str) -> str:
    return f"{marks.ASIDE}/{name}"


def _doctor(product: Product, findings: Findings, album: Album) -> None:
    with element("section"):
        heading(texts.DOCTOR)
        if findings.advice:
            with element("ul", "st-findings"):
                for urgency, said in findings.advice:
                    text("li", said, urgency)
        else:
            text("p", texts.DOCTOR_NEVER, "st-lead")
        if findings.is_stale(product):
            text("p", texts.DOCTOR_STALE, "st-bad")
        if album.good:
            words = texts.ASK_DOCTOR_AGAIN if findings.advice else texts.ASK_DOCTOR
            button(words, lambda: jobs.start(product.own, commands.examine(product))).style("margin-top: 10px")


def _filters(product: Product, album: Album, findings: Findings, marked: list[str], kind: str) -> None:
    offered = {name: f"{name} ({len(found)})" for name, found in album.kinds.items()}
    found = _names(album, findings, marked, FOUND)
    offered |= {FOUND: f"{texts.WITH_FINDINGS} ({len(found)})"} if found else {}
    offered |= {MARKED: f"{texts.MARKED} ({len(marked)})"} if marked else {}
    with element("nav", "st-filters", aria_label=texts.KIND):
        for name, label in offered.items():
            link(label, address(product, "pictures", kind=name), **({"aria_current": "true"} if name == kind else {}))


def _picture(product: Product, name: str, said: list[str], is_marked: bool) -> None:
    shown = name if (product.data / name).exists() else _aside(name)
    with element("figure", "st-marked" if is_marked else "") as figure:
        picture(product, shown, spelled(name))
        with element("figcaption"):
            text("span", spelled(name.removeprefix(f"{TRAIN}/")))
        for sentence in said:
            text("span", sentence, "st-said")
        if name.startswith(TRAIN):
            _mark(product, name, is_marked, figure)


def _mark(product: Product, name: str, is_marked: bool, figure: ui.element) -> None:
    def change() -> None:
        told(lambda: marks.mark(product, name, bool(box.value)))()
        now = name in marks.read_marks(product)
        figure.classes(add="st-marked" if now else "", remove="" if now else "st-marked")
        box.set_value(now)  # where the mark was refused

    box = ui.checkbox(texts.NOT_GOOD, value=is_marked, on_change=change)
    box.props("dense size=sm").props["aria-label"] = texts.not_good_label(spelled(name))


def _pager(product: Product, kind: str, number: int, total: int) -> None:
    if total == 1:
        return
    with element("nav", "st-filters", aria_label=texts.PAGES):
        if number > 1:
            link(texts.EARLIER, address(product, "pictures", kind=kind, page=number - 1))
        text("span", texts.page_number(number, total))
        if number < total:
            link(texts.LATER, address(product, "pictures", kind=kind, page=number + 1))
