"""The ladder's arithmetic on made-up records, each figure against a slow twin, and how it is written down."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.record import FIGURES, AccuracyRecord
from benchmarks.accuracy.sets import known_set, name_of_few
from benchmarks.real.rows import complete, exact_interval, mean_and_worst, rows_of, together, ways_of
from benchmarks.real.table import kept_ladder, ladder
from snag.evaluation.intervals import clopper_pearson

WAYS = ("quick", "default", "patchcore-1")
SETS = ("tire", "casting", "cookie", "polycells")


def record(data: str, way: str, seed: int) -> AccuracyRecord:
    """With figures drawn by the seed; shares are whole pictures."""
    random = np.random.default_rng(seed)
    good, bad = int(random.integers(10, 60)), int(random.integers(10, 60))
    figures: dict[str, tuple[float, float | None] | None] = dict.fromkeys(FIGURES)
    figures |= {name: (float(random.uniform(0.5, 1)), None) for name in ("image_auroc", "worst_defect")}
    figures |= {name: (float(random.uniform(1, 50)), None) for name in ("train_minutes", "score_ms")}
    figures["tpr"] = (int(random.integers(0, bad + 1)) / bad, None)
    figures["fpr"] = (int(random.integers(0, good + 1)) / good, None)
    told = 1 / int(random.integers(15, 40))
    return AccuracyRecord(
        data, way, "full_frame", 1, good, bad, told, "python -m benchmarks.real", "2026-12-01", "abcdef0", figures
    )


@pytest.fixture
def records() -> list[AccuracyRecord]:
    """All ways on all sets and on few pictures of one, but for one cell."""
    data = [*SETS, name_of_few("tire", 60), name_of_few("tire", 30)]
    every = [record(name, way, 10 * at + number) for at, name in enumerate(data) for number, way in enumerate(WAYS)]
    return [one for one in every if (one.data, one.preset) != ("cookie", "patchcore-1")]


def wanted(records: list[AccuracyRecord], way: str, data: tuple[str, ...]) -> Iterator[AccuracyRecord]:
    for one in records:
        if one.preset == way and one.data in data:
            yield one


def test_whole_sets_stand_first_and_what_is_not_complete_is_in_no_mean(records: list[AccuracyRecord]) -> None:
    rows = rows_of(records)

    assert [row.known.title for row in rows] == [
        known_set(name).title for name in (*SETS, name_of_few("tire", 30), name_of_few("tire", 60))
    ]
    assert [row.known.title for row in complete(rows[:4], WAYS)] == [
        known_set(name).title for name in ("tire", "casting", "polycells")
    ]
    assert ways_of(list(reversed(records))) == ["default", "quick", "patchcore-1"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["image_auroc", "worst_defect", "tpr", "fpr"])
def test_mean_and_worst_are_of_the_sets_that_all_ways_have(records: list[AccuracyRecord], way: str, name: str) -> None:
    rows = complete(rows_of(records)[:4], WAYS)
    total, worst = 0.0, None
    for one in wanted(records, way, ("tire", "casting", "polycells")):
        value = one.figures[name][0]
        total += value
        if worst is None or (value > worst if name == "fpr" else value < worst):
            worst = value

    assert mean_and_worst(rows, way, name) == (pytest.approx(total / 3), worst)


@pytest.mark.parametrize("way", WAYS)
def test_false_alarms_together_are_counted_picture_by_picture(records: list[AccuracyRecord], way: str) -> None:
    found = together(complete(rows_of(records)[:4], WAYS), way)
    rejected, promised = [], []
    for one in wanted(records, way, ("tire", "casting", "polycells")):
        for number in range(one.good):
            rejected.append(number < one.figures["fpr"][0] * one.good - 0.5)
            promised.append(one.told)

    assert (found.sets, found.good, found.alarms) == (3, len(rejected), sum(rejected))
    assert found.told == pytest.approx(sum(promised) / len(promised))


def test_what_was_not_told_of_one_set_is_not_told_of_all(records: list[AccuracyRecord]) -> None:
    rows = rows_of([replace(one, told=None) if one.data == "casting" else one for one in records])

    assert together(complete(rows[:4], WAYS), "quick").told is None


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (3, 54), (20, 20), (41, 700)])
def test_the_interval_ends_where_a_binomial_tail_holds_a_fortieth(hits: int, count: int) -> None:
    low, high = exact_interval(hits, count)

    def at_least(share: float, least: int) -> float:
        return sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(least, count + 1))

    assert at_least(low, hits) == pytest.approx(0.025) if hits else low == 0
    assert 1 - at_least(high, hits + 1) == pytest.approx(0.025) if hits < count else high == 1
    told = clopper_pearson(hits, count)
    assert (low, high) == (told.low, told.high)


def test_the_table_shows_every_cell_with_its_interval(records: list[AccuracyRecord]) -> None:
    sides, *_, together_lines = ladder(records).split("\n\n")

    lines = {line.split(" | ")[0].removeprefix("| "): line.strip("| \n").split(" | ") for line in sides.splitlines()}
    one = next(wanted(records, "default", ("casting",)))
    low, high = exact_interval(round(one.figures["fpr"][0] * one.good), one.good)
    cells = lines["cast impellers of pumps"]
    assert cells[6] == f"{one.figures['image_auroc'][0]:.3f}"
    assert cells[9] == f"{100 * one.figures['fpr'][0]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    assert lines["cookies, whole or cracked"][-4:] == ["-"] * 4
    assert lines["tyres (MVTec 3D-AD, pictures alone) \\*"]
    assert lines["tyres (MVTec 3D-AD, pictures alone), 30 good \\*"]
    everywhere = ["mean of 4", "worst of 4", "mean of the 3 without \\*"]
    assert [title for title in lines if title.startswith(("mean", "worst"))] == [
        *everywhere,
        "mean of 3",
        "worst of 3",
        "mean of the 2 without \\*",
    ]
    assert [lines[title][-4:] for title in everywhere] == [["-"] * 4] * 3
    assert together_lines.count("| quick, 60 good | 1 |") == 1
    assert [together_lines.count(f"| quick | {sets} |") for sets in (4, 3)] == [1, 1]


def test_a_kept_ladder_names_what_made_it_and_what_marks_mean(records: list[AccuracyRecord]) -> None:
    text = kept_ladder(records)

    assert "- `python -m benchmarks.real`, 2026-12-01, `abcdef0`\n" in text
    assert text.count("the scales of the memory were chosen on it") == 1


def test_modes_that_were_asked_for_stand_beside_the_chosen_ones_and_in_no_mean(records: list[AccuracyRecord]) -> None:
    asked = [replace(record("tire", "quick-in-scene", 7), mode="scene"), record("casting", "scratch-in-scene", 8)]

    text = ladder([*records, *asked])

    assert text.startswith(ladder(records))
    assert ways_of([*records, *asked]) == ways_of(records)
    lines = text.removeprefix(ladder(records)).split("\n")
    rows = [line for line in lines if line.startswith("| ") and "image AUROC" not in line and "---" not in line]
    assert len(rows) == 1  # nobody measured what scratch gives where it chooses
    auroc = asked[0].figures["image_auroc"]
    assert auroc is not None
    assert "| `quick` | `full_frame` | " in rows[0]
    assert f" | `scene` | {auroc[0]:.3f} | " in rows[0]
