"""Which of the good pictures fit, standardise and calibrate: three disjoint sets, near-duplicates on one side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snag.core.calibration import fewest_pictures
from snag.core.errors import BadArtifact
from snag.core.file_names import original, spelled
from snag.core.files import write_text

#: Two pictures are near-duplicates when their 32 x 32 thumbnails differ by less than this many grey levels on average.
NEAR_DUPLICATE = 0.75
#: Share of the good pictures that calibrate; of few pictures up to half do, until they carry the usual false-alarm rate: a
#: detector that learnt of a few more, and can't be calibrated after an hour of training, is none.
CALIBRATE_SHARE = 0.2
USUAL_RATE = 0.05


@dataclass(frozen=True)
class Split:
    """Three disjoint sets of good pictures: paths relative to the data folder, sorted."""

    fit: tuple[str, ...]  #: the networks learn from these
    standardise: tuple[str, ...]  #: give the usual error of each place
    calibrate: tuple[str, ...]  #: give the calibration scores


def near_duplicates(thumbnails: Tensor) -> list[int]:
    """Group number of each of n thumbnails [n, 1024]: near-duplicates share one (single linkage)."""
    group = list(range(len(thumbnails)))
    for i in range(len(thumbnails)):
        distance = (thumbnails[:i] - thumbnails[i]).abs().mean(1)
        for j in torch.nonzero(distance < NEAR_DUPLICATE).flatten().tolist():
            old, new = group[i], group[j]
            group = [new if number == old else number for number in group]
    return group


def calibration_pictures(good: int, share: float | None = None) -> int:
    """How many of so many good pictures are kept for calibration: `share` of them, or by their number where that is None."""
    if share is not None:
        return _number(good, share)
    return max(_number(good, CALIBRATE_SHARE), min(fewest_pictures(USUAL_RATE), good // 2)) if good else 0


def shortfall(kept: int) -> str | None:
    """What `kept` calibration pictures can't carry, told before an hour of training; None where they can, or there are none."""
    needed = fewest_pictures(USUAL_RATE)
    if not 0 < kept < needed:
        return None
    return (
        f"{kept} calibration pictures carry a false-alarm rate of {1 / (kept + 1):.1%} at best, {USUAL_RATE:.0%} needs "
        f"{needed}: take more good pictures, or ask for a higher rate with FPR="
    )


def split(names: Sequence[str], groups: Sequence[int], shares: tuple[float, float | None], seed: int) -> Split:
    """Draw the three sets; a group of near-duplicates stays in one. `shares` are those of standardise and calibrate."""
    order = np.random.default_rng([seed, 0x5EED]).permutation(sorted(set(groups)))
    rank = {int(group): place for place, group in enumerate(order)}
    # By group first, so that filling the sets in this order never cuts a group in two.
    ordered = sorted(range(len(names)), key=lambda i: (rank[groups[i]], names[i]))
    sizes = [_number(len(names), shares[0]), calibration_pictures(len(names), shares[1])]
    parts: list[list[str]] = [[], [], []]
    current, last = 0, None
    for i in ordered:
        if groups[i] != last and current < 2 and len(parts[current]) >= sizes[current]:
            current += 1
        if current < 2 and sizes[current] == 0:
            current += 1
        parts[current].append(names[i])
        last = groups[i]
    return Split(fit=tuple(sorted(parts[2])), standardise=tuple(sorted(parts[0])), calibrate=tuple(sorted(parts[1])))


def write_split(chosen: Split, path: Path) -> None:
    """Write the split as JSON, atomically."""
    table = {name: [spelled(one) for one in names] for name, names in asdict(chosen).items()}
    write_text(path, json.dumps(table, indent=1) + "\n")


def read_split(path: Path) -> Split:
    """Read it back. Raises BadArtifact."""
    try:
        return Split(**{name: tuple(map(original, paths)) for name, paths in json.loads(path.read_text()).items()})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadArtifact(path=path, detail=f"not a split of the good pictures ({error}); run `make train`") from error


def _number(good: int, share: float) -> int:
    return max(1, round(share * good)) if share > 0 else 0
