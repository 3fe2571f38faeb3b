"""The shortcut audit: what each feature measures, and what is called a shortcut."""

from __future__ import annotations

import numpy as np
import pytest

from snag.evaluation.shortcuts import FEATURES, Shortcut, audit, chance_level, features, foreground_area


def named(grey: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURES, features(grey), strict=True))


def test_features_of_a_ramp() -> None:
    """One tenth brighter a column, 0 to 0.9: slope 0.1 everywhere, no curvature but at the two edges."""
    grey = np.tile(np.arange(10, dtype=np.float32) / 10, (8, 1))

    found = named(grey)

    assert found["mean"] == pytest.approx(0.45)
    assert found["median"] == pytest.approx(0.45)
    assert found["std"] == pytest.approx(np.sqrt(0.0825))
    assert found["p95"] == pytest.approx(0.9)
    assert found["gradient"] == pytest.approx(0.1)
    assert found["laplacian_energy"] == pytest.approx(2 * 0.1**2 / 10)


def test_laplacian_energy_of_one_bright_pixel() -> None:
    """-4 at the pixel, 1 at its four neighbours: 20, over the number of pixels."""
    grey = np.zeros((5, 5), dtype=np.float32)
    grey[2, 2] = 1

    assert named(grey)["laplacian_energy"] == pytest.approx(20 / 25)


@pytest.mark.parametrize(("ground", "part"), [(0.8, 0.2), (0.1, 0.9)])
def test_foreground_area_is_the_part_whether_darker_or_brighter(ground: float, part: float) -> None:
    """A part of 6 x 10 on a ground of 20 x 20, with noise."""
    generator = np.random.default_rng(0)
    grey = np.full((20, 20), ground, dtype=np.float32)
    grey[7:13, 5:15] = part
    grey += generator.normal(0, 0.02, grey.shape).astype(np.float32)

    assert foreground_area(grey) == pytest.approx(60 / 400)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_a_picture_of_one_line_has_features(shape: tuple[int, int]) -> None:
    """And a flat one too: numbers all of them."""
    assert np.isfinite(features(np.full(shape, 0.5, dtype=np.float32))).all()


def test_a_lamp_is_a_shortcut_in_the_raw_pictures_alone() -> None:
    """The bad darker: AUROC 0, folded 1; what the network sees has one mean up to rounding: 0.5, not the noise's order."""
    raw = [(grey,) * len(FEATURES) for grey in (0.7, 0.71, 0.72, 0.5, 0.51)]
    normalised = [(grey,) * len(FEATURES) for grey in (0.5 + 1e-8, 0.5 + 2e-8, 0.5 + 1e-8, 0.5, 0.5 - 1e-8)]

    found = audit([False, False, False, True, True], raw, normalised)

    assert found == dict.fromkeys(FEATURES, Shortcut(0.0, 0.5, 1.0, 0.5))


def test_pictures_that_the_network_refused_are_left_out_of_its_column() -> None:
    """With them goes the only bad one: no AUROC there."""
    values = [(0.1,) * len(FEATURES), (0.2,) * len(FEATURES)]

    found = audit([False, True], values, [values[0], None])

    assert found["mean"] == Shortcut(1.0, None, 1.0, None)


def test_meaningless_features_stay_below_the_chance_level() -> None:
    """In about 19 of 20 audits of 21 good and 61 bad pictures; independent features, the worst case."""
    generator = np.random.default_rng(0)
    level = chance_level(21, 61)
    assert level is not None
    is_bad = np.arange(82) >= 21
    stayed = []
    for _ in range(300):
        values = [tuple(row) for row in generator.normal(size=(82, len(FEATURES)))]
        stayed.append(max(s.raw_folded for s in audit(is_bad.tolist(), values, values).values()) < level)

    assert np.mean(stayed) == pytest.approx(0.95, abs=0.035)


def test_there_is_no_chance_level_without_both_classes() -> None:
    """And it never exceeds 1."""
    assert chance_level(0, 5) is None
    assert chance_level(1, 1) == 1.0
