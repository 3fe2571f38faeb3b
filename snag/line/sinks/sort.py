"""SortSink: pictures once more, in folders by what was decided."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path
from typing import Final

from snag.core.errors import EventRefused, SinkAway
from snag.core.file_names import original
from snag.line.event import LineEvent
from snag.line.places import now_at
from snag.line.sink_tables import SortTable
from snag.line.sinks.sink import Sink

#: Where a hard link is not possible: another disk, a file system without them, too many of them.
_NO_LINK: Final = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK)


class SortSink(Sink):
    """FOLDER/SOURCE/pass and reject. The name has the event's id: to sort twice changes nothing."""

    name = "sort"

    def __init__(self, table: SortTable, stop: threading.Event) -> None:
        super().__init__(stop)
        self._folder = table.folder

    def send(self, event: LineEvent) -> None:
        """Link or copy. Raises SinkAway where the disk does not take it, EventRefused where the picture is gone."""
        if not event.file:
            return
        target = self._folder / event.source / event.decision / Path(original(event.file)).name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                return
            picture = now_at(event.file)
            if picture is None:
                raise EventRefused(sink=self.name, id=event.id, detail=f"{event.file} is gone")
            _link_or_copy(picture, target)
        except OSError as error:
            raise SinkAway(sink=self.name, detail=error) from error


def _link_or_copy(picture: Path, target: Path) -> None:
    try:
        os.link(picture, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        half = target.with_name(f".{target.name[:200]}.part")
        shutil.copy2(picture, half)
        half.replace(target)
