"""From bytes to a record that may be stored, or to the reason why not. Pure."""

import contextlib
from typing import TypeVar

import msgspec

from cloud.ingest.model import DeadLetter, Delivery, GatewayKey, UnreadableRecordError
from cloud.readings.store import NEWEST_MS, OLDEST_MS
from cloud.registry.known import Sites, may_speak
from cloud.settings import Settings
from sitewarden import topics
from sitewarden.errors import MessageError
from sitewarden.messages import Alarm, Gap, Readings, Status, WorkCycle, decode

MAX_INT8 = 2**63 - 1

T = TypeVar("T", Readings, Alarm)


class _Named(msgspec.Struct):
    """What must be readable of a body for it to be receipted at all."""

    boot: str
    seq: int


def sender(delivery: Delivery, settings: Settings, sites: Sites) -> GatewayKey:
    """Who speaks; raises `MessageError` with reason `topic`, `mode` or `gateway`."""
    topic = topics.parse(delivery.topic)
    key = GatewayKey.of(topic)
    if settings.mode == "replay" and key.mode != "replay":
        # Without boot and seq, so never receipted: a gateway would forget an alarm that nobody has stored.
        detail = f"this cloud shows a replay and takes nothing of mode {key.mode}"
        raise UnreadableRecordError("mode", detail, None, None)
    if not may_speak(sites, key.site, key.gateway):
        raise MessageError("gateway", f"{key.gateway} is not registered as a gateway of site {key.site}")
    return key


def record_of(delivery: Delivery, kind: type[T]) -> T:
    """The record in the body; raises `UnreadableRecordError`, with boot and seq where they could be read."""
    try:
        record = decode(delivery.body, kind)
    except MessageError as exc:
        boot, seq = _named(delivery.body)
        raise UnreadableRecordError(exc.reason, exc.detail, boot, seq) from exc
    if record.seq > MAX_INT8:
        raise UnreadableRecordError("implausible", f"seq {record.seq} does not fit", None, None)
    return record


def status_of(delivery: Delivery) -> Status:
    """The status in the body; raises `MessageError`."""
    return decode(delivery.body, Status)


def present_ms(key: GatewayKey, at_ms: int, now_ms: int) -> int:
    """What the instants of a record of `at_ms` are judged against: now, and in a replay its own time."""
    return now_ms if key.mode != "replay" else max(0, min(at_ms, now_ms))


def is_plausible(at_ms: int, now_ms: int) -> bool:
    """Whether something can have been measured then."""
    return now_ms - OLDEST_MS <= at_ms <= now_ms + NEWEST_MS


class ImplausibleError(Exception):
    """An instant that cannot be believed."""


def check_gap(gap: Gap, now_ms: int) -> None:
    """Raise `ImplausibleError` where a gap cannot be believed."""
    are_plausible = is_plausible(gap.from_at, now_ms) and is_plausible(gap.to_at, now_ms)
    if not are_plausible or gap.from_at > gap.to_at or gap.count > MAX_INT8:
        raise ImplausibleError(f"a gap of {gap.count} readings from {gap.from_at} to {gap.to_at}")


def check_cycle(cycle: WorkCycle, now_ms: int) -> None:
    """Raise `ImplausibleError` where a work cycle cannot be believed."""
    are_plausible = is_plausible(cycle.started_at, now_ms) and is_plausible(cycle.ended_at, now_ms)
    if not are_plausible or cycle.started_at > cycle.ended_at:
        times = f"from {cycle.started_at} to {cycle.ended_at}"
        raise ImplausibleError(f"a work cycle of {cycle.device} {times}")


def believed(alarm: Alarm, received_ms: int) -> Alarm:
    """The alarm with instants that can be believed: a gateway with a wrong clock still has its alarms heard.

    An instant that cannot be is replaced by that of its arrival, and the clock is said to be unsynced. Raises
    `UnreadableRecordError` where change and `cleared_at` or `acknowledged_at` contradict each other.
    """
    if (alarm.change == "cleared") != (alarm.cleared_at is not None):
        raise UnreadableRecordError(
            "garbage", "cleared_at goes with change cleared, and only with it", alarm.boot, alarm.seq
        )
    if alarm.change == "acknowledged" and alarm.acknowledged_at is None:
        raise UnreadableRecordError(
            "garbage", "an acknowledgement without acknowledged_at", alarm.boot, alarm.seq
        )
    instants = {
        "at": alarm.at,
        "raised_at": alarm.raised_at,
        "acknowledged_at": alarm.acknowledged_at,
        "cleared_at": alarm.cleared_at,
    }
    wrong = {
        name: received_ms
        for name, at_ms in instants.items()
        if at_ms is not None and not is_plausible(at_ms, received_ms)
    }
    return msgspec.structs.replace(alarm, **wrong, clock="unsynced") if wrong else alarm


def dead_letter(delivery: Delivery, error: MessageError, sites: Sites) -> DeadLetter:
    """What to keep of a message that was refused."""
    key: GatewayKey | None = None
    with contextlib.suppress(MessageError):
        key = GatewayKey.of(topics.parse(delivery.topic))
    boot, seq = (error.boot, error.seq) if isinstance(error, UnreadableRecordError) else _named(delivery.body)
    return DeadLetter(
        delivery=delivery,
        reason=error.reason,
        detail=error.detail,
        site=key.site if key is not None and key.site in sites else "",
        key=key,
        boot=boot,
        seq=seq,
    )


def _named(body: bytes) -> tuple[str | None, int | None]:
    """Boot and seq of a body of whatever version; nothing where they cannot be read."""
    try:
        named = decode(body, _Named)
    except MessageError:
        return None, None
    return (named.boot, named.seq) if 1 <= named.seq <= MAX_INT8 and named.boot else (None, None)
