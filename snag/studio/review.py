"""The review as one of the studio's pages: the very server of `snag review`, in this process, on a port of loopback."""

from __future__ import annotations

import asyncio

from snag.core.errors import SnagError
from snag.review.__main__ import ReviewSettings, serve
from snag.studio.products import Workshop


class ReviewServer:
    """Starts the review when somebody asks for it; labels are on the disk as soon as they are given."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._task: asyncio.Task[None] | None = None
        self._order = ""
        self.failed = ""  #: why it does not run, or empty

    @property
    def address(self) -> str | None:
        """Where it is; None while it does not run."""
        running = self._task is not None and not self._task.done()
        return f"http://127.0.0.1:{self._workshop.review_port}/" if running else None

    async def start(self, order: str) -> None:
        """Serve it in this order of pictures."""
        if self.address is not None and order == self._order:
            return
        await self.stop()
        settings = ReviewSettings(
            spool=self._workshop.server / "spool",
            labels=self._workshop.labels,
            port=self._workshop.review_port,
            inference_port=self._workshop.inference_port,
            order=order,
        )
        self.failed, self._order = "", order
        self._task = asyncio.create_task(self._serve(settings))
        await asyncio.sleep(0.2)  # a port that is taken is told at once

    async def stop(self) -> None:
        """End it."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self, settings: ReviewSettings) -> None:
        try:
            await serve(settings)
        except SnagError as error:
            self.failed = str(error)
