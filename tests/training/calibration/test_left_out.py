"""Calibration pictures that are left out as no good parts: what holds if they are none, and what if they were good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snag.core.calibration import read_calibration
from snag.core.errors import BadDataset
from snag.core.guarantee import AVERAGE
from snag.training.calibrate import calibrate, main, score_files
from snag.training.calibration.guarantee import (
    bound_of,
    guarantee,
    guarantee_of_chosen,
    measured_share,
    promised_threshold,
    with_left_out,
)
from tests.support.trained import Trained
from tests.support.uncalibrated import pictures, settings, uncalibrated


class TestLeftOut:
    @pytest.mark.parametrize(
        ("kept", "left_out", "told"),
        [
            (20, [30.0, 31.0], 3 / 23),  # two of 22, the two highest
            (39, [50.0], 3 / 41),  # one of 40
            (39, [2.0], 2 / 41),  # a low one: the threshold is a higher one among them all
            (39, [37.0], 2 / 41),  # one at the threshold is not above it
        ],
    )
    def test_average(self, kept, left_out, told):
        """If they were good parts after all, the threshold is another one of more scores: (n + 1 - k) / (n + 1)."""
        scores = [float(score) for score in range(kept)]
        threshold, promised = promised_threshold(scores, 0.05)

        found = with_left_out(promised, threshold, scores, left_out)

        assert (found.average, found.left_out) == (promised.average, len(left_out))
        assert found.if_good.average == told
        assert found.if_good.bound == bound_of(kept + len(left_out), found.if_good.rank, 0.95)

    def test_it_is_what_happens(self):
        """The two highest of 22 good parts are left out, over and over: one in eight new ones is stopped, not one in twenty."""
        drawn = np.sort(np.random.default_rng(3).random((20_000, 22)), axis=1)
        stopped = 1 - drawn[:, 19]  # at the threshold of the 20 others, their greatest; scores are uniform

        promised = with_left_out(guarantee(20, 20, 0.05, AVERAGE, 0.95), 0.0, [0.0] * 20, [1.0, 1.0])

        assert promised.average == 1 / 21
        assert stopped.mean() == pytest.approx(promised.if_good.average, abs=0.002)
        assert np.quantile(stopped, 0.95) == pytest.approx(promised.if_good.bound, abs=0.005)

    @pytest.mark.parametrize(
        ("promised", "told"),
        [
            (
                guarantee(20, 20, 0.05, AVERAGE, 0.95),
                "on average at most 48 are rejected (asked: 50); with 95 % confidence at most 140. That is so if the 2 "
                "pictures left out are no good parts. If they were after all: Of 1,000 good parts, on average at most 131 "
                "are rejected; with 95 % confidence at most 260.",
            ),
            (
                guarantee_of_chosen([0.0] * 20, 0.5, 0.95),
                "promised less. That is so if the 2 pictures left out are no good parts. If they were after all: Of 1,000 good "
                "parts, with 95 % confidence at most 352 are rejected: a threshold that was chosen by its results is promised "
                "less.",
            ),
            (
                measured_share([0.0] * 20, 0.5, 0.95),
                "That is so if the 2 pictures left out are no good parts. If they were after all: No false-alarm rate is "
                "promised; 2 of 22 calibration pictures lie above the threshold (95 %: 1 to 30 % of good parts, if it was not "
                "chosen by these pictures).",
            ),
        ],
    )
    def test_sentences(self, promised, told):
        """Both are said, of every kind of threshold."""
        assert with_left_out(promised, 0.5, [0.0] * 20, [1.0, 1.0]).sentence.endswith(told)
        assert "if the picture left out is no good part. If it was one after all: " in (
            with_left_out(promised, 0.5, [0.0] * 20, [1.0]).sentence
        )


class TestCommand:
    @pytest.fixture
    def run(self, bolts: Trained, tmp_path: Path) -> Path:
        return uncalibrated(bolts, tmp_path / "run")

    def test_both_sentences(self, bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Of 20 pictures one is left out, the worst: at 20 % three of its nineteen lie above, four of twenty if it was good."""
        good = pictures(tmp_path / "good", range(500, 520))
        paths = sorted(good.iterdir())
        worst = max(zip(score_files(bolts.artifact, paths)[0], paths, strict=True))[1].name
        (tmp_path / "list.txt").write_text(worst)
        arguments = ["--data", str(bolts.data), "--run", str(run), "--fpr", "0.2", "--good", str(good)]

        assert main([*arguments, "--exclude", str(tmp_path / "list.txt")]) == 0

        promised = read_calibration(run / "calibration.json").guarantee
        assert promised.average == 4 / 20
        assert (promised.if_good.count, promised.if_good.average) == (20, 5 / 21)
        said = capsys.readouterr().out
        assert "on average at most 200 are rejected; with" in said
        assert (
            "That is so if the picture left out is no good part. If it was one after all: Of 1,000 good parts, on average at "
            in said
        )
        assert "at most 239 are rejected;" in said

    def test_group(self, bolts: Trained, run: Path, tmp_path: Path) -> None:
        """It counts for the promise of its group, and of no other."""
        good = pictures(tmp_path / "good", range(0))
        for name, seeds in (("a", range(500, 511)), ("b", range(511, 521))):
            pictures(good / name, seeds)
        (tmp_path / "list.txt").write_text("a/505.png")

        a, b = calibrate(settings(bolts, run, good=good, fpr=0.1, exclude=tmp_path / "list.txt")).groups

        assert (a.count, a.guarantee.left_out, a.guarantee.if_good.count) == (10, 1, 11)
        assert (b.count, b.guarantee.left_out, b.guarantee.if_good) == (10, 0, None)

    def test_many(self, bolts: Trained, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """More than one in twenty is refused before anything is scored, and told how it can be had."""
        good = pictures(tmp_path / "good", range(500, 521))
        monkeypatch.setattr("snag.training.calibrate.score_files", lambda *_: pytest.fail("scored all the same"))
        (tmp_path / "list.txt").write_text("500.png\n501.png\n")

        with pytest.raises(
            BadDataset, match=r"leaves out 2 of 21 calibration pictures, more than 5 %: .* or --exclude-many where"
        ):
            calibrate(settings(bolts, run, good=good, exclude=tmp_path / "list.txt"))
