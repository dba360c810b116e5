"""What a web process counts of itself."""

from collections.abc import Callable

from cloud.metrics.catalogue import Catalogue

CATALOGUE = Catalogue()
_viewers = CATALOGUE.gauge("live_viewers", "Open live streams of this process.")
_dropped = CATALOGUE.counter(
    "live_dropped_events",
    "Events that were too many for a slow viewer; he reads them from the database instead.",
)
_cut_off = CATALOGUE.counter(
    "live_cut_off_viewers", "Viewers cut off, for they took nothing of what was sent to them."
)
_requests = CATALOGUE.histogram(
    "http_request_seconds",
    "Answers by class of status; a live stream counts when it begins.",
    "status",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
_media_bytes = CATALOGUE.counter("media_bytes", "Bytes of cameras' pictures that gateways brought.")
_media_kept = CATALOGUE.counter("media_kept", "Pictures of cameras that have come whole.", "kind")


def note_media(size: int, kept: str | None) -> None:
    """A piece of so many bytes was taken; with it a file of that kind is whole."""
    _media_bytes.inc(size)
    if kept is not None:
        _media_kept.labels(kept).inc()


def watch_viewers(count: Callable[[], int]) -> None:
    """How many streams are open, asked when somebody looks."""
    _viewers.set_function(count)


def note_dropped(events: int) -> None:
    """So many events were dropped for one viewer."""
    _dropped.inc(events)


def note_cut_off() -> None:
    """A viewer was cut off."""
    _cut_off.inc()


def note_answer(status: int, seconds: float) -> None:
    """An answer has begun, so long after its request."""
    _requests.labels(f"{status // 100}xx").observe(seconds)
