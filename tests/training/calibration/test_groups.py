"""Groups of calibration pictures: by folder, by list, and a threshold for each that has enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.artifact import UNJUDGED_SCORE
from snag.core.calibration import Calibration, conformal_threshold, p_value
from snag.core.errors import BadConfig, BadDataset
from snag.core.group import POOLED, REST, is_group
from snag.core.verdict import judge
from snag.training.calibration.groups import calibrated_groups, groups_by_folder, groups_by_list

GOOD = Path("data/train/good")


def calibrated(scores, names, rate=0.1):
    """A calibration with groups."""
    groups, rest = calibrated_groups(scores, names, rate, "average", 0.95)
    return Calibration(
        scores=tuple(sorted(scores)),
        rate=rate,
        threshold=conformal_threshold(scores, rate),
        method="split-conformal",
        score_unit="",
        artifact="",
        data_digest="",
        created="",
        groups=groups,
        rest=rest,
    )


def test_the_first_folder_below_is_the_group():
    """However deep a picture lies; those that lie in no folder of their own are in no group."""
    paths = [GOOD / "000.png", GOOD / "camera-1/000.png", GOOD / "camera-1/monday/001.png", GOOD / "camera-2/000.png"]

    assert groups_by_folder(paths, GOOD) == [None, "camera-1", "camera-1", "camera-2"]


@pytest.mark.parametrize("name", ["pooled", "rest", "x" * 65, "a\tb", " a", ""])
def test_names_that_no_group_may_have(name):
    """What could not be told apart, or not be written into one line."""
    assert not is_group(name)
    if name.isprintable() and name:
        with pytest.raises(BadDataset, match="expected up to 64 printable characters, not 'pooled' or 'rest'"):
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


def test_a_list_out_of_a_spreadsheet(tmp_path, capsys):
    """As Excel saves it in Europe, with paths of Windows; what it leaves out, and what is not there, is said."""
    for name in ("größe.png", "b.png", "c.png"):
        (tmp_path / "sub" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "sub" / name).touch()
    (tmp_path / "groups.csv").write_bytes(
        "Path;Group\r\nsub\\größe.png;left\r\n.\\sub\\b.png;right\r\nz.png;left\r\n".encode("cp1252")
    )

    found = groups_by_list(
        [tmp_path / "sub" / name for name in ("größe.png", "b.png", "c.png")], tmp_path / "groups.csv", tmp_path
    )

    assert found == ["left", "right", None]
    assert capsys.readouterr().out.splitlines() == [
        "warning: groups.csv names 1 of 3 pictures that are not there: z.png.",
        "warning: groups.csv names 2 of 3 calibration pictures; the others are in no group and go by the pooled threshold.",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,group\na.png,1\n", "its first line is 'name,group'; expected a CSV with the columns path and group"),
        ("path,group\na.png\n", "a line says 'a.png'; expected both path and group in every line"),
        ("path,group\na.png,\n", "expected both path and group in every line"),
        ("path,group\na.png,pooled\n", "not 'pooled'"),
        ("path,group\nz.png,left\n", "names no picture that is there: z.png; expected paths below"),
        ("path,group\nb.png,left\n", "names not one of the 1 calibration pictures"),
        ("path,group\na.png,left\n./a.png,right\n", "./a.png is in two groups, left and right; expected one"),
        ("path,group\n", "names no picture that is there; expected paths below"),
        ("", "is empty; expected a CSV with the columns path and group"),
    ],
)
def test_lists_that_say_nothing(tmp_path, text, problem):
    """Refused with what is wrong with them."""
    (tmp_path / "groups.csv").write_text(text)
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()

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
    """With enough pictures a group's verdicts are those of a calibration on it alone, else of one on the rest, else on all.

    Nothing is promised to a stranger, whoever's threshold judges it, nor to one group by the pooled threshold.
    """
    names = np.random.default_rng(seed).choice(["left", "right", "rare", ""], len(scores), p=[0.45, 0.4, 0.1, 0.05])
    calibration = calibrated(scores, [str(name) or None for name in names])
    sizes = {str(name): int((names == name).sum()) for name in set(names)}
    alone = {name for name, size in sizes.items() if name and size >= 9}  # for a rate of 10 %
    others = [score for score, name in zip(scores, names, strict=True) if str(name) not in alone]
    has_rest = len(others) >= 9 and not {name for name in sizes if name} <= alone

    for name in ("left", "right", "rare", "stranger", None):
        verdict = judge(score, 0.0, None, calibration, name)

        if name in alone:
            own, of = [score for score, group in zip(scores, names, strict=True) if group == name], name
        else:
            own, of = (others, REST) if name is not None and has_rest else (scores, POOLED)
        expected = calibrated(own, [None] * len(own))
        assert (verdict.threshold, verdict.p_value) == (expected.threshold, p_value(score, expected))
        assert verdict.is_anomaly == (verdict.p_value <= 0.1)
        promised = name in alone or (of == REST and name in sizes)
        assert (verdict.group, verdict.threshold_of, verdict.promised) == (
            (None, None, None) if name is None else (name, of, promised)
        )


@pytest.mark.parametrize("third", [0, 15])
def test_a_small_group_is_told_a_rate_that_is_kept_or_none(third):
    """Two cameras, the second one standard deviation higher and with ten pictures; then a small third one, higher still.

    By the pooled threshold more good parts of the small ones are stopped than the one in twenty asked for: nothing is promised.
    Together the two small ones are enough for a threshold: what is told holds for their parts mixed as calibration had them.
    """
    random, rate, stopped, pooled = np.random.default_rng(7), 0.05, [], []
    for _ in range(400):
        higher = random.normal(1, 1, 10), random.normal(2, 1, third)
        scores = np.concatenate([random.normal(0, 1, 54), *higher]).tolist()
        calibration = calibrated(scores, ["a"] * 54 + ["b"] * 10 + ["c"] * third, rate)
        new = random.normal(np.where(random.random(300) < 10 / (10 + third), 1, 2), 1)
        stopped.append(np.mean([judge(score, 0.0, None, calibration, "b").is_anomaly for score in new]))
        pooled.append(np.mean(new > calibration.threshold))
        standards = [calibration.compared_with(name) for name in ("b", "stranger")]
        assert [one.is_promised for one in standards] == [bool(third), False]
        assert {one.name for one in standards} == {REST if third else POOLED}

    assert np.mean(pooled) > 0.1
    if third:
        assert np.mean(stopped) == pytest.approx(calibration.rest.guarantee.average, abs=0.006)
        assert calibration.rest.guarantee.average == 1 / 26


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

        (group,), _ = calibrated_groups(scores, ["camera"] * len(scores), 0.1, "average", 0.95)

        assert group.threshold == threshold
