"""Cameras: what they are told to look at, checked, and the points and rules that come of it.

In mode replay nothing looks: what cameras said is asked for by registers, at the one address where the replay
serves it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from edge.bindings import bind_rules
from edge.config.access import secret_in
from edge.config.model import Bus, Camera, Device, PolledDevice
from edge.config.rules import changes_misplaced, changes_of
from edge.config.source import Source, nearest
from edge.settings import CraneLayout, ModbusTcp
from edge.vision import address
from edge.vision.card import SHIPPED, card_file
from edge.vision.settings import CameraEntry, VisionSettings
from sitewarden.cameras import CAMERA, PROFILE, CameraZone, of_zone, points_of, recorded
from sitewarden.errors import ConfigurationError
from sitewarden.messages import DeviceSetup
from sitewarden.rules.binding import ParameterMissingError
from sitewarden.rules.packs import RulePack
from sitewarden.text import Text

WAYS = ("rtsp", "rtsps", "http", "https", "v4l2", "file", "folder")
LEAST_MARKS = 4
_WATCHED = ("camera.", "vision.")
"""Rules on other kinds do not look at cameras."""
RECORDED = "replay"
"""How the address begins at which a replay serves what a camera said."""
RECORDED_TIMEOUT_MS = 2000
"""Recorded time stands still meanwhile, so a busy machine may take long."""
LAST_UNIT = 247


def cameras_unclear(source: Source) -> Iterator[ConfigurationError]:
    """What is wrong with cameras whatever the packs say."""
    devices = {device.device for bus in source.file.buses for device in bus.devices}
    names = Counter(entry.camera for entry in source.file.cameras)
    is_replay = source.file.mode == "replay"
    for i, entry in enumerate(source.file.cameras):
        where = f"cameras.{i}"
        if names[entry.camera] > 1 or entry.camera in devices or entry.camera == source.file.gateway:
            message = f"`{entry.camera}` is already a device"
            yield source.error(f"{where}.camera", message, "Give each camera its own name.")
        if is_replay:
            yield from _no_recorded(source, i, entry)
        else:
            yield from _url_unclear(source, where, entry)
            yield from _hook_unclear(source, where, entry)
        yield from _zones_unclear(source, where, entry)


class Recorded(NamedTuple):
    """Where a replay serves a camera."""

    host: str
    port: int
    unit: int


def recorded_at(url: str) -> Recorded | None:
    """What `replay://HOST:PORT/UNIT` names; `None` where an address is no such one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    unit = parts.path.removeprefix("/")
    if parts.scheme != RECORDED or not parts.hostname or not port or not unit.isdecimal():
        return None
    return Recorded(parts.hostname, port, int(unit)) if 1 <= int(unit) <= LAST_UNIT else None


def _no_recorded(source: Source, i: int, entry: CameraEntry) -> Iterator[ConfigurationError]:
    """What is no camera of a replay, or not one of the same."""
    field, found = f"cameras.{i}.url", recorded_at(entry.url)
    before = [at for other in source.file.cameras[:i] if (at := recorded_at(other.url)) is not None]
    if found is None:
        message = "is no camera of a replay, and in mode replay no other is looked at"
        mend = "Write `replay://HOST:PORT/UNIT`, where the replay serves it, or take the camera out."
        yield source.error(field, message, mend)
    elif any(at[:2] != found[:2] for at in before):
        message = "is at another address than the camera before it"
        yield source.error(field, message, "A replay serves all cameras at one address.")
    elif found in before:
        message = f"unit {found.unit} is already another camera"
        yield source.error(field, message, "One unit is one camera; check the number.")


