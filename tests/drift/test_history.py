"""Ranks among calibration and line: uniform and independent while nothing changes, whatever ties."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from snag.core.ranks import place_of
from snag.drift.history import History, drawn


def lines(values, count, pictures, size, seed=0):
    """p-values [size, pictures] of lines that do not change: `values` draws any number of values of one law."""
    random = np.random.default_rng(seed)
    known = np.sort(values(random, (count, size)), 0)
    history, found = History(np.ones((count + 1, size), np.int64), random.random((count, size))), []
    for _ in range(pictures):
        new = values(random, size)
        places = np.array([place_of(new[line], known[:, line].tolist())[:2] for line in range(size)])
        found.append(history.p_value(*places.T, random.random((2, size))))
    return np.array(found).T


LAWS = {
    "no ties": lambda random, size: random.normal(size=size),
    "rounded": lambda random, size: random.normal(size=size).round(),
    "seven values": lambda random, size: random.integers(0, 7, size),
    "two values": lambda random, size: random.integers(0, 2, size),
    "one value": lambda random, size: np.zeros(size),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("count", [8, 40])
def test_p_values_are_uniform_and_independent(law, count):
    """Over 1,500 lines the p-values of early and late pictures are uniform, each and in pairs, and so is what lies between."""
    values = lines(LAWS[law], count, 120, 1500)

    assert [stats.kstest(values[:, number], "uniform").pvalue > 1e-3 for number in (0, 10, 50, 100, 119)] == [True] * 5
    assert abs(stats.spearmanr(values[:, 0], values[:, 1]).statistic) < 0.1
    assert abs(stats.spearmanr(values[:, 90], values[:, 119]).statistic) < 0.1
    assert stats.kstest(stats.norm.ppf(values).sum(1) / 120**0.5, "norm").pvalue > 1e-3


def test_ranks_among_all_pictures_so_far():
    """Without ties the p-value lies where the picture's rank among calibration and line together puts it."""
    random = np.random.default_rng(1)
    known, history, seen = sorted(random.normal(size=9)), History(np.ones(10, np.int64), random.random(9)), []
    for number in range(50):
        value = random.normal()
        place = place_of(value, known)
        p = history.p_value(*place[:2], drawn(str(number), 2))

        cell = [one for one in seen if place_of(one, known) == place]
        above = sum(one > value for one in known) + sum(place_of(one, known)[0] < place[0] for one in seen)
        assert above <= p * (10 + len(seen)) < above + len(cell) + 1 + 1e-9
        seen.append(value)


def test_ties_are_ordered_as_if_the_numbers_drawn_were_digits_behind_the_values():
    """A line with ties has the ranks of the line that has none, once each picture's number is added as a small part."""
    random = np.random.default_rng(5)
    known, breakers = np.sort(random.integers(0, 3, 12)), random.random(12)
    tied, plain = History(np.ones(13, np.int64), breakers), History(np.ones(13, np.int64), np.zeros(12))
    finer = sorted(value + 0.5 * part for value, part in zip(known[::-1], breakers, strict=True))
    for _ in range(80):
        value, draws = int(random.integers(0, 3)), random.random(2)
        place, other = place_of(value, known.tolist()), place_of(value + 0.5 * draws[0], finer)
        assert tied.p_value(*place[:2], draws) == pytest.approx(plain.p_value(*other[:2], draws))


def test_a_library_of_others():
    """Against crepes: with one cell for each rank and no history the smoothed p-values are the same formula's."""
    known = np.sort(np.random.default_rng(2).integers(0, 9, 30).astype(float))
    crepes = pytest.importorskip("crepes")

    for value in range(-1, 10):
        place = place_of(float(value), known.tolist())[:2]
        ends = [
            History(np.ones(31, np.int64), drawn("a", 30)).p_value(*place, np.array([x, y])) for x, y in ((1, 0), (0, 1 - 1e-6))
        ]
        least, most = ((known > value).sum() / 31, crepes.base.p_values_batch(known, np.array([value]), smoothing=False)[0])
        assert ends == pytest.approx([least, most], abs=1e-5)


def test_numbers_drawn():
    """The same for the same seed, others for another, and uniform."""
    found = drawn("a", 2000)

    assert drawn("a", 2000).tolist() == found.tolist() != drawn("b", 2000).tolist()
    assert stats.kstest(found, "uniform").pvalue > 0.001
