"""`snag studio`: a page on this machine from a folder of pictures to verdicts."""

from __future__ import annotations

import gc
import socket
import warnings
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from pydantic import Field

from snag.cli.hosts import Host, asked_at, is_loopback, url_of
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig, ServerFailed
from snag.gate.tokens import Guard
from snag.studio import texts
from snag.studio.access import Doorkeeper
from snag.studio.app import build
from snag.studio.products import Workshop


class StudioSettings(Settings):
    """Serve the studio; ends with Ctrl-C, and what it has started goes on."""

    data_root: Path = Field(Path("data/raw"), description="folder of the products' pictures, a folder for each")
    runs: Path = Field(Path("runs"), description="folder of the products' runs")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    host: Host = Field("127.0.0.1", description="address of the page; beyond loopback it asks for a token")
    port: int = Field(8088, ge=0, le=65535, description="port of the page; 0: any")
    tokens: Path = Field(
        Path("runs/tokens.json"), description="file of tokens, by `snag token add`, for a page beyond loopback"
    )
    inference_port: int = Field(8080, ge=1, le=65533, description="port of the server that it deploys to; the next two as well")
    review_port: int = Field(8090, ge=1, le=65535, description="port of the review, on loopback")
    labels: Path = Field(Path("runs/labels.sqlite"), description="file of labels that the review writes")

    @property
    def workshop(self) -> Workshop:
        """Where everything lies, whatever folder a child process runs in."""
        return Workshop(
            data_root=self.data_root,
            runs=self.runs,
            model_store=self.model_store,
            inference_port=self.inference_port,
            labels=self.labels,
            review_port=self.review_port,
        )


def studio(settings: StudioSettings) -> None:
    """Serve until interrupted. Raises ServerFailed when the port is taken, BadConfig or BadArtifact without tokens."""
    guard = _guard(settings)
    # NiceGUI looks at every object there is for its server; torch has one that minds being looked at.
    warnings.filterwarnings("ignore", message="`torch.distributed.reduce_op`", category=FutureWarning)
    build(settings.workshop)
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(application, title=texts.STUDIO, dark=None, tailwind=False, show_welcome_message=False, language="en-US")
    gc.collect()
    gc.freeze()  # what was imported is no garbage; to look through it took a quarter of a second every few pages
    with _listening(settings) as listener:
        port = listener.getsockname()[1]
        print(f"studio: {url_of(asked_at(settings.host), port)}/ (Ctrl-C ends it; what it has started goes on)", flush=True)
        configuration = uvicorn.Config(
            Doorkeeper(application, guard), log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="on"
        )
        uvicorn.Server(configuration).run(sockets=[listener])


def _guard(settings: StudioSettings) -> Guard | None:
    if is_loopback(settings.host):
        return None
    if not settings.tokens.exists():
        raise BadConfig(
            detail=f"host = {settings.host!r} opens the studio to the network, and there is no {settings.tokens}; "
            "`snag token add --name line-1` makes a token"
        )
    return Guard(settings.tokens, print)


def _listening(settings: StudioSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ServerFailed(detail=error.strerror or str(error)) from error
    return listener


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: studio(from_flags(StudioSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
