"""How pages and findings write numbers: never more certain than they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Ends(Protocol):
    """Anything with two ends, as an interval."""

    @property
    def low(self) -> float:
        """The lower one."""

    @property
    def high(self) -> float:
        """The upper one."""


def percent(share: float) -> str:
    """`0.0476` -> `4.8 %`; what is not nothing and not all is never rounded to it."""
    if 0 < share < 0.0001:
        return "less than 0.01 %"
    text = f"{100 * share:.1f}"
    if (share < 1 and text == "100.0") or (share > 0 and text == "0.0"):
        text = f"{min(100 * share, 99.99):.2f}"
    return f"{text.removesuffix('.0')} %"


def share(value: float | None) -> str:
    """As `percent`; `-` for a share of nothing."""
    return "-" if value is None else percent(value)


def number(value: float | None) -> str:
    """Four significant digits; `-` where there is none."""
    return "-" if value is None else f"{value:.4g}"


def auroc(value: float | None) -> str:
    """Three decimals; less than perfect is never rounded to 1. `-` where there is none."""
    if value is None:
        return "-"
    text = f"{value:.3f}"
    return f"{value:.5f}" if text == "1.000" and value < 1 else text


def ends(interval: Ends | None, shown: Callable[[float], str] = auroc) -> str:
    """`0.91 to 0.97`; `no interval` where there is none."""
    if interval is None:
        return "no interval"
    return f"{shown(interval.low)} to {shown(interval.high)}"


def counted(count: int, what: str = "picture") -> str:
    """`1 picture`, `2 pictures`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
