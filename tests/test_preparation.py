"""What the network sees: the same for any exposure and, of aligned parts, any pose; and the way back onto the picture."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from tests.parts import draw_scene, good_bolt, good_picture
from training.fit_preparation import Chosen, choose_preparation
from training.preparation import AlignedPreparation, WholePreparation, back_to_picture, to_channels
from training.survey import look

SIZE = (192, 192)
ASPECTS = [(64, 64), (50, 90), (90, 50), (31, 200), (200, 31), (8, 8), (1, 40), (300, 260)]


def random_picture(height: int, width: int, channels: int = 1, seed: int = 0) -> Tensor:
    """Smooth random grey values [channels, height, width] in 0..255."""
    coarse = torch.rand(1, channels, 5, 5, generator=torch.Generator().manual_seed(seed))
    return 255 * functional.interpolate(coarse, [height, width], mode="bilinear", align_corners=True)[0]


@cache
def chosen(
    size: tuple[int, int] = SIZE, mode: str = "auto", colour: str = "auto", pixels: int = 6000, **looks: object
) -> Chosen:
    pictures = [good_picture(i, size, **looks) for i in range(16)]
    return choose_preparation(
        [look(picture) for picture in pictures], mode=mode, colour=colour, pixels=pixels, centre=0.5, spread=0.15
    )


@pytest.fixture(scope="module")
def aligned() -> AlignedPreparation:
    return _aligned_for(SIZE)


@pytest.fixture(scope="module")
def aligned_bright() -> AlignedPreparation:
    module = chosen(SIZE, bright=True).module
    assert isinstance(module, AlignedPreparation)
    return module


# --- channels ---------------------------------------------------------------------------------------------------------------


def test_grey_of_colours_is_their_luma_and_grey_in_colour_is_the_same_three_times() -> None:
    colours = torch.tensor([[[255]], [[0]], [[100]]], dtype=torch.uint8)
    grey = torch.tensor([[[7]]], dtype=torch.uint8)

    assert to_channels(colours, 1).flatten().tolist() == pytest.approx([0.299 * 255 + 0.114 * 100])
    assert to_channels(colours, 3).flatten().tolist() == [255, 0, 100]
    assert to_channels(grey, 3).flatten().tolist() == [7, 7, 7]
    assert to_channels(grey, 1).dtype == torch.float32


# --- whole pictures ---------------------------------------------------------------------------------------------------------


@given(st.floats(0.2, 3.0), st.floats(-80, 80), st.sampled_from(ASPECTS), st.sampled_from([1, 3]))
def test_a_whole_picture_loses_its_gain_and_offset_exactly(
    gain: float, offset: float, size: tuple[int, int], channels: int
) -> None:
    """To float32 rounding."""
    module = WholePreparation(channels, [48], [32], 0.5, 0.15)
    picture = random_picture(*size, channels=channels)

    assert torch.allclose(module(gain * picture + offset)[0], module(picture)[0], atol=2e-5)


@pytest.mark.parametrize("size", ASPECTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_whole_picture_of_any_size_gets_the_working_size_mean_and_deviation(size: tuple[int, int], channels: int) -> None:
    prepared, pose, reason = WholePreparation(channels, [48], [32], 0.4, 0.2)(random_picture(*size, channels=4 - channels))

    assert prepared.shape == (channels, 48, 32)
    assert prepared.dtype == torch.float32
    assert float(prepared.mean()) == pytest.approx(0.4, abs=1e-5)
    assert float(prepared.std()) == pytest.approx(0.2, abs=1e-5)
    assert pose.shape == (2, 3)
    assert reason == ""


def test_asked_for_raw_grey_values_a_whole_picture_keeps_its_exposure() -> None:
    module = WholePreparation(1, [48], [32], 0.5, 0.15, raw=True)
    picture = random_picture(48, 32)

    assert torch.allclose(module(picture)[0], picture / 255, atol=1e-6)
    assert torch.allclose(module(0.5 * picture)[0], 0.5 * module(picture)[0], atol=1e-6)


def test_a_picture_of_one_tone_stays_even_and_its_faint_noise_is_not_blown_up() -> None:
    module = WholePreparation(1, [32], [32], 0.5, 0.15)
    noise = 100 + 0.01 * torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(0))

    assert (module(torch.full((1, 40, 50), 200.0))[0] - 0.5).abs().max() < 1e-4
    assert (module(noise)[0] - 0.5).abs().max() < 0.02


def test_a_picture_lying_across_is_turned_by_a_quarter_its_right_side_up() -> None:
    upright = WholePreparation(1, [64], [32], 0.5, 0.15)
    picture = random_picture(40, 80)

    assert torch.allclose(upright(picture)[0], upright(picture.rot90(1, (1, 2)))[0], atol=1e-6)
    assert (upright(picture)[1] != upright(picture.rot90(1, (1, 2)))[1]).any()


def test_a_square_picture_is_never_turned_nor_one_for_a_square_network() -> None:
    identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]

    assert WholePreparation(1, [64], [32], 0.5, 0.15)(random_picture(40, 40))[1].tolist() == identity
    assert WholePreparation(1, [32], [32], 0.5, 0.15)(random_picture(40, 80))[1].tolist() == identity


@given(st.integers(10, 400), st.integers(10, 400))
def test_pictures_of_many_shapes_go_to_the_nearest_working_height_and_width(height: int, width: int) -> None:
    """Nearest by ratio: twice as tall is as far away as half as tall."""
    module = WholePreparation(1, [32, 64], [48, 96, 160], 0.5, 0.15, 0.5, turn=False)

    shape = module(random_picture(height, width))[0].shape

    ratios = [max(s / (0.5 * side), 0.5 * side / s) for s, side in zip(shape[1:], (height, width), strict=True)]
    assert ratios[0] <= min(max(s / (0.5 * height), 0.5 * height / s) for s in (32, 64)) + 1e-9
    assert ratios[1] <= min(max(s / (0.5 * width), 0.5 * width / s) for s in (48, 96, 160)) + 1e-9


def test_a_picture_lying_across_stays_so_where_it_is_not_to_be_turned() -> None:
    module = WholePreparation(1, [64], [32], 0.5, 0.15, turn=False)

    assert module(random_picture(40, 80))[1].tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


# --- and back onto the picture ----------------------------------------------------------------------------------------------


def blob(height: int, width: int, y: float, x: float, radius: float) -> Tensor:
    """[height, width]: a spot at (y, x), 1 in its middle."""
    rows, columns = torch.arange(height)[:, None] + 0.5, torch.arange(width)[None, :] + 0.5
    return torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2))


def centre_of(spot: Tensor) -> tuple[float, float]:
    """(y, x) of the centre of mass, in pixels from the corner."""
    rows, columns = torch.arange(spot.shape[0])[:, None] + 0.5, torch.arange(spot.shape[1])[None, :] + 0.5
    return float((rows * spot).sum() / spot.sum()), float((columns * spot).sum() / spot.sum())


@given(st.sampled_from([(90, 90), (60, 130), (130, 60), (97, 64)]), st.floats(0.25, 0.75), st.floats(0.25, 0.75))
def test_what_is_seen_at_a_place_of_a_whole_picture_is_laid_back_onto_that_place(
    size: tuple[int, int], y: float, x: float
) -> None:
    """Also through the quarter turn: the working picture is upright, some of the pictures lie across."""
    module = WholePreparation(1, [96], [48], 0.5, 0.15)
    place = (y * size[0], x * size[1])
    spot = blob(*size, *place, 4.0)
    prepared, pose, _ = module(255 * spot[None])

    back = back_to_picture(prepared[0] - prepared.min(), pose, *size)

    assert back.shape == size
    assert centre_of(back) == pytest.approx(place, abs=0.4)


@pytest.mark.parametrize("size", [(192, 192), (200, 300), (300, 201)])
@pytest.mark.parametrize("index", range(3))
def test_what_is_seen_at_a_place_of_an_aligned_part_is_laid_back_onto_that_place(size: tuple[int, int], index: int) -> None:
    """A bright blotch on the shank, in pictures of three aspects: found in the strip, laid back to within half a pixel."""
    module = _aligned_for(size)
    bolt = good_bolt(index, size)
    marked = module(draw_scene(size, [replace(bolt, mark=True)]))
    change = (marked[0] - module(draw_scene(size, [bolt]))[0])[0].clamp(min=0)
    angle = math.radians(bolt.degrees)
    u, v = -0.15 * bolt.length, 0.02 * bolt.length
    place = (bolt.y + math.sin(angle) * u + math.cos(angle) * v, bolt.x + math.cos(angle) * u - math.sin(angle) * v)

    back = back_to_picture((change - 0.02).clamp(min=0), marked[1], *size)

    assert centre_of(back) == pytest.approx(place, abs=0.5)


def _aligned_for(size: tuple[int, int]) -> AlignedPreparation:
    module = chosen(size).module
    assert isinstance(module, AlignedPreparation)
    return module


def test_beside_the_strip_the_map_on_the_picture_is_nought(aligned: AlignedPreparation) -> None:
    pose = aligned(good_picture(0, SIZE))[1]

    back = back_to_picture(torch.ones(aligned.height, aligned.width), pose, *SIZE)

    inside = float((back > 0.5).float().mean())
    scale = 192 * aligned.step  # picture pixels for each of the strip's
    assert inside == pytest.approx(aligned.height * aligned.width * scale**2 / 192**2, rel=0.02)
    assert float(back[0, 0]) == float(back[-1, -1]) == 0.0


# --- aligned parts ----------------------------------------------------------------------------------------------------------


def test_the_table_is_even_and_the_part_is_dark(aligned: AlignedPreparation) -> None:
    prepared, _, reason = aligned(good_picture(2, SIZE))

    assert reason == ""
    assert prepared.shape == (1, aligned.height, aligned.width)
    border = torch.cat([prepared[0, 0], prepared[0, -1]])
    assert float((border - 0.8).abs().max()) < 0.05
    assert 0.1 < float(prepared[0, aligned.height // 2].mean()) < 0.5


def test_a_bright_part_lies_between_a_dark_table_and_white(aligned_bright: AlignedPreparation) -> None:
    prepared, _, reason = aligned_bright(good_picture(2, SIZE, bright=True))

    assert reason == ""
    border = torch.cat([prepared[0, 0], prepared[0, -1]])
    assert float((border - 0.2).abs().max()) < 0.05
    middle = prepared[0, aligned_bright.height // 2]
    assert 0.4 < float(middle.mean()) < 0.8
    assert float(prepared.max()) < 1.1


@pytest.mark.parametrize(
    ("gain", "offset", "most"), [(0.7, 0, 1e-3), (1.3, 0, 1e-3), (1, 8, 0.02), (1, -8, 0.02), (1.3, -8, 0.02)]
)
def test_an_aligned_part_loses_gain_and_offset(aligned: AlignedPreparation, gain: float, offset: float, most: float) -> None:
    """A gain exactly; an offset up to what the table's uneven light makes of it, 5 of 255 grey levels at most."""
    for index in range(3):
        picture = good_picture(index, SIZE)

        change = (aligned(gain * picture + offset)[0] - aligned(picture)[0]).abs()

        assert float(change.max()) < most


