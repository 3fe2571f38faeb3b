"""What the network sees: the same for any exposure and, of aligned parts, any pose."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snag.detector.exposure import to_channels
from snag.detector.full_frame import FullFrame
from snag.detector.oriented_crop import OrientedCrop
from tests.support.parts import draw_scene, good_bolt, good_picture
from tests.support.preparations import SIZE, aligned_for, chosen, random_picture

ASPECTS = [(64, 64), (50, 90), (90, 50), (31, 200), (200, 31), (8, 8), (1, 40), (300, 260)]


@pytest.fixture(scope="module")
def aligned() -> OrientedCrop:
    return aligned_for(SIZE)


@pytest.fixture(scope="module")
def aligned_bright() -> OrientedCrop:
    module = chosen(SIZE, bright=True).module
    assert isinstance(module, OrientedCrop)
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
    module = FullFrame(channels, [48], [32], 0.5, 0.15)
    picture = random_picture(*size, channels=channels)

    assert torch.allclose(module(gain * picture + offset)[0], module(picture)[0], atol=2e-5)


@pytest.mark.parametrize("size", ASPECTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_whole_picture_of_any_size_gets_the_working_size_mean_and_deviation(size: tuple[int, int], channels: int) -> None:
    prepared, pose, reason = FullFrame(channels, [48], [32], 0.4, 0.2)(random_picture(*size, channels=4 - channels))

    assert prepared.shape == (channels, 48, 32)
    assert prepared.dtype == torch.float32
    assert float(prepared.mean()) == pytest.approx(0.4, abs=1e-5)
    assert float(prepared.std()) == pytest.approx(0.2, abs=1e-5)
    assert pose.shape == (2, 3)
    assert reason == ""


def test_asked_for_raw_grey_values_a_whole_picture_keeps_its_exposure() -> None:
    module = FullFrame(1, [48], [32], 0.5, 0.15, raw=True)
    picture = random_picture(48, 32)

    assert torch.allclose(module(picture)[0], picture / 255, atol=1e-6)
    assert torch.allclose(module(0.5 * picture)[0], 0.5 * module(picture)[0], atol=1e-6)


def test_a_picture_of_one_tone_stays_even_and_its_faint_noise_is_not_blown_up() -> None:
    module = FullFrame(1, [32], [32], 0.5, 0.15)
    noise = 100 + 0.01 * torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(0))

    assert (module(torch.full((1, 40, 50), 200.0))[0] - 0.5).abs().max() < 1e-4
    assert (module(noise)[0] - 0.5).abs().max() < 0.02


def test_a_picture_lying_across_is_turned_by_a_quarter_its_right_side_up() -> None:
    upright = FullFrame(1, [64], [32], 0.5, 0.15)
    picture = random_picture(40, 80)

    assert torch.allclose(upright(picture)[0], upright(picture.rot90(1, (1, 2)))[0], atol=1e-6)
    assert (upright(picture)[1] != upright(picture.rot90(1, (1, 2)))[1]).any()


def test_a_square_picture_is_never_turned_nor_one_for_a_square_network() -> None:
    identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]

    assert FullFrame(1, [64], [32], 0.5, 0.15)(random_picture(40, 40))[1].tolist() == identity
    assert FullFrame(1, [32], [32], 0.5, 0.15)(random_picture(40, 80))[1].tolist() == identity


@given(st.integers(10, 400), st.integers(10, 400))
def test_pictures_of_many_shapes_go_to_the_nearest_working_height_and_width(height: int, width: int) -> None:
    """Nearest by ratio: twice as tall is as far away as half as tall."""
    module = FullFrame(1, [32, 64], [48, 96, 160], 0.5, 0.15, 0.5, turn=False)

    shape = module(random_picture(height, width))[0].shape

    ratios = [max(s / (0.5 * side), 0.5 * side / s) for s, side in zip(shape[1:], (height, width), strict=True)]
    assert ratios[0] <= min(max(s / (0.5 * height), 0.5 * height / s) for s in (32, 64)) + 1e-9
    assert ratios[1] <= min(max(s / (0.5 * width), 0.5 * width / s) for s in (48, 96, 160)) + 1e-9


def test_a_picture_lying_across_stays_so_where_it_is_not_to_be_turned() -> None:
    module = FullFrame(1, [64], [32], 0.5, 0.15, turn=False)

    assert module(random_picture(40, 80))[1].tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


# --- aligned parts ----------------------------------------------------------------------------------------------------------


def test_the_table_is_even_and_the_part_is_dark(aligned: OrientedCrop) -> None:
    prepared, _, reason = aligned(good_picture(2, SIZE))

    assert reason == ""
    assert prepared.shape == (1, aligned.height, aligned.width)
    border = torch.cat([prepared[0, 0], prepared[0, -1]])
    assert float((border - 0.8).abs().max()) < 0.05
    assert 0.1 < float(prepared[0, aligned.height // 2].mean()) < 0.5


def test_a_bright_part_lies_between_a_dark_table_and_white(aligned_bright: OrientedCrop) -> None:
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
def test_an_aligned_part_loses_gain_and_offset(aligned: OrientedCrop, gain: float, offset: float, most: float) -> None:
    """A gain exactly; an offset up to what the table's uneven light makes of it, 5 of 255 grey levels at most."""
    for index in range(3):
        picture = good_picture(index, SIZE)

        change = (aligned(gain * picture + offset)[0] - aligned(picture)[0]).abs()

        assert float(change.max()) < most