def _url_unclear(source: Source, where: str, entry: CameraEntry) -> Iterator[ConfigurationError]:
    field = f"{where}.url"
    try:
        parts = urlsplit(entry.url)
        _ = parts.port
    except ValueError:
        # Not shown: it may hold a password all the same.
        yield source.error(field, "is no address", "Write it as the camera's manual has it.")
        return
    if parts.scheme not in WAYS:
        yield source.error(field, "begins in no known way", f"Begin it with one of {', '.join(WAYS)}.")
    elif address.is_hidden(entry.url):
        mend = "Take them out of the address; write `username:` and `password_file:`."
        yield source.error(field, "holds a name or a password", mend)
    elif source.is_told and address.holds_login(entry.url):
        # It came over a broker, and whoever may see the configuration sees it.
        mend = "Write `{username}` and `{password}` in their places, and `username:` and `password_file:`."
        yield source.error(field, "holds a name or a password", mend)
    elif parts.scheme in WAYS[:4] and not parts.hostname:
        yield source.error(field, "names no host", "Write it as the camera's manual has it.")
    elif parts.scheme not in WAYS[:4] and not parts.path:
        yield source.error(field, "names no device or file", "Write it after the colon.")
    wanted = address.wants(entry.url)
    if address.USERNAME in wanted and entry.username is None:
        yield source.error(f"{where}.username", "is missing, and the address asks for it", "Add `username:`.")
    if address.PASSWORD in wanted and entry.password_file is None:
        mend = "Add `password_file:`."
        yield source.error(f"{where}.password_file", "is missing, and the address asks for it", mend)
    if entry.password_file is not None and entry.username is None and not wanted:
        yield source.error(f"{where}.username", "is missing beside a password file", "Add `username:`.")


def _zones_unclear(source: Source, where: str, entry: CameraEntry) -> Iterator[ConfigurationError]:
    names = Counter(zone.zone for zone in entry.zones)
    for i, zone in enumerate(entry.zones):
        field = f"{where}.zones.{i}"
        if names[zone.zone] > 1:
            message = f"there is already a zone `{zone.zone}`"
            yield source.error(f"{field}.zone", message, "Give each zone its own name.")
        if area_of(zone.outline) <= 0:
            yield source.error(f"{field}.outline", "encloses nothing", "Write its corners in order.")
        is_placed = entry.hook is not None and len(entry.ground) >= LEAST_MARKS
        if "under_load" in zone.duties and not is_placed and source.file.mode != "replay":
            message = "nobody knows where the load hangs"
            mend = "Add `hook:` and `ground:`, or take `under_load` away."
            yield source.error(f"{field}.duties", message, mend)
    known = {key for zone in entry.zones for key, _, _ in of_zone(zone)} | set(CAMERA)
    for i, key in enumerate(entry.out_of_service):
        if key not in known:
            mend = nearest(key, known, "Points are")
            yield source.error(f"{where}.out_of_service.{i}", f"`{key}` is not a point of it", mend)


def _hook_unclear(source: Source, where: str, entry: CameraEntry) -> Iterator[ConfigurationError]:
    if entry.ground and len(entry.ground) < LEAST_MARKS:
        message = f"has {len(entry.ground)} marks"
        yield source.error(f"{where}.ground", message, f"Measure {LEAST_MARKS} or more, not in one line.")
    if entry.hook is None:
        return
    cranes = {
        device.device
        for bus in source.file.buses
        for device in bus.devices
        if isinstance(device.layout, CraneLayout)
    }
    if entry.hook.crane not in cranes:
        message = f"there is no crane `{entry.hook.crane}` with a place"
        mend = nearest(entry.hook.crane, cranes, "Cranes with a `layout:` are")
        yield source.error(f"{where}.hook.crane", message, mend)


def vision_of(source: Source) -> VisionSettings:
    """What looks at pictures; cards of a site's own belong to the machine and are named from its own file."""
    settings = source.file.vision
    named = {key: _card(source, key, getattr(settings, key)) for key in ("detector", "smaller")}
    return msgspec.structs.replace(settings, **named)


def _card(source: Source, key: str, name: str) -> str:
    if name.endswith(".json"):
        return str(source.home / name)
    if not card_file(name).is_file():
        mend = nearest(name, {file.stem for file in SHIPPED.glob("*.json")}, "A model that ships is")
        raise source.error(f"vision.{key}", f"no model `{name}` ships, and a card ends in .json", mend)
    return name


def area_of(outline: list[tuple[float, float]]) -> float:
    """Twice what it encloses, as a share of the picture; 0 of a line."""
    turned = zip(outline, [*outline[1:], outline[0]], strict=True)
    return abs(sum(x * y2 - x2 * y for (x, y), (x2, y2) in turned))


