"""Pictures to train on, and one training of them that nothing disturbed; tests that change a run copy it first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.once import made_once
from tests.support.parts import write_data_set
from tests.support.tiny_training import COUNT, undisturbed


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "tiny-data", lambda folder: write_data_set(folder, COUNT, (48, 48)))


@pytest.fixture(scope="session")
def whole_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    return made_once(tmp_path_factory, "whole", lambda folder: undisturbed(data, folder / "run")) / "run"
