"""What the size of a calibration is worth: sizes that use the rate that was asked for detect more at the same promise."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fresh.sizes import size_line

_RANDOM = np.random.default_rng(0)
GOOD, BAD = _RANDOM.normal(0, 1, 400).tolist(), _RANDOM.normal(2, 1, 150).tolist()


@pytest.mark.parametrize(("count", "told"), [(32, 1 / 33), (38, 1 / 39), (39, 2 / 40), (79, 4 / 80)])
def test_a_size_tells_its_rate_and_keeps_it_among_the_other_good_pictures(count: int, told: float) -> None:
    line = size_line(GOOD, BAD, count, rate=0.05, draws=2000, seed=1)

    assert line.told == told
    assert line.rejected == pytest.approx(told, abs=0.004)


def test_thirty_nine_pictures_detect_more_than_thirty_eight_and_are_less_at_the_mercy_of_the_draw() -> None:
    before, after = (size_line(GOOD, BAD, count, rate=0.05, draws=2000, seed=1) for count in (38, 39))

    assert after.detected > before.detected + 0.05
    assert after.spread < before.spread
    assert after.worst_tenth > before.worst_tenth


def test_the_same_seed_draws_the_same_sets() -> None:
    assert size_line(GOOD, BAD, 39, 0.05, 50, seed=3) == size_line(GOOD, BAD, 39, 0.05, 50, seed=3)
