"""DriftPoll: asks the server's metrics whether its watch has raised an alarm that nobody has acknowledged."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from snag.client.client import SnagClient
from snag.core.errors import SnagError
from snag.line.journal import Journal
from snag.line.status import LineStatus

ACKNOWLEDGE: Final = "acknowledge"  #: the note by which `snag line --acknowledge` tells a running line
_WHO: Final = "server"
_TIMEOUT: Final = 5.0  #: seconds for one scrape
_PAUSE: Final = 1.0  #: seconds, at most, before a scrape that failed is tried again
_STARTED: Final = "snag_start_timestamp_seconds"


class DriftPoll(threading.Thread):
    """The number of alarms that is known already is noted in the journal, for each version of the model.

    Beside it stands when that server was started: another one counts from 0, and the same number is another alarm.
    """

    def __init__(
        self,
        make_client: Callable[[], SnagClient],
        journal: Journal,
        status: LineStatus,
        every: float,
        stops: bool,
        stop: threading.Event,
    ) -> None:
        super().__init__(name="line drift", daemon=True)
        self._client = make_client()
        self._client.timeout = _TIMEOUT
        self._journal = journal
        self._status = status
        self._every = every
        self._stops = stops
        self._stop_event = stop

    def run(self) -> None:
        """Until the line is stopped."""
        while not self._stop_event.is_set():
            is_known = self.look()
            self._stop_event.wait(self._every if is_known else min(self._every, _PAUSE))
        self._client.close()

    def look(self) -> bool:
        """Ask once; answers whether the server's alarms are known now."""
        try:
            scrape = self._client.scrape()
            self._take_note(alarms(scrape, self._client.model), started(scrape))
        except (SnagError, ValueError, sqlite3.Error) as error:
            self._status.trouble("unwatched", _WHO, stops=self._stops, detail=str(error))
            return False
        self._status.over("unwatched", _WHO)
        return True

    def _take_note(self, counts: dict[str, float], start: str) -> None:
        is_acknowledged = bool(self._journal.note(ACKNOWLEDGE))
        new = [version for version, count in counts.items() if self._is_new(version, count, start, is_acknowledged)]
        if is_acknowledged:
            self._journal.put_note(ACKNOWLEDGE, "")
        if new:
            self._status.trouble("drifting", _WHO, stops=self._stops)
        else:
            self._status.over("drifting", _WHO)

    def _is_new(self, version: str, count: float, start: str, is_acknowledged: bool) -> bool:
        note = f"alarms of {version}"
        said, _, before = (self._journal.note(note) or f"0 {start}").partition(" ")
        known = float(said)
        if is_acknowledged or count < known or start != before:  # fewer: another calibration, whose watch begins anew
            known = count if is_acknowledged else 0.0
            self._journal.put_note(note, f"{known} {start}")
        return count > known


def started(scrape: str) -> str:
    """When the server was started, as it says it; empty for one that does not. Raises ValueError."""
    samples = (one for family in text_string_to_metric_families(scrape) for one in family.samples if one.name == _STARTED)
    return next((str(sample.value) for sample in samples), "")


def alarms(scrape: str, model: str) -> dict[str, float]:
    """Alarms by version, of the version that answers by default where the server tells which. Raises ValueError."""
    counts: dict[str, float] = {}
    default: set[str] = set()
    for family in text_string_to_metric_families(scrape):
        for sample in family.samples:
            if sample.labels.get("model_name") != model:
                continue
            version = sample.labels.get("model_version", "")
            if sample.name == "snag_drift_alarms_total":
                counts[version] = counts.get(version, 0.0) + sample.value
            elif sample.name == "snag_default_version" and sample.value == 1.0:
                default.add(version)
    return {version: count for version, count in counts.items() if not default or version in default}
