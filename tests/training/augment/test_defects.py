"""Synthetic defects: repeatable, the mask where the picture visibly changed, the clean picture left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snag.training.augment import defect_fills, defects
from snag.training.augment.canvas import VISIBLE
from snag.training.augment.defect_fills import Fill, Site
from snag.training.augment.defect_shapes import Shape
from snag.training.augment.defect_style import PART_DEFECTS, SURFACE_DEFECTS, DefectStyle
from snag.training.augment.defects import DEFECTIVE_SHARE, add_defects
from snag.training.augment.variation import Variation

LEVEL = 0.8


def clean(count: int = 4, channels: int = 1, height: int = 48, width: int = 80, seed: int = 0) -> np.ndarray:
    """Prepared good parts [count, channels, height, width]: a streaky bar on an even table."""
    random = np.random.default_rng(seed)
    pictures = np.full((count, channels, height, width), LEVEL)
    bar = np.s_[:, :, height // 4 : max(height // 4 + 1, 3 * height // 4)]
    pictures[bar] = 0.35 + 0.05 * random.standard_normal(pictures[bar].shape)
    return pictures.astype(np.float32)


def everywhere(pictures: np.ndarray) -> np.ndarray:
    return np.ones(pictures.shape[2:], dtype=np.float32)


def drawn(
    before: np.ndarray,
    seed: int = 0,
    style: DefectStyle = PART_DEFECTS,
    background: float | None = LEVEL,
    variation: Variation | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with defects drawn anywhere, and their masks."""
    random = np.random.default_rng(seed)
    return add_defects(before, everywhere(before), random, style, background=background, variation=variation)


