"""The usual scene: what nobody can say, outside of the picture or where it is white or black, is taken to look as usual."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from snag.detector.registration import moved, theta
from snag.detector.scene import Scene, covered
from snag.training.data.survey import summarise
from snag.training.fit.registration import fit_appearance
from snag.training.modes import choose
from tests.support.preparations import random_picture
from tests.support.scenes import play

SIZE = (240, 320)
COUNT = 24
#: Far more than the picture shows: what leaves the picture on one side is followed by something else on the other.
GROUND = 255 * functional.interpolate(
    torch.rand(1, 3, 18, 24, generator=torch.Generator().manual_seed(1)), [480, 640], mode="bilinear", align_corners=True
)


def shown(right: float, down: float, degrees: float, seed: int = 0) -> Tensor:
    """[3, H, W]: the middle of the ground after a move by shares of the picture's long side; `seed` draws the noise."""
    move = torch.tensor([[right / 2, down / 2, math.radians(degrees)]])
    ground = moved(GROUND, -move, 480, 640)[0, :, 120:360, 160:480]
    return ground + torch.randn(ground.shape, generator=torch.Generator().manual_seed(seed))


def preparation(complete: bool) -> Scene:
    pictures = [shown(*move, seed) for seed, move in enumerate(play(COUNT))]
    summaries = [summarise(picture) for picture in pictures]
    module = choose(summaries, mode="scene", colour="auto", pixels=12_000).module
    assert isinstance(module, Scene)
    assert module.registration is not None
    if complete:
        fit_appearance(module, pictures)
    return module.eval()


COMPLETED, REPEATED = preparation(True), preparation(False)
moves = st.tuples(st.floats(-0.025, 0.025), st.floats(-0.025, 0.025), st.floats(-2, 2))


@given(moves)
def test_a_moved_scene_looks_as_usual_at_its_edges_too(move: tuple[float, float, float]) -> None:
    usual, seen = COMPLETED.appearance, COMPLETED(shown(*move, 99))[0]

    assert float((seen - usual).abs().max()) < 0.1


def test_without_it_the_edge_is_repeated() -> None:
    """So that the test before this one can fail."""
    seen, completed = (prepare(shown(0.025, -0.025, 2.0, 99)).picture for prepare in (REPEATED.unlit, COMPLETED))

    assert float((seen - COMPLETED.appearance).abs().max()) > 0.15
    assert float((completed - COMPLETED.appearance).abs().max()) < 0.1


def test_what_is_seen_is_left_as_it_is() -> None:
    """But for the exposure, which is measured on what is seen."""
    picture = shown(0.02, 0.01, 1.0, 99)
    picture[:, 100:120, 150:170] = 0  # a defect
    (completed, pose, _), (repeated, _, _) = COMPLETED(picture), REPEATED.unlit(picture)

    inside = covered(pose, COMPLETED.height, COMPLETED.width) > 0.999

    assert 0.9 < float(inside.float().mean()) < 1
    assert float((completed - repeated)[:, inside].abs().max()) < 0.02


@given(moves, st.floats(0.5, 1.4), st.floats(-20, 20))
def test_gain_and_offset_change_nothing(move: tuple[float, float, float], gain: float, offset: float) -> None:
    """As long as nothing is cut off."""
    picture = 60 + 0.4 * shown(*move, 99)

    assert torch.allclose(COMPLETED(gain * picture + offset)[0], COMPLETED(picture)[0], atol=1e-3)


@given(moves, st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_a_slope_of_light_changes_nothing(move: tuple[float, float, float], across: float, down: float) -> None:
    picture = 0.75 * shown(*move, 99)
    slope = 1 + across * torch.linspace(-0.5, 0.5, SIZE[1])[None, :] + down * torch.linspace(-0.5, 0.5, SIZE[0])[:, None]

    assert torch.allclose(COMPLETED(slope * picture)[0], COMPLETED(picture)[0], atol=0.02)


#: Under a lamp so strong that much is white, and with so much taken away that much is black.
CUT_OFF = pytest.mark.parametrize(("gain", "offset"), [(1.4, 0.0), (1.0, -50.0)], ids=["white", "black"])


def cut_off(picture: Tensor, gain: float, offset: float) -> Tensor:
    """[3, H, W] as a camera of eight bits takes it."""
    return (gain * picture + offset).round().clamp(0, 255)


@CUT_OFF
def test_what_is_white_or_black_looks_as_usual(gain: float, offset: float) -> None:
    picture = shown(0.01, 0.01, 1.0, 99)
    taken = cut_off(picture, gain, offset)
    lost = ((taken == 0) | (taken == 255)).float().mean()

    completed, repeated = (float((module(taken)[0] - module(picture)[0]).abs().max()) for module in (COMPLETED, REPEATED))

    assert float(lost) > 0.05
    assert completed < 0.1 < repeated


@CUT_OFF
def test_a_defect_where_the_scene_is_white_or_black_stays(gain: float, offset: float) -> None:
    """Neither as bright as the scene there, nor as dark."""
    picture = shown(0.0, 0.0, 0.0, 99)
    at = (picture.mean(0) if gain > 1 else -picture.mean(0)).argmax()
    row, column = int(at) // SIZE[1], int(at) % SIZE[1]
    taken = cut_off(picture, gain, offset)
    rows, columns = slice(max(0, row - 10), row + 10), slice(max(0, column - 10), column + 10)
    spotted = taken.clone()
    spotted[:, rows, columns] = 120

    change = COMPLETED(spotted)[0] - COMPLETED(taken)[0]

    assert float(change.abs().max()) > 0.2
    assert float(change.sum()) * (1 if gain == 1 else -1) > 0  # brighter than the black, darker than the white


def test_another_scene_has_no_say_in_what_is_usual() -> None:
    def with_others() -> Iterator[Tensor]:
        for seed, move in enumerate(play(COUNT)):
            yield shown(*move, seed)
            yield random_picture(*SIZE, channels=3, seed=seed + 2)

    module = preparation(False)
    fit_appearance(module, with_others())

    assert torch.equal(module.appearance, COMPLETED.appearance)


def test_what_no_picture_shows_is_of_middle_grey() -> None:
    module = preparation(False)

    fit_appearance(module, [])

    assert torch.allclose(module.appearance, torch.full([3, module.height, module.width], 0.5))


def test_scripted_it_says_the_same() -> None:
    picture = shown(-0.02, 0.02, -1.5, 99)

    assert torch.allclose(torch.jit.script(COMPLETED)(picture)[0], COMPLETED(picture)[0], atol=1e-6)


class TestCovered:
    def test_all_of_a_picture_that_was_not_moved(self) -> None:
        assert torch.allclose(covered(theta(torch.zeros(1, 3), 48, 80)[0], 48, 80), torch.ones(48, 80), atol=1e-5)

    @pytest.mark.parametrize(("right", "left_out"), [(0.125, 10.0), (-0.125, 10.0), (0.0188, 1.5)])
    def test_a_share_of_the_width(self, right: float, left_out: float) -> None:
        """In whole pixels and a part of one."""
        share = covered(theta(torch.tensor([[right, 0.0, 0.0]]), 48, 80)[0], 48, 80)

        assert float((1 - share).sum(1).mean()) == pytest.approx(left_out, abs=0.01)
        assert float(share[:, 0].mean()) == (1.0 if right > 0 else 0.0)
