"""What every part must know of cameras alike: zones, points that come of them, how a replay says those. Pure.

What looks at pictures is the gateway's own. A replay has no pictures: it asks for the recorded points by
registers, as it asks for all others, and both sides lay those out by this.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from sitewarden.messages import PointBirth
from sitewarden.points import vocabulary
from sitewarden.profiles.model import Key, ModbusProfile, Point, PollGroup, Profile
from sitewarden.profiles.replayed import as_registers
from sitewarden.text import Text

Share = Annotated[float, msgspec.Meta(ge=0, le=1, description="a number from 0 to 1")]
Corner = tuple[Share, Share]
"""Of the picture: from the left and from the top."""
Outline = Annotated[list[Corner], msgspec.Meta(min_length=3, max_length=64, description="3 to 64 corners")]
Hour = Annotated[
    str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", description="a time such as 07:30")
]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7, description="a day, 1 (Monday) to 7")]

ZoneKind = Literal["site", "hook", "pit"]
Duty = Literal["helmet", "keep_out", "under_load"]

TELL_S = 10.0
"""So often every point is told, beside each change."""
AGAIN_S = 5.2
"""What has become 0 is told once more after so long, for rules see through their five seconds by readings."""
STALE_MS = 60_000
"""A camera that says nothing for so long has gone."""

PROFILE = Profile(
    profile="camera",
    version=1,
    device_kind="camera",
    products=[],
    source="SiteWarden itself",
    verified="site",
    groups={},
    points={},
)
"""Of a device that says what is seen: it has points and no registers."""

STATE, SHED = "state", "shed"
CAMERA = MappingProxyType(
    {
        STATE: "camera.state",
        "fps": "camera.fps",
        "age": "camera.age",
        "infer": "camera.infer",
        "unknown": "camera.unknown",
        "coverage": "camera.coverage",
        SHED: "camera.shed",
    }
)
"""Kinds by key, of the camera as a whole."""

BARE: Mapping[ZoneKind, str] = MappingProxyType(
    {"site": "vision.bare_head", "hook": "vision.bare_head.hook", "pit": "vision.bare_head.pit"}
)
_ZONE_KINDS: Mapping[str, ZoneKind] = MappingProxyType({kind: zone for zone, kind in BARE.items()})
_BARE_, _GROUP = "bare_", "main"
MOST_SLOTS = 8


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every record of a gateway's file has in common: it does not change, and it knows its keys."""


class Hours(_Checked, frozen=True, kw_only=True):
    """When a zone is watched."""

    days: tuple[Weekday, ...] = (1, 2, 3, 4, 5, 6, 7)
    start: Hour
    end: Hour
    """One that is not after the start lies on the next day."""


class CameraZone(_Checked, frozen=True, kw_only=True):
    """A part of the picture where something is asked of whoever stands there."""

    zone: Key
    label: Text | None = None
    outline: Outline
    """Of the ground: a person is where the feet are."""
    kind: ZoneKind = "site"
    """Under the hook and in the pit a bare head weighs more."""
    duties: Annotated[tuple[Duty, ...], msgspec.Meta(min_length=1, description="at least one duty")] = (
        "helmet",
    )
    """Wear a helmet; stay out; not under a load that hangs."""
    hours: list[Hours] = []
    """Left out: always."""
    min_head_px: Annotated[int, msgspec.Meta(ge=8, le=400, description="pixels, 8 to 400")] = 12
    """A head that is smaller in the detector's input is unknown."""
    slots: Annotated[int, msgspec.Meta(ge=1, le=MOST_SLOTS, description="alarms at a time, 1 to 8")] = 3
    """So many bare heads have an alarm each at the same time; more are counted."""
    cool_down_s: Annotated[float, msgspec.Meta(ge=0, le=3600, description="seconds, 0 to 3600")] = 60.0
    """So long after an alarm whoever appears where its track was lost is taken for the same."""


