"""The benchmark of the watch for drift: its streams, its rows, and the alert that it reads from the rules."""

from __future__ import annotations

from functools import partial
from itertools import islice

import numpy as np
import pytest

from benchmarks.drift import shares_alert
from benchmarks.drift.many_lines import ManyLines
from benchmarks.drift.shares_alert import alert_level, deviation_rules, deviations, shares_rows
from benchmarks.drift.streams import BELL, STEPS, again, autocorrelated, bell, drawn, in_lots
from benchmarks.drift.watches import Situation, alarms, rows
from snag.drift.martingale import PROPERTIES


def scores(begin, lines, pictures, seed=0):
    """The scores' numbers [pictures, lines]."""
    return np.array([one["score"] for one in islice(begin(np.random.default_rng(seed), lines), pictures)])


@pytest.mark.parametrize(
    "begin",
    [
        partial(drawn, count=STEPS),
        bell,
        partial(autocorrelated, share=0.9),
        partial(in_lots, variance=0.09),
        partial(again, times=2),
    ],
    ids=["drawn", "bell", "autocorrelated", "lots", "again"],
)
def test_lines_that_never_change_have_every_value_equally_often(begin):
    """Whatever order their pictures come in: over many lines the hundredth picture is as the values of calibration are."""
    found = scores(begin, 4000, 100)[-1] / STEPS

    assert np.quantile(found, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.03)


def test_orders():
    """A neighbour is like a neighbour, a lot like itself; stopped parts come again, the same file is seen once."""
    like = BELL[scores(partial(autocorrelated, share=0.5), 500, 40)]
    lots = BELL[scores(partial(in_lots, variance=0.09), 2000, 50)]
    twice, stopped = (scores(partial(again, times=2, least=least), 3, 400) for least in (0.0, 0.95))
    once = scores(partial(again, times=2, same_file=True), 3, 200)

    assert np.corrcoef(like[:-1].ravel(), like[1:].ravel())[0, 1] == pytest.approx(0.5, abs=0.03)
    assert np.cov(lots[0], lots[49])[0, 1] == pytest.approx(0.09, abs=0.06)
    assert np.array_equal(twice[0::2], twice[1::2])
    assert np.array_equal(once, twice[0::2])
    assert all((np.diff(line) == 0).sum() == pytest.approx((line >= 0.95 * STEPS).sum() / 2, abs=1) for line in stopped.T)


def test_rows_count_the_alarms():
    """Pictures each like the one before it raise alarms soon, in no order they raise none; a row says so."""
    values = dict.fromkeys(PROPERTIES, BELL)
    kinds = {"in no order": bell, "autocorrelated": partial(autocorrelated, share=0.95)}
    situations = [Situation(name, begin, values, 40, 8, 500) for name, begin in kinds.items()]

    found = alarms(situations, 1)

    assert found[0].tolist() == [0] * 8
    assert (found[1] > 0).sum() >= 6
    told = rows(situations, found)
    assert told[0] == ("in no order", 40, 8, "500", "0", "0 %", "0 % to 36.9 %", "-")
    assert told[1][4] == str((found[1] > 0).sum())


def test_an_alarm_has_the_number_of_its_picture():
    """Pictures beyond all of calibration's from the first: each line's alarm comes with one of the first thirty."""
    calibration = dict.fromkeys(PROPERTIES, np.random.default_rng(1).integers(0, STEPS // 2, (64, 5)))
    lines = ManyLines(dict.fromkeys(PROPERTIES, BELL), calibration, 0)

    found = lines.alarms(dict.fromkeys(PROPERTIES, np.full(5, STEPS - 1)) for _ in range(100))

    assert ((found > 3) & (found < 30)).all()


def test_the_alert_is_read_from_the_rules(monkeypatch, tmp_path):
    """Its formula and its level; a rule that is counted otherwise is refused."""
    p_values = np.arange(1, 601) / 600
    assert (sorted(deviation_rules()), alert_level()) == ([0.2, 0.5, 0.8], 3.0)
    assert deviations(p_values, 64) == pytest.approx(0.0)
    assert deviations(p_values**2, 64) == pytest.approx((0.2**0.5 - 0.2) / (0.16 * (1 / 600 + 1 / 64)) ** 0.5, rel=0.02)

    (tmp_path / "alerts.yml").write_text(shares_alert._RULES.read_text().replace("snag_p_value_bucket", "another_bucket"))
    monkeypatch.setattr(shares_alert, "_RULES", tmp_path / "alerts.yml")
    with pytest.raises(ValueError, match="counted otherwise"):
        deviation_rules.__wrapped__()


def test_one_calibration_in_a_hundred_sets_off_the_alert_by_its_luck():
    """As the runbook says: with 64 calibration pictures between a half and one and a half."""
    ((count, calibrations, windows, _),) = shares_rows([64], 2000)

    assert (count, calibrations) == (64, 2000)
    assert 0.5 < float(windows.removesuffix(" %")) < 1.5
