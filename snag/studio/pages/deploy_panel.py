"""The part of a page that brings a model to the server, and back."""

from __future__ import annotations

from nicegui import ui

from snag.studio import commands, jobs, texts
from snag.studio.pages.frame import button, element, heading, text
from snag.studio.products import Product, Workshop
from snag.studio.state import State, is_up


def deploy_panel(product: Product, workshop: Workshop, state: State) -> None:
    """A version, and buttons to deploy it, to go back, and to stop the server."""
    up = is_up(workshop)
    with element("section", "st-panel"):
        heading(texts.DEPLOY, texts.DEPLOY_LEAD)
        if state.version is not None:
            text("p", texts.served_as(state.version, state.previous))
        elif not up:
            text("p", texts.SERVER_DOWN)
        packed = commands.packed_version(workshop, product)
        offered = commands.next_version(state.version or packed)
        while offered in (packed, state.version, state.previous):
            offered = commands.next_version(offered)
        with element("div", "st-row st-end"):
            version = ui.input(texts.VERSION, value=offered).props("outlined dense")

            def deploy() -> None:
                wanted = (version.value or "").strip() or commands.FIRST_VERSION
                jobs.start(product.own, commands.deploy(product, workshop, is_up(workshop), wanted))

            button(texts.DEPLOY, deploy, "st-first")
            if state.previous is not None:
                button(texts.ROLL_BACK, lambda: jobs.start(product.own, commands.rollback(product, workshop)))
            if up:
                button(texts.STOP_SERVER, lambda: jobs.start(product.own, commands.stop_server(workshop)))
