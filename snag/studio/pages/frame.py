"""The frame of every page, and the small elements that pages share."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlencode

from nicegui import ui

import snag.pages
from snag.core.errors import SnagError
from snag.core.file_names import spelled
from snag.studio import texts
from snag.studio.products import Product

E = TypeVar("E", bound=ui.element)
_STYLE = (Path(snag.pages.__file__).parent / "palette.css", Path(__file__).parents[1] / "style.css")


@contextmanager
def frame(title: str, product: Product | None = None, tab: str = "") -> Iterator[None]:
    """The head with its tabs, and the place for what a page shows."""
    ui.page_title(f"{title} · {texts.STUDIO}")
    ui.add_css(_style())
    link(texts.TO_CONTENT, "#content", "st-skip")
    with element("header", "st-head"):
        link(texts.STUDIO, "/", "st-home")
        if product is not None:
            link(product.name, address(product, "pictures"), "st-product")
            with element("nav", "st-tabs", aria_label=product.name):
                for name, label in texts.TABS.items():
                    link(label, address(product, name), **({"aria_current": "page"} if name == tab else {}))
    with element("main", "st-main", id="content", tabindex="-1"):
        yield


def address(product: Product, tab: str, **query: object) -> str:
    """The address of one of a product's pages."""
    words = urlencode({name: str(value) for name, value in query.items()}, errors="surrogateescape")
    return f"/product/{quote(product.name, safe='')}/{tab}" + (f"?{words}" if words else "")


def picture_address(product: Product, name: str, large: bool = False) -> str:
    """Where a picture of the data set is to be had, small or large."""
    path = quote(spelled(name), safe="/")
    return f"/{'picture' if large else 'thumbnail'}/{quote(product.name, safe='')}/{path}"


def element(tag: str, classes: str = "", **attributes: object) -> ui.element:
    """Any element; `aria_label` is the attribute aria-label."""
    return _with(ui.element(tag).classes(classes), attributes)


def text(tag: str, words: str, classes: str = "", **attributes: object) -> ui.html:
    """An element that holds text."""
    return _with(ui.html(html.escape(words, quote=False), sanitize=False, tag=tag).classes(classes), attributes)


def say(one: ui.html, words: str) -> None:
    """Put other text into an element that `text` made."""
    one.set_content(html.escape(words, quote=False))


def link(words: str, to: str, classes: str = "", **attributes: object) -> ui.html:
    """A link as HTML has it."""
    return text("a", words, classes, href=to, **attributes)


def picture(product: Product, name: str, described: str = "") -> None:
    """A small picture of the data set that opens in large."""
    with element("a", "st-shot", href=picture_address(product, name, large=True), target="_blank"):
        element("img", src=picture_address(product, name), alt=described, loading="lazy")


def _with(one: E, attributes: dict[str, object]) -> E:
    one.props.update({name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})
    return one


def heading(words: str, lead: str = "") -> None:
    """A part's heading, and what it is about."""
    with element("div", "st-heading"):
        text("h2", words)
        if lead:
            text("p", lead, "st-lead")


def button(words: str, pressed: Callable[[], object], classes: str = "st-second") -> ui.button:
    """A button; what goes wrong is told in a sentence."""
    return ui.button(words, on_click=told(pressed), color=None).props("no-caps unelevated").classes(classes)


def radio(label: str, options: dict[str, str], value: str, more: str = "") -> ui.radio:
    """A choice among few, under its name."""
    text("b", label)
    one = ui.radio(options, value=value).props(f"dense {more}")
    one.props["aria-label"] = label
    return one


def told(work: Callable[[], object]) -> Callable[[], None]:
    """The same, with errors of Snag shown to whoever pressed the button."""

    def working() -> None:
        try:
            work()
        except SnagError as error:
            ui.notify(str(error), type="negative", position="top", multi_line=True, timeout=10_000, close_button=True)

    return working


def facts(rows: dict[str, str]) -> None:
    """Names and values."""
    with element("dl", "st-facts"):
        for name, value in rows.items():
            text("dt", name)
            text("dd", value)


def tiles(rows: dict[str, str]) -> None:
    """Values in large, with their meaning below."""
    with element("div", "st-tiles"):
        for name, value in rows.items():
            with element("div", "st-tile"):
                text("b", value)
                text("span", name)


def bar(share: float, label: str, is_over: bool = False) -> None:
    """A bar that is filled up to a share of it."""
    percent = f"{100 * min(1.0, max(0.0, share)):.1f}"
    values = {"aria_valuemin": 0, "aria_valuemax": 100, "aria_valuenow": percent}
    with element("div", "st-bar", role="progressbar", aria_label=label, **values):
        element("div", "st-over" if is_over else "").style(f"width: {percent}%")


@cache
def _style() -> str:
    return "\n".join(path.read_text() for path in _STYLE)
