"""FolderWatch: which files of a folder are finished, so that no half of a picture is judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.core.left_out import Reason
from snag.core.picture_files import right_in
from snag.line.status import LOG

#: Seconds for which a file may be empty before it is taken for what its writer meant.
_EMPTY: Final = 30.0
_NANO: Final = 1e9
#: What is taken: pictures, and those of formats that the server will refuse, so that none lies there unseen.
_TAKEN: Final = (None, Reason.FORMAT)


@dataclass(frozen=True)
class _Look:
    size: int
    changed: int  #: nanoseconds
    since: float


class FolderWatch:
    """Of one folder; hidden files and the folders in it are left alone."""

    def __init__(self, folder: Path, settle: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._settle = settle
        self._clock = clock
        self._looks: dict[str, _Look] = {}
        self._told: set[str] = set()

    def finished(self) -> list[Path]:
        """The files that are finished, in the order in which they were written. Raises UnreadableFolder."""
        looks, found = {}, []
        for one in right_in(self._folder):
            if one.reason not in _TAKEN:
                self._tell(one.path, one.reason)
                continue
            try:
                seen = one.path.stat()
            except OSError:  # gone meanwhile
                continue
            now, last = self._clock(), self._looks.get(one.path.name)
            is_same = last is not None and (last.size, last.changed) == (seen.st_size, seen.st_mtime_ns)
            look = last if last is not None and is_same else _Look(seen.st_size, seen.st_mtime_ns, now)
            looks[one.path.name] = look
            # A rename changes the one time and not the other; both are of the clock that the disk is at.
            is_moved_in = (seen.st_ctime_ns - seen.st_mtime_ns) / _NANO > self._settle and seen.st_size > 0
            if is_moved_in or now - look.since >= (self._settle if seen.st_size else _EMPTY):
                found.append((seen.st_mtime_ns, one.path))
        self._looks = looks
        return [path for _, path in sorted(found)]

    def _tell(self, path: Path, reason: Reason | None) -> None:
        if reason is not Reason.HIDDEN and path.name not in self._told:
            self._told.add(path.name)
            LOG.warning("%s is no picture and is left where it is", path)
