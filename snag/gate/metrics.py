"""GateMetrics: what the gate itself counts, beside what TorchServe and the handler do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from snag.gate.health import readiness
from snag.gate.proxy.record import Record
from snag.gate.upstream.state import UpstreamState

_SECONDS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_UNKNOWN = "unknown"  #: in place of names that clients made up: each would be a series of its own


class GateMetrics:
    """The gate's registry."""

    def __init__(self, upstream_state: UpstreamState, in_flight: Callable[[], int], is_draining: Callable[[], bool]) -> None:
        disable_created_metrics()  # a series of dates for each counter, which nobody asks for
        self._upstream_state = upstream_state
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "snag_http_requests", "Requests answered", ["model_name", "endpoint", "status"], registry=registry
        )
        self.seconds = Histogram(
            "snag_http_request_duration_seconds",
            "From the request's header to the whole answer",
            ["model_name", "endpoint"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.retries = Counter(
            "snag_http_retries", "Requests asked again after a lost worker", ["model_name"], registry=registry
        )
        self.restarts = Counter("snag_torchserve_restarts", "Times that TorchServe was started again", registry=registry)
        self.log_errors = Counter("snag_log_errors", "Lines of the log that could not be written", registry=registry)
        self.spool_lost = Counter("snag_spool_lost", "Pictures that could not be kept for review", registry=registry)
        self.unauthorised = Counter("snag_unauthorised", "Requests without a valid token", ["reason"], registry=registry)
        self.started = Gauge(
            "snag_start_timestamp_seconds", "When the server was started: counters begin at 0 then", registry=registry
        )
        self.started.set(time.time())
        gauge = Gauge("snag_http_in_flight", "Requests for verdicts under way", registry=registry)
        gauge.set_function(in_flight)
        registry.register(_Workers(upstream_state, is_draining))

    def label(self, model: str | None) -> str:
        """The model's name as a label."""
        return model if model is not None and self._upstream_state.knows(model) else _UNKNOWN

    def count(self, record: Record) -> None:
        """Count an answered request."""
        model = self.label(record.model)
        self.requests.labels(model, record.endpoint, str(record.status)).inc()
        self.seconds.labels(model, record.endpoint).observe(record.seconds)

    def text(self) -> bytes:
        """The scrape, in Prometheus' text format."""
        return generate_latest(self.registry)


class _Workers:
    """What is known at the time of the scrape: a version that is gone leaves no series behind."""

    def __init__(self, upstream_state: UpstreamState, is_draining: Callable[[], bool]) -> None:
        self._upstream_state = upstream_state
        self._is_draining = is_draining

    def collect(self) -> Iterable[Metric]:
        labels = ["model_name", "model_version"]
        ready = GaugeMetricFamily("snag_workers_ready", "Workers that can take a request", labels=labels)
        wanted = GaugeMetricFamily("snag_workers_wanted", "Workers that there should be", labels=labels)
        default = GaugeMetricFamily("snag_default_version", "1 for the version that answers by default", labels=labels)
        queue = GaugeMetricFamily("snag_queue_length", "Requests that wait for a worker", labels=labels)
        statuses = self._upstream_state.statuses()
        for one in statuses:
            names = [one.model, one.version]
            ready.add_metric(names, one.ready)
            wanted.add_metric(names, one.wanted)
            default.add_metric(names, float(one.is_default))
            queue.add_metric(names, one.waiting)
        is_ready = readiness(statuses, self._upstream_state.is_fresh, self._is_draining()).is_ready
        return [ready, wanted, default, queue, GaugeMetricFamily("snag_ready", "1 while the server is ready", float(is_ready))]
