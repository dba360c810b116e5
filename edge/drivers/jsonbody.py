"""Points out of a JSON body, wherever the pointers (RFC 6901) of their profile lead. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from edge.drivers.speaking import NEVER, Decode, NotUnderstoodError, Told, Value, scaled
from sitewarden.profiles.model import Json, JsonPoint, JsonProfile
from sitewarden.quality import Quality

_MISSING: Any = object()
_LONGEST_NUMBER = 64
"""Characters of a message's own number that are looked at."""


def parsed(body: bytes) -> Any:
    """The body as plain values; raises `NotUnderstoodError` where it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NotUnderstoodError(f"no JSON: {exc}") from exc


def decoder(profile: JsonProfile) -> Decode:
    """What reads a body of such a device."""
    points = [(key, point, steps(point.pointer)) for key, point in profile.points.items()]
    spoken = profile.json
    time = None if spoken.time is None else steps(spoken.time)
    number = None if spoken.id is None else steps(spoken.id)

    def decode(text: bytes) -> Told:
        body = parsed(text)
        found = (_read(key, point, look(body, way)) for key, point, way in points)
        told = [value for value in found if value is not None]
        if not told:
            raise NotUnderstoodError("it has nothing that the profile points to")
        at = None if time is None else _instant(look(body, time), spoken)
        named = None if number is None else look(body, number)
        is_named = isinstance(named, str | int) and not isinstance(named, bool)
        return Told(told, at, str(named)[:_LONGEST_NUMBER] if is_named else None)

    return decode


def steps(pointer: str) -> tuple[str, ...]:
    """The steps of a JSON pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def look(body: Any, way: Sequence[str]) -> Any:
    """What stands there; `_MISSING` where nothing does."""
    for step in way:
        if isinstance(body, dict):
            body = body.get(step, _MISSING)
        elif isinstance(body, list) and step.isascii() and step.isdigit() and str(int(step[:9])) == step:
            body = body[int(step)] if int(step) < len(body) else _MISSING
        else:
            return _MISSING
    return body


def _read(key: str, point: JsonPoint, found: Any) -> Value | None:
    """The point's value; `None` where the body says nothing of it."""
    if found is _MISSING:
        return None
    if found is None or any(found == sentinel for sentinel in point.sentinels):
        return key, None, Quality.SENTINEL
    if point.count_where is not None:
        return _counted(key, point, found, point.count_where)
    number = _number(point, found)
    return (key, None, Quality.NOT_A_NUMBER) if number is None else (key, *scaled(point, number))


def _counted(key: str, point: JsonPoint, found: Any, where: dict[str, str | int]) -> Value:
    if not isinstance(found, list):
        return key, None, Quality.NOT_A_NUMBER
    wanted = [(steps(pointer), value) for pointer, value in where.items()]
    count = sum(all(look(item, way) == value for way, value in wanted) for item in found)
    return key, *scaled(point, count)


def _number(point: JsonPoint, found: Any) -> float | None:
    if isinstance(found, str | int) and not isinstance(found, bool) and str(found) in point.words:
        return point.words[str(found)]
    if isinstance(found, bool | int | float):
        try:
            return float(found)
        except OverflowError:
            return None
    try:
        # Many devices write their numbers as text.
        return float(found) if isinstance(found, str) else None
    except ValueError:
        return None


def _instant(found: Any, spoken: Json) -> datetime:
    """`NEVER` where there is none, or none that can be read: such a clock is not believed."""
    try:
        if spoken.time_form in {"seconds", "milliseconds"} and isinstance(found, int | float | str):
            return datetime.fromtimestamp(
                float(found) / (1000 if spoken.time_form == "milliseconds" else 1), UTC
            )
        if spoken.time_form == "local" and isinstance(found, str):
            return datetime.strptime(found, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  the profile knows the zone
        return datetime.fromisoformat(found) if isinstance(found, str) else NEVER
    except (ValueError, OverflowError, OSError):
        return NEVER
