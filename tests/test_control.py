"""The control: what it remembers of good pictures, and how far a picture is from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from benchmarks.control import Memory, features, main


def test_one_place_unlike_all_that_is_remembered_makes_the_score() -> None:
    known = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    memory, seen = Memory(known, 500, 0), known[:50].clone()
    assert memory.score(seen) == pytest.approx(0.0, abs=1e-2)

    seen[7] += 10.0 * known.std(0)

    nearest = ((seen[7] - known) / known.std(0)).square().sum(1).sqrt().min()
    assert memory.score(seen) == pytest.approx(float(nearest), rel=1e-3)


def test_a_picture_that_can_not_be_prepared_is_further_off_than_any() -> None:
    assert Memory(torch.randn(10, 2), 10, 0).score(None) > 1e5


def test_features_of_two_depths_lie_side_by_side_at_the_finer_ones_places() -> None:
    def describe(picture: torch.Tensor) -> list[torch.Tensor]:
        return [functional.avg_pool2d(picture, 8), functional.avg_pool2d(picture, 16)]

    found = features(describe, torch.rand(1, 48, 64), 2.0)

    assert found.shape == (12 * 16, 6)


def test_without_test_pictures_it_says_what_it_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.md"

    assert main(["--data", str(tmp_path), "--run", str(tmp_path), "--out", str(out)]) == 2

    assert f"error: {tmp_path / 'test' / 'good'} is not there: expected the test pictures" in capsys.readouterr().err
    assert not out.exists()
