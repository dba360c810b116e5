"""What a process sees of the machine that it runs on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cloud.metrics.catalogue import PREFIX, Described

FREE = Described(
    name=f"{PREFIX}disk_free_bytes",
    kind="gauge",
    labels=(),
    help="Free on the disk of the data folder, which is also the embedded database's.",
)
SIZE = Described(name=f"{PREFIX}disk_size_bytes", kind="gauge", labels=(), help="All of that disk.")
DESCRIBED = (FREE, SIZE)


class DiskCollector(Collector):
    """The disk that a folder lies on."""

    def __init__(self, folder: Path) -> None:
        """Nothing is looked at yet."""
        self._folder = folder

    def describe(self) -> list[Metric]:
        """Nothing, so that being registered looks at no disk."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Free and in all; nothing where there is no such folder yet."""
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            return
        yield GaugeMetricFamily(FREE.name, FREE.help, value=usage.free)
        yield GaugeMetricFamily(SIZE.name, SIZE.help, value=usage.total)
