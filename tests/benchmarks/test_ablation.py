"""The ablation: steps that training accepts, one change at a time, and a table that is written after every row."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.ablation import __main__ as ablation
from benchmarks.ablation.steps import STEPS, Step
from benchmarks.accuracy.record import record_of
from benchmarks.accuracy.run import ResultLine
from benchmarks.accuracy.table import markdown
from snag.training.modes.oriented_crop import PIXELS
from snag.training.settings import TrainSettings, train_settings

ROW = ResultLine("part", "quick", 0, "whole", 0.9, 0.8, 0.5, 0.7, 0.6, 0.05, 20, 30, 1 / 33, 0.6, 0.9, 0.9, 1.0, 2.0, 3.0)


def settings_of(step: Step) -> TrainSettings:
    return train_settings(["--preset", step.preset, *step.flags])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_training_accepts_every_step_and_all_work_at_one_size(step: Step) -> None:
    settings = settings_of(step)

    assert (settings.pixels or PIXELS) == PIXELS  # what quick takes for aligned parts by itself
    assert settings.epochs == 80


def test_each_step_adds_what_it_names_to_the_one_before() -> None:
    settings = [settings_of(step).model_dump() for step in STEPS]
    changed = [{name for name in a if a[name] != b[name]} for a, b in pairwise(settings)]

    assert changed[0] == {"exposure"}
    assert changed[1] == {"score"}
    assert "mode" in changed[2]
    assert changed[3:7] == [{"autoencoder"}, {"inpaint_defects"}, {"score"}, {"standardise_share"}]
    assert changed[7:] == [{"ensemble_size"}, {"features"}]


def test_the_table_stands_after_every_row_and_says_what_each_adds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, written = [], []

    def fake(data: Path, preset: str, seed: int, folder: Path, extra: list[str]) -> ResultLine:
        asked.append((preset, seed, folder.name, extra))
        written.append((tmp_path / "table.md").exists())
        return replace(ROW, data=data.name, preset=preset, seed=seed)

    monkeypatch.setattr(ablation, "run_one", fake)

    assert ablation.main(["--data", "some/part", "--step", "2", "--step", "8", "--seed", "5", "--out", str(tmp_path)]) == 0

    assert asked == [
        ("baseline", 5, "part-2-5", list(STEPS[1].flags)),
        ("quick", 5, "part-8-5", list(STEPS[7].flags)),
    ]
    assert written == [False, True]
    table = (tmp_path / "table.md").read_text()
    assert table.index(STEPS[1].name) < table.index(STEPS[7].name)


def test_a_line_of_the_table_is_mean_and_sample_deviation_over_the_seeds() -> None:
    rows = [replace(ROW, seed=seed, image_auroc=area) for seed, area in enumerate((0.8, 0.9, 1.0))]

    lines = markdown([record_of(rows, "python -m benchmarks.ablation")]).splitlines()

    assert len(lines) == 3
    assert "| 0.900 ± 0.100 |" in lines[2]  # with n - 1: with n it would be 0.082
    assert lines[2].startswith("| part | quick | whole | 3 |")
    assert lines[2].endswith("| 3.03 % |")
