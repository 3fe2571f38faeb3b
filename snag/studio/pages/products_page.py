"""The first page: a card for each product, and ways to get a new one."""

from __future__ import annotations

from nicegui import ui

from snag.core.errors import BadConfig, SnagError
from snag.studio import commands, jobs, texts
from snag.studio.line import watched
from snag.studio.pages.frame import address, button, element, facts, frame, heading, link, picture_address, text, told
from snag.studio.pages.job_panel import job_panel
from snag.studio.products import SAMPLE, Product, Workshop
from snag.studio.state import State, open_reviews, state_of


def products_page(workshop: Workshop) -> None:
    """Every product with its state."""
    products = workshop.products()
    with frame(texts.PRODUCTS):
        with element("div"):
            text("h1", texts.PRODUCTS)
            text("p", texts.PRODUCTS_LEAD if products else texts.NO_PRODUCTS, "st-lead")
        for sentence in workshop.left_out():
            text("p", sentence, "st-bad")
        if products:
            with element("div", "st-cards"):
                for product in products:
                    _card(product, workshop)
        job_panel(workshop.own, ("sample", "ingest"), ui.navigate.reload)
        _new_product(workshop)
        _bring_in(workshop, has_sample=any(one.name == SAMPLE for one in products))


def _card(product: Product, workshop: Workshop) -> None:
    try:
        state = state_of(product, workshop)
    except SnagError as error:
        with element("article", "st-card st-panel"):
            text("h2", product.name)
            text("p", str(error), "st-bad")
        return
    with element("article", "st-card"):
        with element("div", "st-face"):
            if state.album.good:
                element("img", src=picture_address(product, state.album.good[0]), alt="", loading="lazy")
            else:
                text("span", texts.NO_PICTURE)
        with element("div", "st-inside"):
            with element("h2"):
                link(product.name, address(product, "pictures"))
            alarms = sum(sum(one.alarms.values()) for one in watched(workshop, product.model))
            facts(_facts(state, len(open_reviews(workshop, product.model)), alarms))


def _facts(state: State, reviews: int, alarms: int) -> dict[str, str]:
    calibration = state.calibration
    trained = texts.STATUSES["running"] if state.is_training else "yes" if state.is_trained else texts.NOT_YET
    calibrated = texts.NOT_YET
    if calibration is not None:
        promised = calibration.guarantee
        shown = promised.average if promised is not None and promised.average is not None else None
        calibrated = "yes" if shown is None else f"{1000 * shown:.3g} of 1,000 good parts rejected"
    return {
        "pictures": texts.pictures_count(len(state.album.good), state.album.defects),
        "doctor": texts.URGENCIES[state.findings.urgency],
        "trained": trained,
        "calibrated": calibrated,
        "served": f"version {state.version}" if state.version else texts.NOT_YET,
        "drift": texts.drift(alarms) if state.version else texts.NOT_YET,
        "review": texts.open_reviews(reviews),
    }


def _new_product(workshop: Workshop) -> None:
    with element("section", "st-panel"):
        heading(texts.NEW_PRODUCT)
        with element("div", "st-row st-end"):
            name = ui.input(texts.PRODUCT_NAME).props("outlined dense").classes("st-grow")

            def create() -> None:
                ui.navigate.to(address(workshop.create(name.value or ""), "pictures"))

            button(texts.CREATE, create, "st-first")
            name.on("keydown.enter", told(create))


def _bring_in(workshop: Workshop, has_sample: bool) -> None:
    with element("section", "st-panel"):
        heading(texts.BRING_IN)
        with element("div", "st-row st-end"):
            source = ui.input(texts.SOURCE).props("outlined dense").classes("st-grow")

            def bring() -> None:
                if not (source.value or "").strip():
                    raise BadConfig(detail=texts.SOURCE)
                jobs.start(workshop.own, commands.bring_in(source.value.strip(), workshop))

            button(texts.TAKE, bring)
            if not has_sample:
                folder = workshop.data_root / SAMPLE
                button(texts.DRAW_SAMPLE, lambda: jobs.start(workshop.own, commands.sample(folder)))
