"""Offline scoring as a whole: the server's verdicts, each picture once, whatever was killed in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from PIL import Image

from snag.cli.lock import held
from snag.core import inspection
from snag.core.artifact import load_artifact
from snag.core.calibration import read_calibration
from snag.core.errors import BadConfig, NoPictures, OtherScores
from snag.core.inspection import RowInspector
from snag.core.serving import ServingSettings
from snag.core.telemetry import MetricsBuffer
from snag.offline import score as command
from snag.offline.engine import Finished
from snag.offline.rows import ScoreRow, is_whole, write_part
from snag.offline.score import ScoreSettings, score
from snag.offline.summary import EDGES, summarise
from tests.support.fakes import tiny_artifact, tiny_calibration

ROOT = Path(__file__).parents[2]
GREYS = range(60, 200, 4)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a model that finds bright and dark pictures anomalous."""
    folder = tmp_path / "run"
    tiny_calibration(folder, tiny_artifact(folder))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Pictures of every grey, one that is cut off, one that is none."""
    folder = tmp_path / "source"
    folder.mkdir()
    for grey in GREYS:
        Image.fromarray(np.full((20, 30), grey, np.uint8)).save(folder / f"grey{grey:03d}.png")
    (folder / "cut.png").write_bytes((folder / "grey100.png").read_bytes()[:45])
    (folder / "text.png").write_text("no picture")
    return folder


@pytest.fixture
def settings(run: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScoreSettings:
    """Asked for in a folder that is no checkout: what a scoring needs besides comes with the package."""
    monkeypatch.chdir(tmp_path)
    return ScoreSettings(source=str(source), run=run, out=tmp_path / "out/scores.parquet", workers=1, part=5)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Parts are scored in this process, where starting an engine would add seconds and nothing; their numbers as they come."""
    scored: list[int] = []

    def in_this_process(job, numbers, workers, scheduler):
        for number in numbers:
            scored.append(number)
            yield Finished(number, command_score_part(job, number))

    from snag.offline.scoring import score_part as command_score_part

    monkeypatch.setattr(command, "run_parts", in_this_process)
    return scored


def rows(path: Path) -> list[dict[str, object]]:
    return pq.read_table(path).to_pylist()


def test_what_is_left_out_is_said(settings, source, here, capsys):
    """What in the source is no picture is counted before the work, in the summary and on the sheet."""
    (source / "a.jp2").write_bytes(b"")

    score(settings)

    said = "left out of {}: 1 picture of a format that Snag does not read (jp2): a.jp2; expected PNG"
    assert said.format(source) in capsys.readouterr().out
    assert json.loads(settings.out.with_suffix(".json").read_text())["left_out"]["format"]["names"] == ["a.jp2"]
    assert "does not read (jp2): a.jp2" in settings.out.with_suffix(".html").read_text()


class TestVerdicts:
    def test_as_the_server_says(self, settings, source, run, here):
        """Every number and every error is what the server's inspector answers to the same bytes."""
        score(settings)

        artifact, calibration = load_artifact(run / "snag.pt"), read_calibration(run / "calibration.json")
        inspector = RowInspector(artifact, calibration, ServingSettings(), "run", "1.0", MetricsBuffer(), print)
        judged = {row["name"]: row for row in rows(settings.out)}
        refused = {row["name"]: row for row in rows(settings.out.with_name("scores.refused.parquet"))}
        assert set(judged) | set(refused) == {path.name for path in source.iterdir()}
        for path in source.iterdir():
            answer = inspector.answer([inspection.Row({"body": path.read_bytes()})])[0]
            said = json.loads(answer.body)
            if answer.status == 200:
                row = judged[path.name]
                assert (row["anomaly"], row["score"], row["p_value"]) == (said["Anomaly"], said["score"], said["p_value"])
                assert row["reconstruction_error"] == said["reconstruction_error"]
            else:
                assert {"code": refused[path.name]["code"], "message": refused[path.name]["message"]} == said["error"]

    def test_summary(self, settings, here):
        """The summary counts every picture once; the sheet shows the most anomalous with their heat maps."""
        summary = score(settings)

        table = rows(settings.out)
        assert summary.pictures == len(GREYS) + 2
        assert summary.refused == {"broken_picture": 1, "unsupported_format": 1}
        assert summary.anomalies == sum(row["anomaly"] for row in table)
        assert sum(summary.bars) == summary.judged == len(table)
        worst = sorted(table, key=lambda row: -row["score"])
        assert summary.most_anomalous[0].score == worst[0]["score"]
        assert json.loads(settings.out.with_name("scores.json").read_text())["judged"] == len(table)
        assert settings.out.with_name("scores.html").read_text().count("data:image/jpeg;base64,") == len(summary.most_anomalous)

    def test_nothing_is_left_over(self, settings, here):
        """A finished scoring leaves its four files alone."""
        score(settings)

        assert sorted(path.name for path in settings.out.parent.iterdir()) == [
            "scores.html", "scores.json", "scores.parquet", "scores.refused.parquet",
        ]  # fmt: skip


