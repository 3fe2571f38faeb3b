"""Groups of calibration pictures: one camera, tool or shift, what is left of the small ones, or all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from snag.core.guarantee import Guarantee

POOLED: Final = "pooled"  #: stands where a group's name does, for all calibration pictures together
REST: Final = "rest"  #: likewise, for those of every group that has no threshold of its own, and of none
_LONGEST: Final = 64


@dataclass(frozen=True)
class Group:
    """Calibration pictures of one camera, tool or shift, or of the rest: what a score of that kind is compared with."""

    name: str
    scores: tuple[float, ...]  #: sorted ascending
    threshold: float | None  #: None: too few that can be judged to keep the rate, so another one holds
    guarantee: Guarantee | None = None

    @property
    def count(self) -> int:
        """How many calibration pictures it has."""
        return len(self.scores)


def is_group(name: str) -> bool:
    """Whether a group may be called so: by up to 64 printable characters, and not as several groups together are."""
    return 0 < len(name) <= _LONGEST and name.isprintable() and name == name.strip() and name not in (POOLED, REST)
