"""The spool: which pictures the gate keeps for review, how many, for how long, and that no request notices."""

from __future__ import annotations

import json
import time
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import DiskFull
from snag.gate.settings import SpoolSettings
from snag.gate.spool import BORDERLINE, FLAGGED, UNSUSPICIOUS, Shelf, kind_of, read_seen
from snag.review.spooled import seen, spooled
from tests.support.torchserve import VERDICT, house, run, says

PREDICT = "/predictions/bolt"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def verdict(score: float, threshold: float = 2.0, **more: object) -> dict[str, object]:
    return {
        **VERDICT,
        "Anomaly": score > threshold,
        "score": score,
        "threshold": threshold,
        "reconstruction_error": 0.1,
        **more,
    }


def settings(folder: Path, max_bytes: int = 10**6, **more: float) -> SpoolSettings:
    return SpoolSettings(folder / "spool", max_bytes, **more)


class TestWhatIsKept:
    @pytest.mark.parametrize(
        ("score", "threshold", "kind"),
        [
            (2.01, 2.0, FLAGGED),
            (2.0, 2.0, BORDERLINE),
            (1.81, 2.0, BORDERLINE),
            (1.79, 2.0, UNSUSPICIOUS),
            (-1.05, -1.0, BORDERLINE),
            (-1.2, -1.0, UNSUSPICIOUS),
        ],
    )
    def test_kind(self, score, threshold, kind):
        """Flagged is what is stopped; borderline is what lies within a tenth of the threshold below it."""
        assert kind_of(verdict(score, threshold), 0.1) == kind

    def test_reason(self):
        """What is stopped for a reason is flagged, whatever its score."""
        assert kind_of(verdict(0.0) | {"Anomaly": True, "reason": "not_aligned"}, 0.1) == FLAGGED

    @run
    async def test_through_the_gate(self, tmp_path):
        """Flagged and borderline pictures are kept as they were sent, with what was said of them; all verdicts are counted."""
        made = settings(tmp_path)
        async with house(tmp_path, spool=made) as one:
            for score in (1.0, 1.95, 2.5):
                one.torchserve.script.append(says(200, verdict(score)))
                await one.ask(PREDICT, data=PNG + str(score).encode(), headers={"X-Request-Id": f"part-{score}"})
            one.torchserve.script.append(says(400, {"error": {"code": "broken_picture", "message": "cut"}}))
            await one.ask(PREDICT)
            one.torchserve.script.append(says(200, {"any": "thing"}))
            await one.ask("/explanations/bolt")

        kept = spooled(made.folder)

        assert [(found.request_id, found.kind, found.verdict.score) for found in kept] == [
            ("part-2.5", FLAGGED, 2.5),
            ("part-1.95", BORDERLINE, 1.95),
        ]
        assert [found.picture() for found in kept] == [PNG + b"2.5", PNG + b"1.95"]
        assert seen(made.folder) == {("bolt", "1.0", kind): 1 for kind in (FLAGGED, BORDERLINE, UNSUSPICIOUS)}

    @run
    async def test_forms_and_json(self, tmp_path):
        """Out of a form or of JSON the picture alone is kept."""
        made = settings(tmp_path)
        form = aiohttp.FormData()
        form.add_field("heatmap", "true")
        form.add_field("image", PNG, filename="part.png")
        async with house(tmp_path, spool=made) as one:
            one.torchserve.script += [says(200, verdict(2.5))] * 2
            await one.ask(PREDICT, data=form)
            await one.ask(
                PREDICT, data=json.dumps({"image": "iVBORw0K"}).encode(), headers={"Content-Type": "application/json"}
            )

        assert [found.picture() for found in spooled(made.folder)] == [b"\x89PNG\r\n", PNG]

    @run
    async def test_off(self, tmp_path):
        """Unless asked for, nothing is kept."""
        async with house(tmp_path) as one:
            await one.ask(PREDICT, data=PNG)

        assert [path.name for path in tmp_path.iterdir()] == ["requests.log"]

    @run
    async def test_disk(self, tmp_path):
        """A folder that can't be written costs pictures, which are counted, and no request its answer."""
        (tmp_path / "file").touch()
        async with house(tmp_path, spool=SpoolSettings(tmp_path / "file" / "spool", 10**6)) as one:
            status, said, _ = await one.ask(PREDICT, data=PNG)
            gate = one.gate

        assert (status, said) == (200, VERDICT)
        assert gate.metrics.spool_lost._value.get() >= 1

    @run
    async def test_private(self, tmp_path):
        """The owner alone can look into the folder."""
        made = settings(tmp_path)
        async with house(tmp_path, spool=made) as one:
            await one.ask(PREDICT, data=PNG)

        assert made.folder.stat().st_mode & 0o777 == 0o700


class TestBounds:
    @given(sizes=st.lists(st.integers(0, 400), max_size=30))
    def test_size(self, sizes, tmp_path_factory):
        """However many come, the newest stay, and never more bytes than allowed."""
        made = settings(tmp_path_factory.mktemp("spool"), max_bytes=1000)
        shelf = Shelf(made)
        shelf.open()
        for size in sizes:
            shelf.put(bytes(size), {})

        kept = [path.stat().st_size for path in sorted(made.folder.glob("*.picture"))]

        assert sum(kept) <= 1000
        assert kept == sizes[len(sizes) - len(kept) :]
        assert len(kept) == len(sizes) or sum(sizes[len(sizes) - len(kept) - 1 :]) > 1000
        assert len(list(made.folder.glob("*.json"))) == len(kept)

    def test_larger_than_all(self, tmp_path):
        """A picture for which there will never be room is not kept, and costs none of the others."""
        made = settings(tmp_path, max_bytes=1000)
        shelf = Shelf(made)
        shelf.open()
        shelf.put(bytes(400), {})

        with pytest.raises(DiskFull, match="1001 bytes are more than the 1000"):
            shelf.put(bytes(1001), {})

        assert [path.stat().st_size for path in made.folder.glob("*.picture")] == [400]

    def test_age(self, tmp_path):
        """What is older than allowed is removed, also what an earlier server left."""
        made = settings(tmp_path, max_days=2)
        first = Shelf(made)
        first.open()
        first.put(b"old", {})
        second = Shelf(made)
        second.open()

        second.clear_old(time.time() + 2 * 86_400 - 60)
        before = len(list(made.folder.iterdir()))
        second.clear_old(time.time() + 2 * 86_400 + 60)

        assert (before, len(list(made.folder.iterdir()))) == (2, 0)

    def test_half_written(self, tmp_path):
        """What a power cut left half written is removed at the next start, and shown to nobody."""
        made = settings(tmp_path)
        made.folder.mkdir()
        (made.folder / "0001.picture").write_bytes(b"half")
        (made.folder / "0002.json").write_text("{")

        assert spooled(made.folder) == []
        Shelf(made).open()
        assert not (made.folder / "0001.picture").exists()

    @run
    async def test_counts_go_on(self, tmp_path):
        """The counts of verdicts go on over a restart of the server."""
        made = settings(tmp_path)
        for _ in range(2):
            async with house(tmp_path, spool=made) as one:
                await one.ask(PREDICT, data=PNG)

        assert read_seen(made.folder) == {("bolt", "1.0", FLAGGED): 2}
