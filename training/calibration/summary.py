"""What calibration tells the person who ran it, in lines: the threshold, its promise, the groups, the methods side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from snag.core.calibration import (
    COST,
    LABELLED,
    MANUAL,
    YOUDEN,
    Calibration,
    next_useful_size,
    rank_of_threshold,
)
from snag.core.group import POOLED, REST, Group
from snag.core.guarantee import AVERAGE, MEASURED
from snag.core.threshold_comparison import ThresholdComparison

#: How a threshold came about that no rate was asked of.
ORIGINS: Final = {
    MANUAL: "set by hand",
    LABELLED: "suggested by people's labels",
    YOUDEN: "chosen with labelled defects (youden)",
    COST: "chosen with labelled defects (cost)",
}
#: Below this share of the asked rate it is worth saying how many pictures would use all of it.
_WASTED: Final = 0.95


def lines_of(calibration: Calibration) -> list[str]:
    """The lines, most important first."""
    lines = [_first(calibration)]
    promised = calibration.guarantee
    if calibration.unchecked:
        lines.append(f"whether training saw these pictures could not be checked: {calibration.unchecked}")
    if calibration.left_out:
        lines.append(f"left out as no good parts: {', '.join(calibration.left_out)}")
    if promised is not None and promised.kind != MEASURED:
        lines += [sentence for sentence in (promised.sentence, promised.prospect) if sentence]
    if calibration.rate is not None:
        lines += _useful(calibration, calibration.rate)
    return [*lines, *_groups(calibration), *_table(calibration.comparisons)]


def _first(calibration: Calibration) -> str:
    promised, start = calibration.guarantee, f"threshold {calibration.threshold:.6g}"
    if calibration.rate is None:
        start += f", {ORIGINS[calibration.method]}: "
        if promised is not None and promised.kind == MEASURED:
            return start + promised.sentence[:1].lower() + promised.sentence[1:]
        start += "no false-alarm rate is kept on average"
    else:
        start += f" ({calibration.method}) for a false-alarm rate of {calibration.rate:g}"
    unseen = "" if calibration.unchecked else " that training never saw"
    rejected = sum(score > calibration.threshold for score in calibration.scores)
    return f"{start}, from {calibration.count} good pictures{unseen}; {rejected} of them lie above it"


def _useful(part: Calibration | Group, rate: float) -> Iterator[str]:
    """How many pictures would use the asked rate, where these leave much of it unused."""
    told = part.guarantee.average if part.guarantee and part.guarantee.kind == AVERAGE else None
    size = next_useful_size(part.count, rate)
    if told is None or size == part.count or told >= _WASTED * rate:
        return
    then = (size + 1 - rank_of_threshold(size, rate)) / (size + 1)
    got = f"the {_percent(rate)}" if then == rate else f"{_percent(then)} of the {_percent(rate)}"
    yield f"With {size:,} instead of {part.count:,} pictures you get {got} that you asked for; now it is {_percent(told)}."


def _groups(calibration: Calibration) -> Iterator[str]:
    """Each group's threshold and promise, or what holds in its place."""
    groups, rest = calibration.groups, calibration.rest
    if not groups:
        return
    if calibration.rate is None:
        have = "has no threshold of its own" if len(groups) == 1 else "have no thresholds of their own"
        names = ", ".join(group.name for group in groups)
        which = "group" if len(groups) == 1 else "groups"
        yield f"{which} {names} {have}: one {ORIGINS[calibration.method]} holds for all"
        return
    has_rest = rest is not None and rest.threshold is not None
    for group in groups:
        yield _group_line(group, REST if has_rest else POOLED)
        if group.threshold is not None:
            yield from _useful(group, calibration.rate)
    if rest is not None and rest.threshold is not None and rest.guarantee is not None:
        yield (
            f"the rest, small groups and pictures of none: {rest.count} pictures, threshold {rest.threshold:.6g}. "
            f"{rest.guarantee.sentence} That is so for them together, mixed as here; nothing is promised for one of them alone."
        )
        yield from _useful(rest, calibration.rate)
    yield (
        f"a request without a group is judged by the {POOLED} threshold, whose rate is kept for parts mixed as here; one that "
        f"names a group not seen here, by that of {'the rest' if has_rest else 'all'}, and nothing is promised for it"
    )


def _group_line(group: Group, other: str) -> str:
    start = f"group {group.name}: {group.count} pictures, "
    if group.threshold is not None and group.guarantee is not None:
        return f"{start}threshold {group.threshold:.6g}. {group.guarantee.sentence}"
    few = f"{start}too few that can be judged for a threshold of its own: "
    if other == REST:
        return f"{few}that of the rest holds"
    return f"{few}the {POOLED} one holds, and nothing is promised for this group"


def _table(comparisons: tuple[ThresholdComparison, ...]) -> Iterator[str]:
    """The methods side by side; nothing where no labelled defects were named."""
    if not comparisons:
        return
    last = "cost of 1,000 parts" if any(row.cost is not None for row in comparisons) else ""
    yield f"{'method':16} {'threshold':>10}  {'good parts rejected':38} {'defects missed':30} {last}".rstrip()
    for row in comparisons:
        alarms = f"{row.rejected} of {row.good}, long run at most {100 * row.false_alarm_bound:.1f} %"
        misses = f"{row.missed} of {row.defects} ({100 * row.miss_low:.1f} % to {100 * row.miss_high:.1f} %)"
        cost = f"{row.cost:.4g}" if row.cost is not None else ""
        yield f"{row.method:16} {row.threshold:10.6g}  {alarms:38} {misses:30} {cost}".rstrip()


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g} %"
