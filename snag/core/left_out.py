"""What a look for pictures left out, counted and named: nothing is passed over without a word."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from snag.core.file_names import spelled
from snag.core.picture_formats import FORMATS

#: So many names are kept of each reason: the first ones.
_NAMED: Final = 5


class Reason(StrEnum):
    """Why something is not among the pictures, the gravest first."""

    FORMAT = "format"
    DANGLING = "dangling"
    LOCKED = "locked"
    SPECIAL = "special"
    LINKED = "linked"
    PLACE = "place"
    AGAIN = "again"
    OTHER = "other"
    HIDDEN = "hidden"


#: Of one and of many.
_PHRASES: Final[dict[Reason, tuple[str, str]]] = {
    Reason.FORMAT: ("picture of a format that Snag does not read", "pictures of formats that Snag does not read"),
    Reason.DANGLING: ("link that leads nowhere", "links that lead nowhere"),
    Reason.LOCKED: ("file that can't be opened", "files that can't be opened"),
    Reason.SPECIAL: ("pipe, socket or device", "pipes, sockets or devices"),
    Reason.LINKED: ("link inside of an archive", "links inside of an archive"),
    Reason.PLACE: (
        "picture outside of test/good and test/<kind of defect>",
        "pictures outside of test/good and test/<kind of defect>",
    ),
    Reason.AGAIN: ("folder that is read already", "folders that are read already"),
    Reason.OTHER: ("file that is no picture", "files that are no pictures"),
    Reason.HIDDEN: ("hidden or system file or folder", "hidden or system files and folders"),
}
#: Behind these may be pictures that somebody believes to be judged.
GRAVE: Final = (Reason.FORMAT, Reason.DANGLING, Reason.LOCKED, Reason.SPECIAL, Reason.LINKED, Reason.PLACE)


@dataclass
class LeftOut:
    """How many files and folders were left out for each reason, and the first names; a hidden folder counts as one."""

    counts: Counter[Reason] = field(default_factory=Counter)
    names: dict[Reason, list[str]] = field(default_factory=dict)  #: as `spelled` writes them, sorted, the first few
    kinds: Counter[str] = field(default_factory=Counter)  #: formats that are not read

    def add(self, reason: Reason, name: str, kind: str | None = None) -> None:
        """Count one; `kind` is its format, where that is the reason."""
        self.counts[reason] += 1
        names = self.names.setdefault(reason, [])
        insort(names, spelled(name))
        del names[_NAMED:]
        if kind is not None:
            self.kinds[kind] += 1

    @property
    def is_grave(self) -> bool:
        """Whether a picture may be among it that somebody believes to be judged."""
        return any(self.counts[reason] for reason in GRAVE)

    def sentence(self, place: object = "") -> str:
        """All of it in one sentence, the gravest first; empty where nothing was left out. `place` is where that was."""
        parts = [self._part(reason) for reason in Reason if self.counts[reason]]
        if not parts:
            return ""
        expected = f"; expected {', '.join(FORMATS)}" if self.counts[Reason.FORMAT] else ""
        return f"left out{f' of {spelled(str(place))}' if str(place) else ''}: {'; '.join(parts)}{expected}"

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Reason -> its count and first names; for FORMAT also how many of which."""
        told: dict[str, dict[str, Any]] = {
            reason.value: {"count": self.counts[reason], "names": self.names[reason]}
            for reason in Reason
            if self.counts[reason]
        }
        if Reason.FORMAT in told:
            told[Reason.FORMAT]["kinds"] = dict(sorted(self.kinds.items()))
        return told

    def _part(self, reason: Reason) -> str:
        count, names = self.counts[reason], self.names[reason]
        kinds = f" ({', '.join(sorted(self.kinds))})" if reason is Reason.FORMAT else ""
        more = f" and {count - len(names)} more" if count > len(names) else ""
        return f"{count} {_PHRASES[reason][count > 1]}{kinds}: {', '.join(names)}{more}"


def why(reason: Reason, kind: str | None = None) -> str:
    """The reason as it is said of one file; `kind` is its format, where that is the reason."""
    of_kind = f" ({kind})" if kind is not None else ""
    expected = f"; expected {', '.join(FORMATS)}" if reason in (Reason.FORMAT, Reason.OTHER) else ""
    return f"a {_PHRASES[reason][0]}{of_kind}{expected}"