@pytest.mark.parametrize(("gain", "offset"), [(0.7, 0), (1.3, 0), (1, 8), (1, -8), (1.3, -8)])
def test_an_aligned_bright_part_loses_gain_and_offset_exactly(
    aligned_bright: AlignedPreparation, gain: float, offset: float
) -> None:
    picture = good_picture(1, SIZE, bright=True)

    change = (aligned_bright(gain * picture + offset)[0] - aligned_bright(picture)[0]).abs()

    assert float(change.max()) < 1e-3


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_an_aligned_part_turned_by_quarters_looks_the_same(aligned: AlignedPreparation, quarters: int) -> None:
    """The same pixels, only elsewhere: 180 degrees, which moments can't tell apart, among them."""
    picture = good_picture(4, SIZE)

    change = (aligned(picture.rot90(quarters, (1, 2)))[0] - aligned(picture)[0]).abs()

    assert float(change.max()) < 2e-3


@settings(max_examples=25)
@given(st.floats(0, 360), st.floats(70, 122), st.floats(70, 122))
def test_an_aligned_part_at_any_angle_and_place_looks_the_same(degrees: float, x: float, y: float) -> None:
    """Up to how the camera's pixels fall on its edges: one of 255 levels on average."""
    module = _aligned_for(SIZE)
    bolt = good_bolt(5, SIZE, length=110.0, x=96.0, y=96.0)

    prepared, _, reason = module(draw_scene(SIZE, [replace(bolt, degrees=degrees, x=x, y=y)]))

    assert reason == ""
    assert float((prepared - module(draw_scene(SIZE, [bolt]))[0]).abs().mean()) < 1 / 255