@pytest.mark.parametrize(("gain", "offset"), [(0.7, 0), (1.3, 0), (1, 8), (1, -8), (1.3, -8)])
def test_an_aligned_bright_part_loses_gain_and_offset_exactly(aligned_bright: OrientedCrop, gain: float, offset: float) -> None:
    picture = good_picture(1, SIZE, bright=True)

    change = (aligned_bright(gain * picture + offset)[0] - aligned_bright(picture)[0]).abs()

    assert float(change.max()) < 1e-3


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_an_aligned_part_turned_by_quarters_looks_the_same(aligned: OrientedCrop, quarters: int) -> None:
    """The same pixels, only elsewhere: 180 degrees, which moments can't tell apart, among them."""
    picture = good_picture(4, SIZE)

    change = (aligned(picture.rot90(quarters, (1, 2)))[0] - aligned(picture)[0]).abs()

    assert float(change.max()) < 2e-3


@settings(max_examples=25)
@given(st.floats(0, 360), st.floats(70, 122), st.floats(70, 122))
def test_an_aligned_part_at_any_angle_and_place_looks_the_same(degrees: float, x: float, y: float) -> None:
    """Up to how the camera's pixels fall on its edges: one of 255 levels on average."""
    module = aligned_for(SIZE)
    bolt = good_bolt(5, SIZE, length=110.0, x=96.0, y=96.0)

    prepared, _, reason = module(draw_scene(SIZE, [replace(bolt, degrees=degrees, x=x, y=y)]))

    assert reason == ""
    assert float((prepared - module(draw_scene(SIZE, [bolt]))[0]).abs().mean()) < 1 / 255


def test_scripted_it_prepares_the_same(aligned: OrientedCrop) -> None:
    picture = good_picture(6, SIZE).round().to(torch.uint8)

    eager, scripted = aligned(picture), torch.jit.script(aligned)(picture)

    assert torch.allclose(eager[0], scripted[0], atol=1e-5)
    assert torch.allclose(eager[1], scripted[1], atol=1e-5)
    assert eager[2] == scripted[2] == ""


# --- by another picture's exposure ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["oriented_crop", "full_frame"])
def test_by_another_picture_a_change_of_the_lamp_comes_through(mode: str) -> None:
    """A picture prepared by its own exposure is as usual; by that of the picture before, it is as dark as it was made."""
    module, picture = chosen(SIZE, mode).module, good_picture(3, SIZE)

    usual, pose, _ = module(picture)
    darker, pose_of_other, _ = module(0.8 * picture, picture)

    assert torch.equal(module(picture, picture)[0], usual)
    assert torch.equal(pose_of_other, pose)
    if isinstance(module, FullFrame):
        resized_mean, deviation = picture.mean(), (picture - picture.mean()).std()
        assert float(darker.mean()) == pytest.approx(0.5 - 0.2 * float(resized_mean / deviation) * 0.15, rel=0.05)
    else:
        assert float((usual - darker)[:, 0].mean()) > 0.1  # the table beside the part
        assert torch.allclose(module(0.8 * picture)[0], usual, atol=0.05)
