"""The control: what is missing is told; what it remembers and measures is tested in tests/test_memory.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.control import main


def test_without_test_pictures_it_says_what_it_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.md"

    assert main(["--data", str(tmp_path), "--run", str(tmp_path), "--out", str(out)]) == 2

    assert f"error: {tmp_path / 'test' / 'good'} is not there: expected the test pictures" in capsys.readouterr().err
    assert not out.exists()
