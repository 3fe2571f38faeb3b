"""The learning rate over a run."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.training.run.schedule import one_cycle


def test_it_warms_up_to_the_top_and_ends_at_a_small_part_of_it() -> None:
    assert one_cycle(0.0, 2.0) == pytest.approx(0.08)
    assert one_cycle(0.05, 2.0) == pytest.approx(2.0)
    assert one_cycle(0.525, 2.0) == pytest.approx(2.0 * (0.005 + 0.995 * 0.5))
    assert one_cycle(1.0, 2.0) == pytest.approx(0.01)


@given(st.floats(0, 0.999), st.floats(1e-6, 1e-3), st.floats(1e-6, 1))
def test_it_rises_while_warm_and_falls_afterwards_without_a_jump(progress: float, step: float, top: float) -> None:
    before, after = one_cycle(progress, top), one_cycle(min(1.0, progress + step), top)

    assert 0 < after <= top * (1 + 1e-9)
    assert after >= before if progress + step <= 0.05 else True
    assert after <= before if progress >= 0.05 else True
    assert abs(after - before) <= top * step * max(0.96 / 0.05, math.pi) * (1 + 1e-6) + 1e-12 * top
