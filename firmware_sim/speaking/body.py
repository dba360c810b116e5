"""A device that says its values as JSON, put where the pointers of its profile lead."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from firmware_sim.speaking.voice import Said, Utterance, meant, number_of
from sitewarden.profiles.model import JsonPoint, JsonProfile

DECIMALS = 6


class JsonVoice:
    """One device; its topic or path says which."""

    def __init__(self, profile: JsonProfile, identity: str) -> None:
        """What is said only when something happens goes into a body of its own."""
        self._profile, self._identity = profile, identity
        self._count = 0
        occasional = {name for name, group in profile.groups.items() if group.occasional}
        self._usual = {key: p for key, p in profile.points.items() if p.group not in occasional}
        self._occasional = {key: p for key, p in profile.points.items() if p.group in occasional}

    def say(self, values: Said, at: datetime) -> Iterator[Utterance]:
        """A body of what is always said; one more where something has happened."""
        if self._usual:
            yield self._body(self._usual, values, at)
        happened = {key: p for key, p in self._occasional.items() if _happens(p, values[key])}
        if happened:
            yield self._body(happened, values, at)

    def greet(self, at: datetime) -> bytes:  # noqa: ARG002  # a body is all it says
        """Nothing."""
        return b""

    def is_clock_set(self, answer: bytes) -> bool:  # noqa: ARG002  # nobody answers
        """Never."""
        return False

    def spoil(self, text: bytes) -> bytes:
        """JSON has no checksum; without its end it is none."""
        return text[:-1]

    def _body(self, points: Mapping[str, JsonPoint], values: Said, at: datetime) -> Utterance:
        spoken = self._profile.json
        body: dict[str, Any] = {}
        said: dict[str, float | None] = {}
        for key, point in points.items():
            if point.count_where is None:
                written, said[key] = _written(point, values[key])
                _put(body, point.pointer, written)
        said |= _lists(body, points, values)
        self._count += 1
        if spoken.time is not None:
            _put(body, spoken.time, _instant(self._profile, at))
        if spoken.id is not None:
            _put(body, spoken.id, f"{self._identity}-{at:%Y%m%d%H%M%S%f}-{self._count}")
        return Utterance(json.dumps(body, ensure_ascii=False).encode(), said)


def _happens(point: JsonPoint, value: float | None) -> bool:
    """A passage is one way or the other; between them nothing happens."""
    if value is None or not math.isfinite(value):
        return False
    return not point.words or bool(round(number_of(point, value)))


def _written(point: JsonPoint, value: float | None) -> tuple[Any, float | None]:
    if value is None or not math.isfinite(value):
        return None, None
    number = number_of(point, value)
    if point.words:
        word = min(point.words, key=lambda word: abs(point.words[word] - number))
        return word, meant(point, point.words[word])
    number = round(number, DECIMALS)
    return number, meant(point, number)


def _lists(body: dict[str, Any], points: Mapping[str, JsonPoint], values: Said) -> dict[str, float | None]:
    """Lists whose items fit as many as each point counts; one that counts all sees the others' too."""
    said: dict[str, float | None] = {}
    for pointer in dict.fromkeys(p.pointer for p in points.values() if p.count_where is not None):
        items: list[dict[str, Any]] = []
        counting = {k: p for k, p in points.items() if p.count_where is not None and p.pointer == pointer}
        for key, point in sorted(counting.items(), key=lambda one: not one[1].count_where):
            where, value = point.count_where or {}, values[key]
            if value is None or not math.isfinite(value):
                said[key] = None
                continue
            wanted = max(0, round(number_of(point, value)))
            missing = wanted - len(items) if not where else wanted
            items += [_item(where, len(items) + i) for i in range(max(0, missing))]
            said[key] = wanted
        for key, point in counting.items():
            if not point.count_where and said[key] is not None:
                said[key] = len(items)
        _put(body, pointer, items)
    return said


def _item(where: Mapping[str, str | int], number: int) -> dict[str, Any]:
    item: dict[str, Any] = {"id": f"t-{number}"}
    for pointer, value in where.items():
        _put(item, pointer, value)
    return item


def _put(body: dict[str, Any], pointer: str, value: Any) -> None:
    """Set what stands at a pointer, making the objects on the way."""
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in way:
        body = body.setdefault(step, {})
    body[last] = value


def _instant(profile: JsonProfile, at: datetime) -> Any:
    spoken = profile.json
    zoned = at.replace(tzinfo=timezone(timedelta(hours=spoken.utc_offset_h)))
    match spoken.time_form:
        case "iso":
            return zoned.isoformat(timespec="milliseconds")
        case "local":
            return f"{at:%Y-%m-%d %H:%M:%S}"
        case "seconds":
            return int(zoned.astimezone(UTC).timestamp())
        case "milliseconds":
            return round(1000 * zoned.astimezone(UTC).timestamp())