class TestOnce:
    def test_goes_on(self, settings, here, monkeypatch):
        """After a stop only the parts that are missing are scored, and the tables are those of an undisturbed run."""
        score(settings)
        whole = settings.out.read_bytes()
        again = settings.model_copy(update={"out": settings.out.with_name("again.parquet")})
        here.clear()
        with monkeypatch.context() as patched:
            patched.setattr(command, "assemble", interrupted)
            with pytest.raises(KeyboardInterrupt):
                score(again)
        parts = sorted((again.out.parent / "again.parts").glob("part-*"))
        parts[2].unlink()
        parts[4].write_bytes(parts[4].read_bytes()[:-7])
        here.clear()

        score(again)

        assert here == [2, 4]
        assert again.out.read_bytes() == whole

    def test_finished(self, settings, here):
        """A finished scoring is not done again."""
        score(settings)
        here.clear()

        score(settings)

        assert here == []

    @pytest.mark.parametrize("change", ["picture", "threshold"])
    def test_other(self, settings, here, source, run, change):
        """A result of other pictures or another calibration is never written over."""
        score(settings)
        before = settings.out.read_bytes()
        if change == "picture":
            (source / "grey100.png").write_bytes((source / "grey104.png").read_bytes() + b"more")
        else:
            tiny_calibration(run, load_artifact(run / "snag.pt"), rate=0.2)

        with pytest.raises(OtherScores):
            score(settings)

        assert settings.out.read_bytes() == before

    def test_parts_of_another_model(self, settings, here, run, monkeypatch):
        """Parts that were made with another calibration are made again, not mixed in."""
        with monkeypatch.context() as patched:
            patched.setattr(command, "assemble", interrupted)
            with pytest.raises(KeyboardInterrupt):
                score(settings)
        tiny_calibration(run, load_artifact(run / "snag.pt"), rate=0.2)
        here.clear()

        summary = score(settings)

        assert len(here) == -(-summary.pictures // settings.part)

    def test_alone(self, settings, here, tmp_path):
        """Two commands never write into one place at the same time."""
        with held(tmp_path / "out/scores.parts", "scoring into"), pytest.raises(BadConfig, match="another command is scoring"):
            score(settings)

    def test_nothing(self, settings, tmp_path):
        """A folder without pictures is refused."""
        (tmp_path / "empty").mkdir()

        with pytest.raises(NoPictures):
            score(settings.model_copy(update={"source": str(tmp_path / "empty")}))


class TestRows:
    def test_whole(self, tmp_path):
        """A part is whole when its rows are all there and it was made from what is asked."""
        path = tmp_path / "part"
        write_part(
            [ScoreRow("a", True, 1.0, 0.5, 0.1), ScoreRow("b", code="broken_picture", message="cut")], path, {"model": "m"}
        )

        assert is_whole(path, 2, {"model": "m"})
        assert not is_whole(path, 3, {"model": "m"})
        assert not is_whole(path, 2, {"model": "n"})
        assert not is_whole(tmp_path / "none", 2, {"model": "m"})


class TestSummary:
    @pytest.mark.parametrize("threshold", [2.0, 0.0, -1.0])
    def test_bars_agree_with_the_verdicts(self, threshold):
        """Bars beyond 1 hold the anomalies and no others, with any threshold."""
        scores = [0.1 * step - 1.5 for step in range(80)]
        judged = [
            {"name": str(one), "anomaly": one > threshold, "score": one, "p_value": 0.5, "reason": None} for one in scores
        ]

        summary = summarise(judged, [], threshold, 3)

        assert sum(summary.bars[EDGES.index(1.0) + 1 :]) == summary.anomalies
        assert [found.score for found in summary.most_anomalous] == sorted(scores)[:-4:-1]

    def test_reasons(self):
        """Pictures with a reason have no score worth the name: they are counted and shown apart."""
        judged = [{"name": "a", "anomaly": True, "score": 1e6, "p_value": 0.1, "reason": "not_aligned"}]

        summary = summarise(judged, [{"code": "broken_picture"}], 1.0, 3)

        assert (summary.reasons, summary.refused, summary.most_anomalous) == ({"not_aligned": 1}, {"broken_picture": 1}, [])
        assert [found.name for found in summary.with_reason] == ["a"]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


class TestEngine:
    def test_killed_worker_and_killed_command(self, settings, source, tmp_path):
        """With real processes: a worker killed hard is replaced; the command killed hard goes on; each picture has one row."""
        for copy in range(12):
            for path in list(source.glob("grey*.png")):
                os.link(path, source / f"copy{copy}-{path.name}") if not path.name.startswith("copy") else None
        total = sum(1 for _ in source.iterdir())
        flags = [
            "--source",
            str(source),
            "--run",
            str(settings.run),
            "--out",
            str(settings.out),
            "--part",
            "3",
            "--workers",
            "1",
        ]
        line = [sys.executable, "-m", "snag.offline.score", *flags]
        parts = settings.out.with_name("scores.parts")
        first = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: len(list(parts.glob("part-*"))) > 2)
            worker = max(psutil.Process(first.pid).children(recursive=True), key=lambda one: one.memory_info().rss)
            worker.kill()
            done = len(list(parts.glob("part-*")))
            wait_for(lambda: len(list(parts.glob("part-*"))) > done + 2)
        finally:
            first.send_signal(signal.SIGKILL)
            first.wait()
        kept = {path.name: path.stat().st_mtime_ns for path in parts.glob("part-*")}
        assert 0 < len(kept) < total // 3, "it was killed too late to show anything"

        second = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)

        names = [row["name"] for path in settings.out.parent.glob("*.parquet") for row in rows(path)]
        assert sorted(names) == sorted(path.name for path in source.iterdir())
        assert f"{total - 2} pictures judged" in second.stdout


def wait_for(condition, seconds: float = 120) -> None:
    """Wait until it holds; the limit only ends a test that would hang."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
