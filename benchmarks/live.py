"""The product's server, started and stopped by its commands, and what its processes take from the machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

GATE, JAVA, WORKER, OTHER = "gate", "java", "worker", "other"
#: What the command line of each kind of process holds, by which it is known.
_KINDS: Final = {WORKER: "model_service_worker", JAVA: "org.pytorch.serve.ModelServer", GATE: "server."}


@dataclass(frozen=True)
class Usage:
    """What one process took."""

    pid: int
    kind: str  #: GATE, JAVA, WORKER or OTHER
    rss: int  #: bytes in memory
    pss: int  #: bytes in memory, those that it shares with others divided among them
    cpu: float  #: seconds of processor since it began
    handles: int  #: open files and sockets


class Live:
    """A server of one archive on free ports of loopback.

    with Live("screw", Path("model_store"), Path("runs/soak")) as server: ...
    """

    def __init__(self, model: str, model_store: Path, folder: Path, flags: Sequence[str] = ()) -> None:
        """`folder` takes the server's own folder and what its commands print; `flags` go to `snag.server.serve` besides."""
        self.model = model
        self.folder = folder / "server"
        self.inference_port, self.management_port, self.metrics_port = free_ports(3)
        self._printed = folder / "serve.txt"
        self._flags = ["--model", model, "--model-store", str(model_store), *flags]

    @property
    def url(self) -> str:
        """Base of predictions."""
        return f"http://127.0.0.1:{self.inference_port}"

    @property
    def where(self) -> list[str]:
        """The flags that tell a command of the product which server is meant."""
        ports = {"inference": self.inference_port, "management": self.management_port, "metrics": self.metrics_port}
        flags = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
        return [*flags, "--server-folder", str(self.folder)]

    def start(self) -> float:
        """Start it; seconds until it was ready. Raises CalledProcessError when it does not come up."""
        begin = time.perf_counter()
        self._command("snag.server.serve", *self._flags, *self.where)
        return time.perf_counter() - begin

    def stop(self) -> None:
        """Stop it. Raises CalledProcessError."""
        self._command("snag.server.stop", *self.where)

    def processes(self, *kinds: str) -> list[psutil.Process]:
        """Its processes, or those of the kinds alone, the gate first. Raises LookupError when nobody listens."""
        return [one for one in family(self.inference_port) if not kinds or kind_of(one) in kinds]

    def usage(self) -> list[Usage]:
        """What each of its processes takes now; one that ends meanwhile is left out."""
        found = [_usage(process) for process in self.processes()]
        return [one for one in found if one is not None]

    def __enter__(self) -> Live:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _command(self, module: str, *flags: str) -> None:
        self._printed.parent.mkdir(parents=True, exist_ok=True)
        with self._printed.open("ab") as printed:
            subprocess.run([sys.executable, "-m", module, *flags], check=True, stdout=printed, stderr=printed)


def family(port: int) -> list[psutil.Process]:
    """The process that listens on a port of this machine, and all that it started. Raises LookupError when nobody does."""
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
            root = psutil.Process(one.pid)
            return [root, *root.children(recursive=True)]
    raise LookupError(f"nobody listens on port {port}")


def free_ports(count: int) -> list[int]:
    """Ports of loopback on which nobody listens."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def kind_of(process: psutil.Process) -> str:
    """GATE, JAVA, WORKER or OTHER, by its command line; OTHER for one that has ended."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return OTHER
    return next((kind for kind, word in _KINDS.items() if word in line), OTHER)


def _usage(process: psutil.Process) -> Usage | None:
    kind = kind_of(process)
    try:
        memory = process.memory_full_info()
        cpu = process.cpu_times()
        return Usage(process.pid, kind, memory.rss, memory.pss, cpu.user + cpu.system, process.num_fds())
    except psutil.Error:
        return None
