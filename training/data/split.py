"""Which of the good pictures fit, standardise and calibrate: three disjoint sets, near-duplicates on one side.

What is split, and what sizes are counted in, are different parts: a group of near-duplicates is one of them, and gives one
score to calibration. Which of its pictures that is, is drawn by the seed, before anything is scored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from snag.core.calibration import fewest_pictures, next_useful_size, rank_of_threshold
from snag.core.errors import BadArtifact, TooFewPictures
from snag.core.file_names import original, spelled
from snag.core.files import write_text
from snag.training.data.dataset import LEAST_PICTURES
from snag.training.data.lots import split_lots

#: The rate that calibration asks for where nobody says otherwise; its next better sizes are 19, 39, 59 ...
USUAL_RATE: Final = 0.05
#: Share of the different good parts that calibrates at most; of few up to half, until they carry the usual rate: a detector
#: that learnt of a few more, and can't be calibrated after an hour of training, is none.
CALIBRATE_SHARE: Final = Fraction(3, 10)
#: Share that standardises, and how many do at most: the usual error is known well enough by then; what is left calibrates.
STANDARDISE_SHARE: Final = 0.12
MOST_STANDARDISE: Final = 24

Shares = tuple[float | None, float | None]  #: of standardise and calibrate; None: by their number


@dataclass(frozen=True)
class Split:
    """Three disjoint sets of good pictures: paths relative to the data folder, sorted."""

    fit: tuple[str, ...]  #: the networks learn from these
    standardise: tuple[str, ...]  #: give the usual error of each place
    calibrate: tuple[str, ...]  #: give the calibration scores: one picture of each part
    repeats: tuple[str, ...] = ()  #: near-duplicates of others, which would be a second score of the same part: not used
    near_duplicates: tuple[tuple[str, ...], ...] = ()  #: every group of more than one picture
    lots: tuple[str, ...] = ()  #: the lot of each picture of `calibrate`; none where the split was not by lots


def calibration_pictures(good: int, share: float | None = None) -> int:
    """How many of so many different good parts calibrate: `share` of them, or by their number where that is None.

    A threshold keeps the rate that is asked for, and not a lower one, where (n + 1) * rate is a whole number: of 38 scores it
    can only be the highest, and then 2.6 % are promised and defects missed for nothing; of 39 it is the second highest, for
    5 %. So the greatest of 19, 39, 59 ... that is at most CALIBRATE_SHARE of them; of fewer 19, but at most half.
    """
    if share is not None:
        return _number(good, share)
    first, most = fewest_pictures(USUAL_RATE), int(CALIBRATE_SHARE * good)
    if most < first:
        return min(first, good // 2)
    alarms = most + 1 - rank_of_threshold(most, USUAL_RATE)
    return next(n for n in range(most, 0, -1) if n - rank_of_threshold(n - 1, USUAL_RATE) < alarms)


def standardise_pictures(good: int, share: float | None = None) -> int:
    """How many of so many different good parts standardise: `share` of them, or by their number where that is None."""
    return _number(good, share) if share is not None else min(_number(good, STANDARDISE_SHARE), MOST_STANDARDISE)


def shortfall(kept: int) -> str | None:
    """What `kept` calibration pictures can't carry of the usual rate; None where they carry all of it, or there are none.

    Told before an hour of training.
    """
    needed = fewest_pictures(USUAL_RATE)
    if 0 < kept < needed:
        return (
            f"{kept} calibration pictures carry a false-alarm rate of {1 / (kept + 1):.1%} at best, {USUAL_RATE:.0%} needs "
            f"{needed}: take more good pictures, or ask for a higher rate with FPR="
        )
    better = next_useful_size(kept, USUAL_RATE)
    if kept == 0 or better == kept:
        return None
    told = (kept + 1 - rank_of_threshold(kept, USUAL_RATE)) / (kept + 1)
    return f"{kept} calibration pictures keep {told:.1%} where {USUAL_RATE:.0%} is asked for; {better} would keep all of it"


def split(names: Sequence[str], groups: Sequence[int], shares: Shares, seed: int, lots: Sequence[str] | None = None) -> Split:
    """Draw the three sets. A group of near-duplicates stays in one; so does a lot, where `lots` names that of each picture.

    Raises BadDataset for fewer lots than can be split.
    """
    members: dict[int, list[str]] = {}
    part_of = dict(sorted(zip(names, groups, strict=True)))
    for name, part in part_of.items():
        members.setdefault(part, []).append(name)
    random = np.random.default_rng([seed, 0x5EED])
    sizes = [standardise_pictures(len(members), shares[0]), calibration_pictures(len(members), shares[1])]
    lot_of = dict(zip(names, lots, strict=True)) if lots is not None else {}
    if lots is not None:
        where = dict(zip(names, split_lots(lots, groups, sizes, random), strict=True))
    else:
        order = [list(members)[i] for i in random.permutation(len(members))]
        place = {part: 0 if at < sizes[0] else 1 if at < sum(sizes) else 2 for at, part in enumerate(order)}
        where = {name: place[part] for name, part in part_of.items()}
    # Drawn in every group, so that which picture stands for a part does not depend on where it went.
    drawn = {same[random.integers(len(same))] for same in members.values()}
    # A part that is in two lots may be in two sets: then training knows it.
    known = {part for name, part in part_of.items() if where[name] != 1}
    standardise, kept, fit = ([name for name in part_of if where[name] == at] for at in range(3))
    calibrate = tuple(name for name in kept if name in drawn and part_of[name] not in known)
    return Split(
        fit=tuple(fit),
        standardise=tuple(standardise),
        calibrate=calibrate,
        repeats=tuple(sorted(set(kept) - set(calibrate))),
        near_duplicates=tuple(tuple(same) for same in members.values() if len(same) > 1),
        lots=tuple(lot_of[name] for name in calibrate) if lots is not None else (),
    )


def split_good(
    names: Sequence[str], groups: Sequence[int], shares: Shares, seed: int, lots: Sequence[str] | None, data: Path
) -> Split:
    """The split of the good pictures of `data`, where training can begin with it; the doctor says the same words.

    Raises TooFewPictures where too few show different parts, BadDataset for fewer lots than can be split.
    """
    different = len(set(groups))
    chosen = split(names, groups, shares, seed, lots)
    if different < LEAST_PICTURES or len(chosen.fit) < 2 or (shares[1] != 0 and not chosen.calibrate):
        folder = data / "train" / "good"
        raise TooFewPictures(found=f"{different} different", folder=folder, needed=f"{LEAST_PICTURES} different ones")
    return chosen


def write_split(chosen: Split, path: Path) -> None:
    """Write the split as JSON, atomically."""
    table = {name: _names(some, spelled) for name, some in asdict(chosen).items()}
    write_text(path, json.dumps(table, indent=1) + "\n")


def read_split(path: Path) -> Split:
    """Read it back; in one from before there were groups each picture is its own. Raises BadArtifact."""
    try:
        fields = {name: tuple(_names(some, original)) for name, some in json.loads(path.read_text()).items()}
        return Split(**fields)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadArtifact(path=path, detail=f"not a split of the good pictures ({error}); run `make train`") from error


def _names(some: Sequence[Any], written: Callable[[str], str]) -> tuple[Any, ...]:
    """Names, or groups of names, each as `written` gives it."""
    return tuple(written(one) if isinstance(one, str) else _names(one, written) for one in some)


def _number(good: int, share: float) -> int:
    return max(1, round(share * good)) if share > 0 else 0
