"""Pictures that are dropped on the page, or named by a path of the studio's machine."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

import pytest
from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload
from nicegui.testing import User

from snag.studio import texts
from snag.studio.album import album_of
from snag.studio.pages.bring_in import Arrivals
from snag.studio.uploads import Brought
from tests.support.studio import png, product_with, simulated, workshop_in


def dropped(name: str, data: bytes) -> SmallFileUpload:
    return SmallFileUpload(name, "application/octet-stream", data)


def test_what_is_dropped_lies_where_it_was_said_to_belong_and_what_can_not_be_is_told(tmp_path: Path) -> None:
    workshop = workshop_in(tmp_path)
    product = product_with(workshop, good=0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("set/test/dent/c.png", png(3))

    async def steps(user: User) -> None:
        await user.open("/product/bolt/pictures")
        upload = user.find(ui.upload).elements.pop()
        await upload.handle_uploads(
            [dropped("a.png", png(1)), dropped("notes.txt", b"hello"), dropped("b.zip", buffer.getvalue())]
        )
        await user.should_see("2 new pictures, 1 file left out")
        await upload.handle_uploads([dropped("..", buffer.getvalue())])
        await user.should_see("expected relative names that stay inside")

    async def walking() -> None:
        async with simulated(workshop) as user:
            await steps(user)

    asyncio.run(walking())

    assert album_of(product).kinds == {"train/good": ("train/good/a.png",), "test/dent": ("test/dent/c.png",)}
    assert list((product.own / "uploads").iterdir()) == []


def test_a_path_of_this_machine_is_taken_and_one_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    workshop = workshop_in(tmp_path)
    product = product_with(workshop, good=0)
    camera = tmp_path / "camera"
    camera.mkdir()
    (camera / "a.png").write_bytes(png(1))

    async def walking() -> None:
        async with simulated(workshop) as user:
            await user.open("/product/bolt/pictures")
            user.find(texts.FOLDER_HERE).type(str(tmp_path / "none"))
            user.find(texts.TAKE).click()
            await user.should_see("there is nothing at")
            user.find(texts.FOLDER_HERE).clear().type(str(camera))
            user.find(texts.TAKE).click()
            await user.should_see("1 new picture")

    asyncio.run(walking())

    assert album_of(product).good == ("train/good/a.png",)


def test_two_files_or_archives_of_one_name_are_all_kept_and_told_once(tmp_path: Path) -> None:
    workshop = workshop_in(tmp_path)
    product = product_with(workshop, good=0)
    archives = []
    for seed in (3, 4):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(f"{seed}.png", png(seed))
        archives.append(buffer.getvalue())

    async def walking() -> None:
        async with simulated(workshop) as user:
            await user.open("/product/bolt/pictures")
            upload = user.find(ui.upload).elements.pop()
            assert "batch" not in upload.props  # one request for each file: Starlette takes 1,000 in one
            await upload.handle_uploads([dropped("a.png", png(1)), dropped("a.png", png(2))])
            await upload.handle_uploads([dropped("b.zip", data) for data in archives])
            await user.should_see("4 new pictures")

    asyncio.run(walking())

    assert sorted(path.name for path in product.good.iterdir()) == ["3.png", "4.png", "a-2.png", "a.png"]


def test_a_page_is_not_loaded_anew_while_files_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[bool] = []
    monkeypatch.setattr(ui.navigate, "reload", lambda: loaded.append(True))
    arrivals = Arrivals()

    async def nothing() -> Brought:
        arrivals.reload()
        return Brought()

    arrivals.sending(True)
    asyncio.run(arrivals.take(nothing()))
    assert loaded == []
    arrivals.sending(False)
    assert loaded == [True]


def test_what_a_killed_studio_left_of_uploads_is_gone_at_the_next_start(tmp_path: Path) -> None:
    workshop = workshop_in(tmp_path)
    left = product_with(workshop).own / "uploads/tmp1"
    left.mkdir(parents=True)

    async def walking() -> None:
        async with simulated(workshop):
            pass

    asyncio.run(walking())

    assert not left.exists()
