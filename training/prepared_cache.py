"""Pictures decoded and prepared once, kept in a memory-mapped file: an epoch then costs no decoding."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor, nn

from snag.core.errors import DiskFull
from snag.core.files import write_atomically, write_text
from snag.core.picture import PictureLimits
from snag.detector.preparation import Preparation
from snag.training.data.dataset import LIMITS, read
from snag.training.data.survey import in_threads


def prepared_pictures(
    root: Path,
    names: Sequence[str],
    module: Preparation,
    cache: Path,
    data_digest: str,
    limits: PictureLimits = LIMITS,
) -> tuple[list[np.ndarray], list[str]]:
    """Prepared pictures [c, h, w], float16, memory-mapped; and each one's reason ("" where it could be prepared).

    Reused when pictures and preparation are the same. Raises UnreadablePictures, DiskFull.
    """
    key = hashlib.sha256(os.fsencode("\0".join([data_digest, _digest(module), *names]))).hexdigest()[:24]
    path, notes_path = cache / f"{key}.npy", cache / f"{key}.notes"
    if not (path.exists() and notes_path.exists()):
        notes: list[str] = []

        def write(temporary: Path) -> None:
            shape = (len(names), module.channels, module.height, module.width)
            prepared = open_memmap(temporary, mode="w+", dtype=np.float16, shape=shape)
            _reserve(temporary)  # not before: open_memmap empties the file
            paths = [root / name for name in names]
            for i, (picture, reason) in enumerate(in_threads(lambda path: _prepare(module, path, limits), paths, "prepare")):
                _, height, width = picture.shape
                prepared[i, :, :height, :width] = picture  # the file has room for the greatest
                notes.append(f"{height} {width} {reason}")
            prepared.flush()

        write_atomically(path, write)
        write_text(notes_path, "\n".join(notes))
    prepared = np.load(path, mmap_mode="r")
    found = [note.split(" ", 2) for note in notes_path.read_text().splitlines()]
    return (
        [picture[:, : int(height), : int(width)] for picture, (height, width, _) in zip(prepared, found, strict=True)],
        [reason for _, _, reason in found],
    )


@torch.inference_mode()
def _prepare(module: Preparation, path: Path, limits: PictureLimits) -> tuple[np.ndarray, str]:
    prepared = module(read(path, limits))
    return prepared.picture.numpy().astype(np.float16), prepared.reason


class PreparedPictures(Sequence[Tensor]):
    """Prepared pictures as tensors [c, h, w], float32, each read when it is asked for."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        """`arrays`: of `prepared_pictures`."""
        self._arrays = arrays

    def __len__(self) -> int:
        """How many there are."""
        return len(self._arrays)

    @overload
    def __getitem__(self, which: int) -> Tensor: ...

    @overload
    def __getitem__(self, which: slice) -> PreparedPictures: ...

    def __getitem__(self, which: int | slice) -> Tensor | PreparedPictures:
        """A copy in memory of one; some of them, not yet read."""
        if isinstance(which, slice):
            return PreparedPictures(self._arrays[which])
        return torch.from_numpy(self._arrays[which].astype(np.float32))


def _digest(module: nn.Module) -> str:
    """Of everything the preparation depends on: its buffers, its numbers and its code's shape."""
    buffer = io.BytesIO()
    for name, value in sorted(module.state_dict().items()):
        buffer.write(name.encode() + value.numpy().tobytes())
    for part in module.modules():
        numbers = {key: value for key, value in vars(part).items() if isinstance(value, int | float | str | list)}
        buffer.write(repr((type(part).__name__, sorted(numbers.items()))).encode())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def _reserve(path: Path) -> None:
    """Writing to a memory map on a full disk is a bus error that nobody can catch: take the room first."""
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            raise DiskFull(path=path, detail=error) from error
