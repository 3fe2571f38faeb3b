"""A data set as it is laid out: train/good, test/<kind>, and ground_truth/<kind> for the masks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PIL import Image

from snag.core.errors import DiskFull

TRAIN: Final = "train/good"
TESTED: Final = "test/good"
#: Share of the good ones that are tested where the publisher split none off.
HELD_OUT: Final = 0.2


class Layout:
    """A folder that is filled picture by picture; nothing in it is written twice."""

    def __init__(self, folder: Path) -> None:
        """Into an empty folder."""
        self._folder = folder
        self._counts: dict[str, int] = {}
        self._trained: dict[str, str] = {}  # digest -> name, of train/good
        self._tested: set[str] = set()

    @property
    def counts(self) -> Mapping[str, int]:
        """Files of each folder."""
        return dict(sorted(self._counts.items()))

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Write one file. Raises ValueError for one that is there, DiskFull."""
        path = self._folder / folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError as error:
            raise ValueError(f"two pictures are to be {folder}/{name}") from error
        except OSError as error:
            raise DiskFull(path=path, detail=error) from error
        self._counts[folder] = self._counts.get(folder, 0) + 1

    def put_new(self, folder: str, name: str, content: bytes) -> None:
        """The same, for sets that hold copies: what is tested, or was trained on already, does not come to train/good.

        Of copies to train on the last one stays. Tested pictures are put first or last, as they come.
        """
        digest = hashlib.sha256(content).hexdigest()
        if folder == TRAIN:
            if digest in self._tested:
                return
            self._drop(digest)
            self._trained[digest] = name
        else:
            self._drop(digest)
            self._tested.add(digest)
        self.put(folder, name, content)

    def put_mask(self, kind: str, stem: str, mask: Image.Image) -> None:
        """The mask (8 bits, 0 or 255) of a defective picture whose name begins so."""
        self.put(f"ground_truth/{kind}", f"{stem}_mask.png", as_png(mask))

    def _drop(self, digest: str) -> None:
        if digest in self._trained:
            (self._folder / TRAIN / self._trained.pop(digest)).unlink()
            self._counts[TRAIN] -= 1

    def required(self) -> None:
        """Raises LookupError where there is nothing to train on, or no defective picture."""
        if not self._counts.get(TRAIN):
            raise LookupError("it holds no good pictures to train on")
        if not any(count for folder, count in self._counts.items() if folder.startswith("test/") and folder != TESTED):
            raise LookupError("it holds no defective pictures")


def as_png(picture: Image.Image) -> bytes:
    """The picture as a PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def two_valued(mask: Image.Image, least: int) -> Image.Image:
    """Of a grey mask: 255 from `least` on, else 0."""
    return mask.point(lambda value: 255 if value >= least else 0)


def good_folder(name: str) -> str:
    """Where a good picture of that name belongs: drawn by the name alone, so it stays when others come or go."""
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    return TESTED if int(digest[:8], 16) / 2**32 < HELD_OUT else TRAIN
