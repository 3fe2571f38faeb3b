"""The memory looks closer: with it pictures are prepared at twice the networks' side, which see what they see without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest
import torch
from torch import Tensor

from snag.detector.geometry import block_means
from snag.training.data.survey import PictureSummary, summarise
from snag.training.modes import MODES, Choice, choose
from snag.training.modes.mode import ENLARGED, FitRequest
from tests.support.discs import disc, place
from tests.support.parts import good_picture
from tests.support.preparations import random_picture
from tests.support.scenes import play, scene

SIDE: Final = 160
COUNT: Final = 12
_MOVES: Final = play(COUNT)

#: By mode: the good picture of a number below COUNT, large enough that a part of it is not enlarged to what is asked for below.
LARGE: Final[dict[str, Callable[[int], Tensor]]] = {
    "oriented_crop": lambda number: good_picture(number, (SIDE, SIDE)),
    "scene": lambda number: scene((SIDE, SIDE), _MOVES[number], seed=number),
    "centred_crop": lambda number: disc(place(number), number, side=SIDE),
    "full_frame": lambda number: random_picture(SIDE, SIDE, seed=number),
}


@dataclass(frozen=True)
class Mode:
    """A mode and pictures for it."""

    name: str
    pictures: list[Tensor]
    summaries: list[PictureSummary]

    def chosen(self, pixels: int, finer: int) -> Choice:
        choice = choose(self.summaries, mode=self.name, pixels=pixels, finer=finer).completed(lambda: self.pictures[:4])
        assert choice.mode.name == self.name
        return choice

    def enlarged(self, finer: int) -> float:
        """How many of the networks' pixels a pixel of the picture becomes a side, where nothing else limits them."""
        module = self.chosen(10**6, finer).module
        pose = module(self.pictures[0]).pose  # a turn keeps lengths: pictures are square
        wide = SIDE * float(torch.linalg.vector_norm(pose[:, 0])) / module.width
        return 1 / (finer * wide)


@pytest.fixture(scope="module", params=MODES)
def mode(request: pytest.FixtureRequest) -> Mode:
    pictures = [LARGE[request.param](number) for number in range(COUNT)]
    return Mode(request.param, pictures, [summarise(picture) for picture in pictures])


def test_pictures_are_prepared_at_twice_the_side_and_their_block_means_are_as_they_were(mode: Mode) -> None:
    """What is measured on a picture, and where its part or scene is found, hardly depends on how closely it is looked at."""
    usual, finer = (mode.chosen(2048, times) for times in (1, 2))

    assert usual.fit.foreground.shape == finer.fit.foreground.shape == (usual.module.height, usual.module.width)
    assert (finer.module.height, finer.module.width) == (2 * usual.module.height, 2 * usual.module.width)
    assert float((usual.fit.foreground - finer.fit.foreground).abs().mean()) < 0.01
    for picture in mode.pictures[::4]:
        seen, closer = usual.module(picture), finer.module(picture)
        assert seen.reason == closer.reason == ""
        assert closer.picture.shape == (usual.module.channels, finer.module.height, finer.module.width)
        off = (block_means(closer.picture, 2) - seen.picture).abs()
        assert float(off.mean()) < 0.01  # of grey values with a deviation of 0.15
        assert float(off.max()) < 0.1
        torch.testing.assert_close(closer.pose, seen.pose, rtol=0, atol=1e-5)
    assert (usual.fit.scene is None) == (finer.fit.scene is None)
    if usual.fit.scene is not None and finer.fit.scene is not None:
        assert float((usual.fit.scene - finer.fit.scene).abs().mean()) < 0.01


def test_small_pictures_are_enlarged_twice_for_the_memory_and_never_without(mode: Mode) -> None:
    """But for what rounding to whole blocks takes or gives."""
    assert mode.enlarged(1) == pytest.approx(1.0, rel=0.15)
    assert mode.enlarged(2) == pytest.approx(ENLARGED, rel=0.15)


def test_only_what_the_memory_looks_at_may_be_enlarged() -> None:
    assert [FitRequest(1, finer=times).enlarged for times in (1, 2, 4)] == [1.0, 2.0, 2.0]
