"""What all tests share: one thread for torch, a repeatable Hypothesis, and the real pictures where they are."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.trained import Trained

ROOT = Path(__file__).parents[1]

settings.register_profile("snag", deadline=None, derandomize=True)  # a busy machine is no bug, and a red build is repeatable
settings.load_profile("snag")


def pytest_configure() -> None:
    """One thread for each process: the machine is shared, and the pictures are small."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def screw() -> Path:
    """The real pictures of MVTec AD `screw`; the test is skipped where they are missing."""
    folder = ROOT.parent / "shared" / "mvtec" / "screw"
    if not folder.is_dir():
        pytest.skip(f"needs the real pictures, which are not part of the project: {folder}")
    return folder


@pytest.fixture
def unpacked(tmp_path: Path) -> Iterator[Path]:
    """A tiny model's archive, unpacked for a worker; the levels of the log that the worker sets are taken back."""
    from tests.support.fakes import tiny_artifact, tiny_calibration

    tiny_calibration(tmp_path, tiny_artifact(tmp_path))
    yield tmp_path
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("ts.metrics.caching_metric").setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def bolts(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A detector of synthetic bolts, trained and calibrated once for all tests; they leave its folders as they are."""
    from tests.support.trained import train_bolts

    return train_bolts(tmp_path_factory.mktemp("bolts"))
