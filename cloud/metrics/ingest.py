"""What an ingest process counts of itself. Each of several counts its own: add them, or take the largest."""

import time
from collections.abc import Callable, Iterable, Mapping

from cloud.metrics.catalogue import Catalogue

_DELAY_S = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)

CATALOGUE = Catalogue()
_lag = CATALOGUE.gauge(
    "ingest_lag_seconds",
    "Now minus the instant of the newest live record committed here. It grows while nothing comes.",
    "lane",
)
_batch_seconds = CATALOGUE.histogram(
    "ingest_batch_seconds",
    "From a batch taken to its commit, waits for the database included.",
    "lane",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
_batch_rows = CATALOGUE.histogram(
    "ingest_batch_rows",
    "Rows of a batch: readings, or alarms.",
    "lane",
    buckets=(1, 10, 100, 1_000, 5_000, 20_000, 100_000),
)
_messages = CATALOGUE.counter("ingest_messages", "Messages of batches that were committed.", "lane")
_rows = CATALOGUE.counter(
    "ingest_rows",
    "What became of the rows that batches brought. accepted: new, of these late: more than 60 s after their "
    "instant; duplicate: known already; future, ancient: set aside, for nobody believes their instant.",
    "lane",
    "outcome",
)
_failed = CATALOGUE.counter("ingest_batches_failed", "Batches that could not be settled.", "lane")
_queue = CATALOGUE.gauge("ingest_queue_messages", "Messages that wait in this process.", "lane")
_queue_limit = CATALOGUE.gauge("ingest_queue_limit_messages", "So many may wait.", "lane")
_turned_away = CATALOGUE.counter(
    "ingest_turned_away",
    "Messages for which the queue had no room. Nothing is lost: their gateways send them again.",
    "lane",
)
_connected = CATALOGUE.gauge("broker_connected", "1 while messages come in over this connection.", "link")
_alarm_seconds = CATALOGUE.histogram(
    "alarm_commit_seconds",
    "From a live alarm's being raised to its commit, time without a connection included.",
    buckets=_DELAY_S,
)
_notices = CATALOGUE.counter(
    "notices",
    "Sendings of notices that ended, by kind of channel. unknown: handed over, and no answer came.",
    "channel",
    "result",
)
_notice_seconds = CATALOGUE.histogram(
    "notice_sent_seconds",
    "From a notice's commit, which is that of what it tells of, to its being taken by the other side.",
    "channel",
    buckets=_DELAY_S,
)
_duty_at = CATALOGUE.gauge(
    "duty_last_run_timestamp_seconds", "When a periodic duty was last done, in Unix time.", "duty"
)
_duty_failed = CATALOGUE.counter("duty_failures", "How often a periodic duty could not be done.", "duty")


def note_batch(lane: str, *, messages: int, seconds: float, newest_ms: int | None) -> None:
    """A batch was committed; `newest_ms` is the instant of its newest live record."""
    _batch_seconds.labels(lane).observe(seconds)
    _messages.labels(lane).inc(messages)
    if newest_ms is not None:
        _note_newest(lane, newest_ms)


def note_rows(lane: str, became: Mapping[str, int]) -> None:
    """What became of a batch's rows; those `late` are among those `accepted`."""
    brought = sum(n for outcome, n in became.items() if outcome != "late")
    if brought:
        _batch_rows.labels(lane).observe(brought)
    for outcome, n in became.items():
        _rows.labels(lane, outcome).inc(n)


def note_failed(lane: str) -> None:
    """A batch could not be settled."""
    _failed.labels(lane).inc()


def note_turned_away(lane: str) -> None:
    """The queue had no room for a message."""
    _turned_away.labels(lane).inc()


def note_raised(instants_ms: Iterable[int]) -> None:
    """Live alarms raised at these instants are committed now."""
    now_ms = time.time_ns() // 1_000_000
    for at_ms in instants_ms:
        _alarm_seconds.observe(max(0, now_ms - at_ms) / 1000)


def note_notice(channel: str, result: str, seconds: float) -> None:
    """A sending ended, so long after its notice was made."""
    _notices.labels(channel, result).inc()
    if result == "sent":
        _notice_seconds.labels(channel).observe(max(0.0, seconds))


def note_duty(duty: str, *, is_done: bool) -> None:
    """A duty was done just now, or could not be."""
    if is_done:
        _duty_at.labels(duty).set_to_current_time()
    else:
        _duty_failed.labels(duty).inc()


def watch_queue(lane: str, size: Callable[[], int], limit: int) -> None:
    """How full a lane's queue is, asked when somebody looks."""
    _queue.labels(lane).set_function(size)
    _queue_limit.labels(lane).set(limit)


def watch_link(link: str, is_up: Callable[[], bool]) -> None:
    """Whether a connection to the broker stands, asked when somebody looks."""
    _connected.labels(link).set_function(is_up)


_newest_ms: dict[str, int] = {}


def _note_newest(lane: str, at_ms: int) -> None:
    if lane not in _newest_ms:
        _lag.labels(lane).set_function(lambda: time.time() - _newest_ms[lane] / 1000)
    _newest_ms[lane] = max(at_ms, _newest_ms.get(lane, at_ms))
