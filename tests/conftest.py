"""What all tests share: one thread for torch, a repeatable Hypothesis, who runs where, and the real pictures where they are."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings

from tests.support.once import made_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.trained import Trained

ROOT = Path(__file__).parents[1]
#: Rooms whose files take longest, in the order in which workers take them: what is left for the end must be short.
LONGEST_FIRST = ("e2e", "training", "doctor", "offline", "samples")

# A busy machine is no bug, and a red build is repeatable. `make test` tries few examples, `make test-all` many.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("nightly", settings.get_profile("ci"), max_examples=200)
settings.load_profile("ci")


def pytest_configure() -> None:
    """One thread for each process: the machine is shared, and the pictures are small. And Ctrl-C interrupts.

    A shell starts what it does not wait for with SIGINT ignored, which all our children would inherit.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With --dist loadfile, as in `make test`, files that share a server go to one worker; other ways are xdist's own."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.support.scheduler import ByFixture

    return ByFixture(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks by folder, and what takes longest first."""
    for item in items:
        if _room(item) == "benchmarks":
            item.add_marker(pytest.mark.benchmark)
    items.sort(key=lambda item: LONGEST_FIRST.index(_room(item)) if _room(item) in LONGEST_FIRST else len(LONGEST_FIRST))


def _room(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT / "tests").parts[0]


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
    from tests.support.trained import train_bolts, trained_in

    return trained_in(made_once(tmp_path_factory, "bolts", train_bolts))