def slow_mask(changed: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Twin of the mask: the greatest change over the channels, averaged over 3 x 3 with the edge mirrored, against VISIBLE."""
    change = np.abs(changed - before).max(1)
    padded = np.pad(change, ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    count, height, width = change.shape
    mask = np.zeros_like(change)
    for n in range(count):
        for y in range(height):
            for x in range(width):
                mask[n, y, x] = padded[n, y : y + 3, x : x + 3].mean() > VISIBLE
    return mask


@given(st.integers(0, 10**6), st.sampled_from([1, 3]), st.booleans())
@settings(max_examples=30)
def test_the_mask_is_where_the_picture_visibly_changed(seed: int, channels: int, aligned: bool) -> None:
    before = clean(3, channels, 20, 30)

    changed, mask = drawn(before, seed, background=LEVEL if aligned else None)

    near = np.abs(mask - slow_mask(changed, before))
    assert near.mean() < 1e-3  # a value on the very edge of VISIBLE may fall either way
    assert set(np.unique(mask)) <= {0.0, 1.0}


def test_clean_pictures_are_left_as_they_were() -> None:
    before = clean(16)

    drawn(before)

    assert np.array_equal(before, clean(16))


def test_equal_generators_give_equal_defects_and_others_do_not() -> None:
    before = clean(16)

    first, again, other = (drawn(before, seed) for seed in (3, 3, 4))

    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_most_pictures_get_defects_and_some_stay_good() -> None:
    before = clean(400, 1, 16, 24)

    changed, _ = drawn(before)

    share = (changed != before).any((1, 2, 3)).mean()
    assert DEFECTIVE_SHARE - 0.08 < share <= DEFECTIVE_SHARE + 0.05


@pytest.mark.parametrize("background", [LEVEL, None])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (32, 320), (320, 32), (48, 80), (200, 120), (16, 17)])
def test_any_size_and_number_of_channels_works_with_and_without_a_table(
    size: tuple[int, int], channels: int, background: float | None
) -> None:
    before = clean(12, channels, *size)

    changed, mask = drawn(before, 1, background=background)

    assert (changed.shape, changed.dtype) == (before.shape, np.float32)
    assert (mask.shape, mask.dtype) == ((12, *size), np.float32)
    assert np.isfinite(changed).all()
    assert mask.any()


@pytest.mark.parametrize("background", [LEVEL, None])
def test_one_picture_alone_is_patched_from_itself(background: float | None) -> None:
    before = clean(1)
    for seed in range(30):
        changed, _ = drawn(before, seed, background=background)
        assert np.isfinite(changed).all()


def test_defects_lie_where_the_places_weigh() -> None:
    """All weight on the left eighth: hardly anything changes on the right."""
    before = clean(200, 1, 48, 160)
    where = np.zeros((48, 160), dtype=np.float32)
    where[:, :20] = 1

    _, mask = add_defects(before, where, np.random.default_rng(0), PART_DEFECTS, background=LEVEL, variation=None)

    along = mask.mean((0, 1))
    assert along[:20].mean() > 20 * along[80:].mean()


def counted(function: Callable, counts: Counter) -> Callable:
    def wrapper(*arguments):
        counts[function.__name__] += 1
        return function(*arguments)

    return wrapper


@pytest.mark.parametrize("background", [LEVEL, None])
def test_every_shape_and_every_fill_is_drawn(monkeypatch: pytest.MonkeyPatch, background: float | None) -> None:
    """Missing material only where there is a table to show in its place."""
    shapes, fills = Counter(), Counter()
    style = replace(
        PART_DEFECTS,
        shapes=tuple(counted(shape, shapes) for shape in PART_DEFECTS.shapes),
        fills=tuple(counted(fill, fills) for fill in PART_DEFECTS.fills),
    )
    monkeypatch.setattr(defects, "missing", counted(defects.missing, fills))
    before = clean(300, 1, 24, 32)

    drawn(before, style=style, background=background)

    assert set(shapes) == {"blob", "scratch", "flat", "speckle"}
    expected = {"tone", "patch", "neighbour", "gain", "warp", "smear"}
    assert set(fills) == (expected | {"missing"} if background is not None else expected)
    assert min(fills.values()) > 10
    assert min(shapes.values()) > 10


@given(st.integers(0, 10**6), st.sampled_from(SURFACE_DEFECTS.shapes), st.floats(1.5, 60))
def test_a_shape_is_an_opacity(seed: int, shape: Shape, reach: float) -> None:
    y = np.arange(-20, 31, dtype=np.float32)[:, None]
    x = np.arange(-35, 12, dtype=np.float32)[None, :]

    alpha = shape(y, x, reach, np.random.default_rng(seed))

    assert alpha.shape == (51, 47)
    assert 0 <= alpha.min() <= alpha.max() <= 1


@given(
    st.integers(0, 10**6),
    st.sampled_from([*SURFACE_DEFECTS.fills, defect_fills.recolour, defect_fills.missing]),
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from([1, 3]),
)
def test_a_fill_has_the_boxs_shape_and_leaves_the_box_alone(
    seed: int, fill: Fill, height: int, width: int, channels: int
) -> None:
    pictures = clean(2, channels, 32, 40)
    box = pictures[0][:, 1 : 1 + height, 2 : 2 + width]

    filled = fill(Site(box, (1, 2), pictures[1], LEVEL), np.random.default_rng(seed))

    assert filled.shape == (channels, height, width)
    assert np.isfinite(filled).all()
    assert np.array_equal(pictures, clean(2, channels, 32, 40))


def test_missing_material_shows_the_table() -> None:
    box = clean(1)[0][:, 12:36]
    site = Site(box, (0, 0), box, LEVEL)

    grounds = [defect_fills.missing(site, np.random.default_rng(seed)).mean() for seed in range(60)]

    assert 20 < sum(abs(ground - LEVEL) < 0.02 for ground in grounds) < 60


def test_strengths_reach_from_just_noticeable_to_plain() -> None:
    before = clean(300)

    changed, mask = drawn(before)

    strengths = [np.abs(changed[n] - before[n]).max() for n in range(300) if mask[n].any()]
    assert min(strengths) < 0.06
    assert max(strengths) > 0.4
