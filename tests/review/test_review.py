"""The page for labels: what it shows and keeps, in a real browser, and that no label is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from PIL import Image

from snag.core.errors import BadArtifact
from snag.gate.settings import SpoolSettings
from snag.gate.spool import BORDERLINE, FLAGGED, Shelf
from snag.review.__main__ import main as review_main
from snag.review.app import Review
from snag.review.export import main as export_main
from snag.review.labels import DEFECT, FALSE_ALARM, UNSURE, Labels, read_labels
from snag.review.spooled import spooled
from snag.review.suggest import main as suggest_main
from tests.support.browser import browser_page
from tests.support.torchserve import run

ROOT = Path(__file__).parents[2]
KINDS = [FLAGGED, FLAGGED, FLAGGED, BORDERLINE]


def picture(grey: int) -> bytes:
    import io

    buffer = io.BytesIO()
    Image.fromarray(np.full((30, 40), grey, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def said(number: int, kind: str) -> dict[str, object]:
    score = 3.0 + number if kind == FLAGGED else 1.9
    return {
        "Anomaly": kind == FLAGGED, "score": score, "threshold": 2.0, "p_value": 0.1, "reconstruction_error": 0.5,
        "model": "bolt", "version": "1.0",
    }  # fmt: skip


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Four pictures, the last of them the newest, out of a hundred that were judged."""
    shelf = Shelf(SpoolSettings(tmp_path / "spool", 10**6))
    shelf.open()
    for number, kind in enumerate(KINDS):
        shelf.put(picture(50 * number), {"request_id": f"part-{number}", "kind": kind, "verdict": said(number, kind)})
    counts = [["bolt", "1.0", "flagged", 3], ["bolt", "1.0", "borderline", 1], ["bolt", "1.0", "unsuspicious", 96]]
    (tmp_path / "spool" / "seen.json").write_text(json.dumps(counts))
    return tmp_path / "spool"


