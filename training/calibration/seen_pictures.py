"""Whether training or the test has seen a picture that is to calibrate, whatever its name and however its file was packed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from snag.core.artifact import Artifact
from snag.core.errors import BadArtifact, BadDataset, SnagError
from snag.core.files import sha256_of
from snag.core.picture import PictureLimits
from snag.core.picture_files import picture_files
from snag.training.calibration.calibration_set import CalibrationSet
from snag.training.data.dataset import digest_of, good_pictures, read
from snag.training.data.split import read_split
from snag.training.run.progress import progress

NO_LIST: Final = "the run has no list of the pictures that it was trained on"
OTHER_FOLDER: Final = "the folder that the model was trained on is gone or holds other pictures by now"


@dataclass(frozen=True)
class UnseenPictures:
    """Pictures to calibrate on that are none of those that could be looked through."""

    chosen: CalibrationSet  #: each picture once
    copies: int  #: how many more there were of the same
    unchecked: str  #: why nobody knows whether training saw them; empty: it did not


def unseen(chosen: CalibrationSet, data: Path, run: Path, artifact: Artifact) -> UnseenPictures:
    """The pictures of another folder, each once.

    Raises BadDataset for one that is also a picture of the run's fit, standardisation or test, UnreadablePictures for one that
    can't be decoded.
    """
    known = list(zip(chosen.paths, _pixel_digests(chosen.paths, artifact.limits), strict=True))
    if found := _same(known, tested_pictures(data), artifact.limits):
        raise BadDataset(
            detail=f"{found[0]} is the same picture as {found[1]}: what a threshold is made from can't test it; "
            "expected good pictures that neither training nor the test has"
        )
    learnt, unchecked = _learnt(data, run, artifact)
    if found := _same(known, learnt, artifact.limits):
        hint = " (as its name says: name the folder that the model was trained on with --data)" if unchecked else ""
        raise BadDataset(
            detail=f"{found[0]} is the same picture as {found[1]}, which the model was trained on{hint}: of such pictures the "
            "threshold would be too low; expected good pictures that neither training nor the test has"
        )
    once = {digest: path for path, digest in reversed(known)}  # the first of each
    paths = [path for path, digest in known if once[digest] == path]
    return UnseenPictures(replace(chosen, paths=paths), len(chosen.paths) - len(paths), unchecked)


def tested_pictures(data: Path) -> list[Path]:
    """Every picture of the test set, good and defective."""
    return picture_files(data / "test").pictures


def same_picture(pictures: Sequence[Path], others: Sequence[Path], limits: PictureLimits) -> tuple[Path, Path] | None:
    """One of `pictures` and one of `others` that are the same: by their bytes, or by their pixels. None where there is none.

    Raises UnreadablePictures for one of `pictures` that can't be decoded; a damaged one of `others` is known by its bytes only.
    """
    if not others:
        return None
    return _same(list(zip(pictures, _pixel_digests(pictures, limits), strict=True)), others, limits)


def _same(pictures: Sequence[tuple[Path, str]], others: Sequence[Path], limits: PictureLimits) -> tuple[Path, Path] | None:
    """See `same_picture`; each with the digest of its pixels."""
    if not others:
        return None
    by_bytes = {sha256_of(path): path for path, _ in pictures}
    for other in others:
        if picture := by_bytes.get(sha256_of(other)):
            return picture, other
    by_pixels = {digest: path for path, digest in pictures}
    digests = progress(_pixel_digests(others, limits, strict=False), "compare", "picture", len(others))
    for other, digest in zip(others, digests, strict=True):
        if picture := by_pixels.get(digest):
            return picture, other
    return None


def _learnt(data: Path, run: Path, artifact: Artifact) -> tuple[list[Path], str]:
    """Those of the run's pictures of fit and standardisation that are there, and why they may not be all, or others."""
    try:
        split = read_split(run / "split.json")
    except BadArtifact:
        return [], NO_LIST
    there = [path for name in (*split.fit, *split.standardise) if (path := data / name).is_file()]
    try:
        is_same = digest_of(good_pictures(data), data) == artifact.settings.get("data_digest")
    except SnagError:  # there are none
        is_same = False
    return there, "" if is_same else OTHER_FOLDER


def _pixel_digests(paths: Sequence[Path], limits: PictureLimits, strict: bool = True) -> Iterator[str]:
    """Of each picture; several are decoded at a time, for that is what it costs."""

    def digest(path: Path) -> str:
        try:
            picture = read(path, limits)
        except SnagError:
            if strict:
                raise
            return f"not decoded: {path}"
        grey = picture[:1] if len(picture) == 3 and bool((picture == picture[:1]).all()) else picture
        return hashlib.sha256(f"{grey.dtype} {tuple(grey.shape)}".encode() + grey.contiguous().numpy().tobytes()).hexdigest()

    with ThreadPoolExecutor() as pool:
        yield from pool.map(digest, paths)
