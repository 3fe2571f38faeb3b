"""A part that lies anywhere is cut out, and its table painted over; what is no one part on a plain table is not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from snag.detector.centred_crop import CentredCrop
from snag.detector.locator import flooded, silhouette, two_tones
from snag.detector.preparation import back_to_picture
from snag.training.data.survey import summarise
from snag.training.fit.locator import fit_locator, fit_table
from snag.training.fit.refusal import Refusal
from snag.training.modes import Choice, choose
from tests.support.discs import PART, disc, place
from tests.support.parts import good_picture
from tests.support.preparations import random_picture

COUNT = 24


def choice_of(pictures: list[Tensor], mode: str = "auto") -> Choice:
    return choose([summarise(picture) for picture in pictures], mode=mode, pixels=10_000)


@cache
def located() -> tuple[CentredCrop, Tensor]:
    """The preparation of discs, and where they are in it."""
    pictures = [disc(place(seed), seed) for seed in range(COUNT)]
    module = choice_of(pictures).module
    assert isinstance(module, CentredCrop)
    return module, fit_table(module, pictures)


def prepared(picture: Tensor) -> Tensor:
    values, _, reason = located()[0](picture)
    assert reason == ""
    return values


def on_border(mask: np.ndarray) -> np.ndarray:
    return np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])


def why_not(pictures: list[Tensor], *, anywhere: bool = False) -> str:
    found = fit_locator([summarise(picture).tiny for picture in pictures], anywhere=anywhere)
    assert isinstance(found, Refusal)
    return found.why


def test_a_round_part_on_a_plain_table_is_located_of_itself() -> None:
    choice = choice_of([disc(place(seed), seed) for seed in range(COUNT)])

    assert choice.mode.name == "centred_crop"
    assert choice.fit.why == "parts found wherever they lie, each covers about 13% of the picture"
    assert choice.module.channels == 3
    assert choice.module.height == choice.module.width <= 100


def test_the_box_holds_every_part_with_some_room_and_the_middle_is_always_part() -> None:
    module, where = located()

    inside = where > 0.5
    assert not on_border(inside.numpy()).any()
    assert module.core[module.height // 2, module.width // 2] == 1
    assert 0.4 < float(module.core.mean()) < float(where.mean()) < 0.85


@given(st.integers(0, 10**6))
def test_wherever_the_part_lies_it_looks_the_same(seed: int) -> None:
    """But for the table's grain, and for parts of a pixel at its rim."""
    first, second = prepared(disc((0.5, 0.5), seed)), prepared(disc(place(seed), seed))

    assert (first - second).abs().mean() < 0.02


@pytest.mark.parametrize("turned", [False, True])
def test_pictures_need_not_be_square(turned: bool) -> None:
    """A part in a wide or tall picture lies in the box as in a square one of the same long side."""
    square = disc((0.5, 0.55), 8)
    cut = square[:, 25:135] if not turned else square[:, :, 25:145]

    change = prepared(cut) - prepared(square)

    assert (change - change.mean()).abs().mean() < 0.02


def test_what_lies_on_the_table_is_painted_over() -> None:
    at = place(3)

    plain, crumbs = prepared(disc(at, 3)), prepared(disc(at, 3, crumb=True))

    assert (plain - crumbs).abs().max() < 0.03  # of a picture in which the part lies 0.4 above its table
    assert plain[:, :4, :4].std(dim=(1, 2)).max() < 1e-4


def test_a_bite_out_of_the_part_shows_the_table_below() -> None:
    at = place(4)

    whole, bitten = prepared(disc(at, 4))[0], prepared(disc(at, 4, bite=True))[0]

    table, middle = float(whole[0, 0]), whole.shape[0] // 2
    rim = middle + int(0.17 / located()[0].step)  # the part reaches to 0.2
    assert whole[middle, rim] > table + 0.3
    assert bitten[middle, rim] < table + 0.1


@given(st.floats(0.5, 1.2), st.floats(-20, 20), st.integers(0, 30))
def test_a_lamp_that_is_brighter_changes_nothing(gain: float, offset: float, seed: int) -> None:
    picture = disc(place(seed), seed).clamp(30, 200)  # nothing is cut off at white or black

    torch.testing.assert_close(prepared(gain * picture + offset), prepared(picture), atol=0.01, rtol=0)


def test_a_picture_is_prepared_by_what_is_measured_on_another_where_that_is_given() -> None:
    module, _ = located()
    picture = disc(place(5), 5)

    as_it_is, brighter = module(picture, picture)[0], module(1.2 * picture, picture)[0]

    torch.testing.assert_close(as_it_is, prepared(picture))
    middle = module.height // 2
    assert (brighter - as_it_is)[:, middle, middle].min() > 0.05


def test_a_spot_is_laid_back_onto_the_picture_where_it_is() -> None:
    at = place(6)
    module, _ = located()
    clean, (spotted, pose, _) = prepared(disc(at, 6)), module(disc(at, 6, spot=True))

    laid = back_to_picture((clean - spotted)[0].clamp(min=0), pose, 160, 160)

    row, column = divmod(int(laid.argmax()), 160)
    assert np.hypot(row + 0.5 - 160 * at[0], column + 0.5 - 160 * at[1]) < 6


def test_it_is_the_same_as_torchscript() -> None:
    module, _ = located()
    scripted = torch.jit.freeze(torch.jit.script(module.eval()))

    for seed in range(4):
        picture = disc(place(seed), seed, crumb=True)
        for mine, its in zip(module(picture)[:2], scripted(picture)[:2], strict=True):
            torch.testing.assert_close(mine, its)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(disc(None), id="an empty table"),
        pytest.param(disc((0.5, 0.05)), id="a part that is cut off"),
        pytest.param(torch.zeros(3, 160, 160), id="black"),
        pytest.param(random_picture(160, 160, channels=3), id="something else"),
        pytest.param(torch.nn.functional.interpolate(disc((0.5, 0.5))[None, :, 40:120, 40:120], scale_factor=2)[0], id="near"),
    ],
)
def test_what_is_not_one_part_of_the_usual_size_is_refused(picture: Tensor) -> None:
    assert located()[0](picture)[2] == "not_aligned"


