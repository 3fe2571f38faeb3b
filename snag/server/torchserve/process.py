"""TorchServe: one Java process on loopback, on ports of its own, that nobody can use who can't read its key file."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from snag.cli.extras import missing
from snag.core.errors import ServerUnreachable
from snag.core.files import write_text
from snag.gate.upstream.address import Upstream
from snag.server.state.instance import Instance, end_orphans
from snag.server.state.ports import free_ports
from snag.server.supervise.die_with_parent import die_with_parent
from snag.server.torchserve.configuration import allowed_urls, properties, resolve
from snag.server.torchserve.java import find_java
from snag.server.torchserve.log import ServerLog

METRICS: Final = Path(__file__).parents[2] / "handler" / "metrics.yaml"
LOG_CONFIGURATION: Final = Path(__file__).parent / "log4j2.xml"
_LONGEST_SOCKET: Final = 80  #: the workers' sockets lie in its temporary folder, and a socket's path has at most 107 characters
_PATIENCE: Final = 20.0  #: seconds for ending; it needs about 4


@dataclass(frozen=True)
class TorchServe:
    """A started TorchServe; whether it answers already is asked of its management."""

    process: subprocess.Popen[bytes]
    temporary: Path
    addresses: Upstream  #: without keys
    key_file: Path
    log: ServerLog  #: what it has written
    started: float  #: when, on the monotonic clock

    def is_running(self) -> bool:
        """Whether Java has not ended yet."""
        return self.process.poll() is None

    def upstream(self) -> Upstream | None:
        """Where it listens, with its keys; None while it has not written them."""
        return with_keys(self.addresses, self.key_file)

    def end(self) -> None:
        """Ask it to end, wait, and kill what will not go; its workers too, which outlive a killed Java. Safe to call again."""
        self.process.terminate()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.clean_up()

    def clean_up(self) -> None:
        """Remove what it left when it has ended, by itself or not."""
        end_orphans(str(self.temporary))
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.key_file.unlink(missing_ok=True)


def start(instance: Instance, is_console: bool) -> TorchServe:
    """Start Java with the configuration of the folder, its ports chosen anew. Raises ServerFailed when it can't be started.

    It has no model then, and dies with this process. To be called on the main thread.
    """
    instance.logs.mkdir(parents=True, exist_ok=True)
    instance.store.mkdir(exist_ok=True)
    instance.keys.unlink(missing_ok=True)
    log = ServerLog(instance.logs)
    temporary = _make_temporary(instance.folder)
    ports = free_ports(5)
    values = _resolved(instance, ports)
    write_text(instance.configuration, resolve(instance.configuration.read_text(), values))
    command = _command(instance, temporary, is_console)
    with (instance.logs / "console.log").open("ab") as console:
        output = None if is_console else console
        process = subprocess.Popen(
            command,
            cwd=instance.folder,  # ours alone, and not on the class path: nothing that lies about gets loaded
            env=_environment(temporary),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            umask=0o077,  # its key file is there for a moment before it takes other people's rights away
            start_new_session=True,  # Ctrl-C is for us, who let it finish what is in flight
            preexec_fn=die_with_parent(),
        )
    addresses = Upstream(*(values[f"{name}_address"] for name in ("inference", "management", "metrics")))
    return TorchServe(process, temporary, addresses, instance.keys, log, time.monotonic())


def find_upstream(instance: Instance) -> Upstream:
    """Where the TorchServe of a running server listens, for whoever may read its key file.

    Raises ServerUnreachable when there is none, or while it is being started again.
    """
    note = instance.note()
    if instance.process() is None or note is None:
        raise ServerUnreachable(url=f"the server of {instance.folder}", detail="it does not run")
    upstream = with_keys(Upstream(note.inference, note.management, note.metrics), instance.keys)
    if not note.management or upstream is None:
        raise ServerUnreachable(url=f"TorchServe of {instance.folder}", detail="it is starting")
    return upstream


def with_keys(addresses: Upstream, key_file: Path) -> Upstream | None:
    """The addresses with the keys that TorchServe wrote; None when it has not done so yet."""
    try:
        keys = json.loads(key_file.read_text())
        return replace(addresses, inference_key=keys["inference"]["key"], management_key=keys["management"]["key"])
    except (OSError, ValueError, KeyError):
        return None


def _make_temporary(folder: Path) -> Path:
    temporary = folder / "tmp"
    if len(str(temporary)) > _LONGEST_SOCKET:
        return Path(tempfile.mkdtemp(prefix="snag-"))
    end_orphans(str(temporary))
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    return temporary


def _resolved(instance: Instance, ports: list[int]) -> dict[str, str]:
    """The lines of config.properties that depend on where the server runs."""
    return {
        "inference_address": f"http://127.0.0.1:{ports[0]}",
        "management_address": f"http://127.0.0.1:{ports[1]}",
        "metrics_address": f"http://127.0.0.1:{ports[2]}",
        "grpc_inference_port": str(ports[3]),
        "grpc_management_port": str(ports[4]),
        "model_store": str(instance.store),
        "allowed_urls": allowed_urls(instance.store),
        "metrics_config": str(METRICS),
    }


def _command(instance: Instance, temporary: Path, is_console: bool) -> list[str]:
    """What TorchServe's own launcher would start, but with nothing of the working directory on the class path."""
    home = _home()
    settings = properties(instance.configuration.read_text())
    return [
        str(find_java()),
        f"-Dmodel_server_home={home}",
        f"-Djava.io.tmpdir={temporary}",
        f"-Dlog4j.configurationFile={LOG_CONFIGURATION.as_uri()}",
        f"-Dsnag.logs={instance.logs}",
        f"-Dsnag.console={'info' if is_console else 'off'}",
        *settings.get("vmargs", "").split(),
        "-cp",
        str(home / "ts" / "frontend" / "*"),
        "org.pytorch.serve.ModelServer",
        "--python",
        sys.executable,
        "--ts-config-file",
        str(instance.configuration),
        "--no-config-snapshot",
    ]


def _home() -> Path:
    places = {name: importlib.util.find_spec(name) for name in ("ts", "yaml")}
    for name, place in places.items():  # without yaml every worker dies while /ping is content; TorchServe does not ask for it
        if place is None:
            raise missing("TorchServe", name, "serve")
    return Path(str(places["ts"] and places["ts"].origin)).parents[1]


def _environment(temporary: Path) -> dict[str, str]:
    """The environment without what would override the configuration or the archive's own code."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "LOG_LOCATION", "METRICS_LOCATION", "TEMP", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped and not name.startswith(("TS_", "SNAG_"))}
    return {**kept, "TMPDIR": str(temporary), "TEMP": str(temporary), "PYTHONNOUSERSITE": "1"}
