"""Uploads: pictures, archives and folders that somebody brings into a product; each file is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Final

from snag.core.errors import BadDataset, DiskFull
from snag.core.files import write_bytes
from snag.core.hidden_files import is_in_hidden
from snag.core.left_out import LeftOut
from snag.core.picture_files import reason_of
from snag.core.picture_formats import HEAD
from snag.labels.folder_names import means_good
from snag.studio.marks import ASIDE
from snag.studio.products import GOOD, Product
from snag.training.data.layout import FOLDERS
from snag.training.data.sources import CHUNK, Budget, Member, Readable, members, reading
from snag.training.data.unpack import safe_parts

#: What one upload may unpack to.
_BYTES: Final = 20_000_000_000
_FILES: Final = 200_000
_LARGEST: Final = 500_000_000  #: bytes of one picture
_WRITING: Final = Lock()  #: files come side by side, and two of one name must not take one place


@dataclass
class Brought:
    """What came of an upload."""

    new: int = 0
    known: int = 0  #: there already, with the same bytes
    others: list[str] = field(default_factory=list)  #: no pictures

    def add(self, more: Brought) -> None:
        """Count what came of a part of it."""
        self.new += more.new
        self.known += more.known
        self.others += more.others


def kind_folder(kind: str) -> str:
    """The folder of a kind that was chosen or typed: train/good, test/good, or test/<name of the defect>. Raises BadDataset."""
    parts = safe_parts(kind.strip())
    if parts in (("train", "good"), ("test", "good")) or (len(parts) == 2 and parts[0] == "test"):
        return "/".join(parts)
    if len(parts) == 1:
        return f"test/{parts[0]}"
    raise BadDataset(detail=f"{kind!r} is no kind of pictures; expected train/good, test/good or a defect's name")


def folder_of(product: Product) -> Path:
    """Where archives lie while they are unpacked. Raises DiskFull."""
    folder = product.own / "uploads"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskFull(path=folder, detail=error) from error
    return folder


def bring_in(product: Product, source: Path, kind: str) -> Brought:
    """Take pictures out of a folder, zip or tar. What lies in MVTec's layout keeps its place, everything else is of `kind`.

    Folders in it stay, for they may be cameras or lots. Raises BadDataset, DiskFull.
    """
    brought = Brought()
    with reading(source):
        loose = [parts for parts, _ in _members(source) if _top(parts) is None and _claims_to_be_one(parts[-1])]
        if kind == "/".join(GOOD):
            _check_all_good({part for parts in loose for part in parts[:-1]})
        outer = sum(
            1 for _ in takewhile(lambda names: len(set(names)) == 1, zip(*(parts[:-1] for parts in loose), strict=False))
        )
        for parts, member in _members(source):
            top = _top(parts)
            place = parts[top:] if top is not None else (*kind.split("/"), *parts[min(outer, len(parts) - 1) :])
            with closing(member.open()) as content:
                head = content.read(HEAD)
                if _is_picture(place, head):
                    _keep(product, place, _whole(member.name, head, content), brought)
                else:
                    brought.others.append(place[-1])
    return brought


def bring_in_picture(product: Product, name: str, data: bytes, kind: str, brought: Brought) -> None:
    """Take one picture. Raises BadDataset for a name that can't be a file's, DiskFull."""
    place = (*kind.split("/"), safe_parts(name.replace("\\", "/"))[-1])
    if _is_picture(place, data[:HEAD]):
        _keep(product, place, data, brought)
    else:
        brought.others.append(place[-1])


def is_archive(head: bytes) -> bool:
    """Whether these first bytes are a zip's or tar's."""
    return (
        head[:4] in (b"PK\x03\x04", b"PK\x05\x06")
        or head.startswith((b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh"))
        or (head[257:262] == b"ustar")
    )


def _members(source: Path) -> Iterator[tuple[tuple[str, ...], Member]]:
    """The source's files with the parts of their names, but for hidden ones."""
    budget = Budget(_BYTES, _FILES)
    for member in members(source, budget, LeftOut()):
        budget.spend_file()
        if not is_in_hidden(member.name):
            yield safe_parts(member.name) if member.is_foreign else tuple(Path(member.name).parts), member


def _top(parts: tuple[str, ...]) -> int | None:
    """Where MVTec's layout begins in a file's name; None where the file is in none."""
    top = next((at for at, part in enumerate(parts[:-1]) if part in FOLDERS), None)
    return top if top is not None and len(parts) - top >= 3 else None


def _check_all_good(folders: set[str]) -> None:
    """Refuse a set that was sorted by kinds of defects as one of good parts: a defect among these would be learnt."""
    good = sorted(name for name in folders if name == GOOD[-1] or means_good(name))
    others = sorted(folders - set(good))
    if good and others:
        raise BadDataset(
            detail=f"it holds {', '.join(good)} beside {', '.join(others[:5])}: expected good parts alone, or the kinds as "
            "test/<kind>/<picture>"
        )


def _claims_to_be_one(name: str) -> bool:
    """Whether its name is a picture's."""
    return reason_of(Path(name).suffix.lower(), bytes)[0] is None


def _is_picture(place: tuple[str, ...], head: bytes) -> bool:
    """Whether it is one that the album would show, by its name and first bytes."""
    return not is_in_hidden("/".join(place)) and reason_of(Path(place[-1]).suffix.lower(), lambda: head)[0] is None


def _whole(name: str, head: bytes, content: Readable) -> bytes:
    data = bytearray(head)
    while chunk := content.read(CHUNK):
        data += chunk
        if len(data) > _LARGEST:
            raise BadDataset(detail=f"{name} has more than {_LARGEST} bytes")
    return bytes(data)


def _keep(product: Product, place: tuple[str, ...], data: bytes, brought: Brought) -> None:
    """Write it, under another name where there is another picture of that name; what was set aside stays so."""
    path, number = product.data.joinpath(*place), 1
    with _WRITING:
        try:
            while here := [one for one in (path, product.data / ASIDE / path.relative_to(product.data)) if one.exists()]:
                if any(one.read_bytes() == data for one in here):
                    brought.known += 1
                    return
                number += 1
                path = path.with_name(_numbered(place[-1], number))
        except OSError as error:
            raise DiskFull(path=path, detail=error) from error
        write_bytes(path, data)
        brought.new += 1


def _numbered(name: str, number: int) -> str:
    """`a-2.png`, cut to what a file's name can hold."""
    end = f"-{number}{Path(name).suffix}"
    stem = Path(name).stem
    while len(os.fsencode(stem + end)) > 255:
        stem = stem[:-1]
    return stem + end
