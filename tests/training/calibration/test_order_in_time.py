"""Order in time: the first half of the calibration pictures against the second, where names or files tell which that is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from snag.training.calibration.order_in_time import order_in_time

COUNT = 40
LEVEL = [float(i % 7) for i in range(COUNT)]
RISING = [i // 20 * 10 + score for i, score in enumerate(LEVEL)]


def files(folder: Path, times: list[float], pattern: str = "{:03d}.png") -> list[Path]:
    paths = [folder / pattern.format(i) for i in range(len(times))]
    for path, time in zip(paths, times, strict=True):
        path.touch()
        os.utime(path, (time, time))
    return paths


@pytest.mark.parametrize("pattern", ["{:03d}.png", "part {}.png"])
def test_a_line_that_changes_is_told(tmp_path: Path, pattern: str) -> None:
    """A picture every ten seconds; names are sorted as text, times decide."""
    said = order_in_time(files(tmp_path, [10.0 * i for i in range(COUNT)], pattern), RISING)

    assert said == (
        "in order of time (by the times of their files) the first half of the calibration scores and the second differ "
        "(Kolmogorov-Smirnov 1.00, p = 1.5e-11): the rate is promised for parts like all of these, not like the latest"
    )


def test_a_steady_line_is_told_as_well(tmp_path: Path) -> None:
    said = order_in_time(files(tmp_path, [10.0 * i for i in range(COUNT)]), LEVEL)

    assert said is not None
    assert said.startswith("in order of time (by the times of their files) the first half of the calibration scores and the")
    assert "show no difference (Kolmogorov-Smirnov 0." in said


@pytest.mark.parametrize("pattern", ["cam_2024-05-01_{:06d}.png", "20240501_{:06d}.png", "2024-05-01 part {}.png"])
def test_dates_in_names_tell_the_order_whatever_the_files_times(tmp_path: Path, pattern: str) -> None:
    said = order_in_time(files(tmp_path, [0.0] * COUNT, pattern), RISING)

    assert said is not None
    assert said.startswith("in order of time (by the dates in their names) ")
    assert "differ (Kolmogorov-Smirnov 1.00, p = 1.5e-11)" in said


def test_a_date_that_all_pictures_lie_under_tells_no_order(tmp_path: Path) -> None:
    (tmp_path / "2024-05-01").mkdir()

    assert order_in_time(files(tmp_path / "2024-05-01", [1e9] * COUNT), RISING) is None


def test_copied_pictures_say_nothing(tmp_path: Path) -> None:
    """All at one time, within seconds, or at times that have nothing to do with how they are counted."""
    (tmp_path / "random").mkdir()
    random = np.random.default_rng(0).uniform(0, 1e6, COUNT).tolist()

    assert order_in_time(files(tmp_path, [1e9] * COUNT), RISING) is None
    assert order_in_time(files(tmp_path, [1e9 + 0.05 * i for i in range(COUNT)]), RISING) is None
    assert order_in_time(files(tmp_path / "random", random), RISING) is None


def test_few_scores_say_nothing(tmp_path: Path) -> None:
    assert order_in_time(files(tmp_path, [10.0 * i for i in range(9)]), RISING[:9]) is None
