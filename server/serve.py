"""`python -m server.serve`: starts a server with one model and returns when it has judged a picture, or says why it did not."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import types
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from cli.settings import Settings, from_flags, run
from server.archive import Archive, verified
from server.configuration import allowed_urls, read_template, resolve
from server.golden import golden_picture
from server.instance import LOG_CONFIGURATION, Instance
from server.log import Log
from server.management import Management
from server.ports import check_free, free_ports
from server.start import Ready, wait_until_ready
from snag.errors import ServerAnswer, ServerFailed, ServerUnreachable
from snag.files import write_bytes, write_text

ROOT: Final = Path(__file__).parents[1]
GOLDEN: Final = "golden.png"  #: in the server's folder, so that the printed command works as it stands
_METRICS: Final = ROOT / "handler" / "metrics.yaml"


class ServeSettings(Settings):
    """Serve one model."""

    model: str = Field(description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    inference_port: int = Field(8080, ge=1, le=65535, description="port of predictions and explanations")
    management_port: int = Field(8081, ge=1, le=65535, description="port of management, on loopback only")
    metrics_port: int = Field(8082, ge=1, le=65535, description="port of the metrics' scrape")
    inference_host: str = Field("127.0.0.1", description="address of predictions; 0.0.0.0 opens them to the network")
    metrics_host: str = Field("127.0.0.1", description="address of the metrics' scrape")
    foreground: bool = Field(False, description="stay until stopped, with the log on standard output")
    timeout: float = Field(120.0, gt=0, description="seconds that the server may take to judge its first picture")
    server_folder: Path | None = Field(None, description="folder of configuration, logs and temporary files")
    config: Path = Field(ROOT / "config.properties", description="TorchServe's settings to start from")

    @property
    def folder(self) -> Path:
        """Where the server runs."""
        return self.server_folder or folder_of(self.inference_port)


def folder_of(inference_port: int) -> Path:
    """The default folder of the server on a port."""
    return Path("runs") / f"server-{inference_port}"


def main(argv: list[str] | None = None) -> int:
    """Entry point of `python -m server.serve`; in the foreground, Java's exit code."""
    codes = [0]
    return run(lambda: codes.append(serve(from_flags(ServeSettings, argv)))) or codes[-1]


def serve(settings: ServeSettings) -> int:
    """Start the server unless the same one already runs. Raises BadArtifact, BadConfig, ServerFailed."""
    archive = verified(settings.model_store, settings.model)
    instance = Instance(settings.folder)
    template = read_template(settings.config)
    fingerprint = _fingerprint(settings, archive, template)
    if _already_serves(instance, settings, fingerprint):
        print(f"{settings.model} is already served with this archive\n{_curl(settings)}")
        return 0
    if instance.stop():
        print("stopped the server that ran here with another archive or configuration")
    check_free(_listeners(settings))
    write_bytes(instance.folder / GOLDEN, golden_picture())
    write_text(instance.configuration, resolve(template, _resolved(settings, archive)))
    log = Log(instance.logs)
    process = instance.start(settings.model, fingerprint, settings.foreground)
    with _Signals(process if settings.foreground else None) as signals:
        try:
            ready = wait_until_ready(
                process, log, settings.model, settings.inference_port, settings.management_port, settings.timeout
            )
            print(_announcement(settings, instance, ready), flush=True)
            code = process.wait() if settings.foreground else _let_go(process)
        except BaseException as error:
            instance.stop()
            code = process.wait()
            if not (signals.forwarded and isinstance(error, ServerFailed)):  # stopped before it was ready, as it was told
                raise
    if settings.foreground:
        instance.forget()
    return code


def _let_go(process: subprocess.Popen[bytes]) -> int:
    """The server outlives this program, which is no longer to be reminded of it."""
    process.returncode = 0
    return 0


def _fingerprint(settings: ServeSettings, archive: Archive, template: str) -> str:
    """Digest of all that a running server was started with; its gRPC ports are chosen anew each time and do not count."""
    parts = [archive.digest, template, repr(_listeners(settings)), _METRICS.read_text(), LOG_CONFIGURATION.read_text()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _already_serves(instance: Instance, settings: ServeSettings, fingerprint: str) -> bool:
    note = instance.note()
    if instance.process() is None or note is None or note.fingerprint != fingerprint or settings.foreground:
        return False
    try:
        return all(one.all_ready for one in Management(settings.management_port).workers(settings.model))
    except (ServerUnreachable, ServerAnswer):
        return False


def _listeners(settings: ServeSettings) -> dict[str, tuple[str, int]]:
    return {
        "--inference-port": (settings.inference_host, settings.inference_port),
        "--management-port": ("127.0.0.1", settings.management_port),
        "--metrics-port": (settings.metrics_host, settings.metrics_port),
    }


def _resolved(settings: ServeSettings, archive: Archive) -> dict[str, str]:
    """The lines of config.properties that depend on what is served and where."""
    grpc = free_ports(2)
    store = archive.path.parent
    return {
        "inference_address": f"http://{settings.inference_host}:{settings.inference_port}",
        "management_address": f"http://127.0.0.1:{settings.management_port}",
        "metrics_address": f"http://{settings.metrics_host}:{settings.metrics_port}",
        "grpc_inference_port": str(grpc[0]),
        "grpc_management_port": str(grpc[1]),
        "model_store": str(store),
        # By name: TorchServe would make its own of the file's, with underscores for everything that is no letter.
        "load_models": f"{archive.model}={archive.path.name}",
        "allowed_urls": allowed_urls(store),
        "metrics_config": str(_METRICS),
    }


def _announcement(settings: ServeSettings, instance: Instance, ready: Ready) -> str:
    return (
        f"{settings.model} {ready.version} is served by {ready.workers} workers, first verdict after {ready.seconds:.1f} s "
        f"(logs: {os.path.relpath(instance.logs)})\n{_curl(settings)}"
    )


def _curl(settings: ServeSettings) -> str:
    url = f"http://127.0.0.1:{settings.inference_port}/predictions/{settings.model}"
    picture = shlex.quote(f"@{os.path.relpath(settings.folder / GOLDEN)}")
    return f"  curl -H 'Content-Type: application/octet-stream' --data-binary {picture} {url}"


class _Signals:
    """While it lasts, SIGTERM and Ctrl-C go on to the process; without one, SIGTERM unwinds this program, not kills it."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self.forwarded = False
        self._process = process
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for number in (signal.SIGTERM, signal.SIGINT) if self._process else (signal.SIGTERM,):
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: types.FrameType | None) -> None:
        if self._process is None:
            raise SystemExit(128 + number)
        self.forwarded = True
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    raise SystemExit(main())
