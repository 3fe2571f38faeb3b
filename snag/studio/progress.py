"""How far a training has come: its progress bar, read back from what it printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from snag.studio.jobs import JobState

#: tqdm's line: what, percent, bar, done/total, time gone < time left.
_BAR: Final = re.compile(
    r"^(?P<what>[^:|]+):\s+\d+%\|.*\|\s*(?P<done>\d+)/(?P<total>\d+)\s*\[(?P<gone>[\d:]+)<(?P<left>[\d:?]+)"
)


@dataclass(frozen=True)
class Progress:
    """One stage of a command."""

    what: str
    done: int
    total: int
    left: str  #: time as h:mm:ss or mm:ss; "" where it is not known yet

    @property
    def share(self) -> float:
        """Of the stage, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


def progress_of(job: JobState) -> Progress | None:
    """The last progress bar of a job's log; None where there is none."""
    for line in reversed(job.lines):
        if found := _BAR.match(line.strip()):
            left = "" if "?" in found["left"] else found["left"]
            return Progress(found["what"].strip(), int(found["done"]), int(found["total"]), left)
    return None
