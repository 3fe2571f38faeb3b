"""The album: every picture of a product by its kind, listed anew only when one of its folders has changed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.core.file_names import spelled
from snag.core.picture_files import picture_files, visible_folders
from snag.studio.marks import ASIDE
from snag.studio.products import Product

TRAIN: Final = "train/good"
PAGE: Final = 48  #: pictures of a page


@dataclass(frozen=True)
class Album:
    """Names of pictures relative to the data set, with forward slashes."""

    kinds: dict[str, tuple[str, ...]]  #: train/good, test/good, test/<defect>; each sorted
    names: frozenset[str]

    @property
    def good(self) -> tuple[str, ...]:
        """Those that training takes."""
        return self.kinds.get(TRAIN, ())

    @property
    def defects(self) -> int:
        """How many show a defect."""
        return sum(len(names) for kind, names in self.kinds.items() if kind not in (TRAIN, "test/good"))


#: By data set: the folders that were looked into, their times, and what was found.
_KNOWN: Final[dict[Path, tuple[tuple[Path, ...], tuple[int, ...], Album]]] = {}


def album_of(product: Product) -> Album:
    """The product's pictures as they are now. Raises UnreadableFolder."""
    known = _KNOWN.get(product.data)
    if known is None or _stamps(known[0]) != known[1]:
        folders = _folders(product.data)
        stamps = _stamps(folders)  # before the listing: what comes meanwhile is seen the next time
        known = _KNOWN[product.data] = (folders, stamps, _listed(product.data))
    return known[2]


def last_change(product: Product) -> float:
    """When a picture last came or went, seconds since 1970; 0 where there are no folders."""
    return max(_stamps(_folders(product.data) if product.data not in _KNOWN else _KNOWN[product.data][0])) / 1e9


def page_of(names: tuple[str, ...], number: int) -> tuple[str, ...]:
    """The pictures of a page, the first being 1."""
    return names[(number - 1) * PAGE : number * PAGE]


def pages(names: tuple[str, ...]) -> int:
    """How many pages they fill, at least one."""
    return max(1, -(-len(names) // PAGE))


def _listed(data: Path) -> Album:
    kinds = {TRAIN: _names(data / TRAIN, data)}
    tests = sorted(visible_folders(data / "test"), key=lambda folder: (folder.name != "good", folder.name))
    kinds |= {f"test/{spelled(folder.name)}": _names(folder, data) for folder in tests}
    aside = _names(data / ASIDE / TRAIN, data)
    return Album(kinds, frozenset(name for names in (*kinds.values(), aside) for name in names))


def _names(folder: Path, data: Path) -> tuple[str, ...]:
    begin = len(str(data)) + 1  # what `relative_to` does took as long as the walk itself
    return tuple(str(path)[begin:] for path in picture_files(folder).pictures)


def _folders(data: Path) -> tuple[Path, ...]:
    """Those in which a picture may come or go, be they there or not."""
    seen: set[tuple[int, int]] = set()  # links may lead in a circle
    found, waiting = [], [data / "train" / "good", data / "test", data / ASIDE / TRAIN]
    while waiting:
        folder = waiting.pop()
        found.append(folder)
        with suppress(OSError):
            state = folder.stat()
            if (state.st_dev, state.st_ino) in seen:
                continue
            seen.add((state.st_dev, state.st_ino))
        waiting += visible_folders(folder)
    return tuple(found)


def _stamps(folders: tuple[Path, ...]) -> tuple[int, ...]:
    return tuple(_stamp(folder) for folder in folders)


def _stamp(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
