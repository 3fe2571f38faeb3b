"""What the faults showed, as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.faults.starts import Start
from benchmarks.outcome import TimedAnswer, summary
from benchmarks.tables import table

#: Within so many seconds the server must tell of a worker's death.
NOTICED: Final = 5.0


@dataclass(frozen=True)
class Fault:
    """One strike under load."""

    name: str
    samples: Sequence[TimedAnswer]
    noticed: float | None  #: seconds until the server said that it is not ready; None: it always was
    ready: float | None  #: seconds until it was ready again
    remark: str

    @property
    def is_right(self) -> bool:
        """Whether no answer was wrong, none was lost for who asks once more, and the server told of it and came back."""
        figures = summary(self.samples)
        told = self.noticed is None or self.noticed <= NOTICED
        return not (figures.wrong or figures.lost) and told and (self.ready is None or not math.isnan(self.ready))


def faults_table(faults: Sequence[Fault]) -> str:
    """A row for each strike."""
    head = (
        "fault",
        "sent",
        "right",
        "refused",
        "lost",
        "wrong",
        "asked twice",
        "noticed, s",
        "ready again, s",
        "slowest, s",
        "remark",
    )
    return table(head, [_row(fault) for fault in faults])


def starts_table(starts: Sequence[Start]) -> str:
    """A row for each broken archive."""
    rows = [(one.case, one.code, f"{one.seconds:.1f}", one.left, one.reason) for one in starts]
    return table(("archive", "exit code", "after, s", "processes left", "what it said"), rows)


def _row(fault: Fault) -> tuple[object, ...]:
    figures = summary(fault.samples)
    times = ["-" if value is None else f"{value:.1f}" for value in (fault.noticed, fault.ready)]
    counts = (figures.sent, figures.right, figures.refused, figures.lost, figures.wrong, figures.tried_twice)
    return (fault.name, *counts, *times, f"{figures.worst:.1f}", fault.remark)
