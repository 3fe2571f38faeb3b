"""Writing a file so that it is either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from snag.core.errors import DiskFull
from snag.core.file_names import readable


def write_atomically(path: Path, write: Callable[[Path], None], mode: int = 0o644) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place with the rights of `mode`.

    Raises DiskFull when the file can't be written; `path` is then untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
        os.close(handle)
        try:
            _fill_and_move(Path(name), path, write, mode)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise DiskFull(path=path, detail=error) from error


def _fill_and_move(temporary: Path, path: Path, write: Callable[[Path], None], mode: int) -> None:
    write(temporary)
    with temporary.open("rb+") as written:
        os.fsync(written.fileno())  # a rename that survives a power cut before its data would leave an empty file
    temporary.chmod(mode)
    temporary.replace(path)


def write_bytes(path: Path, data: bytes, mode: int = 0o644) -> None:
    """`write_atomically` for bytes at hand."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    write_atomically(path, write, mode)


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """`write_atomically` for text, UTF-8; what UTF-8 can't hold is spelt out."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a file's name that was not `spelled`: better so than no file after all the work
        data = readable(text).encode()
    write_bytes(path, data, mode)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
