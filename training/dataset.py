"""The good pictures of a data set: which they are, their digest, and which of them fit, standardise and calibrate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snag.errors import BadArtifact, NoPictures, SnagError, TooFewPictures, UnreadablePictures
from snag.files import write_text
from snag.picture import SUFFIXES, PictureLimits, decode

#: Fewer good pictures than this teach nothing.
LEAST_PICTURES = 12
#: A file on disk says what it is: only a client may send bare pixels.
LIMITS = PictureLimits(raw_shape=None)
#: Two pictures are near-duplicates when their 32 x 32 thumbnails differ by less than this many grey levels on average.
NEAR_DUPLICATE = 0.75


@dataclass(frozen=True)
class Split:
    """Three disjoint sets of good pictures: paths relative to the data folder, sorted."""

    fit: tuple[str, ...]  #: the networks learn from these
    standardise: tuple[str, ...]  #: give the usual error of each place
    calibrate: tuple[str, ...]  #: give the calibration scores


def good_pictures(data: Path) -> list[Path]:
    """`data`/train/good's pictures, sorted. Raises NoPictures or TooFewPictures."""
    folder = data / "train" / "good"
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise NoPictures(folder=folder, expected="good pictures in <DATA>/train/good (PNG, JPEG, BMP, TIFF or WebP)")
    if len(found) < LEAST_PICTURES:
        raise TooFewPictures(found=len(found), folder=folder, needed=LEAST_PICTURES)
    return found


def digest_of(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over names and contents, in the order given: 64 hexadecimal digits."""
    total = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def read(path: Path) -> Tensor:
    """Decode one picture of the data set, [C, H, W]. Raises UnreadablePictures, naming it."""
    try:
        return decode(path.read_bytes(), LIMITS)
    except (SnagError, OSError) as error:
        raise UnreadablePictures(count="some", first=path, detail=error) from error


def near_duplicates(thumbnails: Tensor) -> list[int]:
    """Group number of each of n thumbnails [n, 1024]: near-duplicates share one (single linkage)."""
    group = list(range(len(thumbnails)))
    for i in range(len(thumbnails)):
        distance = (thumbnails[:i] - thumbnails[i]).abs().mean(1)
        for j in torch.nonzero(distance < NEAR_DUPLICATE).flatten().tolist():
            old, new = group[i], group[j]
            group = [new if number == old else number for number in group]
    return group


def split(names: Sequence[str], groups: Sequence[int], shares: tuple[float, float], seed: int) -> Split:
    """Draw the three sets; a group of near-duplicates stays in one. `shares` are those of standardise and calibrate."""
    order = np.random.default_rng([seed, 0x5EED]).permutation(sorted(set(groups)))
    rank = {int(group): place for place, group in enumerate(order)}
    # By group first, so that filling the sets in this order never cuts a group in two.
    ordered = sorted(range(len(names)), key=lambda i: (rank[groups[i]], names[i]))
    sizes = [max(1, round(share * len(names))) if share > 0 else 0 for share in shares]
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
    write_text(path, json.dumps(asdict(chosen), indent=1) + "\n")


def read_split(path: Path) -> Split:
    """Read it back. Raises BadArtifact."""
    try:
        return Split(**{name: tuple(paths) for name, paths in json.loads(path.read_text()).items()})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadArtifact(path=path, detail=f"not a split of the good pictures ({error}); run `make train`") from error
