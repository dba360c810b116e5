"""Where a history is played back: the gateway's file as it was, made harmless, or made from the history."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from firmware_sim.replay.cast import CAMERAS, LAST_UNIT, is_camera, unused
from sitewarden.cameras import PROFILE as CAMERA
from sitewarden.cameras import CameraZone, points_of, zones_of
from sitewarden.errors import ConfigurationError
from sitewarden.history import DevicePast, Header, find_header, read_header
from sitewarden.profiles import Profile, load_profiles
from sitewarden.profiles.model import Name
from sitewarden.rules.model import LimitChange
from sitewarden.rules.packs import RulePack
from sitewarden.text import Text

SITE, GATEWAY, BUS = "replay", "replay", "replay"
"""Where the history names none."""
_FOR_EVER_MS = 1 << 62
_NOT_OF_A_REPLAY = {"mode", "data_dir", "broker", "outputs", "page", "vision"}
"""What leaves the machine, sounds, looks at pictures, or belongs to the real gateway's disk."""
_NOT_OF_A_CAMERA = {"url", "username", "password_file"}
"""What leads to the real one."""


class Place(NamedTuple):
    """What a replay needs beside the readings."""

    header: Header
    """Devices as they will be played: with bus and unit, none that the gateway does not know."""
    gateway: Mapping[str, Any]
    """The gateway's file but for broker, outputs and the lines to the buses and cameras."""
    profiles: tuple[Path, ...]
    """Folders beside the shipped ones."""
    packs: tuple[RulePack, ...]
    """Rule packs that the gateway's file names and that are no files yet, `rules_file`."""


def place_of(file: Path, config: Path | None, rules: list[str]) -> Place:
    """By the gateway's own file where there is one, else by what the history itself knows.

    `rules` are packs in place of those that would be used. Raises `ConfigurationError`, with the mend, where
    something is missing.
    """
    place = _by_history(file, rules) if config is None else _by_config(file, config, rules)
    if not place.gateway["rules"]:
        mend = "Name packs with `--rules`, such as `--rules tower-crane`, or give `--config gateway.yaml`."
        raise ConfigurationError(file, 0, "rules", "names no rules to judge by", mend)
    return place


def out_of_service(header: Header) -> list[str]:
    """Points whose alarms are not raised, in the order of the devices."""
    return [f"{device.device}/{key}" for device in header.devices for key in device.out_of_service]


def _by_history(file: Path, rules: list[str]) -> Place:
    header, profiles = read_header(file), load_profiles()
    devices = list(_placed([device for device in header.devices if not is_camera(device)]))
    seeing = [device for device in header.devices if is_camera(device)]
    zones = {device.device: zones_of(device.points, device.layout) for device in seeing}
    bus = _free_name(device.bus for device in devices)
    header = msgspec.structs.replace(
        header,
        devices=[
            *devices,
            *(_seen(bus, i, one, zones[one.device]) for i, one in enumerate(seeing, 1)),
        ],
    )
    entries = [_entry(file, i, device, profiles) for i, device in enumerate(devices)]
    buses = dict.fromkeys(device.bus for device in devices)
    gateway = {
        "site": header.site or SITE,
        "gateway": header.gateway or GATEWAY,
        "rules": rules or [rules_file(i) for i in range(len(header.rules))],
        "buses": [
            {"bus": bus, "devices": [e for e, d in zip(entries, devices, strict=True) if d.bus == bus]}
            for bus in buses
        ],
        "cameras": [_camera(device, zones[device.device]) for device in seeing],
    }
    gateway |= _groups(file, devices)
    if not rules and (changed := _changes(header)):
        gateway["limit_changes"] = msgspec.to_builtins(changed)
    packs = () if rules else tuple(header.rules)
    return Place(header, gateway, (), packs)


class _Grouped(msgspec.Struct):
    """What must be known of a group; the gateway checks the rest."""

    group: str
    cranes: list[dict[str, Any]]
    obstacles: list[dict[str, Any]] = []


def _groups(file: Path, devices: list[DevicePast]) -> dict[str, Any]:
    """Groups of cranes that are all here: where one is missing, distances to it would be too."""
    here, found = {device.device for device in devices}, dict[str, _Grouped]()
    for i, device in enumerate(devices):
        if not device.crane_group:
            continue
        try:
            group = msgspec.convert(device.crane_group, _Grouped)
        except msgspec.ValidationError as exc:
            mend = "Give `--config gateway.yaml`, which has the group."
            raise ConfigurationError(file, 0, f"devices.{i}.crane_group", str(exc), mend) from exc
        if all(crane.get("crane") in here for crane in group.cranes):
            found[group.group] = group
    if not found:
        return {}
    obstacles = {str(one.get("obstacle")): one for group in found.values() for one in group.obstacles}
    groups = [{"group": name, "cranes": group.cranes} for name, group in found.items()]
    return {"crane_groups": groups, "obstacles": list(obstacles.values())}


