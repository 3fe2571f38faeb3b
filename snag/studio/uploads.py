"""Uploads: pictures, archives and folders that somebody brings into a product; each file is there whole or not at all."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from snag.core.errors import BadDataset
from snag.core.files import write_bytes
from snag.core.hidden_files import is_in_hidden
from snag.core.left_out import LeftOut
from snag.core.picture_files import reason_of
from snag.core.picture_formats import HEAD
from snag.studio.products import Product
from snag.training.data.layout import FOLDERS
from snag.training.data.sources import CHUNK, Budget, Member, members, reading
from snag.training.data.unpack import safe_parts

#: What one upload may unpack to.
_BYTES: Final = 20_000_000_000
_FILES: Final = 200_000
_LARGEST: Final = 500_000_000  #: bytes of one picture


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


def bring_in(product: Product, source: Path, kind: str) -> Brought:
    """Take pictures out of a folder, zip or tar. What lies in MVTec's layout keeps its place, everything else is of `kind`.

    Raises BadDataset, DiskFull.
    """
    brought = Brought()
    with reading(source):
        for member in members(source, Budget(_BYTES, _FILES), LeftOut()):
            if is_in_hidden(member.name):
                continue
            parts = safe_parts(member.name) if member.is_foreign else tuple(Path(member.name).parts)
            _keep(product, _place(parts, kind), _content(member), brought)
    return brought


def bring_in_picture(product: Product, name: str, data: bytes, kind: str, brought: Brought) -> None:
    """Take one picture. Raises BadDataset for a name that can't be a file's, DiskFull."""
    _keep(product, (*kind.split("/"), safe_parts(name.replace("\\", "/"))[-1]), data, brought)


def is_archive(head: bytes) -> bool:
    """Whether these first bytes are a zip's or tar's."""
    return (
        head[:4] in (b"PK\x03\x04", b"PK\x05\x06")
        or head.startswith((b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh"))
        or (head[257:262] == b"ustar")
    )


def _place(parts: tuple[str, ...], kind: str) -> tuple[str, ...]:
    top = next((at for at, part in enumerate(parts[:-1]) if part in FOLDERS), None)
    if top is not None and len(parts) - top >= 3:
        return parts[top:]
    return (*kind.split("/"), parts[-1])


def _content(member: Member) -> bytes:
    data = bytearray()
    with closing(member.open()) as content:
        while chunk := content.read(CHUNK):
            data += chunk
            if len(data) > _LARGEST:
                raise BadDataset(detail=f"{member.name} has more than {_LARGEST} bytes")
    return bytes(data)


def _keep(product: Product, place: tuple[str, ...], data: bytes, brought: Brought) -> None:
    """Write it, under another name where there is another picture of that name."""
    path = product.data.joinpath(*place)
    if reason_of(path.suffix.lower(), lambda: data[:HEAD])[0] is not None:
        brought.others.append(place[-1])
        return
    number = 1
    while path.exists():
        if path.read_bytes() == data:
            brought.known += 1
            return
        number += 1
        path = path.with_name(f"{Path(place[-1]).stem}-{number}{Path(place[-1]).suffix}")
    write_bytes(path, data)
    brought.new += 1
