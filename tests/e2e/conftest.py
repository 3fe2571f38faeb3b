"""The real server with the archive of a tiny model, started once for all tests that only ask it."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
import yaml

from snag.client.client import SnagClient
from snag.core.artifact import Artifact
from snag.core.calibration import Calibration
from snag.server.serve import main as serve
from snag.server.state.instance import Instance
from snag.server.state.ports import free_ports
from snag.server.stop import main as stop
from snag.training.archive import main as archive
from tests.support.fakes import tiny_artifact, tiny_calibration

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class LiveServer:
    """A running server and what it was made from."""

    model: str
    ports: tuple[int, int, int]
    folder: Path
    artifact: Artifact
    calibration: Calibration

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def client(self) -> SnagClient:
        return SnagClient(self.model, self.ports[0], self.ports[2], timeout=30)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a server of a test's own runs: a folder with its store, and free ports."""

    root: Path
    ports: tuple[int, int, int]

    @classmethod
    def at(cls, root: Path) -> Place:
        return cls(root, tuple(free_ports(3)))

    @property
    def where(self) -> list[str]:
        return [*flags(self.ports), "--server-folder", str(self.root / "server")]

    @property
    def store(self) -> list[str]:
        return ["--model-store", str(self.root / "store")]

    @property
    def instance(self) -> Instance:
        return Instance(self.root / "server")

    def serve(self, *more: str) -> int:
        return serve([*self.store, *self.where, *more])

    def stop(self) -> int:
        return stop(self.where)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[0]}{path}"

    def picture(self) -> bytes:
        return self.instance.golden.read_bytes()

    def family(self) -> list[psutil.Process]:
        keeper = self.instance.process()
        return [keeper, *keeper.children(recursive=True)]

    def java(self) -> psutil.Process:
        return next(one for one in self.family() if "java" in one.name())


def within(seconds: float, holds: Callable[[], object]) -> bool:
    """Whether it holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def flags(ports: tuple[int, int, int]) -> list[str]:
    names = ("--inference-port", "--management-port", "--metrics-port")
    return [word for name, port in zip(names, ports, strict=True) for word in (name, str(port))]


def pack(folder: Path, model: str, version: str = "1.0", **knobs: int) -> tuple[Artifact, Calibration]:
    """Make `folder/store/<model>.mar` of a tiny model, with the shipped configuration but for `knobs`."""
    run = folder / f"run-{model}"
    run.mkdir(exist_ok=True)
    artifact = tiny_artifact(run)
    calibration = tiny_calibration(run, artifact)
    config = yaml.safe_load((ROOT / "handler" / "model-config.yaml").read_text())
    (run / "model-config.yaml").write_text(yaml.safe_dump({**config, "minWorkers": 1, "maxWorkers": 1, **knobs}))
    store = ["--model-store", str(folder / "store"), "--model-config-file", str(run / "model-config.yaml")]
    assert archive(["--run", str(run), "--model", model, "--version", version, *store]) == 0
    return artifact, calibration


@pytest.fixture(scope="session")
def live_server(tmp_path_factory):
    """A server of `tiny-bolt` with one worker and batches, on free ports."""
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = tmp_path_factory.mktemp("live")
    artifact, calibration = pack(folder, "tiny-bolt", "1.5", batchSize=8, maxBatchDelay=20)
    ports = tuple(free_ports(3))
    where = ["--server-folder", str(folder / "server")]
    served = serve(["--model", "tiny-bolt", "--model-store", str(folder / "store"), *flags(ports), *where])
    try:
        assert served == 0
        yield LiveServer("tiny-bolt", ports, folder / "server", artifact, calibration)
    finally:
        assert stop([*flags(ports), *where]) == 0
