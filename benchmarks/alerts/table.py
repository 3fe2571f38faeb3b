"""The table: what each stretch of the day was like, and which alerts fired in it after how many pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.alerts.line import Phase
from benchmarks.alerts.rules import Firing
from benchmarks.tables import table
from snag.core.verdict import Verdict


@dataclass(frozen=True)
class Stretch:
    """A phase with its answers and its alerts."""

    phase: Phase
    answers: Sequence[Verdict | None]
    firings: tuple[Firing, ...]  #: that began in it; dates are seconds since the day's first picture

    def after(self, alert: str) -> int | None:
        """How many pictures of the phase it took until the alert fired, or None."""
        return next((one.begin - self.phase.first for one in self.firings if one.alert == alert), None)

    @property
    def is_as_it_should_be(self) -> bool:
        """Good pictures set off nothing; a trouble sets off the alert that is meant for it."""
        trouble = self.phase.trouble
        return self.after(trouble.alert) is not None if trouble else not self.firings


def stretches(phases: Sequence[Phase], answers: Sequence[Verdict | None], firings: Sequence[Firing]) -> list[Stretch]:
    """Sort answers and firings into the phases."""
    return [
        Stretch(
            phase,
            answers[phase.first : phase.after],
            tuple(one for one in firings if phase.first < one.begin <= phase.after),
        )
        for phase in phases
    ]


def markdown(found: Sequence[Stretch]) -> str:
    """One row for each stretch."""
    head = ("pictures", "", "stopped", "median p-value", "alerts that fired, after how many pictures", "as it should be")
    return table(head, [_row(one) for one in found])


def _row(one: Stretch) -> list[object]:
    judged = [answer for answer in one.answers if answer is not None]
    p_values = sorted(answer.p_value for answer in judged)
    share = sum(answer.is_anomaly for answer in judged) / len(judged)
    fired = ", ".join(f"{name} {one.after(name)}" for name in dict.fromkeys(firing.alert for firing in one.firings))
    words = f"{share:.1%}", f"{p_values[len(p_values) // 2]:.2f}", fired or "none", "yes" if one.is_as_it_should_be else "NO"
    return [one.phase.count, one.phase.name, *words]
