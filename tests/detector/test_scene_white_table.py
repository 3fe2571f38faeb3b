"""A place without information raises no score: where good pictures are white as far as the camera goes, nothing differs."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from snag.detector.preparation import NOT_ALIGNED
from snag.detector.scene import Scene
from snag.training.data.survey import summarise
from snag.training.fit.registration import fit_appearance
from snag.training.modes import choose
from snag.training.modes.mode import CENTRE, SPREAD
from tests.support.rings import COUNT, LAMPS, SIDE, TABLE, away, ring

CORNER = away() > TABLE + 0.04
LAMP = pytest.mark.parametrize("lamp", LAMPS.values(), ids=LAMPS)
#: At the first two of them, the table is white nowhere.
GAIN = pytest.mark.parametrize("gain", [0.5, 0.7, 0.85, 1.0, 1.4])


@cache
def known(inverted: bool = False) -> Scene:
    pictures = [255 - ring(number) if inverted else ring(number) for number in range(COUNT)]
    module = choose([summarise(picture) for picture in pictures], pixels=SIDE * SIDE).module
    assert isinstance(module, Scene)
    fit_appearance(module, pictures)
    return module.eval()


def difference(picture: Tensor, inverted: bool = False) -> Tensor:
    """[h, w]: how far the prepared picture is from what is usual."""
    prepared = known(inverted)(picture)
    assert prepared.reason == ""
    return (prepared.picture - known(inverted).appearance).abs().amax(0)


@LAMP
@GAIN
def test_in_the_white_corners_nothing_differs(gain: float, lamp: Tensor) -> None:
    corners = [float(difference(ring(number, gain, lamp))[CORNER].max()) for number in range(3)]

    assert max(corners) < 0.05


@LAMP
@GAIN
def test_a_broken_rim_differs_by_far_more_than_any_corner(gain: float, lamp: Tensor) -> None:
    good = difference(ring(1, gain, lamp))
    broken = difference(ring(1, gain, lamp, chip=True))

    assert float(broken[~CORNER].max()) > 10 * float(good[CORNER].max())
    assert float(broken[~CORNER].max()) > 1.5 * float(good.max())


@LAMP
@GAIN
def test_dirt_on_the_white_table_is_seen(gain: float, lamp: Tensor) -> None:
    good, dirty = difference(ring(2, gain, lamp)), difference(ring(2, gain, lamp, spot=True))

    at = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    at[: SIDE // 6, -SIDE // 6 :] = True
    assert float(dirty[at].max()) > 1.5 * float(good.max())
    assert float((dirty - good)[~at].max()) < 0.1


@LAMP
def test_on_a_black_table_it_is_the_same(lamp: Tensor) -> None:
    good, dirty = (difference(255 - ring(2, 1.0, lamp, spot=spot), inverted=True) for spot in (False, True))

    assert float(good[CORNER].max()) < 0.05
    assert float(dirty[CORNER].max()) > 1.5 * float(good.max())


def test_what_is_inside_of_the_dark_ring_has_the_usual_contrast() -> None:
    """The white table takes none of it."""
    inside = known().appearance[:, away() < 0.42]

    assert float(inside.mean()) == pytest.approx(CENTRE, abs=0.1)
    assert float(inside.std()) == pytest.approx(SPREAD, rel=0.35)


def test_a_picture_that_is_white_all_over_is_no_such_scene_and_nothing_breaks() -> None:
    prepared = known()(torch.full((1, SIDE, SIDE), 255.0))

    assert prepared.reason == NOT_ALIGNED
    assert prepared.picture.isfinite().all()


def test_scripted_it_says_the_same() -> None:
    picture = ring(3, 0.8, LAMPS["side"], chip=True)

    assert torch.allclose(torch.jit.script(known())(picture)[0], known()(picture)[0], atol=1e-5)
