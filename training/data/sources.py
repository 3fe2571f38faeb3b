"""Reading the files of a folder or an archive that nobody vouches for: in order, counted, regular files alone."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from tqdm import tqdm

from snag.core.errors import BadDataset
from snag.core.left_out import LeftOut, Reason
from snag.core.picture_files import walk

CHUNK: Final = 1 << 20
#: tarfile reads a long name at once, however long its header says that it is.
LARGEST_READ: Final = 4 * CHUNK
#: What packs a tar: its first bytes, and what opens it.
PACKERS: Final[dict[bytes, Callable[[Any], Any]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}
#: Who made a file of a zip (APPNOTE 4.4.2): MS-DOS, which Windows says too.
_WINDOWS: Final = 0


class Readable(Protocol):
    """As much of a stream as is needed here."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""

    def close(self) -> None:
        """Let go of it."""


@dataclass
class Budget:
    """What may still be unpacked; counted as it is read, for what an archive declares about itself may be a lie."""

    bytes_left: int
    files_left: int

    def spend(self, count: int) -> None:
        """Take `count` bytes. Raises BadDataset when there are not so many left."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise BadDataset(detail="it unpacks to more bytes than allowed; --max-gigabytes sets the limit")

    def spend_file(self) -> None:
        """Take one file. Raises BadDataset."""
        self.files_left -= 1
        if self.files_left < 0:
            raise BadDataset(detail="it holds more files than allowed; --max-files sets the limit")


@dataclass(frozen=True)
class Member:
    """A regular file of a source: its name there, and how to read it (at once: an archive is read in order)."""

    name: str
    open: Callable[[], Readable]
    is_foreign: bool = True  #: of an archive: whoever made it chose the name


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Turns what the readers raise over a damaged source into BadDataset; errors of writing pass."""
    try:
        yield
    except BadDataset as error:
        raise BadDataset(detail=f"{source} was refused: {error}") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError) as error:
        raise BadDataset(detail=f"{source} can't be unpacked: {error}; expected a whole zip, tar, tar.gz or tar.xz") from error
    except OSError as error:
        if error.errno is not None and str(source) not in str(error.filename):
            raise
        raise BadDataset(detail=f"{source} can't be read: {error}") from error


def members(source: Path, budget: Budget, left_out: LeftOut) -> Iterator[Member]:
    """The files of a folder, zip or tar, each to be read before the next is asked for.

    What a folder holds else is added to `left_out`. Raises BadDataset, UnreadableFolder.
    """
    if source.is_dir():
        return _in_folder(source, budget, left_out)
    with source.open("rb") as file:
        head = file.read(262)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _in_zip(source, budget)
    packers = [packer for magic, packer in PACKERS.items() if head.startswith(magic)]
    if packers or head[257:262] == b"ustar":
        return _in_tar(source, budget, *packers)
    raise BadDataset(detail="it is no folder, zip, tar, tar.gz, tar.bz2 or tar.xz")


def _in_folder(source: Path, budget: Budget, left_out: LeftOut) -> Iterator[Member]:
    """Files of a folder, be they pictures or not; links in it are followed, for it is the user's own."""
    paths = []
    for found in walk(source):
        if found.reason in (None, Reason.FORMAT, Reason.OTHER):
            paths.append(found.path)
        elif found.reason is not None:
            left_out.add(found.reason, found.path.relative_to(source).as_posix())
    for path in tqdm(sorted(paths), desc="copying", unit="file", disable=None):
        open_it = partial(_counted, partial(path.open, "rb"), budget)
        yield Member(path.relative_to(source).as_posix(), open_it, is_foreign=False)


def _in_zip(source: Path, budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(source) as archive:
        has_slashes = any("/" in info.orig_filename for info in archive.infolist())
        for info in tqdm(archive.infolist(), desc="unpacking", unit="file", disable=None):
            # Windows PowerShell 5 and early .NET write \ between folders; no file there can have it in its name.
            is_windows = info.create_system == _WINDOWS or not has_slashes
            name = info.orig_filename.replace("\\", "/") if is_windows else info.orig_filename
            if name.endswith("/"):
                continue
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise BadDataset(detail=f"it holds a link or device {info.filename!r}; expected regular files")
            # zipfile bounds what a read may inflate, but not what one of the other packings may.
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise BadDataset(detail=f"it holds {info.filename!r} encrypted or in a rare packing; expected deflate")
            yield Member(name, partial(_counted, partial(archive.open, info), budget))


def _in_tar(source: Path, budget: Budget, packer: Callable[[Any], Any] | None = None) -> Iterator[Member]:
    with (
        source.open("rb") as packed,
        tqdm(total=source.stat().st_size, desc="unpacking", unit="B", unit_scale=True, disable=None) as bar,
    ):
        watched = _Watched(packed, bar)
        stream = _Counted(packer(watched) if packer else watched, budget)
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            for info in archive:
                if info.isdir():
                    continue
                if not info.isreg() or info.issparse():
                    raise BadDataset(detail=f"it holds a link or device {info.name!r}; expected regular files")
                yield Member(info.name, partial(_extracted, archive, info))
        if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes a damaged header for the end
            raise BadDataset(detail="it ends early or is damaged")
        while stream.read(CHUNK):  # the packer's checksum stands at its very end
            pass


def _counted(open_it: Callable[[], Any], budget: Budget) -> Readable:
    return _Counted(open_it(), budget)


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Readable:
    content = archive.extractfile(info)
    if content is None:
        raise BadDataset(detail=f"it holds {info.name!r}, which can't be read")
    return content


class _Watched(io.RawIOBase):
    """A file whose reading moves a progress bar."""

    def __init__(self, file: Readable, bar: tqdm) -> None:  # type: ignore[type-arg]
        self._file, self._bar = file, bar

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._bar.update(len(data))
        return data


class _Counted(io.RawIOBase):
    """A stream, read forwards, that spends a budget as it is read and refuses to be read in one gulp."""

    def __init__(self, stream: Readable, budget: Budget) -> None:
        self._stream, self._budget, self._position = stream, budget, 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise BadDataset(detail="it holds a header of absurd length")
        data = self._stream.read(size)
        self.last = data
        self._position += len(data)
        self._budget.spend(len(data))
        return data

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or offset < self._position:
            raise io.UnsupportedOperation("read forwards only")
        while self._position < offset and self.read(min(CHUNK, offset - self._position)):
            pass
        return self._position

    def close(self) -> None:
        self._stream.close()
        super().close()