@asynccontextmanager
async def page_of(spool: Path, labels: Path, explain=lambda model, version, picture: picture) -> AsyncIterator[str]:
    """The page's server; its overlays are the pictures themselves."""
    store = Labels(labels)
    runner = web.AppRunner(Review(spool, store, 0.02, explain).application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        store.close()


class TestBrowser:
    @run
    async def test_keys(self, spool, tmp_path):
        """Each key labels the picture that is shown and brings the next; one is taken back; at the end nothing is left."""
        async with page_of(spool, tmp_path / "labels.sqlite") as url, browser_page(tmp_path) as page:
            await page.open(url)
            shown = []
            for key in ("u", "f", "d", "z", "f", "d"):
                before = await page.until("!document.getElementById('item').hidden && document.body.dataset.id")
                await page.until("document.getElementById('overlay').naturalWidth == 40")
                shown.append(before)
                await page.press(key)
                await page.until(f"document.getElementById('item').hidden || document.body.dataset.id != '{before}'")
            await page.until("!document.getElementById('nothing').hidden")
            text = await page.until("(text => text.includes('1 true') && text)(document.getElementById('summary').innerText)")
            complaints = page.complaints
        labels = read_labels(tmp_path / "labels.sqlite")
        given = {one.request_id: one.label for one in labels.all()}
        labels.close()

        assert shown == [one.id for one in all_of(spool, [3, 2, 1, 0, 1, 0])]
        assert given == {"part-3": UNSURE, "part-2": FALSE_ALARM, "part-1": FALSE_ALARM, "part-0": DEFECT}
        assert "1 true defects, 2 false alarms, 1 unsure; 100 pictures judged" in text
        assert "observed false-alarm rate: 2.02 %" in text
        assert complaints == []

    @run
    async def test_held_key(self, spool, tmp_path):
        """A key that is held down labels one picture."""
        async with page_of(spool, tmp_path / "labels.sqlite") as url, browser_page(tmp_path) as page:
            await page.open(url)
            await page.until("!document.getElementById('item').hidden")
            for _ in range(5):
                await page.call("Input.dispatchKeyEvent", type="keyDown", key="d", code="KeyD", autoRepeat=_ > 0)
            await page.until("document.getElementById('left').textContent.startsWith('3 to label')")
            await asyncio.sleep(0.3)
            left = await page.value("document.getElementById('left').textContent")

        assert left == "3 to label, 1 labelled now"

    @run
    async def test_server_gone(self, spool, tmp_path):
        """When a label can't be saved the page says so, and stays with its picture."""
        async with browser_page(tmp_path) as page:
            async with page_of(spool, tmp_path / "labels.sqlite") as url:
                await page.open(url)
                shown = await page.until("!document.getElementById('item').hidden && document.body.dataset.id")
            await page.press("d")
            problem = await page.until(
                "!document.getElementById('problem').hidden && document.getElementById('problem').textContent"
            )
            still = await page.value("document.body.dataset.id")

        assert problem.startswith("not saved: ")
        assert still == shown


def all_of(spool: Path, numbers: list[int]) -> list:
    """The spooled pictures of those numbers."""
    by_number = {int(one.request_id.removeprefix("part-")): one for one in spooled(spool)}
    return [by_number[number] for number in numbers]


class TestOverHttp:
    @run
    async def test_no_overlay(self, spool, tmp_path):
        """Without a server to draw it there is no overlay, and labels can be given all the same."""
        async with page_of(spool, tmp_path / "labels.sqlite", lambda *_: None) as url, aiohttp.ClientSession() as client:
            (first, *_) = await (await client.get(f"{url}/items")).json()
            overlay = await client.get(f"{url}/items/{first['id']}/overlay")
            shown = await client.get(f"{url}/items/{first['id']}/picture")
            label = await client.put(f"{url}/items/{first['id']}/label", json={"label": DEFECT})

        assert (overlay.status, shown.status, shown.content_type, label.status) == (404, 200, "image/png", 200)

    @run
    async def test_overlay_later(self, spool, tmp_path):
        """Once there is a server the overlay is there, also of a picture that was looked at before."""
        drawn = [b"an overlay", None]
        async with page_of(spool, tmp_path / "labels.sqlite", lambda *_: drawn.pop()) as url, aiohttp.ClientSession() as client:
            (first, *_) = await (await client.get(f"{url}/items")).json()
            statuses = [(await client.get(f"{url}/items/{first['id']}/overlay")).status for _ in range(3)]

        assert statuses == [404, 200, 200]

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"Origin": "http://elsewhere.example"}, 403),
            ({"Host": "elsewhere.example:8090"}, 403),
            ({"Host": "localhost:8090"}, 200),
        ],
    )
    @run
    async def test_other_pages(self, spool, tmp_path, headers, status):
        """Pages of other sites can neither read nor label, also under a name that leads to this machine."""
        async with page_of(spool, tmp_path / "labels.sqlite") as url, aiohttp.ClientSession() as client:
            found = await client.get(f"{url}/items", headers=headers)

        assert found.status == status

    @pytest.mark.parametrize("path", ["/page/../app.py", "/page/..%2Fapp.py", "/page/nothing.js", "/items/x/picture", "/x"])
    @run
    async def test_nothing_else(self, spool, tmp_path, path):
        """Nothing is served but the page and the spool's pictures."""
        async with page_of(spool, tmp_path / "labels.sqlite") as url, aiohttp.ClientSession() as client:
            found = await client.get(f"{url}{path}")

        assert found.status == 404

    @run
    async def test_removed_meanwhile(self, spool, tmp_path):
        """A picture that the server has removed meanwhile can't be labelled, and that is said."""
        async with page_of(spool, tmp_path / "labels.sqlite") as url, aiohttp.ClientSession() as client:
            one = spooled(spool)[0]
            one.path.unlink()
            answer = await client.put(f"{url}/items/{one.id}/label", json={"label": DEFECT})
            wrong = await client.put(f"{url}/items/{one.id}/label", json={"label": "maybe"})

        assert (answer.status, wrong.status) == (410, 400)


