"""LineMetrics: what the line counts, on a port of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric

from snag.core.errors import ServerFailed
from snag.line.event import LineEvent
from snag.line.status import TROUBLES, LineStatus
from snag.line.tables import MetricsTable

_SECONDS = (0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Stoppable(Protocol):
    """The server of the scrape."""

    def shutdown(self) -> None:
        """End it."""

    def server_close(self) -> None:
        """Let go of its port."""


class LineMetrics:
    """The line's registry."""

    def __init__(self, status: LineStatus, lengths: Callable[[], Mapping[str, int]]) -> None:
        disable_created_metrics()
        self.registry = registry = CollectorRegistry()
        self.events = Counter("snag_line_events", "Parts decided on", ["source", "decision", "cause"], registry=registry)
        self.seconds = Histogram(
            "snag_line_decision_seconds",
            "From taking a picture up to the decision",
            ["source"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.sent = Counter("snag_line_sent", "Events that a sink has taken", ["sink"], registry=registry)
        self.dropped = Counter(
            "snag_line_dropped",
            "Events that a sink did not get: its spool was full, they were too old, or it refused them for good",
            ["sink", "reason"],
            registry=registry,
        )
        self.retries = Counter("snag_line_sink_failures", "Times that a sink could not be reached", ["sink"], registry=registry)
        self.up = Gauge("snag_line_sink_up", "1 while a sink takes events", ["sink"], registry=registry)
        self.failures = Counter(
            "snag_line_failures", "Times that a source failed and began anew", ["source"], registry=registry
        )
        self.missed = Counter("snag_line_missed_triggers", "Triggers that gave no picture", ["source"], registry=registry)
        registry.register(_Now(status, lengths))
        self._server: tuple[Stoppable, Thread] | None = None

    def count(self, event: LineEvent) -> None:
        """Count an event."""
        self.events.labels(event.source, event.decision, event.cause).inc()
        self.seconds.labels(event.source).observe(event.seconds)

    def serve(self, table: MetricsTable) -> int:
        """Listen; answers the port. Raises ServerFailed."""
        try:
            server, thread = start_http_server(table.port, addr=table.host, registry=self.registry)
        except OSError as error:
            raise ServerFailed(detail=f"metrics on {table.host}:{table.port}: {error.strerror or error}") from error
        self._server = server, thread
        return int(server.server_port)

    def close(self) -> None:
        """No longer listen."""
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()


class _Now:
    """What is known at the time of the scrape."""

    def __init__(self, status: LineStatus, lengths: Callable[[], Mapping[str, int]]) -> None:
        self._status = status
        self._lengths = lengths

    def collect(self) -> Iterable[Metric]:
        running = GaugeMetricFamily("snag_line_running", "1 while the line may be relied on", float(self._status.is_running))
        beats = GaugeMetricFamily("snag_line_heartbeat", "Number of the last heartbeat", self._status.heartbeat)
        trouble = GaugeMetricFamily("snag_line_trouble", "1 while it troubles the line", labels=["trouble"])
        spools = GaugeMetricFamily("snag_line_spool_length", "Events that wait for a sink", labels=["sink"])
        for kind in TROUBLES:
            trouble.add_metric([kind], float(self._status.has(kind)))
        for sink, length in self._lengths().items():
            spools.add_metric([sink], length)
        return [running, beats, trouble, spools]
