"""A picture's places among the calibration pictures, on their way in a header."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.capture_reference import CaptureReference, Spread
from snag.core.group import Group
from snag.core.ranks import Ranks, name_of, parse_ranks, place_of, places_of, ranks_text
from tests.support.calibrations import calibrated

VALUES = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=40)


@given(VALUES, st.integers(-1, 10).map(float))
def test_place_by_counting(known, value):
    """How many have more, how many at least as much, and how many there are with the new one."""
    expected = (sum(one > value for one in known), sum(one >= value for one in known), len(known) + 1)

    assert place_of(value, sorted(known)) == expected


@given(st.dictionaries(st.sampled_from(["score", "exposure", "sharpness"]), VALUES, min_size=1), st.integers(0, 9).map(float))
def test_there_and_back(known, value):
    """What is written into the header is read out of it."""
    ranks = Ranks("1a2b3c4d", {name: place_of(value, sorted(values)) for name, values in known.items()})

    assert parse_ranks(ranks_text(ranks)) == ranks


def test_text():
    """The header as it travels."""
    assert ranks_text(Ranks("1a2b3c4d", {"score": (3, 3, 65), "exposure": (40, 41, 65)})) == (
        "1a2b3c4d score=3-3/65 exposure=40-41/65"
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "1a2b3c4d",
        "1a2b3c4d score=3/65",
        "1a score=4-3/65",
        "1a score=3-65/65",
        "1a score=0-0/9999999",
        "1a score=0-0/2 x",
    ],
)
def test_other_texts(text):
    """Anything else is no header of ours; places that can't be are refused, and so are more than anybody could count."""
    assert parse_ranks(text) is None


@given(st.text(max_size=60))
def test_any_text(text):
    """No text breaks the reader."""
    assert parse_ranks(text) is None or text


def test_name():
    """Another calibration has another name, the same the same."""
    first, second = calibrated([1.0, 2.0], 0.5), calibrated([1.0, 2.0], 0.4)

    assert name_of(first) == name_of(second)
    assert len(name_of(first)) == 8
    assert name_of(first) != name_of(replace(first, created="2026-01-02T00:00:00+00:00"))


def test_places_of_a_picture():
    """Among the pictures of its own group where that has a threshold, else among all; only what is known is told."""
    own = Group("left", (1.0, 2.0, 3.0), 3.0)
    calibration = replace(calibrated([1.0, 2.0, 3.0, 4.0], 0.2), groups=(own,))
    spread = Spread(0.0, 0.5, 1.0)
    values = {"pooled": {"exposure": (0.1, 0.2, 0.3, 0.4)}, "left": {"exposure": (0.1, 0.2, 0.3)}}
    reference = CaptureReference(spread, spread, "", "", values)
    looks = {"exposure": 0.2, "sharpness": 0.5}

    assert places_of(2.0, looks, calibration.compared_with("left"), reference) == {"score": (1, 2, 4), "exposure": (1, 2, 4)}
    assert places_of(2.0, looks, calibration.compared_with("right"), reference) == {"score": (2, 3, 5), "exposure": (2, 3, 5)}
    assert places_of(2.0, looks, calibration.compared_with(None), None) == {"score": (2, 3, 5)}
