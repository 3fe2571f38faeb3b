"""The split of the good pictures in three: disjoint, near-duplicates on one side and one decision, enough to calibrate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from snag.core.calibration import conformal_threshold, fewest_pictures, rank_of_threshold
from snag.core.errors import BadArtifact, TooFewPictures
from snag.training.calibration.settings import CalibrateSettings
from snag.training.data.split import (
    USUAL_RATE,
    Split,
    calibration_pictures,
    read_split,
    shortfall,
    split,
    split_good,
    write_split,
)

# --- the split --------------------------------------------------------------------------------------------------------------

_GROUPS = st.lists(st.integers(0, 25), min_size=1, max_size=60)
_SHARE = st.sampled_from([0.0, 0.05, 0.12, 0.2, 0.45])


def _names(groups: list[int]) -> list[str]:
    return [f"train/good/{i:03d}.png" for i in range(len(groups))]


@given(_GROUPS, _SHARE, _SHARE, st.integers(0, 2**32))
def test_the_sets_are_disjoint_complete_sorted_and_repeatable_in_whatever_order_the_names_come(
    groups: list[int], standardise: float, calibrate: float, seed: int
) -> None:
    names = _names(groups)

    chosen = split(names, groups, (standardise, calibrate), seed)

    parts = (chosen.fit, chosen.standardise, chosen.calibrate, chosen.repeats)
    assert sorted(name for part in parts for name in part) == names
    assert all(list(part) == sorted(part) for part in parts)
    assert chosen == split(names[::-1], groups[::-1], (standardise, calibrate), seed)


@given(_GROUPS, _SHARE, _SHARE, st.integers(0, 99))
def test_a_group_of_near_duplicates_stays_in_one_set_and_one_of_it_calibrates(
    groups: list[int], standardise: float, calibrate: float, seed: int
) -> None:
    names = _names(groups)

    chosen = split(names, groups, (standardise, calibrate), seed)

    number = dict(zip(names, groups, strict=True))
    fit, standardised, kept = ({number[name] for name in part} for part in (chosen.fit, chosen.standardise, chosen.calibrate))
    assert len(fit) + len(standardised) + len(kept) == len(fit | standardised | kept) == len(set(groups))
    assert len(chosen.calibrate) == len(kept)
    assert {number[name] for name in chosen.repeats} <= kept
    together = [[name for name in names if number[name] == group] for group in set(groups)]
    assert sorted(map(list, chosen.near_duplicates)) == sorted(same for same in together if len(same) > 1)


def test_every_picture_of_a_group_is_as_likely_to_stand_for_it() -> None:
    """Each of three in a third of 600 draws, give or take four and a half standard deviations."""
    names, groups = _names([0] * 12), [i // 3 for i in range(12)]
    drawn = [int(name[-7:-4]) % 3 for seed in range(300) for name in split(names, groups, (0.0, 0.5), seed).calibrate]

    assert len(drawn) == 600
    assert all(abs(drawn.count(which) - 200) < 52 for which in range(3))


@given(st.integers(1, 200), _SHARE, _SHARE, st.integers(0, 99), st.integers(1, 3))
def test_shares_by_hand_are_shares_of_the_different_parts(
    parts: int, standardise: float, calibrate: float, seed: int, shots: int
) -> None:
    """Rounded; at least one where a share is asked for, as far as there are any."""
    chosen = split(_names([0] * parts * shots), [i // shots for i in range(parts * shots)], (standardise, calibrate), seed)

    first = min(parts, max(1, round(standardise * parts))) if standardise else 0
    second = min(parts - first, max(1, round(calibrate * parts))) if calibrate else 0
    sizes = len(chosen.standardise), len(chosen.calibrate), len(chosen.fit)
    assert sizes == (shots * first, second, shots * (parts - first - second))


@pytest.mark.parametrize(
    ("good", "sizes"),
    [
        (12, (5, 1, 6)),
        (24, (9, 3, 12)),
        (37, (15, 4, 18)),
        (38, (14, 5, 19)),
        (60, (34, 7, 19)),
        (100, (69, 12, 19)),
        (129, (95, 15, 19)),
        (130, (75, 16, 39)),
        (160, (102, 19, 39)),
        (320, (217, 24, 79)),
        (1000, (677, 24, 299)),
    ],
)
def test_calibration_gets_19_39_59_or_more_of_them_up_to_three_tenths(good: int, sizes: tuple[int, int, int]) -> None:
    """Of few 19, but at most half; at most 24 standardise."""
    chosen = split(_names([0] * good), list(range(good)), (None, None), 0)

    assert (len(chosen.fit), len(chosen.standardise), len(chosen.calibrate)) == sizes


@given(st.integers(0, 3000))
def test_one_good_part_more_keeps_no_fewer_for_calibration_and_leaves_at_least_half(good: int) -> None:
    kept = calibration_pictures(good)

    assert kept <= calibration_pictures(good + 1)
    assert kept <= good / 2
    if kept >= fewest_pictures(USUAL_RATE):
        assert kept + 1 - rank_of_threshold(kept, USUAL_RATE) == (kept + 1) / 20  # the rate that is asked for, and no less


def test_near_duplicates_do_not_make_a_promise_that_is_broken() -> None:
    """Shots of one part score alike: every one of them counted, twice to three times the rate would be broken."""
    for parts in (60, 20):
        names, groups = _names([0] * 3 * parts), [i // 3 for i in range(3 * parts)]
        random, true, told = np.random.default_rng(parts), [], 0.0
        for seed in range(150):
            calibrate = [int(name[-7:-4]) for name in split(names, groups, (None, None), seed).calibrate]
            rank = rank_of_threshold(len(calibrate), 0.1)
            told = (len(calibrate) + 1 - rank) / (len(calibrate) + 1)
            shown = random.normal(0, 0.95**0.5, (200, parts, 1)) + random.normal(0, 0.05**0.5, (200, parts, 3))
            scores = np.sort(shown.reshape(200, -1)[:, calibrate], 1)
            true.append(norm.sf(scores[:, rank - 1]).mean())

        assert abs(np.mean(true) - told) < 4 * np.std(true) / len(true) ** 0.5


def test_too_few_different_parts_can_not_be_split(tmp_path: Path) -> None:
    names = _names([0] * 40)

    with pytest.raises(TooFewPictures, match=r"11 different good pictures in .*/good; at least 12 different ones are needed"):
        split_good(names, [i % 11 for i in range(40)], (None, None), 0, None, tmp_path)
    assert len(split_good(names, [i % 12 for i in range(40)], (None, None), 0, None, tmp_path).calibrate) == 6


@pytest.mark.parametrize("kept", [0, 19, 39, 199])
def test_nothing_is_said_of_enough_calibration_pictures_or_of_none(kept: int) -> None:
    assert shortfall(kept) is None


def test_too_few_calibration_pictures_are_told_with_what_they_carry() -> None:
    assert shortfall(9) == (
        "9 calibration pictures carry a false-alarm rate of 10.0% at best, 5% needs 19: take more good pictures, "
        "or ask for a higher rate with FPR="
    )
    assert conformal_threshold([float(i) for i in range(9)], 0.1) == 8.0


def test_calibration_pictures_that_carry_less_than_they_could_are_told_with_the_next_better_number() -> None:
    assert shortfall(32) == "32 calibration pictures keep 3.0% where 5% is asked for; 39 would keep all of it"


def test_the_usual_rate_is_what_calibration_asks_for() -> None:
    assert CalibrateSettings().fpr == USUAL_RATE
    assert fewest_pictures(USUAL_RATE) == 19


def test_another_seed_gives_another_split() -> None:
    names, groups = _names([0] * 100), list(range(100))

    assert len({split(names, groups, (0.1, 0.2), seed) for seed in range(10)}) == 10


def test_every_picture_is_as_likely_to_be_calibrated_on_as_every_other() -> None:
    """40 of 200 in each of 300 splits: 60 times, give or take four and a half standard deviations."""
    names, groups = _names([0] * 200), list(range(200))
    counts = dict.fromkeys(names, 0)

    for seed in range(300):
        for name in split(names, groups, (0.1, 0.2), seed).calibrate:
            counts[name] += 1

    assert min(counts.values()) > 60 - 31
    assert max(counts.values()) < 60 + 31


# --- its file ---------------------------------------------------------------------------------------------------------------


def test_the_split_is_kept_as_readable_json(tmp_path: Path) -> None:
    chosen = Split(("a", "b"), (), ("c",), repeats=("d",), near_duplicates=(("c", "d"),), lots=("monday",))

    write_split(chosen, tmp_path / "split.json")

    assert json.loads((tmp_path / "split.json").read_text()) == {
        "fit": ["a", "b"],
        "standardise": [],
        "calibrate": ["c"],
        "repeats": ["d"],
        "near_duplicates": [["c", "d"]],
        "lots": ["monday"],
    }
    assert read_split(tmp_path / "split.json") == chosen


def test_in_a_split_from_before_there_were_groups_each_picture_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text('{"fit": ["a"], "standardise": [], "calibrate": ["b", "c"]}')

    assert read_split(tmp_path / "split.json") == Split(fit=("a",), standardise=(), calibrate=("b", "c"))


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"fit": []}', '{"fit": [], "standardise": [], "calibrate": 3}'])
def test_a_file_that_is_no_split_is_an_error_that_says_what_to_run(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "split.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(BadArtifact, match=r"split\.json: not a split of the good pictures .*; run `make train`"):
        read_split(path)
