"""Synthetic defects on whole pictures of a surface: many, cracks among them, none fainter than good pictures differ anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snag.training.augment import defects
from snag.training.augment.canvas import VISIBLE, Canvas
from snag.training.augment.defect_fills import Site, hue, patch, recolour
from snag.training.augment.defect_shapes import crack, stripe
from snag.training.augment.defect_style import PART_DEFECTS, SCENE_DEFECTS, SURFACE_DEFECTS, DefectStyle
from snag.training.augment.defects import change_material
from snag.training.augment.variation import Variation
from tests.training.augment.test_defects import clean, counted, drawn


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 0.2]))
@settings(max_examples=30)
def test_a_shade_is_stronger_than_good_pictures_differ_anyway_and_its_mask_is_where_it_is_strong(
    seed: int, coarse: float
) -> None:
    before = clean(3, 1, 40, 60)
    shades = replace(SURFACE_DEFECTS, shade_share=1.0, crowd=1)

    changed, mask = drawn(before, seed, shades, None, Variation(0.0, coarse))

    for change, marked in zip(np.abs(changed - before)[:, 0], mask, strict=True):
        assert change.max() == 0 or change.max() > 0.5 * max(0.03, 2.5 * coarse)  # two may meet and cancel in part
        assert change.max() <= 3 * max(0.3, 5 * coarse)
        unchanged = change < 1e-4
        assert marked[unchanged].sum() <= 0.02 * change.size  # where two cancel


def test_what_is_finer_than_the_grain_of_good_pictures_is_no_defect() -> None:
    before = clean(100)

    _, all_of_them = drawn(before, 0, SURFACE_DEFECTS, None, Variation())
    _, coarser = drawn(before, 0, SURFACE_DEFECTS, None, Variation(0.02, 0.0))

    assert 0.3 * all_of_them.sum() < coarser.sum() < 0.95 * all_of_them.sum()
    assert not (coarser > all_of_them).any()


def slow_visible(change: np.ndarray, grain: float) -> np.ndarray:
    """Twin: greater than VISIBLE over 3 x 3, and than nine grains over the side of a square of 3, 9 or 27 pixels around it."""
    height, width = change.shape
    padded = np.pad(change, 13, mode="symmetric")
    seen = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            means = {
                side: padded[y + 13 - side // 2 : y + 14 + side // 2, x + 13 - side // 2 : x + 14 + side // 2].mean()
                for side in (3, 9, 27)
            }
            seen[y, x] = means[3] > VISIBLE and any(mean > 9 * grain / side for side, mean in means.items())
    return seen


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.01, 0.04]), st.sampled_from([1, 3]))
@settings(max_examples=15)
def test_a_large_change_is_seen_though_the_grain_would_hide_it_in_a_single_pixel(
    seed: int, grain: float, channels: int
) -> None:
    before = clean(2, channels, 40, 48)

    changed, mask = drawn(before, seed, replace(SURFACE_DEFECTS, shade_share=0.0, crowd=2), None, Variation(grain, 0.0))

    slow = np.stack([slow_visible(np.abs(one).max(0), grain) for one in changed - before])
    assert np.abs(mask - slow).mean() < 2e-3  # a value on the very edge may fall either way


def test_a_stripe_is_long_straight_and_often_lies_along_the_picture() -> None:
    y, x = np.arange(-60, 61, dtype=np.float32)[:, None], np.arange(-60, 61, dtype=np.float32)[None, :]
    upright = 0

    for seed in range(40):
        seen = np.argwhere(stripe(y, x, 40.0, np.random.default_rng(seed)) > 0.5)
        long, wide = np.sqrt(12 * np.linalg.eigvalsh(np.cov(seen.T)))[::-1]  # a rectangle's sides by their deviations
        assert 85 < long < 120
        assert wide < 0.35 * long
        upright += min(np.ptp(seen, axis=0)) < 1.1 * wide + 2

    assert 12 < upright < 32


def test_a_surface_gets_many_times_as_many_defects_as_a_part() -> None:
    before = clean(200, 1, 96, 160)

    _, few = drawn(before, 0, replace(SURFACE_DEFECTS, crowd=1), None)
    _, many = drawn(before, 0, SURFACE_DEFECTS, None)

    assert many.mean() > 3 * few.mean()


def test_a_crack_is_a_thin_line_that_runs_far() -> None:
    y, x = np.arange(-40, 41, dtype=np.float32)[:, None], np.arange(-40, 41, dtype=np.float32)[None, :]

    for seed in range(20):
        alpha = crack(y, x, 20.0, np.random.default_rng(seed))
        seen = np.argwhere(alpha > 0.5)
        assert np.ptp(seen, axis=0).max() > 25
        assert len(seen) < 6 * np.ptp(seen, axis=0).sum()
        assert 0 <= alpha.min() <= alpha.max() <= 1


def test_colours_are_exchanged_and_their_sum_stays() -> None:
    reds = np.zeros((3, 8, 8), dtype=np.float32)
    reds[0] = 0.9
    site = Site(reds, (0, 0), reds, None)

    filled = [recolour(site, np.random.default_rng(seed)) for seed in range(30)]

    assert any(one[0].mean() < 0.7 for one in filled)
    assert all(one.sum(0).mean() == pytest.approx(0.9, rel=1e-5) for one in filled)


@pytest.mark.parametrize(("channels", "expected"), [(1, False), (3, True)])
def test_wrong_colours_are_drawn_in_colour_pictures_alone(channels: int, expected: bool) -> None:
    counts = Counter()
    style = replace(SURFACE_DEFECTS, colour_fills=(counted(recolour, counts),))

    drawn(clean(50, channels, 24, 32), 0, style, None)

    assert bool(counts) is expected


def test_thin_lines_on_a_surface_are_filled_with_tones_alone() -> None:
    counts = Counter()
    style = replace(SURFACE_DEFECTS, shapes=(crack,), shade_share=0.0, line_fills=(), fills=(counted(patch, counts),))

    drawn(clean(4), 0, style, None)
    without = counts["patch"]
    drawn(clean(4), 0, replace(style, line_fills=SURFACE_DEFECTS.line_fills), None)

    assert counts["patch"] == without > 0


def test_of_parts_what_good_pictures_differ_by_hides_nothing() -> None:
    """They are cut out one like the other: what differs from place to place is no noise."""
    before = clean(40)

    changed, mask = drawn(before, 0, PART_DEFECTS, variation=Variation(0.1, 0.1))

    assert np.array_equal(changed, drawn(before, 0, PART_DEFECTS)[0])
    assert np.array_equal(mask, drawn(before, 0, PART_DEFECTS)[1])


def test_in_colour_every_other_change_has_a_hue_and_grey_pictures_draw_as_if_there_were_none() -> None:
    hues = [hue(3, np.random.default_rng(seed)) for seed in range(200)]
    random = np.random.default_rng(0)

    assert 70 < sum(bool((each == 1).all()) for each in hues) < 130
    assert all(np.abs(each).max() == 1 and each.shape == (3, 1, 1) for each in hues)
    assert any(each.min() < -0.3 for each in hues)  # one channel up, another down: as bright as before
    assert np.array_equal(hue(1, random), np.ones((1, 1, 1)))
    assert random.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("style", [PART_DEFECTS, SURFACE_DEFECTS], ids=["part", "surface"])
def test_soft_shades_are_tinted_in_colour_pictures(style: DefectStyle) -> None:
    before = clean(40, 3, 48, 80)

    changed, _ = drawn(before, 0, replace(style, shade_share=1.0), None)

    apart = np.ptp(changed - before, axis=1).max((1, 2))
    assert 0.25 < (apart > 0.02).mean() < 0.95


class TestAnotherMaterial:
    """Of a scene: one thing is given the tone of another place, within its outline."""

    def two_discs(self) -> tuple[np.ndarray, np.ndarray]:
        """A picture [1, 3, 96, 96] of a red and a blue disc on grey, and which of the three each pixel is of."""
        y, x = np.mgrid[:96, :96]
        label = np.where(np.hypot(y - 30, x - 30) < 18, 1, np.where(np.hypot(y - 66, x - 66) < 18, 2, 0))
        tones = np.array([[0.5, 0.5, 0.5], [0.8, 0.3, 0.3], [0.3, 0.3, 0.8]], dtype=np.float32)
        return tones[label].transpose(2, 0, 1)[None].copy(), label

    def changes(self, materials: float, seeds: range = range(60)) -> Iterator[np.ndarray]:
        """What is changed by it alone, [96, 96], where anything is."""
        clean, _ = self.two_discs()
        style = replace(SCENE_DEFECTS, crowd=1, material_share=materials)
        for seed in seeds:
            changed, _ = drawn(clean, seed, style, None)
            yield np.abs(changed - clean)[0].max(0)

    def test_it_keeps_to_the_outline_of_what_it_lies_on(self) -> None:
        clean, label = self.two_discs()
        hits = 0
        for seed in range(40):
            changed = clean[0].copy()
            canvas = Canvas(changed, np.zeros_like(changed), np.zeros((96, 96), bool))
            change_material(canvas, clean[0], (30, 30), np.random.default_rng(seed))
            change = np.abs(changed - clean[0]).max(0)
            core = (np.hypot(*(np.mgrid[:96, :96] - 30)) < 4) & (label == 1)
            hits += change[core].min() > 0.05
            assert change[(label == 0) & (np.hypot(*(np.mgrid[:96, :96] - 30)) > 22)].max() < 0.02

        assert hits > 10  # otherwise it was given the tone that it has

    def test_it_is_drawn_in_the_share_of_pictures_that_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        times: list[int] = []
        monkeypatch.setattr(defects, "change_material", lambda *_: times.append(1))

        counts = []
        for share in (0.0, 0.5, 1.0):
            times.clear()
            list(self.changes(share))
            counts.append(len(times))

        assert counts[0] == 0
        assert 15 < counts[1] < 45
        assert counts[2] > counts[1]
