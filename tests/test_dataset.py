"""The good pictures: found, told apart by a digest, split in three, near-duplicates on one side."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snag.calibration import conformal_threshold, fewest_pictures
from snag.errors import BadArtifact, NoPictures, TooFewPictures, UnreadablePictures
from tests.parts import as_bytes, good_picture, write_data_set
from training.calibrate_settings import CalibrateSettings
from training.dataset import (
    LEAST_PICTURES,
    USUAL_RATE,
    Split,
    calibration_pictures,
    digest_of,
    good_pictures,
    near_duplicates,
    read,
    read_split,
    shortfall,
    split,
    write_split,
)
from training.survey import look, survey

# --- the folder -------------------------------------------------------------------------------------------------------------


def test_good_pictures_are_found_in_sorted_order_whatever_their_kind_and_nothing_else(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, 9, (16, 16)) / "train" / "good"
    for name in ("B.BMP", "a.jpg", "c.jpeg", "d.tif", "e.webp"):
        Image.fromarray(as_bytes(good_picture(0, (16, 16)))).save(folder / name)
    (folder / "deeper").mkdir()
    Image.fromarray(as_bytes(good_picture(1, (16, 16)))).save(folder / "deeper" / "f.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "folder.png").mkdir()

    found = [path.relative_to(folder).as_posix() for path in good_pictures(tmp_path)]

    numbered = [f"{i:03d}.png" for i in range(9)]
    assert found == [*numbered, "B.BMP", "a.jpg", "c.jpeg", "d.tif", "deeper/f.png", "e.webp"]


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "no pictures"])
def test_no_good_pictures_is_an_error_that_says_where_they_belong(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "train" / "good"
    if there != "nothing":
        folder.mkdir(parents=True)
    if there == "no pictures":
        (folder / "readme.md").write_text("soon")

    with pytest.raises(NoPictures) as caught:
        good_pictures(tmp_path)

    assert str(caught.value) == (
        f"no pictures in {folder}; expected good pictures in <DATA>/train/good (PNG, JPEG, BMP, TIFF or WebP)"
    )


def test_too_few_good_pictures_is_an_error_that_says_how_many_are_needed(tmp_path: Path) -> None:
    write_data_set(tmp_path, LEAST_PICTURES - 1, (16, 16))

    with pytest.raises(TooFewPictures) as caught:
        good_pictures(tmp_path)

    assert str(caught.value) == f"11 good pictures in {tmp_path / 'train' / 'good'}; at least 12 are needed"


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n and no more", b"GIF89a", None])
def test_an_unreadable_picture_is_named(tmp_path: Path, content: bytes | None) -> None:
    paths = sorted((write_data_set(tmp_path, 4, (16, 16)) / "train" / "good").iterdir())
    if content is None:
        content = paths[2].read_bytes()[:-60]  # truncated
    paths[2].write_bytes(content)

    with pytest.raises(UnreadablePictures, match=r"002\.png"):
        survey(paths)
    with pytest.raises(UnreadablePictures, match=r"002\.png"):
        read(paths[2])


def test_a_picture_that_vanished_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePictures, match=r"gone\.png"):
        read(tmp_path / "gone.png")


def test_bare_pixels_on_disk_are_no_picture(tmp_path: Path) -> None:
    """Only a client may send exactly 1024 x 1024 bytes without saying what they are."""
    path = tmp_path / "raw.png"
    path.write_bytes(bytes(1024 * 1024))

    with pytest.raises(UnreadablePictures):
        read(path)


# --- the digest -------------------------------------------------------------------------------------------------------------


def test_the_digest_is_sha256_over_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, content in (("a.png", b"one"), ("sub/b.png", b"two")):
        (tmp_path / name).write_bytes(content)
    lines = "".join(
        f"{name}\0{hashlib.sha256(content).hexdigest()}\n" for name, content in (("a.png", b"one"), ("sub/b.png", b"two"))
    )

    digest = digest_of([tmp_path / "a.png", tmp_path / "sub" / "b.png"], tmp_path)

    assert digest == hashlib.sha256(lines.encode()).hexdigest()


def test_the_digest_changes_with_a_byte_a_name_or_one_file_more_and_not_with_the_folder(tmp_path: Path) -> None:
    def digest(folder: str, files: dict[str, bytes]) -> str:
        root = tmp_path / folder
        root.mkdir()
        for name, content in files.items():
            (root / name).write_bytes(content)
        return digest_of(sorted(root.iterdir()), root)

    original = digest("one", {"a": b"12", "b": b"3"})

    assert digest("two", {"a": b"12", "b": b"3"}) == original
    others = [
        digest("byte", {"a": b"12", "b": b"4"}),
        digest("name", {"a": b"12", "c": b"3"}),
        digest("more", {"a": b"12", "b": b"3", "c": b""}),
        digest("moved", {"a": b"1", "b": b"23"}),
        digest("swapped", {"a": b"3", "b": b"12"}),
    ]
    assert len({original, *others}) == 6


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


# --- the look at each picture -----------------------------------------------------------------------------------------------


def test_a_look_keeps_what_choosing_needs() -> None:
    picture = torch.zeros(3, 100, 50)
    picture[0] = 90
    picture[1, :50] = 30

    seen = look(picture)

    assert (seen.height, seen.width) == (100, 50)
    assert seen.small.shape == (1, 256, 128)
    assert seen.thumbnail.shape == (1024,)
    assert float(seen.thumbnail[0]) == pytest.approx(0.299 * 90 + 0.587 * 30)
    assert float(seen.thumbnail[-1]) == pytest.approx(0.299 * 90)
    assert seen.chroma == 90
    assert look(picture[:1]).chroma == 0


def test_the_survey_looks_at_the_pictures_in_their_order(tmp_path: Path) -> None:
    write_data_set(tmp_path, 12, (32, 24))
    paths = good_pictures(tmp_path)

    seen = survey(paths)

    assert [one.thumbnail.tolist() for one in seen] == [look(read(path)).thumbnail.tolist() for path in paths]
