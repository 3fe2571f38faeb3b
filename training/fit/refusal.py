"""Why good pictures do not fit a way of preparing them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """A finding, not a fault: the next way is tried."""

    why: str  #: for doctor and report
