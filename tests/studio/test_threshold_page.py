"""The page of the threshold where a calibration is not the usual one; the seam is where a process is started."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
from nicegui import ui
from nicegui.testing import User

from snag.core.calibration import write_calibration
from snag.core.group import Group
from snag.studio import texts
from snag.studio.products import Workshop
from tests.support.studio import calibrated, product_with, reported, walk


def test_a_saved_threshold_keeps_the_confidence_of_the_one_before(workshop: Workshop, started: list) -> None:
    calibrated(product_with(workshop), confidence=0.99)

    async def steps(user: User) -> None:
        await user.open("/product/bolt/threshold")
        user.find(ui.radio).elements.pop().value = "confidence"
        await user.should_see("with 99 % confidence")
        user.find(texts.SAVE).click()
        await asyncio.sleep(0.1)

    walk(workshop, steps)

    [(_, [step, _])] = started
    assert "--confidence=0.99" in step.flags


def test_a_rate_in_force_beyond_the_sliders_ends_is_shown_at_its_end(workshop: Workshop) -> None:
    calibrated(product_with(workshop), [float(score) for score in range(1, 4000)], rate=0.0003)
    calibrated(product_with(workshop, "nut"), rate=0.3)

    async def steps(user: User) -> None:
        for name, place in (("bolt", 1), ("nut", 200)):
            await user.open(f"/product/{name}/threshold")
            assert [slider.value for slider in user.find(ui.slider).elements] == [place]

    walk(workshop, steps)


def test_no_threshold_is_saved_once_good_pictures_have_come(workshop: Workshop, started: list) -> None:
    product = product_with(workshop)
    calibrated(product)
    (product.good / "new.png").write_bytes(b"a picture")

    async def steps(user: User) -> None:
        await user.open("/product/bolt/threshold")
        await user.should_see(texts.PICTURES_CHANGED)
        assert not user.find(texts.SAVE).elements.pop().enabled
        user.find(texts.SAVE).click()
        await asyncio.sleep(0.1)

    walk(workshop, steps)

    assert started == []


def test_the_groups_own_thresholds_count_while_the_slider_stands_at_the_rate_in_force(workshop: Workshop) -> None:
    product = product_with(workshop)
    scores = tuple(np.linspace(2, 3, 19).tolist())  # of which the rate's threshold is 3; the pooled one is 1.96
    calibration = replace(calibrated(product), groups=(Group("left", scores, 3.0),))
    write_calibration(calibration, product.run / "calibration.json")
    rows = [(f"test/dent/{number}.png", "dent", 1, score) for number, score in enumerate((1.97, 3.5))]
    reported(product, calibration, rows, groups=["left", "left"])

    async def steps(user: User) -> None:
        await user.open("/product/bolt/threshold")
        await user.should_see("50 %")
        await user.should_not_see(texts.GROUPS_NOT_SHOWN)
        next(iter(user.find(ui.slider).elements)).value = 60
        await user.should_see(texts.GROUPS_NOT_SHOWN)
        await user.should_see("100 %")

    walk(workshop, steps)
