"""Random splits of a pool of good pictures' scores: what is promised on one part of each, what happens on the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from snag.core.guarantee import Guarantee
from snag.core.ranks import place_of
from snag.drift.history import History
from snag.training.calibration.guarantee import promised_threshold


@dataclass(frozen=True)
class Splits:
    """What many splits gave."""

    promised: Guarantee  #: the same in each: it depends on the number of pictures alone
    alarms: np.ndarray  #: [splits] pictures of the rest that were stopped
    rest: int  #: how many pictures the rest has

    @property
    def rates(self) -> np.ndarray:
        """[splits] realised rates of false alarms."""
        return self.alarms / self.rest

    @property
    def law(self) -> stats.rv_discrete:
        """The exact law of `alarms` where no scores tie: beta-binomial, for the rest is finite."""
        rank = self.promised.rank or 0
        return stats.betabinom(self.rest, self.promised.count + 1 - rank, rank)

    def misfit(self, seed: int = 0) -> float:
        """p-value of the Kolmogorov-Smirnov test of `alarms` against the law, its steps filled in at random."""
        between = np.random.default_rng(seed).random(len(self.alarms))
        below, at = self.law.cdf(self.alarms - 1), self.law.pmf(self.alarms)
        return float(stats.kstest(below + between * at, "uniform").pvalue)

    @property
    def broken(self) -> float:
        """Share of the splits whose realised rate is over the bound."""
        return float((self.rates > self.promised.bound).mean())

    @property
    def expected_broken(self) -> float:
        """What the law says of that share without ties: 1 - confidence, and a little for the rest being finite."""
        return float(self.law.sf(math.floor(self.promised.bound * self.rest)))


def random_splits(
    pool: Sequence[float], count: int, rate: float, kind: str, confidence: float, splits: int, seed: int
) -> Splits:
    """Draw `count` of the pool for calibration, `splits` times, and count the false alarms among the others."""
    scores, random = np.asarray(pool, dtype=np.float64), np.random.default_rng([seed, count])
    alarms = []
    for _ in range(splits):
        mixed = random.permutation(scores)
        threshold, promised = promised_threshold(mixed[:count].tolist(), rate, kind, confidence)
        alarms.append(int((mixed[count:] > threshold).sum()))
    return Splits(promised, np.array(alarms), len(scores) - count)


def p_value_misfit(pool: Sequence[float], count: int, splits: int, seed: int) -> float:
    """p-value of the Kolmogorov-Smirnov test of p-values against the uniform law: one new picture for each split.

    They are those that the watch for drift bets on, of its first picture: ties are ordered at random, so that they are uniform.
    """
    scores, random = np.asarray(pool, dtype=np.float64), np.random.default_rng([seed, count])
    mixed = np.array([random.permutation(scores)[: count + 1] for _ in range(splits)])
    known, new = np.sort(mixed[:, :-1], axis=1), mixed[:, -1]
    places = np.array([place_of(value, row.tolist())[:2] for value, row in zip(new.tolist(), known, strict=True)])
    history = History(np.ones((count + 1, splits), np.int32), random.random((count, splits)))
    return float(stats.kstest(history.p_value(*places.T, random.random((2, splits))), "uniform").pvalue)