def _changes(header: Header) -> list[LimitChange]:
    """Limits that the site had changed, by which it was judged; none of rules or devices that are not here.

    A history of one device may tell of changes on others, at which a gateway would stumble.
    """
    rules = {rule.rule for pack in header.rules for rule in pack.rules}
    devices = {None, *(device.device for device in header.devices)}
    return [change for change in header.changes if change.rule in rules and change.device in devices]


def _placed(devices: list[DevicePast]) -> Iterator[DevicePast]:
    """Each with a bus and a unit: their own where they are known, else the next free one."""
    taken = {(device.bus or BUS, device.unit) for device in devices}
    for device in devices:
        bus, unit = device.bus or BUS, device.unit
        if unit is None:
            unit = next(n for n in range(1, 248) if (bus, n) not in taken)
            taken.add((bus, unit))
        yield msgspec.structs.replace(device, bus=bus, unit=unit)


def _entry(file: Path, i: int, device: DevicePast, profiles: Mapping[str, Profile]) -> dict[str, Any]:
    """A device as `gateway.yaml` has it; a load chart goes into a file of its own."""
    profile = profiles.get(device.profile)
    if profile is None:
        mend = "Give `--config gateway.yaml`, which names the folder that has it."
        raise ConfigurationError(
            file, 0, f"devices.{i}.profile", f"there is no profile `{device.profile}`", mend
        )
    if profile.device_kind == "crane" and device.chart is None:
        message = f"does not know the load chart of `{device.device}`, without which no overload can be seen"
        raise ConfigurationError(file, 0, f"devices.{i}.chart", message, "Give `--config gateway.yaml`.")
    entry: dict[str, Any] = {"device": device.device, "profile": device.profile, "unit": device.unit}
    if device.label is not None:
        entry["label"] = {"zh": device.label.zh, "en": device.label.en}
    if device.chart is not None:
        entry["load_chart"] = chart_file(i)
    if device.intervals_ms:
        entry["interval_ms"] = min(device.intervals_ms.values())
    known = {
        "parameters": device.parameters,
        "point_parameters": device.point_parameters,
        "zero": device.zero,
        # Control values of old histories stand where a gateway.yaml no longer says them.
        "instruments": msgspec.to_builtins(msgspec.structs.replace(device.instruments, control_mm={})),
        "unused": unused(device, profile),
        "out_of_service": _out_of_service(device),
        "layout": device.layout,
    }
    return entry | {key: value for key, value in known.items() if value}


def _out_of_service(device: DevicePast) -> list[str]:
    """Of the points that the device had, where they are known: a gateway would stumble over any other."""
    had = {point.p.partition("/")[2] for point in device.points}
    return [key for key in device.out_of_service if not had or key in had]


def _free_name(taken: Iterable[str | None]) -> str:
    """Of the bus of cameras, which is no other's."""
    names, name = set(taken), CAMERAS
    while name in names:
        name += "-"
    return name


def _seen(bus: str, unit: int, device: DevicePast, zones: Sequence[CameraZone]) -> DevicePast:
    """A camera as it is asked for what it said: with the points that the gateway makes of its zones."""
    points = list(points_of(device.device, zones))
    return msgspec.structs.replace(device, bus=bus, unit=unit, points=points)


def _camera(device: DevicePast, zones: Sequence[CameraZone]) -> dict[str, Any]:
    """A camera as `gateway.yaml` has it, but for its address."""
    entry: dict[str, Any] = {
        "camera": device.device,
        "zones": msgspec.to_builtins([_without_nothing(zone) for zone in zones]),
    }
    if device.label is not None:
        entry["label"] = {"zh": device.label.zh, "en": device.label.en}
    if masks := device.layout.get("masks"):
        entry["masks"] = masks
    if out_of_service := _out_of_service(device):
        entry["out_of_service"] = out_of_service
    return entry


def _without_nothing(zone: CameraZone) -> dict[str, Any]:
    found = msgspec.structs.asdict(zone)
    return {key: value for key, value in found.items() if value is not None}


def chart_file(device: int) -> str:
    """The name of the file that the chart of a device, counted from 0, is written to.

    No name out of a history becomes that of a file: a stranger's would be written wherever it says.
    """
    return f"chart-{device}.yaml"


def rules_file(pack: int) -> str:
    """The same of a rule pack."""
    return f"rules-{pack}.yaml"