class TestLabels:
    def test_kill(self, spool, tmp_path):
        """What was answered is there after kill -9, with its picture; what is labelled is no longer asked for."""
        path = tmp_path / "labels.sqlite"
        command = [sys.executable, "-m", "snag.review", "--spool", str(spool), "--labels", str(path), "--port", "0"]
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert running.stdout is not None
        url = running.stdout.readline().split()[1]
        ids = [item["id"] for item in json.load(urllib.request.urlopen(f"{url}items", timeout=30))]
        for id, label in zip(ids, (DEFECT, FALSE_ALARM, UNSURE), strict=False):
            data = json.dumps({"label": label}).encode()
            request = urllib.request.Request(f"{url}items/{id}/label", data, method="PUT")
            urllib.request.urlopen(request, timeout=30).close()
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        running.stdout.close()

        labels = read_labels(path)

        assert {one.id: one.label for one in labels.all()} == dict(zip(ids[:3], (DEFECT, FALSE_ALARM, UNSURE), strict=True))
        assert labels.picture(ids[0]) == picture(150)
        labels.close()

    def test_durable(self, tmp_path):
        """The file is written so that the power may go at any time, and its owner alone reads it."""
        labels = Labels(tmp_path / "labels.sqlite")
        modes = [labels._base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        labels.close()

        assert modes == ["wal", 2]
        assert (tmp_path / "labels.sqlite").stat().st_mode & 0o777 == 0o600

    def test_something_else(self, tmp_path):
        """A file that is none of ours is refused, and left as it is."""
        (tmp_path / "notes.txt").write_text("no labels in here, but some text that is long enough to be a header of a file")

        with pytest.raises(BadArtifact, match="no file of labels"):
            Labels(tmp_path / "notes.txt")
        with pytest.raises(BadArtifact, match="`make review` makes them"):
            read_labels(tmp_path / "nothing")


class TestCommands:
    @pytest.fixture
    def labels(self, spool: Path, tmp_path: Path) -> Path:
        """Labels of three pictures: the highest is a defect."""
        store = Labels(tmp_path / "labels.sqlite")
        for one, label in zip(spooled(spool), (FALSE_ALARM, DEFECT, FALSE_ALARM), strict=False):
            store.put(one, one.picture() or b"", label)
        store.close()
        return tmp_path / "labels.sqlite"

    def test_suggest(self, spool, labels, tmp_path, capsys):
        """The threshold goes into a file for other commands, with every digit; people get the reasons."""
        out = tmp_path / "threshold.txt"
        place = ["--labels", str(labels), "--spool", str(spool), "--model", "bolt"]

        assert suggest_main([*place, "--fpr", "0.01", "--out", str(out)]) == 0

        assert float(out.read_text()) == 4.0
        told = capsys.readouterr().out
        assert "labels: 1 true defects, 2 false alarms, 0 unsure" in told
        assert "This takes the labelled pictures (2 of 3 flagged ones) for a random sample of all of them" in told
        assert "a threshold by labels promises no false-alarm rate" in told

    def test_suggest_without(self, spool, labels, capsys):
        """Without a label of the model there is nothing to say."""
        assert suggest_main(["--labels", str(labels), "--spool", str(spool), "--model", "nut"]) == 2

        assert "holds no label of nut" in capsys.readouterr().err

    def test_export(self, labels, tmp_path):
        """Labelled pictures become folders: good, and defect."""
        assert export_main(["--labels", str(labels), "--model", "bolt", "--out", str(tmp_path / "out")]) == 0

        sizes = {
            path.parent.name: [one.read_bytes() for one in sorted(path.parent.iterdir())]
            for path in (tmp_path / "out").glob("*/*")
        }
        assert sizes == {"good": [picture(50), picture(150)], "defect": [picture(100)]}

    def test_no_spool(self, tmp_path, capsys):
        """A server that keeps no pictures has none to show: the message says how to make it keep some."""
        assert review_main(["--spool", str(tmp_path / "none"), "--labels", str(tmp_path / "labels.sqlite")]) == 2

        assert "make serve SPOOL=1000" in capsys.readouterr().err


def test_a_damaged_file_of_labels_is_refused(tmp_path: Path) -> None:
    """Half a database is no file of labels."""
    path = tmp_path / "labels.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE other (a)")
    path.write_bytes(path.read_bytes()[:100] + b"x" * 900)

    with pytest.raises(BadArtifact):
        Labels(path)
