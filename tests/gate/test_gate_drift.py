"""Drift as the gate sees it: ranks in the workers' answers, watches over restarts, metrics, log, and the group's header."""

from __future__ import annotations

import asyncio
import base64
import io
import json

import aiohttp
import pytest

from snag.drift.martingale import ALARM
from snag.gate.drift import Drift, StreamLine
from tests.support.torchserve import VERDICT, house, run, says

PREDICT = "/predictions/bolt"
USUAL, EXTREME = "1a2b3c4d score=30-30/65 exposure=30-30/65", "1a2b3c4d score=30-30/65 exposure=64-64/65"
LINE = StreamLine("bolt", "1.0", "pooled")


def drift(file=None):
    """Drift with the alarms that it raised and the complaints that it made."""
    alarms, complaints = [], []
    return Drift(file, lambda line, alarm: alarms.append((line, alarm)), complaints.append), alarms, complaints


def value(gate, name, **labels):
    """One sample of the gate's own registry."""
    found = [
        sample.value
        for family in gate.metrics.registry.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, found
    return found[0]


class TestWatching:
    @run
    async def test_ranks_become_alarms(self, tmp_path):
        """What workers say of ranks is watched, told as metrics and logged; the client does not get to see it."""
        async with house(tmp_path) as one:
            one.torchserve.script = [says(200, VERDICT, Snag_Ranks=EXTREME)] * 100
            *_, headers = await one.ask(PREDICT)
            for number in range(99):
                await one.ask(PREDICT, data=f"picture {number}".encode())
            alarms = value(one.gate, "snag_drift_alarms_total", model_name="bolt", cause="pictures")
            evidence = value(one.gate, "snag_drift_log_martingale", model_name="bolt", evidence="exposure")
            level = value(one.gate, "snag_drift_alarm_level")

        events = [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]
        noted = [event for event in events if event.get("event") == "drift"]
        assert "Snag-Ranks" not in headers
        assert alarms == len(noted) >= 1
        assert -1 < evidence < level == pytest.approx(ALARM)
        assert [noted[0][name] for name in ("model", "version", "group", "cause")] == ["bolt", "1.0", "pooled", "pictures"]
        assert noted[0]["level"] == "warning"
        assert noted[0]["evidence"]["exposure"] >= round(ALARM, 2)
        assert {line["ranks"] for line in one.lines()} == {EXTREME}

    @run
    async def test_a_picture_that_is_sent_again(self, tmp_path):
        """In whatever form: every time it is answered and told, once it is watched; the log marks what was not."""
        picture, form = b"picture", aiohttp.FormData({"data": io.BytesIO(b"picture")})
        async with house(tmp_path) as one:
            one.torchserve.script = [says(200, VERDICT, Snag_Ranks=EXTREME)] * 55
            answers = [await one.ask(PREDICT, data=picture) for _ in range(51)]
            answers.append(await one.ask(PREDICT, data=form))
            said = json.dumps({"image": base64.b64encode(picture).decode()}).encode()
            answers.append(await one.ask(PREDICT, data=said, headers={"Content-Type": "application/json"}))
            answers.append(await one.ask(PREDICT, data=b"another"))
            repeats = value(one.gate, "snag_drift_repeats_total", model_name="bolt", group="pooled")
            evidence = value(one.gate, "snag_drift_log_martingale", model_name="bolt", evidence="exposure")

        assert [said[:2] for said in answers] == [(200, VERDICT)] * 54
        assert repeats == 52
        assert evidence < 0.01
        assert [line.get("repeat") for line in one.lines()] == [None] + [True] * 52 + [None]

    @pytest.mark.parametrize("ranks", ["", "nonsense", "1a score=9-1/2"])
    @run
    async def test_other_headers(self, tmp_path, ranks):
        """A worker that says nothing of ranks, or something else, is answered for all the same."""
        async with house(tmp_path) as one:
            one.torchserve.script = [says(200, VERDICT, Snag_Ranks=ranks)]
            status, said, _ = await one.ask(PREDICT)

            assert (status, said) == (200, VERDICT)
            assert "snag_drift_log_martingale{" not in one.gate.metrics.text().decode()

    def test_the_same_picture_on_another_line(self):
        """It is new there; and it is new where the calibration is."""
        watched, *_ = drift()
        other = LINE._replace(group="camera-2")
        calls = [(LINE, USUAL), (other, USUAL), (LINE, USUAL), (LINE, USUAL.replace("1a2b3c4d", "ffffffff"))]

        assert [watched.see(line, ranks, b"digest") for line, ranks in calls] == [False, False, True, False]

    def test_each_line_by_itself(self):
        """Versions and groups have their own watch; a new calibration begins a new one."""
        watched, *_ = drift()
        for line in (LINE, LINE._replace(group="camera-2"), LINE._replace(version="2.0"), LINE):
            watched.see(line, USUAL)

        assert seen(watched) == {("2.0", "pooled"): 1, ("1.0", "camera-2"): 1, ("1.0", "pooled"): 2}
        watched.see(LINE, USUAL.replace("1a2b3c4d", "ffffffff"))
        assert seen(watched)["1.0", "pooled"] == 1


def seen(watched):
    """How many pictures each line had, by version and group."""
    return {line[1:]: watch.seen for line, watch in watched._watches.items()}


class TestFile:
    def test_over_a_restart(self, tmp_path):
        """What one process saw the next one knows, alarms included."""

        async def process(ranks, times):
            watched, alarms, complaints = drift(tmp_path / "drift.json")
            watched.start()
            for _ in range(times):
                watched.see(LINE, ranks)
            await watched.stop()
            assert complaints == []
            return watched, alarms

        asyncio.run(process(USUAL, 100))
        _, alarms = asyncio.run(process(EXTREME, 40))
        watched, _ = asyncio.run(process(USUAL, 1))

        assert seen(watched) == {("1.0", "pooled"): 141}
        assert watched._watches[LINE].alarms["pictures"] == len(alarms) >= 1

    @pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'[{"line": ["a", "b", "c"]}]', b"\xff", b'[{"line": 3}]'])
    def test_damaged(self, tmp_path, content):
        """A file that is none is said to be none, and the watches begin anew."""
        (tmp_path / "drift.json").write_bytes(content)

        async def process():
            watched, _, complaints = drift(tmp_path / "drift.json")
            watched.start()
            watched.see(LINE, USUAL)
            await watched.stop()
            return complaints

        complaints = asyncio.run(process())
        assert len(complaints) == (0 if content == b"{}" else 1)
        assert [state["seen"] for state in json.loads((tmp_path / "drift.json").read_text())] == [1]

    def test_a_disk_that_is_full(self, tmp_path):
        """Where the file can't be written, that is said, and nobody is the worse for it."""
        (tmp_path / "taken").write_text("")

        async def process():
            watched, _, complaints = drift(tmp_path / "taken" / "drift.json")
            watched.start()
            watched.see(LINE, USUAL)
            await watched.stop()
            return complaints

        assert any("can't write" in complaint for complaint in asyncio.run(process()))

    def test_now_and_then(self, tmp_path, monkeypatch):
        """The file is written while the process runs: a process that is killed loses little."""
        monkeypatch.setattr("snag.gate.drift._SAVE_SECONDS", 0.01)

        async def process():
            watched, *_ = drift(tmp_path / "drift.json")
            watched.start()
            watched.see(LINE, USUAL)
            async with asyncio.timeout(20):
                while not (tmp_path / "drift.json").exists():
                    await asyncio.sleep(0.01)
            await watched.stop()

        asyncio.run(process())


class TestGroup:
    @run
    async def test_header(self, tmp_path):
        """The group of a bare picture is passed on; a name that no group can have is refused before any worker is asked."""
        async with house(tmp_path) as one:
            await one.ask(PREDICT, headers={"Snag-Group": "camera-2"})
            refused = [await one.code(PREDICT, headers={"Snag-Group": name}) for name in ("pooled", "x" * 65, "Größe")]

            assert one.torchserve.asked[0][1]["snag-options"] == "group=camera-2"
            assert refused == [(400, "bad_request")] * 3
            assert len(one.torchserve.asked) == 1

    @run
    async def test_log(self, tmp_path):
        """The log says which group it was, and whose threshold judged it."""
        async with house(tmp_path) as one:
            said = VERDICT | {"group": "camera-9", "threshold_of": "pooled"}
            one.torchserve.script = [says(200, said, Snag_Ranks=USUAL)]
            await one.ask(PREDICT)
            pictures = value(one.gate, "snag_drift_alarms_total", model_name="bolt", group="pooled", cause="parts")

        assert pictures == 0
        assert [(line["group"], line["threshold_of"]) for line in one.lines()] == [("camera-9", "pooled")]
