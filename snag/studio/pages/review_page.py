"""The page of the review: how much there is to label, and the way to the review itself."""

from __future__ import annotations

from nicegui import ui

from snag.studio import texts
from snag.studio.pages.frame import element, frame, link, radio, text
from snag.studio.products import Product, Workshop
from snag.studio.review import ReviewServer
from snag.studio.state import open_reviews


def review_page(product: Product, workshop: Workshop, server: ReviewServer) -> None:
    """Start the review and lead to it."""
    with frame(texts.TABS["review"], product, "review"):
        with element("div"):
            text("h1", texts.TABS["review"])
            text("p", texts.REVIEW_LEAD, "st-lead")
        if not (workshop.server / "spool").is_dir():
            text("p", texts.NO_SPOOL)
            return
        text("p", texts.open_reviews(len(open_reviews(workshop, product.model))), "st-big")
        with element("section", "st-panel"):
            order = radio(texts.REVIEW_ORDER, texts.ORDERS, "newest")

            @ui.refreshable
            def where() -> None:
                if server.address is not None:
                    with element("p"):
                        text("span", f"{texts.REVIEW_AT} ")
                        link(server.address, server.address, target="_blank").style("color: var(--ink)")
                    text("p", f"{texts.REVIEW_KEYS} {texts.REVIEW_LOCAL}", "st-lead")
                if server.failed:
                    text("p", server.failed, "st-bad")

            async def start() -> None:
                await server.start(str(order.value))
                where.refresh()
                if server.address is not None:
                    ui.navigate.to(server.address, new_tab=True)

            ui.button(texts.START_REVIEW, on_click=start, color=None).props("no-caps unelevated").classes("st-first").style(
                "align-self: flex-start"
            )
            where()
