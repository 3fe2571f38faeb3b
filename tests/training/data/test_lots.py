"""Lots: where the split is by lots, whole ones fit, standardise or calibrate; what can't be split so is refused."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import BadConfig, BadDataset
from snag.training.data.lots import DATE, FOLDER, basis, lots_of
from snag.training.data.split import split, split_good

NAMES = ["train/good/monday/0.png", "train/good/monday/1.png", "train/good/tuesday/a/0.png"]


def listed(folder: Path, text: str, encoding: str = "utf-8") -> str:
    (folder / "lots.csv").write_text(text, encoding=encoding)
    return str(folder / "lots.csv")


# --- which lot --------------------------------------------------------------------------------------------------------------


def test_a_lot_is_the_first_folder_below_the_good_pictures(tmp_path: Path) -> None:
    assert lots_of(FOLDER, NAMES, tmp_path) == ["monday", "monday", "tuesday"]


def test_a_picture_in_no_folder_is_of_no_lot(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"1 of 4 good pictures are of no lot, first train/good/x\.png; expected every good"):
        lots_of(FOLDER, [*NAMES, "train/good/x.png"], tmp_path)


def test_a_lot_is_the_day_of_the_file(tmp_path: Path) -> None:
    for name, day in (("a.png", 3), ("b.png", 3), ("c.png", 4)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (noon := datetime(2024, 5, day, 12).astimezone().timestamp(), noon))

    assert lots_of(DATE, ["a.png", "b.png", "c.png"], tmp_path) == ["2024-05-03", "2024-05-03", "2024-05-04"]


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_a_lot_is_what_a_list_says(tmp_path: Path, separator: str, slash: str) -> None:
    """Also as a spreadsheet on Windows writes it."""
    rows = [f"{name.replace('/', slash)}{separator} lot {i // 2} \n" for i, name in enumerate(NAMES)]

    assert lots_of(listed(tmp_path, f"path{separator}lot\n{''.join(rows)}", "utf-8-sig"), NAMES, tmp_path) == [
        "lot 0",
        "lot 0",
        "lot 1",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,lot\ntrain/good/monday/0.png,a\n", r"2 of 3 good pictures are of no lot, first train/good/monday/1\.png"),
        ("file,batch\nx,y\n", r"expected a header 'path,lot' and both in every line"),
        ("path,lot\ntrain/good/monday/0.png,\n", r"expected a header 'path,lot' and both in every line"),
        ("path,lot\na,1\na,2\n", r"names two lots of a, 1 and 2; expected one"),
    ],
)
def test_a_list_that_leaves_lots_open_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadDataset, match=said):
        lots_of(listed(tmp_path, text), NAMES, tmp_path)


def test_what_is_no_list_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"expected folder, date or a CSV with the columns path and lot"):
        lots_of("weekday", NAMES, tmp_path)


# --- the split --------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 200)), min_size=30, max_size=90), st.integers(0, 99))
def test_a_lot_is_in_one_set_and_a_part_that_training_saw_does_not_calibrate(shown: list[tuple[int, int]], seed: int) -> None:
    lots, parts = [f"lot {lot}" for lot, _ in shown], [part for _, part in shown]
    names = [f"{i:02d}" for i in range(len(shown))]
    if len(set(lots)) < 3:
        return

    chosen = split(names, parts, (None, None), seed, lots)

    kept = [*chosen.calibrate, *chosen.repeats]
    where = [("fit", chosen.fit), ("standardise", chosen.standardise), ("calibrate", kept)]
    sets = {lot: {at for at, part in where for name in part if lots[int(name)] == lot} for lot in set(lots)}
    assert sorted([*chosen.fit, *chosen.standardise, *kept]) == names
    assert {len(found) for found in sets.values()} == {1}
    seen = {parts[int(name)] for name in (*chosen.fit, *chosen.standardise)}
    assert not seen & {parts[int(name)] for name in chosen.calibrate}
    assert chosen.lots == tuple(lots[int(name)] for name in chosen.calibrate)


def test_whole_lots_are_drawn_until_there_are_enough_and_the_seed_decides_which() -> None:
    """Of 8 lots of 20 parts, 39 parts and more are two lots; the smallest of the others standardises."""
    names, lots = [f"{i:03d}" for i in range(160)], [f"lot {i // 20}" for i in range(160)]

    drawn = [split(names, range(160), (None, None), seed, lots) for seed in range(40)]

    assert {(len(one.standardise), len(one.calibrate), len(one.fit)) for one in drawn} == {(20, 40, 100)}
    assert {lot for one in drawn for lot in one.lots} == set(lots)


def test_a_lot_of_most_pictures_teaches() -> None:
    names, lots = [f"{i:03d}" for i in range(100)], ["large"] * 80 + ["a"] * 10 + ["b"] * 10

    assert {len(split(names, range(100), (None, None), seed, lots).fit) for seed in range(20)} == {80}


def test_fewer_lots_than_sets_are_refused(tmp_path: Path) -> None:
    names = [f"{i:03d}" for i in range(40)]

    with pytest.raises(BadDataset, match=r"of 2 lots \(a, b\); a split by lots needs at least 3: one each to learn from, to"):
        split_good(names, range(40), (None, None), 0, ["a", "b"] * 20, tmp_path)
    chosen = split_good(names, range(40), (0.0, None), 0, ["a", "b"] * 20, tmp_path)
    assert (len(chosen.fit), len(chosen.calibrate)) == (20, 20)


# --- what is told -----------------------------------------------------------------------------------------------------------


def test_both_numbers_are_told() -> None:
    assert basis([]) is None
    assert basis(["b", "a", "a"]) == (
        "3 calibration pictures of 2 lots (a, b) that training never saw: pictures of one lot are alike, so for lots to come "
        "the promise rests on 2, not on 3"
    )


def test_pictures_of_few_lots_promise_less_than_as_many_of_all_lots() -> None:
    """Why it is told: with half of the variance between lots, a threshold of one lot of 39 is broken more often than 5 %."""
    random = np.random.default_rng(0)
    lot = random.normal(0, 0.5**0.5, (4000, 1))
    scores = lot + random.normal(0, 0.5**0.5, (4000, 39))
    threshold = np.sort(scores, 1)[:, 37]

    rate = float((random.normal(0, 1, (4000, 200)) > threshold[:, None]).mean())

    assert rate > 0.08
