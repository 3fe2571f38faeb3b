"""Strikes: what is done to a running server while clients ask it. Each returns a word on what came of it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import requests

from benchmarks.faults.archives import in_version, with_other_scores
from benchmarks.live import GATE, JAVA, WORKER, Live

_DISK: Final = 6.0  #: seconds for which nothing can be written
NEXT: Final = "next"  #: the version that is deployed


@dataclass(frozen=True)
class LoadedServer:
    """A loaded server, the archive that it serves, and a folder for others."""

    server: Live
    archive: Path
    folder: Path


def _kill_a_worker(scene: LoadedServer) -> str:
    scene.server.processes(WORKER)[0].kill()
    return ""


def _kill_all_workers(scene: LoadedServer) -> str:
    workers = scene.server.processes(WORKER)
    for worker in workers:
        worker.kill()
    return f"{len(workers)} workers"


def _kill_torchserve(scene: LoadedServer) -> str:
    scene.server.processes(JAVA)[0].kill()
    return ""


def _stop_and_start(scene: LoadedServer) -> str:
    family, begun = scene.server.processes(), time.monotonic()
    family[0].send_signal(signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=60)
    stopped = time.monotonic() - begun
    scene.server.start()
    return f"stopped in {stopped:.1f} s, {len(left)} processes left"


def _kill_and_start(scene: LoadedServer) -> str:
    family = scene.server.processes()
    family[0].kill()
    _, left = psutil.wait_procs(family, timeout=60)
    scene.server.start()
    return f"{len(left)} processes left"


def _fill_the_disk(scene: LoadedServer) -> str:
    """No file can grow by a byte any more: writing fails as on a full disk, if with another error number."""
    writers = scene.server.processes(GATE, JAVA)
    for process in writers:
        process.rlimit(psutil.RLIMIT_FSIZE, (0, psutil.RLIM_INFINITY))
    time.sleep(_DISK)
    for process in writers:
        process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    scrape = requests.get(f"http://127.0.0.1:{scene.server.metrics_port}/metrics", timeout=10).text
    lost = re.search(r"^snag_log_errors_total (\S+)$", scrape, re.M)
    return f"{float(lost[1]):.0f} lines of the log lost, and counted" if lost else "no line was lost"


def _deploy_and_roll_back(scene: LoadedServer) -> str:
    in_version(scene.archive, scene.folder / "next" / scene.archive.name, NEXT)
    deploying = _timed(scene, "snag.server.deploy", "--model-store", str(scene.folder / "next"))
    time.sleep(2.0)
    returning = _timed(scene, "snag.server.rollback")
    return f"deployed in {deploying}, back in {returning}"


def _deploy_what_scores_wrongly(scene: LoadedServer) -> str:
    with_other_scores(scene.archive, scene.folder / "wrong" / scene.archive.name, "wrong")
    done = _command(scene, "snag.server.deploy", "--model-store", str(scene.folder / "wrong"))
    return f"exit code {done.returncode}: {' '.join(done.stderr.split())}"


def _timed(scene: LoadedServer, module: str, *flags: str) -> str:
    begun = time.monotonic()
    done = _command(scene, module, *flags)
    return f"NOT: {' '.join(done.stderr.split())}" if done.returncode else f"{time.monotonic() - begun:.1f} s"


def _command(scene: LoadedServer, module: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, "--model", scene.server.model, *flags, *scene.server.where]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Strike:
    """One, and how the table calls it."""

    label: str
    do: Callable[[LoadedServer], str]


#: In the order in which they are made, by the name that `--only` takes.
STRIKES: Final[dict[str, Strike]] = {
    "worker": Strike("a worker killed", _kill_a_worker),
    "workers": Strike("all workers killed", _kill_all_workers),
    "torchserve": Strike("TorchServe killed", _kill_torchserve),
    "stop": Strike("stopped, started again", _stop_and_start),
    "kill": Strike("killed outright, started again", _kill_and_start),
    "disk": Strike("no log can be written", _fill_the_disk),
    "versions": Strike("version deployed, rolled back", _deploy_and_roll_back),
    "refused": Strike("version refused", _deploy_what_scores_wrongly),
}
