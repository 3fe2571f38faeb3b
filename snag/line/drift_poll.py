"""DriftPoll: asks the server's metrics whether its watch has raised an alarm that nobody has acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from snag.client.client import SnagClient
from snag.core.errors import SnagError
from snag.line.journal import Journal
from snag.line.status import LOG, LineStatus

ACKNOWLEDGE: Final = "acknowledge"  #: the note by which `snag line --acknowledge` tells a running line
_WHO: Final = "server"
_TIMEOUT: Final = 5.0  #: seconds for one scrape


class DriftPoll(threading.Thread):
    """The number of alarms that is known already is noted in the journal, for each version of the model."""

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
        self._is_deaf = False

    def run(self) -> None:
        """Until the line is stopped."""
        while not self._stop_event.is_set():
            self.look()
            self._stop_event.wait(self._every)
        self._client.close()

    def look(self) -> None:
        """Ask once; a server that does not answer has raised nothing new."""
        try:
            counts = alarms(self._client.scrape(), self._client.model)
        except (SnagError, ValueError) as error:
            if not self._is_deaf:
                LOG.warning("whether the server sees drift is not known: %s", error)
            self._is_deaf = True
            return
        self._is_deaf = False
        is_acknowledged = bool(self._journal.note(ACKNOWLEDGE))
        new = [version for version, count in counts.items() if self._is_new(version, count, is_acknowledged)]
        if is_acknowledged:
            self._journal.put_note(ACKNOWLEDGE, "")
        if new:
            self._status.trouble("drifting", _WHO, stops=self._stops)
        else:
            self._status.over("drifting", _WHO)

    def _is_new(self, version: str, count: float, is_acknowledged: bool) -> bool:
        note = f"alarms of {version}"
        known = float(self._journal.note(note) or 0.0)
        if is_acknowledged or count < known:  # fewer: another calibration, whose watch begins anew
            known = count if is_acknowledged else 0.0
            self._journal.put_note(note, str(known))
        return count > known


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
