"""`snag suggest-threshold`: what the labels say of a model: observed false-alarm rate, and the threshold for another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import Field

from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadDataset
from snag.core.files import write_text
from snag.review.findings import LabelFindings, Seen, Suggestion, assumption, label_findings, suggest
from snag.review.labels import read_labels
from snag.review.spooled import seen

NO_PROMISE: Final = (
    "It is a suggestion: a threshold by labels promises no false-alarm rate, and calibration with it says so. "
    "Parts that were passed without suspicion count as good."
)


class SuggestSettings(Settings):
    """Print what the labels of a model's version say."""

    labels: Path = Field(description="file of labels")
    spool: Path = Field(description="folder of the server's spool, which has the counts")
    model: str = Field(description="name of the model")
    version: str | None = Field(None, description="its version; the last one that was labelled unless said")
    fpr: float = Field(0.05, gt=0, lt=1, description="false-alarm rate for which a threshold is suggested")
    out: Path | None = Field(None, description="file to write the suggested threshold to, for other commands")


def report(settings: SuggestSettings) -> None:
    """Print it. Raises BadDataset when there are no labels to go by, or no threshold would do."""
    labels = read_labels(settings.labels)
    every = [one for one in labels.all() if one.model == settings.model and settings.version in (None, one.version)]
    labels.close()
    if not every:
        raise BadDataset(detail=f"{settings.labels} holds no label of {settings.model} {settings.version or ''}")
    version = every[-1].version
    of_it = [one for one in every if one.version == version]
    counts = seen(settings.spool)
    had = Seen(*(counts[settings.model, version, kind] for kind in ("flagged", "borderline", "unsuspicious")))
    suggestion = suggest(of_it, had, settings.fpr)
    if suggestion is None or suggestion.threshold is None:
        detail = "no label counts" if suggestion is None else "more good parts than that could not be aligned at all"
        raise BadDataset(detail=f"no threshold for a false-alarm rate of {settings.fpr:g}: {detail}")
    if settings.out is not None:
        write_text(settings.out, f"{suggestion.threshold!r}\n")
    lines = _lines(settings, version, had, label_findings(of_it, had), suggestion)
    print(*lines, *([assumed] if (assumed := assumption(of_it, had)) else []), NO_PROMISE, sep="\n")


def _lines(settings: SuggestSettings, version: str, had: Seen, found: LabelFindings, suggestion: Suggestion) -> list[str]:
    lines = [
        f"{settings.model} {version}: {had.judged} pictures judged, {had.flagged} flagged, {had.borderline} borderline",
        f"labels: {found.defects} true defects, {found.false_alarms} false alarms, {found.unsure} unsure",
    ]
    if (one := found.observed) is not None:
        interval = f"{one.low:.2%} to {one.high:.2%} with {one.confidence:.0%} confidence"
        lines.append(f"observed false-alarm rate: {one.rate:.2%} ({interval})")
    lowest = " or lower" if suggestion.is_lowest else ""
    lines.append(f"threshold for a rate of {settings.fpr:g}: {suggestion.threshold!r}{lowest}")
    passed = f"passed {suggestion.missed} of the labelled defects"
    return [*lines, f"it would have rejected {suggestion.rate:.2%} of the good parts seen, and {passed}"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: report(from_flags(SuggestSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
