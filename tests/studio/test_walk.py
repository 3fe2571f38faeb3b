"""The whole walk in a real browser: from an empty folder over a trained and calibrated model to a served verdict."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from snag.client.client import SnagClient
from snag.server.stop import main as stop_server
from snag.training.sample import SampleSettings, write_sample
from tests.support.browser import Page, browser_page

ROOT = Path(__file__).parents[2]
TINY = (
    'mode = "full_frame"\npixels = 1024\nbase_channels = 4\nbottleneck = 4\nweight_channels = 4\n'
    'features = false\nbatch_size = 4\nepochs = 1\nprecision = "float32"'
)
PRESS = """(words => {
    const one = [...document.querySelectorAll('button')].find(button => button.textContent.trim() === words);
    one?.click();
    return Boolean(one);
})(%r)"""
FOCUS = """(label => {
    const one = [...document.querySelectorAll('input,textarea')].find(input => input.ariaLabel === label);
    one?.focus();
    return Boolean(one);
})(%r)"""


def consecutive_ports(count: int) -> int:
    """The first of so many free ports."""
    for first in range(21_000 + os.getpid() % 9_000, 65_000, count):
        with suppress(OSError):
            for port in range(first, first + count):
                with socket.socket() as trial:
                    trial.bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")


@contextmanager
def running(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`snag studio` in a folder with nothing in it."""
    flags = [f"--port={port}", f"--inference-port={port + 1}", f"--review-port={port + 4}", "--data-root=data"]
    child = subprocess.Popen(
        [sys.executable, "-m", "snag", "studio", *flags],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("studio: http://127.0.0.1:")
        yield child
    finally:
        child.kill()
        child.communicate()


async def opened(page: Page, url: str, words: str) -> None:
    """Go there and wait until the page shows the words and hears its buttons."""
    await page.open(url)
    await shown(page, words)
    await page.until("window.socket?.connected")


async def shown(page: Page, words: str, seconds: float = 60) -> None:
    """Wait until the page shows the words; it may be loading itself anew meanwhile."""
    await page.until(f"Boolean(document.body?.innerText.includes({words!r}))", seconds)


async def press(page: Page, words: str) -> None:
    await page.until(PRESS % words)


async def fill(page: Page, label: str, words: str) -> None:
    await page.until(FOCUS % label)
    await page.call("Input.insertText", text=words)


async def walk(page: Page, url: str, pictures: Path) -> None:
    await opened(page, url, "There is no product yet")
    await fill(page, "Name, for example bolt-M8", "screw")
    await press(page, "Create")
    await shown(page, "The doctor has not looked")

    await page.until("window.socket?.connected")
    await fill(page, "Or a folder, zip or tar on this machine", str(pictures))
    await press(page, "Take")
    await shown(page, "45 good pictures, 5 with defects")

    await opened(page, f"{url}product/screw/training", "Preset")
    await page.value("document.querySelector('details').open = true")
    await fill(page, "TOML over the preset, one setting a line, for example: effort = 0.1", TINY)
    await press(page, "Train and calibrate")
    await shown(page, "judging the test pictures: done", 180)

    await opened(page, f"{url}product/screw/threshold", "Of 1,000 good parts")
    await page.until("document.querySelector('.st-plot svg') !== null")
    await press(page, "Deploy")
    await shown(page, "Version 1.0 answers", 180)


@pytest.mark.slow
@pytest.mark.e2e
def test_from_an_empty_folder_to_a_served_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By mouse and keys alone; killed and started again in between, the studio finds everything as it was."""
    pictures, port = tmp_path / "camera", consecutive_ports(5)
    write_sample(SampleSettings(data=pictures, size=256, train_good=45, test_good=3, each_defect=1))
    folder = tmp_path / "studio"
    folder.mkdir()
    url = f"http://127.0.0.1:{port}/"

    async def walking() -> None:
        async with browser_page(tmp_path) as page:
            with running(folder, port):
                await walk(page, url, pictures)
                await page.call(
                    "Page.navigate", url="about:blank"
                )  # a page that is left open complains while the studio is gone
            client = SnagClient("screw", inference_port=port + 1)
            verdict = await asyncio.to_thread(client.predict, (pictures / "test/scratch/000.png").read_bytes())
            client.close()
            with running(folder, port):
                await opened(page, f"{url}product/screw/live", "Version 1.0 answers")
                await shown(page, "reject" if verdict.is_anomaly else "pass")
                await opened(page, url, "version 1.0")
            assert page.complaints == []  # its policy refuses whatever comes from elsewhere

    monkeypatch.chdir(folder)
    try:
        asyncio.run(walking())
    finally:
        stop_server([f"--inference-port={port + 1}", f"--server-folder={folder / 'runs' / f'server-{port + 1}'}"])
