"""From samples and looks of a long run to its tables: what rose, and by how much an hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.outcome import RequestOutcome, TimedAnswer, quantile, summary
from benchmarks.tables import table
from benchmarks.watch import Reading, slope

HOUR: Final = 3600.0
_MEGABYTE: Final = 2**20


@dataclass(frozen=True)
class Soak:
    """A long run."""

    capacity: float  #: answers a second that the server managed beforehand, its clients waiting
    rate: float  #: requests a second that it then got
    seconds: float
    samples: Sequence[TimedAnswer]
    looks: Sequence[Reading]

    @property
    def is_sound(self) -> bool:
        """Whether every answer was right and no process was replaced."""
        pids = {tuple(sorted(one.pid for one in look.usage)) for look in self.looks}
        return len(pids) == 1 and all(sample.outcome is RequestOutcome.RIGHT for sample in self.samples)


def markdown(soak: Soak) -> str:
    """The run's tables."""
    head = (
        f"{soak.seconds / 60:.3g} minutes at {soak.rate:.1f} requests/s, {soak.rate / soak.capacity:.0%} of the "
        f"{soak.capacity:.1f} that the same mix reached with waiting clients\n"
    )
    return "\n".join([head, _kinds(soak.samples), _times(soak), _processes(soak.looks)])


def percentiles(samples: Sequence[TimedAnswer], width: float) -> list[tuple[float, float, float]]:
    """(begin in seconds, p50, p99 in milliseconds of the right answers) of each stretch of `width` seconds."""
    stretches: dict[int, list[float]] = {}
    for sample in samples:
        if sample.outcome is RequestOutcome.RIGHT:
            stretches.setdefault(int(sample.at / width), []).append(1e3 * sample.seconds)
    return [(width * at, quantile(times, 0.5), quantile(times, 0.99)) for at, times in sorted(stretches.items())]


def _kinds(samples: Sequence[TimedAnswer]) -> str:
    rows = []
    for name in [*dict.fromkeys(sorted(one.name for one in samples if not _is_rubbish(one))), "rubbish"]:
        some = [one for one in samples if (_is_rubbish(one) if name == "rubbish" else one.name == name)]
        rows.append(_row(name, some))
    head = ("requests", "sent", "right", "refused", "lost", "wrong", "p50 ms", "p99 ms", "worst ms")
    return table(head, [*rows, _row("all", samples)])


def _row(name: str, samples: Sequence[TimedAnswer]) -> tuple[object, ...]:
    found = summary(samples)
    ends = Counter(one.outcome for one in samples)
    return (name, found.sent, *(ends[end] for end in RequestOutcome), 1e3 * found.p50, 1e3 * found.p99, 1e3 * found.worst)


def _is_rubbish(sample: TimedAnswer) -> bool:
    """The kinds of fuzzing have a comma in their names."""
    return "," in sample.name


def _times(soak: Soak) -> str:
    stretches = percentiles(soak.samples, max(1.0, soak.seconds / 60))
    tenth = max(1, len(stretches) // 10)
    rows = []
    for label, index in (("p50", 1), ("p99", 2)):
        values = [one[index] for one in stretches]
        first, last = (sum(some) / len(some) for some in (values[:tenth], values[-tenth:]))
        rows.append((label, first, last, HOUR * slope([(one[0], one[index]) for one in stretches])))
    return table(("time ms", "first tenth", "last tenth", "rise an hour"), rows)


def _processes(looks: Sequence[Reading]) -> str:
    rows = []
    for pid, kind in {one.pid: one.kind for look in looks for one in look.usage}.items():
        seen = [(look.at, one) for look in looks for one in look.usage if one.pid == pid]
        first, last = seen[0][1], seen[-1][1]
        cores = (last.cpu - first.cpu) / max(1e-9, seen[-1][0] - seen[0][0])
        # The heap of Java and the first large pictures fill up early; what goes on rising in the second half is a leak.
        late = seen[len(seen) // 2 :]
        hourly = [HOUR * slope([(at, getattr(one, field) / _MEGABYTE) for at, one in late]) for field in ("rss", "pss")]
        sizes = (
            first.rss // _MEGABYTE,
            last.rss // _MEGABYTE,
            hourly[0],
            first.pss // _MEGABYTE,
            last.pss // _MEGABYTE,
            hourly[1],
        )
        rows.append((kind, *sizes, f"{first.handles} to {last.handles}", cores))
    hour = "an hour, second half"
    return table(("process", "RSS MB", "last", hour, "PSS MB", "last", hour, "handles", "cores"), rows)
