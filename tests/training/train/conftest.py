"""Pictures to train on, and one training of them that nothing disturbed; tests that change a run copy it first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.parts import write_data_set
from tests.support.tiny_training import COUNT, undisturbed


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data_set(tmp_path_factory.mktemp("data"), COUNT, (48, 48))


@pytest.fixture(scope="package")
def whole_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    return undisturbed(data, tmp_path_factory.mktemp("whole") / "run")
