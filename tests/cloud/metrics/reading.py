"""Metrics as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from cloud.metrics.exposing import Exposed


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Values by name and the values of labels, these by their names as the text has them."""
    return {
        (sample.name.removeprefix("sitewarden_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(exposed: Exposed) -> dict[tuple[str, ...], float]:
    """The same of what a process exposes."""
    return samples(exposed.text().decode())
