"""Registration: a scene that only moves a little is moved to where it usually lies; nothing else is."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from snag.detector.preparation import back_to_picture
from snag.detector.registration import SIDE, Registration, moved, small, theta
from snag.training.data.survey import summarise
from snag.training.fit.refusal import Refusal
from snag.training.fit.registration import FittedRegistration, fit_registration
from snag.training.modes import Choice, choose
from tests.support.preparations import random_picture
from tests.support.scenes import play, scene

SIZES = [(320, 320), (240, 360), (360, 240)]
COUNT = 24


@cache
def chosen(size: tuple[int, int] = SIZES[0], mode: str = "scene") -> Choice:
    pictures = [scene(size, move, seed) for seed, move in enumerate(play(COUNT))]
    return choose([summarise(one) for one in pictures], mode=mode, colour="auto", pixels=12_000)


def registration(size: tuple[int, int] = SIZES[0]) -> Registration:
    found = chosen(size).module.registration
    assert isinstance(found, Registration)
    return found


@pytest.mark.parametrize("size", SIZES)
def test_one_scene_that_moves_a_little_is_recognised(size: tuple[int, int]) -> None:
    choice = chosen(size)

    assert choice.mode.name == "scene"
    assert choice.fit.why.startswith("one scene: the pictures differ by")


def test_it_is_chosen_where_no_part_stands_out_and_the_scene_is_one() -> None:
    """Of itself: nobody has to ask."""
    ground = random_picture(320, 320, seed=1)[None]
    moves = torch.tensor(play(COUNT)) * torch.tensor([1.0, 1.0, math.pi / 180])
    pictures = moved(ground.expand(COUNT, -1, -1, -1), moves, 320, 320)
    pictures = pictures + torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))

    choice = choose([summarise(one) for one in pictures], mode="auto", colour="auto", pixels=12_000)

    assert (choice.mode.name, choice.fit.why[:9]) == ("scene", "one scene")


@pytest.mark.parametrize("size", SIZES)
@given(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02), st.floats(-1.5, 1.5), st.integers(1000, 2000))
def test_how_far_a_scene_has_moved_is_found(size: tuple[int, int], right: float, down: float, turn: float, seed: int) -> None:
    """Against where it lies unmoved, to a quarter of a pixel of the pictures that are compared, and a quarter of a degree."""
    module = registration(size)

    found = module(scene(size, (right, down, turn), seed))[0] - module(scene(size, seed=seed))[0]

    assert found[:2].tolist() == pytest.approx([right, down], abs=0.25 / SIDE)
    assert math.degrees(float(found[2])) == pytest.approx(turn, abs=0.25)


@given(st.sampled_from(SIZES), st.floats(-0.02, 0.02), st.floats(-0.02, 0.02), st.floats(-1.5, 1.5))
def test_prepared_pictures_of_a_moved_scene_are_alike(size: tuple[int, int], right: float, down: float, turn: float) -> None:
    """They differ by less than half of what they differ by unregistered, wherever the move is of any size."""
    registers, resizes = chosen(size).module.unlit, chosen(size, "full_frame").module
    still, elsewhere = scene(size, seed=7), scene(size, (right, down, turn), 7)

    apart, registered = (
        float((prepare(elsewhere).picture - prepare(still).picture)[:, 8:-8, 8:-8].std()) for prepare in (resizes, registers)
    )

    assert registered < max(0.5 * apart, 0.03)


@given(st.floats(0.3, 2.0), st.floats(-20, 20), st.sampled_from(SIZES))
def test_gain_and_offset_change_nothing(gain: float, offset: float, size: tuple[int, int]) -> None:
    module, picture = chosen(size).module, scene(size, play(1, seed=3)[0], 30)

    assert torch.allclose(module.unlit(gain * picture + offset).picture, module.unlit(picture).picture, atol=2e-4)


@given(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.sampled_from(SIZES))
def test_a_slope_of_light_asks_for_no_move(across: float, down: float, size: tuple[int, int]) -> None:
    """Not for a tenth of a pixel, not for a twentieth of a degree."""
    module, picture = registration(size), scene(size, play(1, seed=3)[0], 30)
    slope = 1 + across * torch.linspace(-0.5, 0.5, size[1])[None, :] + down * torch.linspace(-0.5, 0.5, size[0])[:, None]

    change = module(slope * picture)[0] - module(picture)[0]

    assert float(change[:2].abs().max()) < 0.1 / max(size)
    assert abs(math.degrees(float(change[2]))) < 0.05


@pytest.mark.parametrize("size", SIZES)
def test_what_is_seen_in_the_moved_picture_is_laid_back_onto_its_place(size: tuple[int, int]) -> None:
    module, move = chosen(size).module, (0.015, -0.01, 1.0)
    spotless, spotted = (scene(size, move, 5, blot) for blot in (False, True))
    seen, pose, _ = module(spotted)

    change = back_to_picture((module(spotless)[0] - seen)[0].clamp(min=0), pose, *size)

    wanted, found = _centre((spotless - spotted)[0].clamp(min=5) - 5), _centre((change - 0.1).clamp(min=0))
    assert found == pytest.approx(wanted, abs=0.8)


def test_a_defect_moves_nothing() -> None:
    """By a tenth of a pixel at most."""
    module, move = registration(), play(1, seed=4)[0]

    spotless, spotted = (module(scene(SIZES[0], move, 5, blot))[0] for blot in (False, True))

    assert float((spotless - spotted)[:2].abs().max()) < 0.1 / 320


@pytest.mark.parametrize(
    "picture",
    [
        torch.full((1, 320, 320), 90.0),
        random_picture(320, 320, seed=3),
        random_picture(180, 600),
        scene(SIZES[0], (0.3, 0.2, 40.0)),
    ],
    ids=["nothing", "something else", "another shape", "moved too far"],
)
def test_what_is_not_the_scene_is_said_to_be_none_and_moved_no_further_than_the_scene(picture: Tensor) -> None:
    module = registration()

    found, reason = module(picture)
    prepared, pose, said = chosen().module(picture)

    assert reason == said == "not_aligned"
    assert float(found[:2].abs().max()) <= module.most_shift
    assert abs(float(found[2])) <= module.most_turn
    assert prepared.isfinite().all()
    assert pose.isfinite().all()


def test_a_scene_that_stood_still_in_training_may_move_a_little_later() -> None:
    still = fit_registration([summarise(scene(SIZES[0], seed=seed)).small for seed in range(COUNT)])

    assert isinstance(still, FittedRegistration)
    assert still.registration(scene(SIZES[0], (0.01, 0.0, 0.5), 99))[0][:2].tolist() == pytest.approx(
        [0.01, 0.0], abs=0.25 / SIDE
    )


def test_the_other_picture_says_how_far_this_one_is_moved() -> None:
    """So that a brighter lamp on the same picture shows what not taking the exposure out would do, and nothing else."""
    module, picture = chosen().module, scene(SIZES[0], (0.02, 0.0, 1.0), 9)

    prepared, pose, _ = module(1.2 * picture, picture)

    assert torch.equal(pose, module(picture)[1])
    assert float((prepared - module(picture)[0]).mean()) > 0.05


@pytest.mark.parametrize("size", SIZES)
def test_scripted_it_says_the_same(size: tuple[int, int]) -> None:
    module, picture = chosen(size).module.eval(), scene(size, play(1, seed=6)[0], 60)

    scripted = torch.jit.script(module)

    assert torch.allclose(scripted(picture)[0], module(picture)[0], atol=1e-6)


def test_moves_and_their_matrices_say_the_same() -> None:
    """A dot in a picture that is half as wide as tall, moved by a tenth of the long side."""
    dot = torch.zeros(1, 1, 80, 40)
    dot[0, 0, 40, 20] = 1

    after = moved(dot, torch.tensor([[0.1, -0.1, 0.0]]), 80, 40)

    assert after[0, 0].nonzero().tolist() == [[48, 12]]
    assert theta(torch.zeros(1, 3), 80, 40)[0].tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


class TestWhatIsNoScene:
    def why(self, pictures: list[Tensor]) -> str:
        found = fit_registration([summarise(picture).small for picture in pictures])
        assert isinstance(found, Refusal)
        return found.why

    def test_textures(self) -> None:
        """They are never twice the same."""
        textures = [random_picture(120, 120, seed=seed) for seed in range(COUNT)]

        assert "even moved onto each other they differ by" in self.why(textures)

    def test_parts_that_may_lie_either_way(self) -> None:
        pictures = [scene(SIZES[0], move, seed) for seed, move in enumerate(play(4 * COUNT))]
        either = [picture.flip(1, 2) if seed % 2 else picture for seed, picture in enumerate(pictures)]

        assert "even moved onto each other they differ by" in self.why(either)

    def test_parts_that_may_be_turned_by_any_angle(self) -> None:
        """Discs with rings, clouded each in its own way: like their mean, and yet each is worth as many as it has turns."""
        away = torch.hypot(torch.linspace(-1, 1, 320)[:, None], torch.linspace(-1, 1, 320)[None, :])
        disc = (120 + 60 * torch.cos(12 * away)) * (away < 0.8)
        flecks = [random_picture(320, 320, seed=seed) for seed in range(COUNT)]

        assert (
            self.why([disc[None] + 0.4 * fleck for fleck in flecks])
            == "good pictures stay good mirrored and turned by any angle"
        )

    def test_faint_scenes_that_move_far_under_a_light_that_does_not(self) -> None:
        """Most of the contrast is the light's, and alike; what moves never meets."""
        light = torch.linspace(40, 200, SIZES[0][0])[None, :, None]
        far = [(0.15 * right / 0.02, 0.15 * down / 0.02, 10 * turn) for right, down, turn in play(COUNT)]
        pictures = [light + 0.12 * (scene(SIZES[0], move, seed) - 110) for seed, move in enumerate(far)]

        assert "of the scenes move by little" in self.why(pictures)

    def test_scenes_of_which_some_are_of_another_kind(self) -> None:
        """Every twelfth: as a whole they are like their mean, and yet these would be said to show another scene."""
        pictures = [scene(SIZES[0], move, seed) for seed, move in enumerate(play(COUNT))]
        some = [random_picture(*SIZES[0], seed=seed) if seed % 12 == 0 else one for seed, one in enumerate(pictures)]

        assert self.why(some) == "2 of 24 pictures look little like the mean scene (at most 2% may)"

    def test_but_one_may_be(self) -> None:
        """Nobody summaries at every good picture."""
        pictures = [scene(SIZES[0], move, seed) for seed, move in enumerate(play(COUNT))]

        found = fit_registration([summarise(picture).small for picture in [*pictures, random_picture(*SIZES[0])]])

        assert isinstance(found, FittedRegistration)

    def test_pictures_of_several_shapes(self) -> None:
        pictures = [scene(SIZES[seed % 2], seed=seed) for seed in range(COUNT)]

        assert self.why(pictures) == "pictures of several shapes show no one scene"

    def test_a_handful(self) -> None:
        assert "7 pictures are too few" in self.why([scene(SIZES[0], seed=seed) for seed in range(7)])

    def test_pictures_of_nothing(self) -> None:
        assert self.why([torch.full((1, 120, 120), 90.0) for _ in range(COUNT)])


def test_small_pictures_know_no_lamp() -> None:
    picture = scene(SIZES[0], seed=2)

    assert torch.allclose(small(0.5 * picture + 20), small(picture), atol=1e-4)


def _centre(spot: Tensor) -> tuple[float, float]:
    rows, columns = torch.arange(spot.shape[0])[:, None] + 0.5, torch.arange(spot.shape[1])[None, :] + 0.5
    return float((rows * spot).sum() / spot.sum()), float((columns * spot).sum() / spot.sum())
