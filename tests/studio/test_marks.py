"""Marks: what becomes of the pictures that a person says show no good part, whatever else lies in the folders."""

from __future__ import annotations

import pytest
from nicegui import ui
from nicegui.testing import User

from snag.cli.lock import held
from snag.core.errors import BadConfig
from snag.studio import marks, texts
from snag.studio.album import album_of
from snag.studio.commands import train
from snag.studio.products import Workshop
from tests.support.studio import calibrated, png, product_with, walk

FIRST = "train/good/00000.png"


def test_after_a_training_calibration_leaves_nothing_out_for_what_is_marked_is_set_aside_before(workshop: Workshop) -> None:
    product = product_with(workshop)
    calibrated(product)  # the first calibrates
    marks.mark(product, FIRST, True)

    [_, calibrating, _] = train(product, "quick", fresh=True)

    assert calibrating.flags == (f"--data={product.data}", f"--run={product.run}", "--promise=average")


def test_a_marked_picture_that_was_brought_in_again_is_set_aside_again(workshop: Workshop) -> None:
    product = product_with(workshop)
    marks.mark(product, FIRST, True)
    marks.set_aside(product)
    (product.data / FIRST).write_bytes(png(0))  # the very same

    assert marks.set_aside(product) == 1
    assert [path.name for path in (product.data / marks.ASIDE / "train/good").iterdir()] == ["00000.png"]
    assert FIRST not in album_of(product).good


def test_another_picture_under_the_name_of_one_that_is_aside_is_set_aside_beside_it_and_can_come_back(
    workshop: Workshop,
) -> None:
    product = product_with(workshop)
    marks.mark(product, FIRST, True)
    marks.set_aside(product)
    (product.data / FIRST).write_bytes(png(9))

    assert marks.set_aside(product) == 1
    assert FIRST not in album_of(product).good
    assert marks.read_marks(product) == [FIRST, "train/good/00000-2.png"]

    for name in marks.read_marks(product):
        marks.mark(product, name, False)

    assert (product.data / FIRST).read_bytes() == png(0)
    assert (product.data / "train/good/00000-2.png").read_bytes() == png(9)


def test_a_picture_comes_back_beside_another_that_has_taken_its_name(workshop: Workshop) -> None:
    product = product_with(workshop)
    marks.mark(product, FIRST, True)
    marks.set_aside(product)
    (product.data / FIRST).write_bytes(png(9))

    marks.mark(product, FIRST, False)

    assert (product.data / FIRST).read_bytes() == png(9)
    assert (product.data / "train/good/00000-2.png").read_bytes() == png(0)


def test_no_picture_comes_back_under_a_training(workshop: Workshop) -> None:
    product = product_with(workshop)
    marks.mark(product, FIRST, True)
    marks.set_aside(product)

    with held(product.run, "training into"), pytest.raises(BadConfig, match="under way"):
        marks.mark(product, FIRST, False)

    assert marks.read_marks(product) == [FIRST]
    assert FIRST not in album_of(product).good


def test_good_pictures_that_come_or_go_after_the_training_are_noticed_and_others_are_not(workshop: Workshop) -> None:
    product = product_with(workshop)
    calibrated(product)
    (product.good / ".hidden").touch()
    (product.data / "test/dent").mkdir(parents=True)
    (product.data / "test/dent/0.png").write_bytes(png(7))

    assert not marks.have_changed(product, album_of(product).good)
    (product.good / "new.png").write_bytes(png(8))
    assert marks.have_changed(product, album_of(product).good)
    (product.good / "new.png").unlink()
    assert not marks.have_changed(product, album_of(product).good)
    (product.data / FIRST).unlink()
    assert marks.have_changed(product, album_of(product).good)


def test_a_mark_that_can_not_be_taken_away_under_a_training_stays(workshop: Workshop) -> None:
    product = product_with(workshop, good=1)
    marks.mark(product, "train/good/00000.png", True)
    marks.set_aside(product)

    async def steps(user: User) -> None:
        await user.open("/product/bolt/pictures?kind=marked")
        with held(product.run, "training into"):
            user.find(ui.checkbox).click()
            await user.should_see(texts.UNDER_WAY)
        assert [box.value for box in user.find(ui.checkbox).elements] == [True]

    walk(workshop, steps)

    assert marks.read_marks(product) == ["train/good/00000.png"]
