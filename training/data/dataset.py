"""The good pictures of a data set: which they are, their digest, and each of them, decoded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from snag.core.errors import SnagError, TooFewPictures, UnreadablePictures
from snag.core.file_names import spelled
from snag.core.files import sha256_of
from snag.core.picture import PictureLimits, decode
from snag.core.picture_files import PictureFiles, picture_files
from snag.labels.folder_names import instead_of_train_good

#: Fewer good pictures than this teach nothing.
LEAST_PICTURES = 12
#: A file on disk says what it is: only a client may send bare pixels.
LIMITS = PictureLimits(raw_shape=None)


def good_pictures(data: Path) -> list[Path]:
    """`data`/train/good's pictures, sorted. Raises NoPictures or TooFewPictures."""
    return good_files(data).pictures


def good_files(data: Path) -> PictureFiles:
    """The same, with what else lies in the folder."""
    folder = data / "train" / "good"
    others = " and ".join(instead_of_train_good(data))
    hint = f"; {others} is there: rename it to train/good" if others else ""
    found = picture_files(folder).required(f"good pictures in <DATA>/train/good (PNG, JPEG, BMP, TIFF or WebP){hint}")
    if len(found.pictures) < LEAST_PICTURES:
        besides = f" ({sentence})" if (sentence := found.left_out.sentence()) else ""
        raise TooFewPictures(found=len(found.pictures), folder=f"{spelled(folder)}{besides}", needed=LEAST_PICTURES)
    return found


def digest_of(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over names and contents, in the order given: 64 hexadecimal digits."""
    total = hashlib.sha256()
    for path in paths:
        total.update(os.fsencode(path.relative_to(root).as_posix()) + f"\0{sha256_of(path)}\n".encode())
    return total.hexdigest()


def read(path: Path, limits: PictureLimits = LIMITS) -> Tensor:
    """Decode one picture of the data set, [C, H, W]. Raises UnreadablePictures, naming it."""
    try:
        return decode(path.read_bytes(), limits)
    except (SnagError, OSError) as error:
        raise UnreadablePictures(count="some", first=path, detail=error) from error
