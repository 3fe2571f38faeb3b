"""Drift: a watch over every line that the gate serves, kept across restarts and told as metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from snag.core.errors import DiskFull
from snag.core.files import write_text
from snag.core.ranks import parse_ranks
from snag.drift.martingale import ALARM, Alarm, Watch, watch_of

_SAVE_SECONDS: Final = 10.0  #: a watch that lost its last pictures is still a watch
_MOST: Final = 200  #: lines; of more, those that were seen last are kept


class StreamLine(NamedTuple):
    """What is watched by itself."""

    model: str
    version: str
    group: str  #: whose threshold judges its pictures, "pooled" where no group has one


class Drift:
    """The gate sees the verdicts of all workers, in the order in which they were given: so the watches are here."""

    def __init__(self, file: Path | None, raised: Callable[[StreamLine, Alarm], None], failed: Callable[[str], None]) -> None:
        self._file = file  #: None: the watches end with the process
        self._raised = raised
        self._failed = failed  #: is told why the file could not be read or written
        self._watches: dict[StreamLine, Watch] = {}
        self._saved = ""
        self._task: asyncio.Task[None] | None = None

    def see(self, line: StreamLine, ranks_text: str | None, digest: bytes | None = None) -> bool:
        """One more verdict, by the header in which its worker told the ranks; without any there is nothing to watch.

        Whether a picture with this digest was just seen on this line: then its verdict says nothing new.
        """
        ranks = parse_ranks(ranks_text)
        if ranks is None:
            return False
        watch = self._watches.pop(line, None)
        if watch is None or watch.calibration != ranks.calibration:
            watch = Watch(ranks.calibration)  # another calibration, another line
        self._watches[line] = watch
        if digest is not None and watch.has_seen(digest):
            return True
        if alarm := watch.see(ranks.places):
            self._raised(line, alarm)
        return False

    def start(self) -> None:
        """Go on where the file left off, and write it now and then. Needs a running event loop."""
        if self._file is not None:
            self._load(self._file)
            self._task = asyncio.create_task(self._save_for_ever(self._file))

    async def stop(self) -> None:
        """Write the file for the last time."""
        if self._file is None or self._task is None:
            return
        self._task.cancel()
        self._task = None
        self._write(self._file, self._text())

    def collect(self) -> Iterable[Metric]:
        """For a registry of prometheus_client."""
        labels = ["model_name", "model_version", "group"]
        evidence = GaugeMetricFamily(
            "snag_drift_log_martingale", "Evidence that the line has changed", labels=[*labels, "evidence"]
        )
        alarms = CounterMetricFamily("snag_drift_alarms", "Alarms by the cause that explains most", labels=[*labels, "cause"])
        repeats = CounterMetricFamily(
            "snag_drift_repeats", "Pictures not watched: their bytes had just been seen", labels=labels
        )
        level = GaugeMetricFamily("snag_drift_alarm_level", "Evidence at which an alarm is raised", ALARM)
        for line, watch in self._watches.items():
            for name, value in watch.evidence.items():
                evidence.add_metric([*line, name], value)
            repeats.add_metric(line, watch.repeats)
            for cause, count in watch.alarms.items():
                alarms.add_metric([*line, cause], count)
        return [evidence, alarms, repeats, level]

    async def _save_for_ever(self, file: Path) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            await asyncio.to_thread(self._write, file, self._text())

    def _text(self) -> str:
        latest = list(self._watches.items())[-_MOST:]
        return json.dumps([{"line": line, **watch.state()} for line, watch in latest], allow_nan=False) + "\n"

    def _write(self, file: Path, text: str) -> None:
        if text == self._saved:
            return
        try:
            write_text(file, text)
            self._saved = text
        except DiskFull as error:
            self._failed(str(error))

    def _load(self, file: Path) -> None:
        try:
            states = json.loads(file.read_text(encoding="utf-8"))
            self._watches = {StreamLine(*map(str, state["line"])): watch_of(state) for state in states}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self._failed(f"{file}: {error!r}; the watches begin anew")
