"""The split of the good pictures in three: disjoint, near-duplicates on one side, enough to calibrate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snag.core.calibration import conformal_threshold, fewest_pictures
from snag.core.errors import BadArtifact
from snag.training.calibration.settings import CalibrateSettings
from snag.training.data.split import (
    USUAL_RATE,
    Split,
    calibration_pictures,
    near_duplicates,
    read_split,
    shortfall,
    split,
    write_split,
)
from snag.training.data.survey import survey
from tests.support.parts import as_bytes, good_picture

# --- near-duplicates --------------------------------------------------------------------------------------------------------


def test_near_duplicates_share_a_group_also_by_way_of_others() -> None:
    """0 is like 2, 2 is like 3, 3 is not like 0: one group all the same. 1 and 4 are like nobody."""
    even = torch.full((1024,), 100.0)
    thumbnails = torch.stack([even, even + 50, even + 0.6, even + 1.2, even - 20])

    groups = near_duplicates(thumbnails)

    assert groups[0] == groups[2] == groups[3]
    assert len({groups[0], groups[1], groups[4]}) == 3


def test_a_picture_saved_twice_is_a_near_duplicate_and_another_part_is_not(tmp_path: Path) -> None:
    picture = as_bytes(good_picture(0, (96, 96)))
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(picture).save(tmp_path / "b.jpg", quality=90)
    Image.fromarray(as_bytes(good_picture(1, (96, 96)))).save(tmp_path / "c.png")

    groups = near_duplicates(torch.stack([one.thumbnail for one in survey(sorted(tmp_path.iterdir()))]))

    assert groups[0] == groups[1] != groups[2]


# --- the split --------------------------------------------------------------------------------------------------------------

_GROUPS = st.lists(st.integers(0, 25), min_size=1, max_size=60)
_SHARE = st.sampled_from([0.0, 0.05, 0.12, 0.2, 0.45])


def _names(groups: list[int]) -> list[str]:
    return [f"train/good/{i:03d}.png" for i in range(len(groups))]


@given(_GROUPS, _SHARE, _SHARE, st.integers(0, 2**32))
def test_the_three_sets_are_disjoint_complete_sorted_and_repeatable(
    groups: list[int], standardise: float, calibrate: float, seed: int
) -> None:
    names = _names(groups)

    chosen = split(names, groups, (standardise, calibrate), seed)

    together = [*chosen.fit, *chosen.standardise, *chosen.calibrate]
    assert sorted(together) == names
    assert all(list(part) == sorted(part) for part in (chosen.fit, chosen.standardise, chosen.calibrate))
    assert chosen == split(names, groups, (standardise, calibrate), seed)


@given(_GROUPS, _SHARE, _SHARE, st.integers(0, 99))
def test_a_group_of_near_duplicates_stays_in_one_set(
    groups: list[int], standardise: float, calibrate: float, seed: int
) -> None:
    names = _names(groups)

    chosen = split(names, groups, (standardise, calibrate), seed)

    where = {name: part for part in ("fit", "standardise", "calibrate") for name in getattr(chosen, part)}
    for group in set(groups):
        assert len({where[name] for name, number in zip(names, groups, strict=True) if number == group}) == 1


@given(st.integers(1, 200), _SHARE, _SHARE, st.integers(0, 99))
def test_pictures_that_are_all_different_are_split_by_the_shares(
    count: int, standardise: float, calibrate: float, seed: int
) -> None:
    """Rounded; at least one where a share is asked for, as far as there are any."""
    chosen = split(_names([0] * count), list(range(count)), (standardise, calibrate), seed)

    first = min(count, max(1, round(standardise * count))) if standardise else 0
    second = min(count - first, max(1, round(calibrate * count))) if calibrate else 0
    assert (len(chosen.standardise), len(chosen.calibrate), len(chosen.fit)) == (first, second, count - first - second)


@given(_GROUPS, _SHARE, st.integers(0, 99))
def test_a_set_exceeds_its_share_by_less_than_one_group(groups: list[int], share: float, seed: int) -> None:
    chosen = split(_names(groups), groups, (share, share), seed)

    largest = max(groups.count(group) for group in groups)
    wanted = max(1, round(share * len(groups))) if share else 0
    for part in (chosen.standardise, chosen.calibrate):
        assert len(part) <= (wanted + largest - 1 if share else 0)


@pytest.mark.parametrize(
    ("good", "kept"), [(1, 1), (12, 6), (37, 18), (38, 19), (60, 19), (97, 19), (98, 20), (320, 64), (1000, 200)]
)
def test_a_fifth_is_kept_for_calibration_and_of_few_pictures_up_to_half_until_they_carry_the_usual_rate(
    good: int, kept: int
) -> None:
    chosen = split(_names([0] * good), list(range(good)), (0.0, None), 0)

    assert len(chosen.calibrate) == calibration_pictures(good) == kept


@given(st.integers(0, 500))
def test_one_good_picture_more_keeps_no_fewer_for_calibration_and_leaves_at_least_half(good: int) -> None:
    assert calibration_pictures(good) <= calibration_pictures(good + 1)
    assert calibration_pictures(good) <= max(1, good / 2)


@pytest.mark.parametrize("kept", [0, 19, 200])
def test_nothing_is_said_of_enough_calibration_pictures_or_of_none(kept: int) -> None:
    assert shortfall(kept) is None


def test_too_few_calibration_pictures_are_told_with_what_they_carry() -> None:
    assert shortfall(9) == (
        "9 calibration pictures carry a false-alarm rate of 10.0% at best, 5% needs 19: take more good pictures, "
        "or ask for a higher rate with FPR="
    )
    assert conformal_threshold([float(i) for i in range(9)], 0.1) == 8.0


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
    chosen = Split(fit=("a", "b"), standardise=(), calibrate=("c",))

    write_split(chosen, tmp_path / "split.json")

    assert json.loads((tmp_path / "split.json").read_text()) == {"fit": ["a", "b"], "standardise": [], "calibrate": ["c"]}
    assert read_split(tmp_path / "split.json") == chosen


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"fit": []}', '{"fit": [], "standardise": [], "calibrate": 3}'])
def test_a_file_that_is_no_split_is_an_error_that_says_what_to_run(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "split.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(BadArtifact, match=r"split\.json: not a split of the good pictures .*; run `make train`"):
        read_split(path)
