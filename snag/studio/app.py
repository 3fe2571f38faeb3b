"""The studio's application: its pages, and the pictures that they show."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress

from fastapi import Response
from nicegui import app, ui

from snag.core.errors import SnagError
from snag.core.file_names import original
from snag.review.__main__ import Drawing
from snag.studio import texts
from snag.studio.album import TRAIN, album_of
from snag.studio.pages.frame import frame, text
from snag.studio.pages.live_page import live_page
from snag.studio.pages.pictures_page import pictures_page
from snag.studio.pages.products_page import products_page
from snag.studio.pages.review_page import review_page
from snag.studio.pages.threshold_page import threshold_page
from snag.studio.pages.training_page import training_page
from snag.studio.products import Product, Workshop
from snag.studio.review import ReviewServer
from snag.studio.state import spooled_of
from snag.studio.thumbnails import LARGE, SIDE, shrunk, thumbnail

_KEPT = {"Cache-Control": "private, max-age=60"}


def build(workshop: Workshop) -> None:
    """Register every page and picture with NiceGUI's application."""
    reviewing = ReviewServer(workshop)
    app.on_shutdown(reviewing.stop)
    _list_all(workshop)
    _pictures(workshop)

    @ui.page("/")
    def first() -> None:
        products_page(workshop)

    @ui.page("/product/{name}/pictures")
    def pictures(name: str, kind: str = TRAIN, page: int = 1) -> None:
        _of(workshop, name, lambda product: pictures_page(product, workshop, kind, page))

    @ui.page("/product/{name}/training")
    def training(name: str) -> None:
        _of(workshop, name, lambda product: training_page(product, workshop))

    @ui.page("/product/{name}/threshold")
    def threshold(name: str) -> None:
        _of(workshop, name, lambda product: threshold_page(product, workshop))

    @ui.page("/product/{name}/live")
    def live(name: str) -> None:
        _of(workshop, name, lambda product: live_page(product, workshop))

    @ui.page("/product/{name}/review")
    def review(name: str) -> None:
        _of(workshop, name, lambda product: review_page(product, workshop, reviewing))


def _of(workshop: Workshop, name: str, page: Callable[[Product], None]) -> None:
    """The page of a product; a sentence where there is no such product, or its pictures can't be listed."""
    try:
        product = workshop.product(name)
        album_of(product)
    except SnagError as error:
        with frame(texts.STUDIO):
            text("h1", name)
            text("p", str(error))
        return
    page(product)


def _list_all(workshop: Workshop) -> None:
    """List every product before somebody waits for it: of 10,000 pictures that takes a fifth of a second."""
    for product in workshop.products():
        shutil.rmtree(product.own / "uploads", ignore_errors=True)  # of a studio that was killed
        with suppress(SnagError):
            album_of(product)


def _pictures(workshop: Workshop) -> None:
    @app.get("/thumbnail/{product}/{name:path}")
    async def small(product: str, name: str) -> Response:
        return await asyncio.to_thread(_picture, workshop, product, name, SIDE)

    @app.get("/picture/{product}/{name:path}")
    async def large(product: str, name: str) -> Response:
        return await asyncio.to_thread(_picture, workshop, product, name, LARGE)

    @app.get("/sheet/{product}")
    async def sheet(product: str) -> Response:
        return await asyncio.to_thread(_sheet, workshop, product)

    @app.get("/overlay/{request_id:path}")
    async def overlay(request_id: str) -> Response:
        return await asyncio.to_thread(_overlay, workshop, request_id)

    @app.get("/spooled/{request_id:path}")
    async def spooled(request_id: str) -> Response:
        return await asyncio.to_thread(_spooled, workshop, request_id)


def _picture(workshop: Workshop, product: str, name: str, side: int) -> Response:
    """A picture of the album, and no other file."""
    try:
        found, name = workshop.product(product), original(name)
        made = thumbnail(found, name, side) if name in album_of(found).names else None
    except SnagError:
        made = None
    return Response(made, media_type="image/jpeg", headers=_KEPT) if made else Response(status_code=404)


def _sheet(workshop: Workshop, product: str) -> Response:
    try:
        return Response((workshop.product(product).run / "highest.png").read_bytes(), media_type="image/png")
    except (SnagError, OSError):
        return Response(status_code=404)


def _overlay(workshop: Workshop, request_id: str) -> Response:
    """The map laid over the picture, by the server that judged it; the picture alone where it can't draw it."""
    found = spooled_of(workshop, request_id)
    picture = found.picture() if found else None
    if found is None or picture is None:
        return Response(status_code=404)
    drawn = Drawing("127.0.0.1", workshop.inference_port)(found.model, found.version, picture)
    if drawn is not None:
        return Response(drawn, media_type="image/png", headers=_KEPT)
    return Response(shrunk(picture, LARGE), media_type="image/jpeg", headers=_KEPT)


def _spooled(workshop: Workshop, request_id: str) -> Response:
    found = spooled_of(workshop, request_id)
    made = shrunk(data) if found and (data := found.picture()) else None
    return Response(made, media_type="image/jpeg", headers=_KEPT) if made else Response(status_code=404)
