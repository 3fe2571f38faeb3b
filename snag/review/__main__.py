"""`snag review`: a page on this machine where people label what the server flagged."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from aiohttp import web
from pydantic import Field

from snag.cli.hosts import Host
from snag.cli.settings import Settings, from_flags, run
from snag.client.client import SnagClient
from snag.core.errors import NoPictures, ServerFailed, SnagError
from snag.review.app import Review
from snag.review.labels import Labels

#: Seconds for what is under way when the page's server ends. A browser keeps connections open on which it asks nothing.
_PATIENCE: Final = 2.0


class ReviewSettings(Settings):
    """Show flagged and borderline pictures of a server's spool and take labels down; ends with Ctrl-C."""

    spool: Path = Field(description="folder in which the server keeps pictures: SERVER_FOLDER/spool")
    labels: Path = Field(Path("runs/labels.sqlite"), description="file of labels; the labelled pictures are in it")
    port: int = Field(8090, ge=0, le=65535, description="port of the page, on loopback; 0: any")
    inference_port: int = Field(8080, ge=1, le=65535, description="port of the server that draws the overlays")
    host: Host = Field("127.0.0.1", description="where that server is")
    fpr: float = Field(0.05, gt=0, lt=1, description="false-alarm rate for which a threshold is suggested")
    order: Literal["newest", "random"] = Field(
        "newest",
        description="which picture comes first; rate and threshold by labels take the labelled pictures for a random sample, "
        "and with random they are one, of those that are kept",
    )
    seed: int = Field(0, ge=0, description="seed of the random order; the same one gives the same order again")


class Drawing:
    """Overlays from the running server; without one there are none."""

    def __init__(self, host: str, inference_port: int) -> None:
        self._host = host
        self._port = inference_port
        self._lock = Lock()  # a client is for one thread at a time

    def __call__(self, model: str, version: str, picture: bytes) -> bytes | None:
        """The picture's overlay by that version of the model; None where the server can't draw it."""
        with self._lock:
            token = os.environ.get("SNAG_TOKEN")
            client = SnagClient(f"{model}/{version}", inference_port=self._port, host=self._host, token=token)
            try:
                return client.explain(picture)
            except SnagError:
                return None
            finally:
                client.close()


async def serve(settings: ReviewSettings) -> None:
    """Serve the page until cancelled. Raises NoPictures without a spool, ServerFailed when the port is taken."""
    if not settings.spool.is_dir():
        raise NoPictures(folder=settings.spool, expected="a server's spool; `make serve SPOOL=1000` makes one")
    labels = Labels(settings.labels)
    seed = settings.seed if settings.order == "random" else None
    review = Review(settings.spool, labels, settings.fpr, Drawing(settings.host, settings.inference_port), seed)
    runner = web.AppRunner(review.application(), access_log=None, shutdown_timeout=_PATIENCE)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", settings.port)
        try:
            await site.start()
        except OSError as error:
            raise ServerFailed(detail=error.strerror or str(error)) from error
        print(
            f"review: http://127.0.0.1:{runner.addresses[0][1]}/ (labels go to {settings.labels}; Ctrl-C ends it)", flush=True
        )
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        labels.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: asyncio.run(serve(from_flags(ReviewSettings, argv))))


if __name__ == "__main__":
    raise SystemExit(main())
