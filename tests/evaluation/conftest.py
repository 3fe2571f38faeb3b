"""What the tests of `snag evaluate` share: a run folder with a tiny model, and a drawn data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.labelled_folder import draw_labelled_folder, tiny_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report is written anew by each evaluation."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of good and defective pictures with masks."""
    return draw_labelled_folder(tmp_path / "data")
