"""All metrics of a process as Prometheus reads them."""

from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Exposed:
    """What one process tells when it is asked."""

    def __init__(self, registry: CollectorRegistry, collectors: Sequence[Collector]) -> None:
        """`registry` is what the process counts, the collectors look when they are asked."""
        self._registry, self._around = registry, CollectorRegistry()
        for collector in collectors:
            self._around.register(collector)

    def text(self) -> bytes:
        """Every metric, in the text format; may wait for a database."""
        return generate_latest(self._registry) + generate_latest(self._around)