def test_scripted_it_prepares_the_same(aligned: AlignedPreparation) -> None:
    picture = good_picture(6, SIZE).round().to(torch.uint8)

    eager, scripted = aligned(picture), torch.jit.script(aligned)(picture)

    assert torch.allclose(eager[0], scripted[0], atol=1e-5)
    assert torch.allclose(eager[1], scripted[1], atol=1e-5)
    assert eager[2] == scripted[2] == ""


# --- the choice -------------------------------------------------------------------------------------------------------------


def test_parts_are_aligned_where_they_can_be_and_left_whole_on_demand() -> None:
    assert chosen(SIZE).mode == "aligned"
    assert chosen(SIZE, mode="whole").mode == "whole"


def test_what_can_not_be_aligned_is_left_whole_and_says_why() -> None:
    looks = [look(random_picture(60, 80, seed=seed)) for seed in range(12)]
    wanted = {"colour": "auto", "pixels": 3000, "centre": 0.5, "spread": 0.15}

    automatic = choose_preparation(looks, mode="auto", **wanted)
    asked = choose_preparation(looks, mode="aligned", **wanted)

    assert automatic.mode == asked.mode == "whole"
    assert asked.why == f"alignment was asked for, but {automatic.why}"
    assert automatic.foreground.unique().tolist() == [1]


