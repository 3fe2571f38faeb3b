"""In every mode: a place that says nothing, cut off by the camera or outside of the picture, makes no picture more unusual."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from snag.detector.preparation import Preparation
from snag.detector.scene import covered
from snag.training.data.survey import summarise
from snag.training.modes import MODES, choose
from tests.support.asking import ASKING, COUNT
from tests.support.discs import disc
from tests.support.parts import draw_scene, good_bolt
from tests.support.preparations import SIZE, aligned_for

MODE = pytest.mark.parametrize("mode", MODES)


@cache
def known(mode: str) -> tuple[Preparation, Tensor]:
    """A mode's preparation, and the mean of what it prepares of good pictures."""
    pictures = [ASKING[mode](number) for number in range(COUNT)]
    choice = choose([summarise(picture) for picture in pictures], mode=mode).completed(lambda: pictures)
    assert choice.mode.name == mode
    module = choice.module.eval()
    return module, torch.stack([module(picture).picture for picture in pictures]).mean(0)


@MODE
@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("white", [True, False], ids=["white", "black"])
def test_what_is_cut_off_differs_no_more_than_it_did(mode: str, number: int, white: bool) -> None:
    """One in a hundred values, the brightest or the darkest: of more, a mode that knows no usual picture loses the exposure."""
    module, usual = known(mode)
    picture = ASKING[mode](number)
    whole = picture * (255 / picture.quantile(0.99)) if white else picture - picture.quantile(0.01)

    before, after = ((module(one).picture - usual).abs() for one in (whole, whole.clamp(0, 255)))

    assert bool((whole != whole.clamp(0, 255)).any())
    assert float((after - before).max()) < 0.05


@pytest.mark.parametrize(("x", "y"), [(96.0, 20.0), (57.0, 96.0)])
@pytest.mark.parametrize("across", [0.0, 0.3])
def test_outside_of_the_picture_a_part_lies_on_the_usual_table(x: float, y: float, across: float) -> None:
    module = aligned_for(SIZE)
    bolt = good_bolt(5, SIZE, length=110.0, x=96.0, y=96.0, degrees=0.0)
    lamp = 1 + across * torch.linspace(-1, 1, SIZE[1])

    at_edge, usual = module(draw_scene(SIZE, [replace(bolt, x=x, y=y)]) * lamp), module(draw_scene(SIZE, [bolt]))

    outside = covered(at_edge.pose, module.height, module.width) < 0.5
    assert at_edge.reason == ""
    assert bool(outside.any())
    assert float((at_edge.picture - usual.picture).abs()[:, outside].max()) < 0.03


def test_outside_of_the_picture_a_round_part_lies_on_the_usual_table() -> None:
    module, usual = known("centred_crop")

    at_edge = module(disc((0.22, 0.5), 1, side=64))

    outside = covered(at_edge.pose, module.height, module.width) < 0.5
    assert at_edge.reason == ""
    assert bool(outside.any())
    assert float((at_edge.picture - usual).abs()[:, outside].max()) < 0.05
