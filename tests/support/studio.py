"""The studio without a browser or a server: NiceGUI's own simulation of a user, and products made of a few pictures."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
from nicegui import core, ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals, prepare_simulation
from PIL import Image

from snag.core.calibration import SPLIT_CONFORMAL, Calibration, write_calibration
from snag.core.files import sha256_of, write_text
from snag.studio.app import build
from snag.studio.products import Product, Workshop
from snag.training.calibration.guarantee import promised_threshold
from snag.training.data.split import Split, write_split


def workshop_in(folder: Path) -> Workshop:
    return Workshop(folder / "data", folder / "runs", folder / "store", 8080, folder / "runs/labels.sqlite", 8090)


def png(seed: int, side: int = 32) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (side, side), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def product_with(workshop: Workshop, name: str = "bolt", good: int = 3, defects: int = 0) -> Product:
    product = workshop.create(name)
    for number in range(good):
        (product.good / f"{number:05}.png").write_bytes(png(number))
    for number in range(defects):
        folder = product.data / "test" / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05}.png").write_bytes(png(1000 + number))
    return product


def calibrated(
    product: Product, scores: Sequence[float] = tuple(np.linspace(1, 2, 99)), rate: float = 0.05, confidence: float = 0.95
) -> Calibration:
    """A run as training and calibration leave it, with a model that nobody loads."""
    product.run.mkdir(parents=True, exist_ok=True)
    (product.run / "snag.pt").write_bytes(b"a model")
    threshold, promised = promised_threshold(scores, rate, confidence=confidence)
    names = tuple(f"train/good/{path.name}" for path in sorted(product.good.iterdir()))
    write_split(Split(fit=names[1:], standardise=(), calibrate=names[:1]), product.run / "split.json")
    calibration = Calibration(
        scores=tuple(sorted(map(float, scores))),
        rate=rate,
        threshold=float(threshold),
        method=SPLIT_CONFORMAL,
        score_unit="test",
        artifact=sha256_of(product.run / "snag.pt"),
        data_digest="0" * 64,
        created="2026-01-01T00:00:00+00:00",
        guarantee=promised,
    )
    write_calibration(calibration, product.run / "calibration.json")
    return calibration


def reported(
    product: Product, calibration: Calibration, rows: Sequence[tuple[str, str, int, float]], groups: Sequence[str] | None = None
) -> None:
    """A report with these test pictures: path, class, label, score; and the group of each."""
    lines = ["path,class,label,score,p_value,anomaly,reconstruction_error,brightness,reason,group,threshold"]
    named = zip(rows, groups or [""] * len(rows), strict=True)
    lines += [f"{path},{kind},{label},{score},0.1,0,0,0,,{group},2" for (path, kind, label, score), group in named]
    write_text(product.run / "report/results.csv", "\ufeff" + "\n".join(lines) + "\n")
    write_text(product.run / "report/metrics.json", f'{{"artifact": {{"fingerprint": "{calibration.artifact}"}}}}')


@asynccontextmanager
async def simulated(workshop: Workshop) -> AsyncIterator[User]:
    """A user of the studio, whose browser is simulated."""
    with nicegui_reset_globals():
        os.environ["NICEGUI_USER_SIMULATION"] = "true"
        try:
            prepare_simulation()
            build(workshop)
            ui.run(show_welcome_message=False)
            async with (
                core.app.router.lifespan_context(core.app),
                httpx.AsyncClient(transport=httpx.ASGITransport(core.app), base_url="http://test") as client,
            ):
                yield User(client)
        finally:
            os.environ.pop("NICEGUI_USER_SIMULATION", None)
            ui.navigate, ui.notify, ui.download = Navigate(), notify, download


def walk(workshop: Workshop, steps: Callable[[User], Awaitable[None]]) -> None:
    """Go through the studio as such a user."""

    async def walking() -> None:
        async with simulated(workshop) as user:
            await steps(user)

    asyncio.run(walking())
