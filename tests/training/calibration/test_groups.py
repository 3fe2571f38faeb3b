"""Groups of calibration pictures: by folder, by list, and a threshold for each that has enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.artifact import UNJUDGED_SCORE
from snag.core.calibration import POOLED, Calibration, conformal_threshold, is_group, p_value
from snag.core.errors import BadConfig, BadDataset
from snag.core.verdict import judge
from snag.training.calibration.groups import calibrated_groups, groups_by_folder, groups_by_list

GOOD = Path("data/train/good")


def calibrated(scores, names, rate=0.1):
    """A calibration with groups."""
    return Calibration(
        scores=tuple(sorted(scores)),
        rate=rate,
        threshold=conformal_threshold(scores, rate),
        method="split-conformal",
        score_unit="",
        artifact="",
        data_digest="",
        created="",
        groups=calibrated_groups(scores, names, rate, "average", 0.95),
    )


def test_the_first_folder_below_is_the_group():
    """However deep a picture lies; those that lie in no folder of their own are in no group."""
    paths = [GOOD / "000.png", GOOD / "camera-1/000.png", GOOD / "camera-1/monday/001.png", GOOD / "camera-2/000.png"]

    assert groups_by_folder(paths, GOOD) == [None, "camera-1", "camera-1", "camera-2"]


@pytest.mark.parametrize("name", ["pooled", "x" * 65, "a\tb", " a", ""])
def test_names_that_no_group_may_have(name):
    """What could not be told apart, or not be written into one line."""
    assert not is_group(name)
    if name.isprintable() and name:
        with pytest.raises(BadDataset, match="expected up to 64 printable characters, not 'pooled'"):
            groups_by_folder([GOOD / name / "000.png"], GOOD)


def test_a_folder_of_any_name_is_a_group_by_how_it_is_spelt():
    """A name that can't be printed is written as everywhere else."""
    paths = [GOOD / "a\tb/000.png", GOOD / "kr\udce4tz/000.png"]

    assert groups_by_folder(paths, GOOD) == ["a\\x09b", "kr\\xe4tz"]


def test_a_list_names_groups(tmp_path):
    """With a byte order mark, further columns and pictures of elsewhere."""
    (tmp_path / "groups.csv").write_text("\ufeffpath,group,shift\na.png,Größe 3,1\nsub/b.png,left,2\nz.png,left,2\n")

    found = groups_by_list([tmp_path / "a.png", tmp_path / "sub/b.png", tmp_path / "c.png"], tmp_path / "groups.csv", tmp_path)

    assert found == ["Größe 3", "left", None]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,group\na.png,1\n", "expected a header 'path,group' and both in every line"),
        ("path,group\na.png\n", "expected a header 'path,group' and both in every line"),
        ("path,group\na.png,\n", "expected a header 'path,group' and both in every line"),
        ("path,group\na.png,pooled\n", "not 'pooled'"),
        ("path,group\nz.png,left\n", "names not one of the 1 calibration pictures"),
        ("", "names not one of the 1 calibration pictures"),
    ],
)
def test_lists_that_say_nothing(tmp_path, text, problem):
    """Refused with what is wrong with them."""
    (tmp_path / "groups.csv").write_text(text)

    with pytest.raises(BadDataset, match=problem):
        groups_by_list([tmp_path / "a.png"], tmp_path / "groups.csv", tmp_path)


def test_a_list_that_is_missing(tmp_path):
    """Refused as a setting."""
    with pytest.raises(BadConfig, match="expected a CSV with the columns path and group"):
        groups_by_list([tmp_path / "a.png"], tmp_path / "groups.csv", tmp_path)


@given(
    scores=st.lists(st.integers(0, 30).map(float), min_size=20, max_size=80),
    seed=st.integers(0, 99),
    score=st.integers(-1, 31).map(float),
)
def test_each_group_is_a_calibration_of_its_own(scores, seed, score):
    """With enough pictures a group's verdicts are those of a calibration on it alone; else, and for strangers, pooled."""
    names = np.random.default_rng(seed).choice(["left", "right", "rare", ""], len(scores), p=[0.45, 0.4, 0.1, 0.05])
    calibration = calibrated(scores, [str(name) or None for name in names])

    for name in ("left", "right", "rare", "stranger", None):
        own = [score for score, group in zip(scores, names, strict=True) if group == name]
        verdict = judge(score, 0.0, None, calibration, name)

        alone = len(own) >= 9  # for a rate of 10 %
        expected = calibrated(own, [None] * len(own)) if alone else calibration
        assert (verdict.threshold, verdict.p_value) == (expected.threshold, p_value(score, expected))
        assert verdict.is_anomaly == (verdict.p_value <= 0.1)
        assert (verdict.group, verdict.threshold_of) == (name, None if name is None else name if alone else POOLED)


def test_each_group_keeps_the_rate():
    """Two cameras, one with scores ten times the other's: pooled, one is rejected far too often; each by its own, neither."""
    random, rate, rejected = np.random.default_rng(4), 0.1, {"own": [], "pooled": []}
    for _ in range(300):
        scores = np.concatenate([random.gamma(3, 1, 30), random.gamma(3, 10, 30)])
        calibration = calibrated(scores.tolist(), ["quiet"] * 30 + ["loud"] * 30, rate)
        new = random.gamma(3, 10, 50)
        for how, group in (("own", "loud"), ("pooled", None)):
            rejected[how].append(np.mean([judge(score, 0.0, None, calibration, group).is_anomaly for score in new]))

    assert np.mean(rejected["own"]) == pytest.approx(3 / 31, abs=0.015)
    assert np.mean(rejected["pooled"]) > 0.15


def test_a_group_of_which_too_many_can_not_be_judged_has_no_threshold_of_its_own() -> None:
    """Theirs would stop nothing but what can't be judged; one such picture less, and it is the worst of the others."""
    for unjudged, threshold in ((2, None), (1, 18.0)):
        scores = [float(score) for score in range(1, 19)] + [UNJUDGED_SCORE] * unjudged

        (group,) = calibrated_groups(scores, ["camera"] * len(scores), 0.1, "average", 0.95)

        assert group.threshold == threshold
