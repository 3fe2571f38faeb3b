"""Line: sources, sinks and what lies between them, from start to stop."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from snag.client.client import SnagClient
from snag.line.configuration import LineConfiguration
from snag.line.dispatcher import Dispatcher
from snag.line.drift_poll import DriftPoll
from snag.line.event import id_and_name, new_id
from snag.line.folder_watch import FolderWatch
from snag.line.journal import Journal
from snag.line.judging import LineJudge
from snag.line.line_metrics import LineMetrics
from snag.line.places import Places
from snag.line.recorder import Recorder
from snag.line.sinks.kinds import made_sinks
from snag.line.station import Station, taker
from snag.line.status import LOG, LineStatus
from snag.line.tables import CameraTable, FolderTable, SourceTable

JOURNAL: Final = "journal.sqlite"
_LINGER: Final = 3.0  #: seconds for what waits in the spools when the line ends
_HOUSEKEEPING: Final = 10.0  #: seconds between two
_CAMERA_POLL: Final = 0.2  #: seconds between two looks for triggers that wait too long
_STUCK: Final = 30.0  #: seconds, beside the deadline, after which a source that has not moved is stuck


class Line:
    """Made of a configuration; `start`, then `turn` again and again, then `stop`."""

    def __init__(self, configuration: LineConfiguration) -> None:
        """Open the journal and make everything; nothing is touched yet. Raises BadArtifact, BadConfig."""
        self._configuration = configuration
        self._ends = threading.Event()
        self._sinks_end = threading.Event()
        tables = configuration.sinks
        self.sinks = made_sinks(tables, self._sinks_end)
        self.status = LineStatus()
        self.journal = Journal(configuration.folder / JOURNAL, self._dropped)
        self.metrics = LineMetrics(self.status, self.journal.lengths)
        self.recorder = Recorder(configuration.model, self.journal, self.status, self.metrics, self._ends)
        for sink in self.sinks:
            sink.expect(configuration.names)
        self._dispatchers = [
            Dispatcher(sink, self.journal, self.metrics, tables[sink.name].max_age, self._sinks_end) for sink in self.sinks
        ]
        self._eyes: list[threading.Thread] = []  #: of cameras and their triggers
        self.stations = [
            *(self._folder_station(table) for table in configuration.folders),
            *(self._camera_station(table) for table in configuration.cameras),
        ]
        fail_safe = configuration.fail_safe
        self._drift = DriftPoll(
            self._client, self.journal, self.status, fail_safe.drift_poll, fail_safe.drifting == "stop", self._ends
        )
        self._housekept = 0.0
        self._lost: Counter[str] = Counter()

    def start(self) -> None:
        """Open folders and ports, and begin. Raises DiskFull, ServerFailed."""
        table = self._configuration.metrics
        if table is not None:
            LOG.info("metrics on http://%s:%d/metrics", table.host, self.metrics.serve(table))
        limits = {name: (one.spool, one.when_full == "drop_oldest") for name, one in self._configuration.sinks.items()}
        for sink, count in self.journal.open_spools(limits).items():
            LOG.warning("%d events waited for %s, which is no longer in the file; they are dropped", count, sink)
        for station in self.stations:
            station.places.open()
        if self._configuration.fail_safe.drifting != "pass":
            self._drift.look()  # no part is to be decided on before that
        self.recorder.wakes([one.wake for one in self._dispatchers])
        for thread in (*self._dispatchers, self._drift, *self._eyes, *self.stations):
            thread.start()

    def turn(self) -> None:
        """Once a heartbeat: look after the sources, tell the sinks, tidy up."""
        slowest = time.monotonic() - self._configuration.fail_safe.deadline - _STUCK
        stuck = {station.source: not station.is_alive() or station.moved < slowest for station in self.stations}
        others = (*self._dispatchers, self._drift, *self._eyes)
        ended = {one.name: not one.is_alive() and not getattr(one, "has_ended", False) for one in others}  # as a file does
        for who, is_stuck in (stuck | ended).items():
            if is_stuck:
                self.status.trouble("stuck", who, stops=True)
            else:
                self.status.over("stuck", who)
        beat = self.status.beat()
        for sink in self.sinks:
            sink.beat(beat)
        if time.monotonic() - self._housekept > _HOUSEKEEPING:
            self._housekept = time.monotonic()
            self._tidy()

    def stop(self) -> None:
        """End the sources, then the sinks, which get a moment for what waits. What is not sent stays in the spools."""
        self._ends.set()
        for station in self.stations:
            station.wake.set()
            if station.is_alive():
                station.join(self._configuration.fail_safe.deadline + 1.0)
        for thread in (*self._eyes, self._drift):
            if thread.is_alive():
                thread.join(_LINGER)
        end = time.monotonic() + _LINGER
        for dispatcher in self._dispatchers:
            if dispatcher.is_alive():
                dispatcher.rests.wait(max(0.0, end - time.monotonic()))
        self._sinks_end.set()
        for dispatcher in self._dispatchers:
            dispatcher.wake()
            if dispatcher.is_alive():
                dispatcher.join(_LINGER)
        self.metrics.close()
        self.journal.close()

    def _tidy(self) -> None:
        try:
            under_way = [
                found[0] for station in self.stations for path in station.places.under_way() if (found := id_and_name(path))
            ]
            self.journal.forget(under_way)
            for station, table in zip(self.stations, self._configuration.sources, strict=True):
                if table.keep is not None:
                    station.places.forget(table.keep)
        except OSError as error:
            LOG.warning("can't tidy up: %s", error)

    def _client(self, group: str | None = None) -> SnagClient:
        server = self._configuration.server
        token = os.environ.get("SNAG_TOKEN")  # not in the file: those are copied about
        return SnagClient(
            self._configuration.model, server.inference_port, server.metrics_port, server.host, token=token, group=group
        )

    def _folder_station(self, table: FolderTable) -> Station:
        places = Places(table.path)
        watch = FolderWatch(table.path, table.settle)
        return self._station(table, places, taker(watch.finished, places, new_id), table.poll)

    def _camera_station(self, table: CameraTable) -> Station:
        fail_safe = self._configuration.fail_safe
        places = Places(self._configuration.folder / table.name)
        photographer = importlib.import_module("snag.line.photographer").Photographer(
            table,
            places,
            self.recorder,
            self.journal,
            self.status,
            self.metrics,
            fail_safe.blind,
            fail_safe.deadline,
            self._ends,
        )
        self._eyes.append(photographer)
        if table.trigger == "mqtt":
            triggers = importlib.import_module("snag.line.mqtt_trigger")
            broker = self._configuration.mqtt
            self._eyes.append(
                triggers.MqttTrigger(broker, table.name, table.topic, photographer.press, self.status, self._ends)
            )
        for sink in self.sinks:
            if table.trigger == sink.name == "opcua":
                sink.on_trigger(table.name, photographer.press)
        station = self._station(table, places, photographer.expire, _CAMERA_POLL)
        photographer.kept = station.wake.set
        return station

    def _station(self, table: SourceTable, places: Places, take: Callable[[], None], poll: float) -> Station:
        fail_safe = self._configuration.fail_safe
        judge = LineJudge(partial(self._client, table.group), fail_safe.deadline, self._ends)
        return Station(
            name=table.name,
            group=table.group,
            places=places,
            take=take,
            judge=judge,
            recorder=self.recorder,
            fail_safe=fail_safe,
            status=self.status,
            metrics=self.metrics,
            stop=self._ends,
            poll=poll,
            counts_waiting=isinstance(table, CameraTable),
        )

    def _dropped(self, sink: str, count: int) -> None:
        self.metrics.dropped.labels(sink, "full").inc(count)
        before = self._lost[sink]
        self._lost[sink] += count
        if len(str(before)) < len(str(self._lost[sink])) or not before:  # the first, the tenth, the hundredth
            LOG.warning("the spool of %s is full: of its oldest events %d are dropped so far", sink, self._lost[sink])
