"""The part of a page through which pictures come in: dropped, chosen, or by a path on this machine."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import events, ui
from nicegui.elements.upload_files import FileUpload

from snag.core.errors import BadDataset, DiskFull, SnagError
from snag.studio import texts, uploads
from snag.studio.album import TRAIN
from snag.studio.pages.frame import element, radio
from snag.studio.products import Product
from snag.studio.uploads import Brought
from snag.training.data.unpack import safe_parts

_TEST_GOOD = "test/good"
_DEFECT = "defect"
_TOLD = 3  #: sentences at once of what went wrong


class Arrivals:
    """What comes in over one page, told when all of it is there; the page is not loaded anew before."""

    def __init__(self) -> None:
        self._under_way = 0  #: files and folders that are being taken
        self._is_sending = False  #: the browser still has files to send
        self._brought = Brought()
        self._wrong: list[str] = []
        self._wants_reload = False

    def sending(self, is_sending: bool) -> None:
        """What the browser says of its queue."""
        self._is_sending = is_sending
        self._settle()

    def failed(self) -> None:
        """A file did not arrive."""
        self._wrong.append(texts.UPLOAD_FAILED)

    async def take(self, work: Awaitable[Brought]) -> None:
        """Count what comes of a file or folder."""
        self._under_way += 1
        try:
            self._brought.add(await work)
        except SnagError as error:
            self._wrong.append(str(error))
        except OSError as error:
            self._wrong.append(str(DiskFull(path=error.filename, detail=error.strerror)))
        finally:
            self._under_way -= 1
            self._settle()

    def reload(self) -> None:
        """Load the page anew as soon as nothing is under way."""
        self._wants_reload = True
        self._settle()

    def _settle(self) -> None:
        if self._under_way or self._is_sending:
            return
        brought, wrong = self._brought, list(dict.fromkeys(self._wrong))
        self._brought, self._wrong = Brought(), []
        for sentence in wrong[:_TOLD]:
            ui.notify(sentence, type="negative", position="top", multi_line=True, timeout=10_000, close_button=True)
        if brought != Brought():
            ui.notify(texts.brought(brought.new, brought.known, len(brought.others)), position="top")
        if brought.new or (wrong and self._wants_reload):
            ui.timer(10.0 if wrong else 1.0, self.reload, once=True)  # what was told is to be read first
        elif self._wants_reload:
            self._wants_reload = False
            ui.navigate.reload()


def bring_in_panel(product: Product) -> Arrivals:
    """What the pictures show, a place to drop them, and a path."""
    arrivals = Arrivals()
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

        async def dropped(event: events.UploadEventArguments) -> None:
            await arrivals.take(_taken(product, event.file, kind))

        # A request for each file: in one for all, more than 1,000 are refused, and of two of one name one is lost.
        place = ui.upload(multiple=True, label=texts.DROP, auto_upload=True, on_upload=dropped)
        place.on("start", lambda: arrivals.sending(True), args=[])
        place.on("finish", lambda: arrivals.sending(False), args=[])
        place.on("failed", arrivals.failed, args=[])
        place.props('flat bordered accept="image/*,.zip,.tar,.gz,.xz,.bz2,.tif,.tiff"')
        with element("div", "st-row st-end"):
            path = ui.input(texts.FOLDER_HERE).props("outlined dense").classes("st-grow")

            async def take() -> None:
                await arrivals.take(_from_disk(product, path.value or "", kind))

            ui.button(texts.TAKE, on_click=take, color=None).props("no-caps unelevated").classes("st-second")
    return arrivals


async def _taken(product: Product, file: FileUpload, kind: Callable[[], str]) -> Brought:
    folder, brought = kind(), Brought()
    if uploads.is_archive(await _head(file)):
        name = safe_parts(file.name)[-1]
        place = uploads.folder_of(product)
        with tempfile.TemporaryDirectory(dir=place) as own:  # two archives may be called the same
            await file.save(Path(own, name))
            return await asyncio.to_thread(uploads.bring_in, product, Path(own, name), folder)
    await asyncio.to_thread(uploads.bring_in_picture, product, file.name, await file.read(), folder, brought)
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
