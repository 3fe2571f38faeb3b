"""HAProxy with the repository's configuration, and its admin socket."""

from __future__ import annotations

import csv
import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

from benchmarks.live import free_ports
from snag.core.errors import BadConfig

_CONFIGURATION: Final = Path(__file__).parents[2] / "deploy/haproxy/haproxy.cfg"


class Proxy:
    """Listens on loopback in front of two servers, named a and b."""

    def __init__(self, folder: Path, ports: tuple[int, int]) -> None:
        """`folder` takes its socket and log; `ports` are those of the servers. Raises BadConfig without HAProxy."""
        if shutil.which("haproxy") is None:
            raise BadConfig(detail="there is no haproxy; Debian's package of that name has it")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_ports(1)[0]
        self._admin = folder.resolve() / "haproxy.sock"
        self._log = folder / "haproxy.txt"
        addresses = {"IN": self.port, "A": ports[0], "B": ports[1]}
        self._env = os.environ | {name: f"127.0.0.1:{port}" for name, port in addresses.items()} | {"ADMIN": str(self._admin)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients ask."""
        return f"http://127.0.0.1:{self.port}"

    def drain(self, server: str, patience: float = 90.0) -> None:
        """Send no more requests to a server, and wait until it has none left. Raises TimeoutError."""
        self._command(f"set server snag/{server} state drain")
        self._wait(server, lambda row: row["scur"] == "0", patience)

    def admit(self, server: str, patience: float = 30.0) -> None:
        """Send requests to a server again, and wait until it gets some. Raises TimeoutError."""
        self._command(f"set server snag/{server} state ready")
        self._wait(server, lambda row: row["status"].startswith("UP"), patience)

    def wait_until_up(self, server: str, patience: float = 60.0) -> None:
        """Wait until the proxy itself has found that a server is ready. Raises TimeoutError."""
        self._wait(server, lambda row: row["status"].startswith("UP"), patience)

    def __enter__(self) -> Proxy:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(["haproxy", "-f", _CONFIGURATION], env=self._env, stdout=log, stderr=log)
        for server in ("a", "b"):
            self.wait_until_up(server)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def _wait(self, server: str, is_so: Callable[[dict[str, str]], bool], patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            row = self._row(server)
            if row is not None and is_so(row):
                return
            time.sleep(0.05)
        raise TimeoutError(f"{server} after {patience} s: {self._row(server)}")

    def _row(self, server: str) -> dict[str, str] | None:
        try:
            said = self._command("show stat").removeprefix("# ")
        except OSError:  # it has not begun to listen
            return None
        rows = csv.DictReader(io.StringIO(said))
        return next((row for row in rows if (row["pxname"], row["svname"]) == ("snag", server)), None)

    def _command(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self._admin))
            admin.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: admin.recv(65536), b"")).decode()