def of_zone(zone: CameraZone) -> Iterator[tuple[str, str, Text | None]]:
    """Key, kind and label of each of its points."""
    key, label = zone.zone, zone.label
    yield f"{key}.people", "vision.people", label
    if "helmet" in zone.duties:
        for slot in range(1, zone.slots + 1):
            yield slot_key(key, slot), BARE[zone.kind], _numbered(label, slot)
        yield f"{key}.bare_more", "vision.bare_more", label
    if "keep_out" in zone.duties:
        yield f"{key}.intruders", "vision.intruders", label
    if "under_load" in zone.duties:
        yield f"{key}.under_load", "vision.under_load", label


def slot_key(zone: str, slot: int) -> str:
    """The point of the `slot`th bare head of a zone, from 1."""
    return f"{zone}.{_BARE_}{slot}"


def _numbered(label: Text | None, slot: int) -> Text | None:
    return None if label is None else Text(f"{label.zh} {slot}", f"{label.en} {slot}")


def points_of(camera: str, zones: Iterable[CameraZone]) -> tuple[PointBirth, ...]:
    """All points of a camera, its own first."""
    own: list[tuple[str, str, Text | None]] = [(key, kind, None) for key, kind in CAMERA.items()]
    return tuple(
        PointBirth(p=f"{camera}/{key}", kind=kind, label=label, stale_after_ms=STALE_MS)
        for key, kind, label in (*own, *(point for zone in zones for point in of_zone(zone)))
    )


def recorded(points: Iterable[PointBirth]) -> ModbusProfile:
    """By which a replay asks for what a camera with these points said; the order of `points` has no say.

    All are told together every ten seconds, so that after three times as long nobody was there to tell.
    """
    kinds = vocabulary()
    found = {
        birth.p.partition("/")[2]: Point(kind=birth.kind, unit=kinds[birth.kind].unit, label=birth.label)
        for birth in points
        if birth.kind in kinds
    }
    group = PollGroup(interval_ms=round(1000 * TELL_S), stale_after_ms=STALE_MS)
    return as_registers(
        msgspec.structs.replace(PROFILE, groups={_GROUP: group}, points=dict(sorted(found.items())))
    )


class _Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A zone as a camera's layout has it."""

    zone: Key
    label: Text
    outline: Outline
    kind: ZoneKind
    duties: tuple[Duty, ...]


def zones_of(points: Sequence[PointBirth], layout: Mapping[str, Any]) -> list[CameraZone]:
    """The zones of which a camera told these points, drawn as its layout says.

    What neither says is not known: a zone that is drawn nowhere is the whole picture.
    """
    kinds = {birth.p.partition("/")[2]: birth.kind for birth in points}
    told = dict.fromkeys(zone for key in kinds if (zone := key.rpartition(".")[0]))
    drawn = _drawn(layout)
    return [_zone(name, kinds, drawn.get(name)) for name in {**dict.fromkeys(drawn), **told}]


def _drawn(layout: Mapping[str, Any]) -> dict[str, _Drawn]:
    try:
        zones = msgspec.convert(layout.get("zones", []), list[_Drawn])
    except msgspec.ValidationError:
        return {}
    return {zone.zone: zone for zone in zones}


def _zone(name: str, kinds: Mapping[str, str], drawn: _Drawn | None) -> CameraZone:
    bare = {key: kind for key, kind in kinds.items() if key.startswith(f"{name}.{_BARE_}")}
    kind = next((_ZONE_KINDS[kind] for kind in bare.values() if kind in _ZONE_KINDS), None)
    numbers = [slot for slot in range(1, MOST_SLOTS + 1) if slot_key(name, slot) in kinds]
    told: list[Duty] = ["helmet"] if bare else []
    told += ["keep_out"] if f"{name}.intruders" in kinds else []
    told += ["under_load"] if f"{name}.under_load" in kinds else []
    duties = dict.fromkeys((*(drawn.duties if drawn else ()), *told)) or {"helmet": None}
    return CameraZone(
        zone=name,
        label=drawn.label if drawn else None,
        outline=drawn.outline if drawn else [(0, 0), (1, 0), (1, 1), (0, 1)],
        kind=kind or (drawn.kind if drawn else "site"),
        duties=tuple(duties),
        slots=max(numbers, default=3),
    )