def _by_config(file: Path, config: Path, rules: list[str]) -> Place:
    folder, found = config.resolve().parent, _read(config)
    profiles = tuple(folder / name for name in found.get("profiles", []))
    known = load_profiles(*profiles)
    seeing = msgspec.convert(found.get("cameras") or [], list[_Seeing])
    gateway = {
        **{key: value for key, value in found.items() if key not in _NOT_OF_A_REPLAY},
        "rules": [str(_beside(folder, name)) for name in rules or found.get("rules", [])],
        "profiles": [str(profile) for profile in profiles],
        "buses": [
            {"bus": bus["bus"], "devices": [_absolute(folder, entry) for entry in _asked(bus["devices"])]}
            for bus in found.get("buses") or []
        ],
        "cameras": [
            {key: value for key, value in entry.items() if key not in _NOT_OF_A_CAMERA}
            for entry in found.get("cameras") or []
        ],
    }
    header = _header(file, gateway)
    devices = [
        _past(bus["bus"], entry, known.get(entry["profile"]))
        for bus in gateway["buses"]
        for entry in bus["devices"]
    ]
    bus = _free_name(device.bus for device in devices)
    devices += [_seen(bus, i, _camera_past(one), one.zones) for i, one in enumerate(seeing, 1)]
    return Place(msgspec.structs.replace(header, devices=devices), gateway, profiles, ())


def _camera_past(entry: "_Seeing") -> DevicePast:
    return DevicePast(
        device=entry.camera,
        profile=CAMERA.profile,
        label=entry.label,
        out_of_service=entry.out_of_service,
    )


def _read(config: Path) -> dict[str, Any]:
    """The gateway's file as it is; the gateway itself checks what it means."""
    try:
        found = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigurationError(config, 0, "", f"cannot be read: {exc}", "Check the file.") from exc
    try:
        msgspec.convert(found, _Gateway)
    except msgspec.ValidationError as exc:
        mend = "Check it with `sitewarden edge check`."
        raise ConfigurationError(config, 0, "", f"is no gateway's file: {exc}", mend) from exc
    whole: dict[str, Any] = found
    return whole


class _Device(msgspec.Struct):
    device: Name
    profile: str
    unit: int | None = None


class _Bus(msgspec.Struct):
    bus: Name
    devices: list[_Device]


class _Seeing(msgspec.Struct):
    camera: Name
    label: Text | None = None
    out_of_service: list[str] = []
    zones: list[CameraZone] = []


class _Gateway(msgspec.Struct):
    """What a replay must find in it."""

    site: Name
    gateway: Name
    buses: list[_Bus] = []
    cameras: list[_Seeing] = []
    rules: list[str] = []
    profiles: list[str] = []


def _beside(folder: Path, name: str) -> str | Path:
    return folder / name if name.endswith(".yaml") else name


_OF_SPEAKING = {"identity", "token_file"}
"""By which a device that speaks by itself is known: in a replay it is asked, by a unit."""


def _asked(devices: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The devices of a bus, each with a unit: its own, or the next that is free."""
    free = iter(sorted(set(range(1, LAST_UNIT + 1)) - {device.get("unit") for device in devices}))
    for device in devices:
        unit = {"unit": device["unit"] if device.get("unit") is not None else next(free)}
        yield {key: value for key, value in device.items() if key not in _OF_SPEAKING} | unit


def _absolute(folder: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A device with its files made absolute. A logger's memory is of another time than the history's."""
    absolute = {key: value for key, value in entry.items() if key != "history"}
    if "load_chart" in absolute:
        absolute["load_chart"] = str(_beside(folder, absolute["load_chart"]))
    return absolute


def _header(file: Path, gateway: Mapping[str, Any]) -> Header:
    """The file's own, or that of any file where another program wrote it."""
    header = find_header(file) or Header(site="", since_ms=0, until_ms=_FOR_EVER_MS, devices=[])
    return msgspec.structs.replace(header, site=gateway["site"], gateway=gateway["gateway"])


def _past(bus: str, entry: Mapping[str, Any], profile: Profile | None) -> DevicePast:
    label, interval_ms = entry.get("label"), entry.get("interval_ms")
    groups = profile.groups if profile is not None else {}
    return DevicePast(
        device=entry["device"],
        profile=entry["profile"],
        bus=bus,
        unit=entry["unit"],
        label=Text(label["zh"], label["en"]) if label else None,
        intervals_ms=dict.fromkeys(groups, interval_ms) if interval_ms else {},
        unused=list(entry.get("unused", [])),
        out_of_service=list(entry.get("out_of_service", [])),
    )
