"""The part of a page through which pictures come in: dropped, chosen, or by a path on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import events, ui
from nicegui.elements.upload_files import FileUpload

from snag.core.errors import BadDataset, SnagError
from snag.studio import texts, uploads
from snag.studio.album import TRAIN
from snag.studio.pages.frame import element, radio
from snag.studio.products import Product
from snag.studio.uploads import Brought
from snag.training.data.unpack import safe_parts

_TEST_GOOD = "test/good"
_DEFECT = "defect"


def bring_in_panel(product: Product) -> None:
    """What the pictures show, a place to drop them, and a path."""
    with element("section", "st-panel"):
        kinds = {TRAIN: texts.GOOD_PARTS, _TEST_GOOD: texts.TEST_GOOD, _DEFECT: texts.DEFECT}
        chosen = radio(texts.KIND, kinds, TRAIN, "inline")
        defect = ui.input(texts.DEFECT_NAME).props("outlined dense").classes("st-grow")
        defect.bind_visibility_from(chosen, "value", value=_DEFECT)

        def kind() -> str:
            if chosen.value == _DEFECT:
                if not (defect.value or "").strip():
                    raise BadDataset(detail=texts.DEFECT_NAME)
                return uploads.kind_folder(f"test/{defect.value.strip()}")
            return str(chosen.value)

        async def dropped(event: events.MultiUploadEventArguments) -> None:
            await _told(_taken(product, event, kind))

        place = ui.upload(multiple=True, label=texts.DROP, auto_upload=True, on_multi_upload=dropped)
        place.props('flat bordered accept="image/*,.zip,.tar,.gz,.xz,.bz2,.tif,.tiff"')
        with element("div", "st-row st-end"):
            path = ui.input(texts.FOLDER_HERE).props("outlined dense").classes("st-grow")

            async def take() -> None:
                await _told(_from_disk(product, path.value or "", kind))

            ui.button(texts.TAKE, on_click=take, color=None).props("no-caps unelevated").classes("st-second")


async def _taken(product: Product, event: events.MultiUploadEventArguments, kind: Callable[[], str]) -> Brought:
    folder, brought = kind(), Brought()
    for file in event.files:
        data = b"" if file.size() > 1 << 20 else await file.read()
        head = data[:512] or await _head(file)
        if uploads.is_archive(head):
            kept = product.own / "uploads" / safe_parts(file.name)[-1]
            try:
                await file.save(kept)
                found = await asyncio.to_thread(uploads.bring_in, product, kept, folder)
            finally:
                kept.unlink(missing_ok=True)
            brought.add(found)
        else:
            data = data or await file.read()
            await asyncio.to_thread(uploads.bring_in_picture, product, file.name, data, folder, brought)
    return brought


async def _head(file: FileUpload) -> bytes:
    async for chunk in file.iterate():
        return bytes(chunk[:512])
    return b""


async def _from_disk(product: Product, path: str, kind: Callable[[], str]) -> Brought:
    source = Path(path.strip()).expanduser()
    if not path.strip() or not source.exists():
        raise BadDataset(detail=f"{texts.FOLDER_HERE}: there is nothing at {path.strip() or 'an empty path'}")
    return await asyncio.to_thread(uploads.bring_in, product, source, kind())


async def _told(work: Awaitable[Brought]) -> None:
    """Say what came of it, and show the pictures."""
    try:
        brought = await work
    except SnagError as error:
        ui.notify(str(error), type="negative", position="top", multi_line=True, timeout=10_000, close_button=True)
        return
    ui.notify(texts.brought(brought.new, brought.known, len(brought.others)), position="top")
    if brought.new:
        ui.timer(1.0, ui.navigate.reload, once=True)
