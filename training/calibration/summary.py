"""What calibration tells the person who ran it, in lines: the threshold, its promise, the groups, the methods side by side."""

from __future__ import annotations

from collections.abc import Iterator

from snag.core.calibration import COST, POOLED, YOUDEN, Calibration, Group
from snag.core.threshold_comparison import Choice


def lines_of(calibration: Calibration) -> list[str]:
    """The lines, most important first."""
    stopped = sum(score > calibration.threshold for score in calibration.scores)
    by_defects = calibration.method in (YOUDEN, COST)
    aim = "chosen with labelled defects" if by_defects else f"for a false-alarm rate of {calibration.rate:g}"
    lines = [
        f"threshold {calibration.threshold:.6g} ({calibration.method}) {aim}, from {calibration.count} good pictures "
        f"that training never saw; {stopped} of them lie above it"
    ]
    if calibration.left_out:
        lines.append(f"left out as no good parts: {', '.join(calibration.left_out)}")
    if calibration.guarantee is not None:
        lines += [sentence for sentence in (calibration.guarantee.sentence, calibration.guarantee.prospect) if sentence]
    lines += [_group_line(group) for group in calibration.groups]
    return [*lines, *_table(calibration.choices)]


def _group_line(group: Group) -> str:
    start = f"group {group.name}: {group.count} pictures, "
    if group.threshold is None or group.guarantee is None:
        return f"{start}too few that can be judged for a threshold of its own: the {POOLED} one holds"
    return f"{start}threshold {group.threshold:.6g}. {group.guarantee.sentence}"


def _table(choices: tuple[Choice, ...]) -> Iterator[str]:
    """The methods side by side; nothing where no labelled defects were named."""
    if not choices:
        return
    last = "cost of 1,000 parts" if any(choice.cost is not None for choice in choices) else ""
    yield f"{'method':16} {'threshold':>10}  {'good parts stopped':38} {'defects missed':30} {last}".rstrip()
    for choice in choices:
        alarms = f"{choice.stopped} of {choice.good}, long run at most {100 * choice.false_alarm_bound:.1f} %"
        misses = f"{choice.missed} of {choice.defects} ({100 * choice.miss_low:.1f} % to {100 * choice.miss_high:.1f} %)"
        cost = f"{choice.cost:.4g}" if choice.cost is not None else ""
        yield f"{choice.method:16} {choice.threshold:10.6g}  {alarms:38} {misses:30} {cost}".rstrip()
