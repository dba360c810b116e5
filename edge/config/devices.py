"""A device, everything about it looked up and checked; the gateway itself is one too."""

from pathlib import Path
from typing import Any

import msgspec

from edge import itself
from edge.bindings import bind_rules, parameters_lacking, points_of, subject_of
from edge.config.equipment import chart_of, misequipped, zone_points
from edge.config.model import Device
from edge.config.parameters import point_parameters_unmeant
from edge.config.profiles import without_unused
from edge.config.rules import bound_rules, changes_misplaced, changes_of
from edge.config.source import Known, Source, nearest
from edge.settings import BusEntry, DeviceEntry
from edge.zones import Danger
from sitewarden.derived import InputMissingError, Subject
from sitewarden.loadchart import LoadChart
from sitewarden.messages import DeviceSetup, PointBirth
from sitewarden.profiles import Profile
from sitewarden.rules.binding import ParameterMissingError
from sitewarden.rules.packs import RulePack
from sitewarden.text import Text


def fields_of(source: Source, where: str, entry: DeviceEntry, bus: BusEntry, known: Known) -> dict[str, Any]:
    """What every device has, by the names of its fields."""
    profile = without_unused(source, where, entry, known.profiles[entry.profile])
    for error in misequipped(source, where, entry, profile):
        raise error
    intervals = {name: entry.interval_ms or group.interval_ms for name, group in profile.groups.items()}
    chart = chart_of(source, where, entry)
    subject = _subject_of(entry, profile, intervals, chart)
    group_points = known.group_points.get(entry.device, ()) + zone_points(source, where, entry, profile)
    points = (*_points(source, where, profile, subject), *(point.birth() for point in group_points))
    for error in (
        *point_parameters_unmeant(source, where, entry, points, known.packs),
        *changes_misplaced(source, entry.device, points, known.packs),
    ):
        raise error
    rules, unjudged = bound_rules(source, where, entry, points, packs=known.packs, raw=profile.points)
    device = Device(
        name=entry.device,
        profile=profile,
        label=entry.label or Text(entry.device, entry.device),
        intervals_ms=intervals,
        chart=chart,
        zero=dict(entry.zero),
        parameters=dict(entry.parameters),
        point_parameters=dict(entry.point_parameters),
        instruments=entry.instruments,
        points=points,
        group_points=group_points,
        danger=Danger(zones=entry.zones) if entry.zones else None,
        rules=tuple(rules),
        unjudged=tuple(unjudged),
        lacking=parameters_lacking(
            points, known.packs, parameters=entry.parameters, point_parameters=entry.point_parameters
        ),
        commissioning=entry.commissioning,
        out_of_service=_out_of_service(source, where, entry, points),
        history=_history(source, entry.history),
        layout=msgspec.to_builtins(entry.layout) if entry.layout else {},
        setup=_setup_of(source, entry, bus, intervals),
    )
    return msgspec.structs.asdict(device)


def _history(source: Source, name: str | None) -> Path | None:
    """A past is data more than configuration: it travels with a document or lies at the gateway already."""
    if not name:
        return None
    told = source.folder / name
    return told if told.is_file() else source.home / name


def _subject_of(
    entry: DeviceEntry, profile: Profile, intervals_ms: dict[str, int], chart: LoadChart | None
) -> Subject:
    return subject_of(
        entry.device,
        profile,
        intervals_ms,
        chart=chart,
        zero=entry.zero,
        parameters=entry.parameters,
        point_parameters=entry.point_parameters,
        instruments=entry.instruments,
    )


def _setup_of(source: Source, entry: DeviceEntry, bus: BusEntry, intervals_ms: dict[str, int]) -> DeviceSetup:
    """As the file has it, for the cloud to know."""
    return DeviceSetup(
        bus=bus.bus,
        unit=entry.unit,
        identity=entry.identity,
        intervals_ms=intervals_ms,
        unused=entry.unused,
        out_of_service=entry.out_of_service,
        load_chart=entry.load_chart,
        parameters=entry.parameters,
        point_parameters=entry.point_parameters,
        limit_changes=changes_of(source, entry.device),
        zero=entry.zero,
        instruments=entry.instruments,
        crane_group=_crane_group(source, entry.device),
    )


def _points(source: Source, where: str, profile: Profile, subject: Subject) -> tuple[PointBirth, ...]:
    try:
        return points_of(subject)
    except InputMissingError as exc:
        message = f"in the profile `{profile.profile}` {exc}"
        mend = "A crane's ratios need load, radius and falls."
        raise source.error(f"{where}.profile", message, mend) from exc


def _out_of_service(
    source: Source, where: str, entry: DeviceEntry, points: tuple[PointBirth, ...]
) -> frozenset[str]:
    known = {birth.p.partition("/")[2] for birth in points}
    for i, key in enumerate(entry.out_of_service):
        if key not in known:
            mend = nearest(key, known, "Points are")
            raise source.error(f"{where}.out_of_service.{i}", f"`{key}` is not a point of it", mend)
    return frozenset(f"{entry.device}/{key}" for key in entry.out_of_service)


def _crane_group(source: Source, device: str) -> dict[str, Any]:
    """The whole group that a crane is in, for the cloud to know; empty where it is in none."""
    for group in source.file.crane_groups:
        if any(crane.crane == device for crane in group.cranes):
            return {**msgspec.to_builtins(group), "obstacles": msgspec.to_builtins(source.file.obstacles)}
    return {}


def gateway_itself(source: Source, packs: list[RulePack]) -> Device:
    """The gateway as a device of its own, which says how it fares."""
    name = source.file.gateway
    points = itself.points_of(name)
    for error in changes_misplaced(source, name, points, packs):
        raise error
    # Rules on its own kinds only: one on any device means those that are read.
    own = [
        msgspec.structs.replace(pack, rules=[r for r in pack.rules if r.watch.startswith(itself.KIND)])
        for pack in packs
    ]
    raw, changes = {birth.p for birth in points}, source.file.limit_changes
    try:
        rules, _ = bind_rules(points, raw, own, parameters={}, changes=changes)
    except ParameterMissingError as exc:
        raise source.error("rules", str(exc), "Write the number itself: a gateway has none.") from exc
    return Device(
        name=name,
        profile=itself.PROFILE,
        label=itself.label_of(name),
        intervals_ms={},
        chart=None,
        zero={},
        parameters={},
        points=points,
        rules=tuple(rules),
        history=None,
        layout={},
        setup=DeviceSetup(limit_changes=changes_of(source, name)),
    )
