"""Metrics by name, each with its help: what a process may expose, and what the reference page tells of it."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from sitewarden import __version__

PREFIX = "sitewarden_"

# When a counter began stands in no question that anybody asks, and would double their number.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One metric as its readers know it."""

    name: str
    """As it is written in queries: counters end in `_total`; histograms add `_bucket`, `_sum`, `_count`."""
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names that queries may use."""
        if self.kind == "histogram":
            return tuple(self.name + end for end in ("_bucket", "_sum", "_count"))
        return (self.name,)


class Catalogue:
    """The metrics of one process, kept in its memory from its start on."""

    def __init__(self) -> None:
        """Only what every process has."""
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        ProcessCollector(registry=self.registry)
        build = self.gauge("build_info", "Always 1; the label says which version runs.", "version")
        build.labels(__version__).set(1)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Something that only grows."""
        described = self._note(f"{name}_total", "counter", labels, text)
        return Counter(described.name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """Something as it is now."""
        described = self._note(name, "gauge", labels, text)
        return Gauge(described.name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str, buckets: Sequence[float]) -> Histogram:
        """How often something was how much."""
        described = self._note(name, "histogram", labels, text)
        return Histogram(described.name, text, labels, buckets=buckets, registry=self.registry)

    def _note(
        self, name: str, kind: Literal["counter", "gauge", "histogram"], labels: tuple[str, ...], text: str
    ) -> Described:
        described = Described(name=PREFIX + name, kind=kind, labels=labels, help=text)
        self.described.append(described)
        return described