def camera_of(source: Source, i: int, entry: CameraEntry, packs: list[RulePack]) -> Camera:
    """A camera with its points and the rules on them."""
    where = f"cameras.{i}"
    password = secret_in(source, f"{where}.password_file", entry.password_file)
    births = points_of(entry.camera, entry.zones)
    for error in changes_misplaced(source, entry.camera, births, packs):
        raise error
    own = [
        msgspec.structs.replace(pack, rules=[r for r in pack.rules if r.watch.startswith(_WATCHED)])
        for pack in packs
    ]
    changes = source.file.limit_changes
    try:
        rules, unjudged = bind_rules(births, {b.p for b in births}, own, parameters={}, changes=changes)
    except ParameterMissingError as exc:
        raise source.error("rules", str(exc), "Write the number itself: a camera has none.") from exc
    return Camera(
        name=entry.camera,
        profile=PROFILE,
        label=entry.label or Text(f"摄像机 {entry.camera}", f"Camera {entry.camera}"),
        intervals_ms={},
        chart=None,
        zero={},
        parameters={},
        points=births,
        rules=tuple(rules),
        unjudged=tuple(unjudged),
        commissioning=entry.commissioning,
        out_of_service=frozenset(f"{entry.camera}/{key}" for key in entry.out_of_service),
        history=None,
        layout=_layout(entry),
        setup=DeviceSetup(
            limit_changes=changes_of(source, entry.camera), out_of_service=entry.out_of_service
        ),
        entry=msgspec.structs.replace(entry, url=address.shown(_absolute(source, entry.url))),
        password=password,
        address=_address(entry, password),
    )


def _address(entry: CameraEntry, password: str | None) -> str | None:
    """The address with its login; nothing where none belongs into it."""
    if not address.wants(entry.url) and not address.holds_login(entry.url):
        return None
    return address.filled(entry.url, entry.username, password)


def recorded_cameras(source: Source, packs: list[RulePack]) -> list[Bus]:
    """The line of a replay by which cameras are asked, after all its buses; none where it has no camera."""
    devices, line = list[PolledDevice](), None
    for i, entry in enumerate(source.file.cameras):
        found = recorded_at(entry.url)
        assert found is not None  # noqa: S101  # it was refused otherwise
        line = ModbusTcp(host=found.host, port=found.port, timeout_ms=RECORDED_TIMEOUT_MS)
        devices.append(_asked(camera_of(source, i, entry, packs), found.unit))
    return [] if line is None else [Bus(name=_free_name(source), modbus=line, devices=tuple(devices))]


def _free_name(source: Source) -> str:
    """Of the line of cameras, which is no bus of the file."""
    names, name = {bus.bus for bus in source.file.buses}, "cameras"
    while name in names:
        name += "-"
    return name


def _asked(camera: Camera, unit: int) -> PolledDevice:
    """The camera as a device that is asked for what it said; points, rules and all else are its own."""
    profile = recorded(camera.points)
    own = {field: getattr(camera, field) for field in Device.__struct_fields__}
    intervals = {name: group.interval_ms for name, group in profile.groups.items()}
    return PolledDevice(**own | {"profile": profile, "intervals_ms": intervals}, unit=unit)


def _absolute(source: Source, url: str) -> str:
    """Films and folders belong to the machine, and are named from its own file."""
    way, _, path = url.partition(":")
    return f"{way}:{source.home / path}" if way in WAYS[5:] else url


def _layout(entry: CameraEntry) -> dict[str, object]:
    """For the cloud to draw; the camera's address is no part of it."""
    return {"kind": "camera", "zones": [_drawn(zone) for zone in entry.zones], "masks": entry.masks}


def _drawn(zone: CameraZone) -> dict[str, object]:
    label = zone.label or Text(zone.zone, zone.zone)
    return {
        "zone": zone.zone,
        "label": {"zh": label.zh, "en": label.en},
        "outline": zone.outline,
        "kind": zone.kind,
        "duties": zone.duties,
    }
