"""What calibration tells the person who ran it, in lines: the threshold, its promise, the groups, the methods side by side."""

from __future__ import annotations

from collections.abc import Iterator

from snag.core.calibration import COST, POOLED, YOUDEN, Calibration, Group
from snag.core.threshold_comparison import ThresholdComparison


def lines_of(calibration: Calibration) -> list[str]:
    """The lines, most important first."""
    rejected = sum(score > calibration.threshold for score in calibration.scores)
    by_defects = calibration.method in (YOUDEN, COST)
    aim = "chosen with labelled defects" if by_defects else f"for a false-alarm rate of {calibration.rate:g}"
    lines = [
        f"threshold {calibration.threshold:.6g} ({calibration.method}) {aim}, from {calibration.count} good pictures "
        f"that training never saw; {rejected} of them lie above it"
    ]
    if calibration.left_out:
        lines.append(f"left out as no good parts: {', '.join(calibration.left_out)}")
    if calibration.guarantee is not None:
        lines += [sentence for sentence in (calibration.guarantee.sentence, calibration.guarantee.prospect) if sentence]
    lines += [_group_line(group) for group in calibration.groups]
    return [*lines, *_table(calibration.comparisons)]


def _group_line(group: Group) -> str:
    start = f"group {group.name}: {group.count} pictures, "
    if group.threshold is None or group.guarantee is None:
        return f"{start}too few that can be judged for a threshold of its own: the {POOLED} one holds"
    return f"{start}threshold {group.threshold:.6g}. {group.guarantee.sentence}"


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
