"""Files that are either old or new, whatever happens in between."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import DiskFull
from snag.core.files import sha256_of, write_atomically, write_bytes, write_text


def names(folder):
    """Every file and folder below, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_writes(tmp_path):
    """The file is written, its folders made, and nothing else is left."""
    write_text(tmp_path / "a" / "b" / "file.txt", "Größe\n")

    assert (tmp_path / "a" / "b" / "file.txt").read_bytes() == "Größe\n".encode()
    assert names(tmp_path) == ["a", "a/b", "a/b/file.txt"]


def test_replaces(tmp_path):
    """What stood there is replaced whole, however long it was."""
    write_bytes(tmp_path / "file", b"long " * 1000)
    write_bytes(tmp_path / "file", b"short")

    assert (tmp_path / "file").read_bytes() == b"short"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("a bug")])
def test_fault_in_between(tmp_path, fault):
    """A fault while writing leaves the old file as it was, and no rubbish beside it."""
    write_bytes(tmp_path / "file", b"old")

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half of the n")
        raise fault

    with pytest.raises(DiskFull if isinstance(fault, OSError) else type(fault)):
        write_atomically(tmp_path / "file", write)

    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_never_seen_half(tmp_path):
    """While the new content is being written, a reader finds the old one."""
    write_bytes(tmp_path / "file", b"old")
    seen = []

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        seen.append((tmp_path / "file").read_bytes())
        temporary.write_bytes(b"full_frame")

    write_atomically(tmp_path / "file", write)

    assert (seen, (tmp_path / "file").read_bytes()) == ([b"old"], b"full_frame")


def test_full_disk_message(tmp_path):
    """The error names the file, the system's reason, and that nothing was lost."""
    with pytest.raises(DiskFull) as caught:
        write_atomically(tmp_path / "file", lambda temporary: os.truncate(temporary / "x", 1))

    reason = f"[Errno 20] Not a directory: '{tmp_path}"
    assert str(caught.value).startswith(f"can't write {tmp_path / 'file'}: {reason}")
    assert str(caught.value).endswith("; nothing was overwritten")


def test_real_full_disk(tmp_path):
    """A device without space is such a case."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")

    def write(temporary: Path) -> None:
        full.write_bytes(temporary.name.encode())

    with pytest.raises(DiskFull, match="No space left on device"):
        write_atomically(tmp_path / "file", write)

    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["file/inside", "file/inside/deeper"])
def test_no_folder(tmp_path, place):
    """Where the folder can't be made, the error is the same."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DiskFull):
        write_text(tmp_path / place, "text")


def test_folder_in_the_way(tmp_path):
    """Neither is a folder overwritten by a file."""
    (tmp_path / "file").mkdir()

    with pytest.raises(DiskFull):
        write_text(tmp_path / "file", "text")

    assert names(tmp_path) == ["file"]


def test_long_names(tmp_path):
    """A name as long as the system allows can be written, though the temporary one beside it is longer."""
    for name in ("n" * 255, "\N{GRINNING FACE}" * 63):
        write_text(tmp_path / name, "text")

    assert names(tmp_path) == ["n" * 255, "\N{GRINNING FACE}" * 63]


@given(st.binary(max_size=5000))
def test_sha256(tmp_path_factory, data):
    """The digest is SHA-256 in hexadecimal."""
    path = tmp_path_factory.getbasetemp() / "digest"
    path.write_bytes(data)

    assert sha256_of(path) == hashlib.sha256(data).hexdigest()