@pytest.mark.parametrize(
    ("colour", "coloured", "channels"), [("auto", True, 3), ("auto", False, 1), ("grey", True, 1), ("colour", False, 3)]
)
def test_colour_is_used_where_the_pictures_have_any(colour: str, coloured: bool, channels: int) -> None:
    pictures = [random_picture(60, 60, channels=3, seed=seed) for seed in range(12)]
    if not coloured:
        pictures = [picture[:1].expand(3, -1, -1) for picture in pictures]

    choice = choose_preparation(
        [look(picture) for picture in pictures], mode="whole", colour=colour, pixels=3000, centre=0.5, spread=0.15
    )

    assert choice.module.channels == channels
    assert choice.module(pictures[0])[0].shape[0] == channels


def test_a_coloured_part_is_aligned_by_its_grey_values_and_shown_in_colour() -> None:
    tint = torch.tensor([1.2, 1.0, 0.7])[:, None, None]
    pictures = [good_picture(i, SIZE) * tint for i in range(16)]

    choice = choose_preparation([look(p) for p in pictures], mode="auto", colour="auto", pixels=6000, centre=0.5, spread=0.15)
    prepared, _, reason = choice.module(pictures[0])

    assert (choice.mode, reason) == ("aligned", "")
    means = prepared.mean((1, 2))
    assert prepared.shape[0] == 3
    assert means[0] > means[1] > means[2]


@pytest.mark.parametrize("size", [(100, 100), (60, 150), (150, 60)])
def test_the_working_size_keeps_budget_and_aspect_and_never_exceeds_the_pictures(size: tuple[int, int]) -> None:
    looks = [look(random_picture(*size, seed=seed)) for seed in range(12)]

    def whole(pixels: int) -> tuple[int, int]:
        module = choose_preparation(looks, mode="whole", colour="auto", pixels=pixels, centre=0.5, spread=0.15).module
        return module.height, module.width

    small, large = whole(4000), whole(10**6)
    assert all(side % 16 == 0 for side in (*small, *large))
    assert small[0] * small[1] <= 4000 * 1.35
    assert all(abs(got - had) <= 8 for got, had in zip(large, size, strict=True))


def test_pictures_that_lie_both_ways_are_worked_on_as_most_lie() -> None:
    looks = [look(random_picture(*size)) for size in [(60, 120)] * 3 + [(120, 60)] * 9]

    module = choose_preparation(looks, mode="whole", colour="auto", pixels=10**6, centre=0.5, spread=0.15).module

    assert (module.height, module.width) == (128, 64)


