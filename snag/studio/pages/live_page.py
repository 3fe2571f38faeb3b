"""The page of the line: verdicts as they come, how fast, and whether the line has changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from nicegui import ui

from snag.drift.martingale import ALARM
from snag.studio import texts
from snag.studio.line import LineVerdict, Watched, last_verdicts, pace, watched
from snag.studio.pages.frame import bar, element, frame, heading, text, tiles
from snag.studio.products import Product, Workshop
from snag.studio.state import is_up, served, spooled_requests

_SHOWN: Final = 20  #: verdicts
_LOOK: Final = 2.0  #: seconds between two looks at the server's files


def live_page(product: Product, workshop: Workshop) -> None:
    """Follows the server's files."""
    seen: tuple[object, ...] = ()

    @ui.refreshable
    def shown(verdicts: list[LineVerdict], watches: list[Watched]) -> None:
        _pace(verdicts)
        _table(verdicts[:_SHOWN], workshop)
        _drift(watches)

    def look() -> None:
        nonlocal seen
        verdicts, watches = last_verdicts(workshop, product.model), watched(workshop, product.model)
        now = (verdicts, watches, pace(verdicts, datetime.now(UTC)))
        if now != seen:
            seen = now
            shown.refresh(verdicts, watches)

    with frame(texts.TABS["live"], product, "live"):
        with element("div"):
            text("h1", texts.TABS["live"])
            model = served(workshop).get(product.model) if is_up(workshop) else None
            text("p", texts.LIVE_LEAD if model else texts.NOT_SERVED, "st-lead")
            if model is not None and model.default is not None:
                text("p", texts.served_as(model.default.version, model.previous.version if model.previous else None))
        shown(last_verdicts(workshop, product.model), watched(workshop, product.model))
    ui.timer(_LOOK, look)


def _pace(verdicts: Sequence[LineVerdict]) -> None:
    found = pace(verdicts, datetime.now(UTC))
    with element("section"):
        tiles(
            {
                texts.PER_MINUTE: str(found.per_minute),
                texts.REJECTED: str(found.rejected),
                texts.MEDIAN: _milliseconds(found.median),
                texts.SLOW: _milliseconds(found.slow),
            }
        )


def _table(verdicts: Sequence[LineVerdict], workshop: Workshop) -> None:
    with element("section"):
        heading(texts.LAST_VERDICTS, "" if verdicts else texts.NO_VERDICTS)
        if not verdicts:
            return
        kept = spooled_requests(workshop)
        with element("div", "st-scroll"), element("table", "st-table"):
            with element("tr"):
                for name in texts.VERDICT_COLUMNS:
                    text("th", name)
            for one in verdicts:
                _row(one, one.request_id in kept)


def _row(one: LineVerdict, is_kept: bool) -> None:
    with element("tr"):
        with element("td"):
            if is_kept:
                kept = quote(one.request_id, safe="")
                with element("a", href=f"/overlay/{kept}", target="_blank", title=texts.OVERLAY):
                    element("img", src=f"/spooled/{kept}", alt=texts.SPOOLED_ALT, loading="lazy")
        text("td", one.time.astimezone().strftime("%H:%M:%S"))
        said = f"{texts.REJECT} ({one.reason})" if one.reason else texts.REJECT
        text("td", said if one.is_anomaly else texts.ACCEPT, "st-bad" if one.is_anomaly else "st-good")
        text("td", f"{one.score:.4g}")
        text("td", f"{one.p_value:.3g}")
        text("td", one.version)
        text("td", f"{one.milliseconds:.0f}")


def _drift(watches: Sequence[Watched]) -> None:
    with element("section"):
        heading(texts.DRIFT, texts.DRIFT_LEAD if watches else texts.NO_DRIFT)
        for one in watches:
            with element("div", "st-panel"):
                text("b", f"{one.model} {one.version}, {one.group}: {one.seen:,}")
                for name, value in one.evidence.items():
                    label = texts.EVIDENCE.get(name, name)
                    with element("div"):
                        text("span", f"{label}: {max(0.0, value):.1f} of {ALARM:.1f}", "st-lead")
                        bar(value / ALARM, label, value >= ALARM)
                for cause, count in one.alarms.items():
                    if count:
                        text("p", texts.alarms(cause, count), "st-bad")


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
