"""Near-duplicates: shots of one part share a group whatever the light and the file; different parts never do."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snag.samples.screw_sample import draw
from snag.training.data.near_duplicates import cells_of, near_duplicates

PARTS = 12


def part_on_table(seed: int, side: tuple[int, int] = (40, 60), table: tuple[int, int] = (600, 800)) -> np.ndarray:
    """A small part of its own tone and grain, somewhere within two pixels of the middle of a large steady table."""
    random = np.random.default_rng(seed)
    picture = random.normal(200, 2, table)
    y, x = (whole // 2 - part // 2 + int(random.integers(-2, 3)) for whole, part in zip(table, side, strict=True))
    picture[y : y + side[0], x : x + side[1]] = 90 + random.normal(0, 8) + random.normal(0, 6, side)
    return picture.clip(0, 255).astype(np.uint8)


def screw(seed: int) -> np.ndarray:
    return draw("train/good", seed, 0, 160).picture


def surface(seed: int, size: tuple[int, int] = (40, 2000)) -> np.ndarray:
    """Nothing but noise, more than a camera has."""
    return np.random.default_rng(seed).normal(128, 20, size).clip(0, 255).astype(np.uint8)


def shot_again(picture: np.ndarray, seed: int, noise: float = 2.0, gain: float = 1.0, offset: float = 0.0) -> np.ndarray:
    seen = picture * gain + offset + np.random.default_rng([seed, 7]).normal(0, noise, picture.shape)
    return seen.round().clip(0, 255).astype(np.uint8)


def as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.array(Image.open(stream))


def groups_of(pictures: list[np.ndarray]) -> list[int]:
    return near_duplicates([cells_of(torch.from_numpy(picture.astype(np.float32))[None]) for picture in pictures])


def pairs(count: int) -> list[int]:
    """The groups of so many parts, and then of another shot of each."""
    return [*range(count), *range(count)]


# --- different parts --------------------------------------------------------------------------------------------------------


def test_small_parts_on_a_large_steady_table_are_all_different() -> None:
    assert groups_of([part_on_table(seed) for seed in range(40)]) == list(range(40))


def test_so_are_parts_of_a_thousandth_of_the_picture_but_for_two_of_one_tone_in_one_place() -> None:
    """Of 40 hardly a pair: they lie in 25 places, and tones 2 % apart may be the light's."""
    assert len(set(groups_of([part_on_table(seed, (22, 22)) for seed in range(40)]))) >= 38


def test_screws_that_lie_anywhere_are_all_different() -> None:
    assert groups_of([screw(seed) for seed in range(PARTS)]) == list(range(PARTS))


@pytest.mark.parametrize("size", [(40, 2000), (32, 32), (200, 200)], ids=["strip", "tiny", "square"])
def test_rough_surfaces_are_all_different(size: tuple[int, int]) -> None:
    assert groups_of([surface(seed, size) for seed in range(40)]) == list(range(40))


def test_parts_of_different_sizes_are_different() -> None:
    assert groups_of([surface(0, (40, 50)), surface(0, (50, 40)), surface(0, (80, 50))]) == [0, 1, 2]


# --- one part ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", [part_on_table, screw])
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (1.01, 0.0), (0.99, 0.0), (1.03, 1.5), (0.97, -1.5)])
def test_a_second_shot_in_slightly_other_light_is_a_near_duplicate(look: object, gain: float, offset: float) -> None:
    parts = [look(seed) for seed in range(PARTS)]  # type: ignore[operator]
    again = [shot_again(part, seed, gain=gain, offset=offset) for seed, part in enumerate(parts)]

    assert groups_of([*parts, *again]) == pairs(PARTS)


@pytest.mark.parametrize("look", [part_on_table, screw])
@pytest.mark.parametrize("quality", [95, 75])
def test_the_same_picture_saved_as_jpeg_is_a_near_duplicate(look: object, quality: int) -> None:
    parts = [look(seed) for seed in range(PARTS)]  # type: ignore[operator]

    assert groups_of([*parts, *(as_jpeg(part, quality) for part in parts)]) == pairs(PARTS)


@pytest.mark.parametrize("look", [part_on_table, screw, lambda _: np.full((64, 64), 120)], ids=["part", "screw", "one colour"])
@pytest.mark.parametrize("noise", [1.0, 3.0])
def test_forty_shots_of_one_thing_are_one_group_and_not_forty_parts(look: object, noise: float) -> None:
    """White noise fades as cells are averaged; another surface would not."""
    still = look(0)  # type: ignore[operator]

    assert groups_of([shot_again(still, seed, noise) for seed in range(40)]) == [0] * 40


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (2000, 40), (8, 8), (64, 64)])
def test_pictures_of_one_colour_are_one_group(size: tuple[int, int]) -> None:
    assert groups_of([np.full(size, 120)] * 5) == [0] * 5
    assert groups_of([np.zeros(size)] * 5) == [0] * 5


def test_no_pictures_have_no_groups() -> None:
    assert near_duplicates([]) == []


def test_groups_also_form_by_way_of_others() -> None:
    """The light of each shot is 3 % above the one before: the first and the last alone would be told apart."""
    still = part_on_table(0)
    shots = [shot_again(still, step, gain=0.9 * 1.03**step) for step in range(4)]

    assert groups_of(shots) == [0] * 4
    assert groups_of([shots[0], shots[-1]]) == [0, 1]


# --- whatever the file holds ------------------------------------------------------------------------------------------------

_SOME = [*(part_on_table(seed) for seed in range(4)), *(shot_again(part_on_table(seed), seed) for seed in range(2))]
_SOME += [surface(seed, (600, 800)) for seed in range(2)]
_CELLS = [cells_of(torch.from_numpy(picture.astype(np.float32))[None]) for picture in _SOME]


@given(st.sampled_from([2.0**k for k in range(-8, 9)]) | st.floats(1e-3, 300))
@settings(deadline=None, max_examples=10)
def test_the_scale_of_the_grey_values_does_not_matter(scale: float) -> None:
    """A camera of 12 bits in files of 16 gives values a sixteenth as great."""
    scaled = [cells_of(torch.from_numpy(picture.astype(np.float32))[None] * scale) for picture in _SOME]

    assert near_duplicates(scaled) == near_duplicates(_CELLS) == [0, 1, 2, 3, 0, 1, 6, 7]


@given(st.permutations(range(len(_SOME))), st.lists(st.integers(0, len(_SOME) - 1), max_size=5))
@settings(deadline=None, max_examples=20)
def test_copies_always_share_a_group_in_whatever_order_they_come(order: list[int], copies: list[int]) -> None:
    which = [*order, *copies]
    expected = [0, 1, 2, 3, 0, 1, 6, 7]

    found = near_duplicates([_CELLS[i] for i in which])

    assert [[one == other for other in found] for one in found] == [[expected[i] == expected[j] for j in which] for i in which]