def _lined(height: int, width: int, down: bool, seed: int) -> Tensor:
    """Grey values that change along x (lines run down), or along y."""
    lines = torch.rand(1, 1, width if down else height, generator=torch.Generator().manual_seed(seed)) * 200
    return lines.expand(1, height, width) if down else lines.transpose(1, 2).expand(1, height, width)


@pytest.mark.parametrize("down_in_wide_ones", [True, False])
def test_pictures_that_lie_across_are_turned_unless_their_grain_runs_as_in_those_that_stand(down_in_wide_ones: bool) -> None:
    """Plates cut to any length from ground stock: the lines run down in all of them, so nothing is to be turned."""
    tall = [_lined(120, 60, True, seed) for seed in range(6)]
    wide = [_lined(60, 120, down_in_wide_ones, seed) for seed in range(4)]

    module = choose_preparation(
        [look(picture) for picture in [*tall, *wide]], mode="whole", colour="auto", pixels=10**6, centre=0.5, spread=0.15
    ).module

    assert isinstance(module, WholePreparation)
    assert module.turn is not down_in_wide_ones
    assert module(wide[0])[0].shape == ((1, 64, 128) if down_in_wide_ones else (1, 128, 64))
    assert module(tall[0])[0].shape == (1, 128, 64)


def test_pictures_of_many_shapes_are_squeezed_by_little_and_keep_the_budget_on_average() -> None:
    random = torch.Generator().manual_seed(1)
    sizes = [(int(h), int(w)) for h, w in zip(*torch.randint(120, 520, (2, 60), generator=random), strict=True)]
    looks = [look(_lined(*size, True, 0)) for size in sizes]

    module = choose_preparation(looks, mode="whole", colour="auto", pixels=30_000, centre=0.5, spread=0.15).module

    squeezed, areas = [], []
    for height, width in sizes:
        _, had, got = module(_lined(height, width, True, 0))[0].shape
        squeezed.append((had / height) / (got / width))
        areas.append(had * got)
    assert max(*squeezed, *(1 / ratio for ratio in squeezed)) < 1.35
    assert sorted(squeezed)[len(sizes) // 2] == pytest.approx(1, abs=0.08)
    assert sorted(areas)[len(areas) // 2] == pytest.approx(30_000, rel=0.25)


@pytest.mark.parametrize("size", [(128, 128), (160, 160), (192, 192)])
def test_rounding_the_strip_to_whole_blocks_never_cuts_the_part(size: tuple[int, int]) -> None:
    choice = chosen(size)
    assert isinstance(choice.module, AlignedPreparation)
    head = 0.32 * 0.62 * min(size) / max(size)  # a bolt's greatest width, in units of the long side

    assert choice.module.height * choice.module.step >= head + 0.01


def test_defects_are_drawn_on_the_part_and_a_little_beside_it(aligned: AlignedPreparation) -> None:
    foreground = chosen(SIZE).foreground

    assert foreground.shape == (aligned.height, aligned.width)
    assert float(foreground.min()) == pytest.approx(0.03)
    assert float(foreground[aligned.height // 2].mean()) > 0.9
    assert float(foreground[0].mean()) < 0.1


# --- by another picture's exposure ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["aligned", "whole"])
def test_by_another_picture_a_change_of_the_lamp_comes_through(mode: str) -> None:
    """A picture prepared by its own exposure is as usual; by that of the picture before, it is as dark as it was made."""
    module, picture = chosen(SIZE, mode).module, good_picture(3, SIZE)

    usual, pose, _ = module(picture)
    darker, pose_of_other, _ = module(0.8 * picture, picture)

    assert torch.equal(module(picture, picture)[0], usual)
    assert torch.equal(pose_of_other, pose)
    if isinstance(module, WholePreparation):
        resized_mean, deviation = picture.mean(), (picture - picture.mean()).std()
        assert float(darker.mean()) == pytest.approx(0.5 - 0.2 * float(resized_mean / deviation) * 0.15, rel=0.05)
    else:
        assert float((usual - darker)[:, 0].mean()) > 0.1  # the table beside the part
        assert torch.allclose(module(0.8 * picture)[0], usual, atol=0.05)
