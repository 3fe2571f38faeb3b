"""The order in which pictures are shown for labels: newest first, or drawn by a seed, which makes a random sample of them."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import aiohttp
import numpy as np
from aiohttp import web
from PIL import Image
from scipy.stats import chisquare

from snag.core.verdict import Verdict
from snag.gate.settings import SpoolSettings
from snag.gate.spool import FLAGGED, Shelf
from snag.review.app import Review
from snag.review.labels import Labels
from snag.review.spooled import Spooled, in_random_order, spooled
from tests.support.torchserve import run

VERDICT = {
    "Anomaly": True, "score": 3.0, "threshold": 2.0, "p_value": 0.1, "reconstruction_error": 0.5,
    "model": "bolt", "version": "1.0",
}  # fmt: skip


def put(spool: Path, numbers: range) -> None:
    """Pictures that the server flags, one after the other."""
    shelf = Shelf(SpoolSettings(spool, 10**6))
    shelf.open()
    for number in numbers:
        buffer = io.BytesIO()
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(buffer, "PNG")
        shelf.put(buffer.getvalue(), {"request_id": f"part-{number}", "kind": FLAGGED, "verdict": VERDICT})


async def shown(spool: Path, labels: Path, seed: int | None) -> list[list[str]]:
    """What the page shows at two looks."""
    store = Labels(labels)
    runner = web.AppRunner(Review(spool, store, 0.02, lambda *_: None, seed).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/items"
    async with aiohttp.ClientSession() as client:
        found = [[one["id"] for one in await (await client.get(url)).json()] for _ in range(2)]
    await runner.cleanup()
    store.close()
    return found


@run
async def test_an_order_is_the_same_at_each_look(tmp_path):
    """Another seed, another order; pictures that come later take any place and leave the others in theirs."""
    spool = tmp_path / "spool"
    put(spool, range(30))
    newest = [one.id for one in spooled(spool)]

    orders = {seed: await shown(spool, tmp_path / f"{seed}.sqlite", seed) for seed in (None, 0, 1)}
    put(spool, range(30, 40))
    later = [one.id for one in in_random_order(spooled(spool), 0)]

    assert orders[None] == [newest, newest]
    assert all(first == second and sorted(first) == sorted(newest) for first, second in orders.values())
    assert len({tuple(first) for first, _ in orders.values()}) == 3
    assert [one for one in later if one in newest] == orders[0][0]
    assert later[-10:] != [one for one in later if one not in newest]


def test_each_picture_may_come_first():
    """Over many seeds as often as any other."""
    verdict = Verdict(True, 3.0, 2.0, 0.1, 0.5)
    four = [Spooled(str(number), number, "", "bolt", "1.0", FLAGGED, verdict, Path()) for number in range(4)]

    first = Counter(in_random_order(four, seed)[0].id for seed in range(2000))

    assert len(first) == 4
    assert chisquare(list(first.values())).pvalue > 0.001
