"""Numbers about the server, as Prometheus collects them at /metrics."""

from __future__ import annotations

import prometheus_client
from prometheus_client import core

from apps.serving.models import Models
from apps.serving.thread_pool import Workers

TYPE = prometheus_client.CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counts requests; what else there is to know is looked up when it is asked for.

    Args:
        models: Whose versions are listed. A model that is not among them is counted under "".
        workers: Whose queue is watched.
    """

    def __init__(self, models: Models, workers: Workers):
        self._models = models
        self._workers = workers
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)
        self._requests = prometheus_client.Counter(
            "zoo_serve_requests",
            "Requests that were answered, by model, protocol, method and canonical code",
            ["model", "protocol", "method", "code"],
            registry=self._registry,
        )
        self._seconds = prometheus_client.Histogram(
            "zoo_serve_request_seconds",
            "Seconds from a request's head to its answer",
            ["model", "protocol", "method"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(self)

    def count(self, model: str, protocol: str, method: str, code: str, seconds: float) -> None:
        """Counts a request that has been answered."""
        model = model if model in self._models else ""  # names that strangers make up would fill the memory
        self._requests.labels(model, protocol, method, code).inc()
        self._seconds.labels(model, protocol, method).observe(seconds)

    def collect(self):
        """Called by prometheus-client: the queue, and the versions."""
        yield core.GaugeMetricFamily(
            "zoo_serve_pending_requests", "Requests in work or waiting", value=self._workers.pending
        )
        versions = core.GaugeMetricFamily(
            "zoo_serve_version_available",
            "1 for a version that is served, 0 for one that failed or went",
            labels=["model", "version"],
        )
        for model in self._models:
            for number, state in model.states().items():
                versions.add_metric([model.name, str(number)], float(state.state == "AVAILABLE"))
        yield versions

    def page(self) -> bytes:
        """The page in Prometheus's text format."""
        return prometheus_client.generate_latest(self._registry)