def test_a_grey_picture_of_a_part_learnt_in_colour_is_prepared_too() -> None:
    grey = disc(place(7), 7).mean(0, keepdim=True)

    values, _, reason = located()[0](grey)

    assert (values.shape[0], reason) == (3, "")


def test_grey_and_coloured_pictures_may_lie_in_one_folder() -> None:
    pictures = [disc(place(seed), seed) for seed in range(COUNT)]

    choice = choice_of([picture.mean(0, keepdim=True) if i % 4 == 0 else picture for i, picture in enumerate(pictures)])

    assert choice.mode.name == "centred_crop"


def test_a_dark_part_on_a_bright_table_is_located_too() -> None:
    choice = choice_of([255 - disc(place(seed), seed) for seed in range(COUNT)])

    assert choice.mode.name == "centred_crop"
    assert choice.module(255 - disc(None))[2] == "not_aligned"


def test_long_parts_are_laid_straight_instead() -> None:
    assert choice_of([good_picture(i, (192, 192)) for i in range(16)]).mode.name == "oriented_crop"


@pytest.mark.parametrize(
    ("pictures", "why"),
    [
        pytest.param([random_picture(96, 96, channels=3, seed=s) for s in range(12)], "no two tones", id="no two tones"),
        pytest.param(
            [torch.where(torch.arange(96) % 24 < 12, 200.0, 50.0).expand(3, 96, 96) for _ in range(12)],
            "no one part stands out",
            id="stripes",
        ),
        pytest.param(
            [disc(place(s) if s % 4 else None, s, crumb=True) for s in range(12)], "only 75% of the parts", id="often none"
        ),
        pytest.param(
            [torch.cat([disc((0.5, 0.5), s)] * 2, 2)[:, :, 60 : 60 + 160] for s in range(12)],
            "only|no one|more",
            id="two halves",
        ),
    ],
)
def test_what_is_no_part_on_a_plain_table_is_told(pictures: list[Tensor], why: str) -> None:
    said = why_not(pictures)

    assert any(said.startswith(one) for one in why.split("|"))


@pytest.mark.parametrize("reach", [0.12, 0.2])
def test_a_spot_of_light_on_a_surface_is_no_part(reach: float) -> None:
    """It moves, has one size, and all around it would be painted over; but it ends nowhere in particular."""
    pictures = []
    for seed in range(12):
        random = torch.Generator().manual_seed(seed)
        at = 0.5 + 0.03 * torch.randn(2, generator=random)
        y, x = (torch.arange(160) + 0.5)[:, None] / 160 - at[0], (torch.arange(160) + 0.5)[None, :] / 160 - at[1]
        light = 0.2 + 0.8 * torch.exp(-(y * y + x * x) / (2 * reach**2))
        pictures.append(150 * light * (1 + 0.05 * torch.randn(3, 160, 160, generator=random)))

    assert why_not(pictures, anywhere=True).startswith("what stands out has no sharp rim")


def test_where_other_things_stand_out_the_part_is_located_only_if_that_is_asked_for() -> None:
    """They would be painted over, and nobody would look at them."""
    pictures = []
    for seed in range(COUNT):
        picture = disc(place(seed), seed)
        picture[:, :22] = torch.tensor(PART)[:, None, None]  # a rail beside them
        pictures.append(picture)

    assert why_not(pictures).startswith("more than one part stands out (of 1")
    assert choice_of(pictures).mode.name == "full_frame"
    assert choice_of(pictures, "centred_crop").mode.name == "centred_crop"


def test_asked_for_in_vain_it_says_so() -> None:
    choice = choice_of([random_picture(96, 96, channels=3, seed=seed) for seed in range(12)], "centred_crop")

    assert choice.mode.name == "full_frame"
    assert choice.fit.why.startswith("mode centred_crop was asked for, but no two tones")


masks = st.integers(0, 10**6).map(
    lambda seed: torch.from_numpy(
        ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((40, 50)), 1 + seed % 3) > 0.02
    )
)


@given(masks, st.integers(0, 39), st.integers(0, 49))
def test_a_flood_reaches_what_labelling_calls_one_thing(mask: Tensor, row: int, column: int) -> None:
    seed = torch.zeros_like(mask)
    seed[row, column] = True

    labels, _ = ndimage.label(mask.numpy(), np.ones((3, 3)))

    expected = (labels == labels[row, column]) & mask.numpy()
    assert flooded(seed, mask).numpy().tolist() == (expected & bool(mask[row, column])).tolist()


@given(masks)
def test_a_silhouette_hangs_together_is_inside_and_has_no_holes(mask: Tensor) -> None:
    found = silhouette(mask.float()).numpy() > 0.5

    assert ndimage.label(found, np.ones((3, 3)))[1] <= 1
    assert not on_border(found).any()
    assert (ndimage.binary_fill_holes(found, np.ones((3, 3))) == found).all()


@given(st.floats(0.2, 3), st.floats(-50, 50), st.integers(0, 1000))
def test_two_tones_are_told_apart_under_any_lamp(gain: float, offset: float, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    values = torch.cat([torch.randn(300, generator=random), 12 + torch.randn(100, generator=random)])

    level, explained = two_tones(gain * values + offset)

    assert int((gain * values + offset > level).sum()) == 100
    assert explained > 0.9
