"""What hangs on a device: load chart, instruments, zero readings, layout and dangerous zones."""

from collections.abc import Iterator

from edge import instruments, zones
from edge.config.source import Source, nearest
from edge.settings import DeviceEntry, PitLayout
from sitewarden.charts import load_chart
from sitewarden.derived import DISPLACEMENTS, TILTS, DerivedPoint
from sitewarden.errors import ConfigurationError
from sitewarden.loadchart import LoadChart
from sitewarden.profiles import Profile


def misequipped(
    source: Source, where: str, entry: DeviceEntry, profile: Profile
) -> Iterator[ConfigurationError]:
    """What a device of this profile lacks, or has and cannot have."""
    yield from _chart_misplaced(source, where, entry, profile)
    yield from _instruments_unfit(source, where, entry, profile)
    yield from _zero_misplaced(source, where, entry, profile)
    yield from _layout_misplaced(source, where, entry, profile)


def _chart_misplaced(
    source: Source, where: str, entry: DeviceEntry, profile: Profile
) -> Iterator[ConfigurationError]:
    is_crane = profile.device_kind == "crane"
    if is_crane and entry.load_chart is None:
        message = "a crane needs its load chart, or no overload can be seen"
        yield source.error(f"{where}.load_chart", message, "Add `load_chart:`, a name or a file.")
    if not is_crane and entry.load_chart is not None:
        message = f"`{profile.profile}` is no crane and has no load chart"
        yield source.error(f"{where}.load_chart", message, "Remove the line.")


def _instruments_unfit(
    source: Source, where: str, entry: DeviceEntry, profile: Profile
) -> Iterator[ConfigurationError]:
    for fault in instruments.faults(entry.instruments, profile):
        yield source.error(f"{where}.instruments.{fault.field}", fault.message, fault.mend)


def _zero_misplaced(
    source: Source, where: str, entry: DeviceEntry, profile: Profile
) -> Iterator[ConfigurationError]:
    wanted = {key for key, point in profile.points.items() if point.kind in DISPLACEMENTS}
    wanted |= instruments.zeroed(entry.instruments)
    possible = wanted | {key for key, point in profile.points.items() if point.kind in TILTS}
    for key in entry.zero.keys() - possible:
        mend = nearest(key, possible, "Points with a zero are")
        message = "is not a displacement point of this profile, nor one of tilt or level"
        yield source.error(f"{where}.zero.{key}", message, mend)
    missing = sorted(wanted - entry.zero.keys())
    if missing:
        message = f"the zero reading of {', '.join(missing)} is missing"
        mend = "Give each one's first reading (mm, of tilt °), or name it under `unused:`."
        yield source.error(f"{where}.zero", message, mend)


def _layout_misplaced(
    source: Source, where: str, entry: DeviceEntry, profile: Profile
) -> Iterator[ConfigurationError]:
    if not isinstance(entry.layout, PitLayout):
        return
    for key in entry.layout.points_m.keys() - profile.points.keys():
        mend = nearest(key, profile.points, "Points are")
        yield source.error(f"{where}.layout.points_m.{key}", "is not a point of this profile", mend)


def zone_points(source: Source, where: str, entry: DeviceEntry, profile: Profile) -> tuple[DerivedPoint, ...]:
    """What the dangerous zones of a positioning system add to its points."""
    devices = {device.device for bus in source.file.buses for device in bus.devices}
    counted = {key: p.label for key, p in profile.points.items() if p.kind == zones.COUNTED}
    for key, zone in entry.zones.items():
        field = f"{where}.zones.{key}"
        if key not in counted:
            mend = nearest(key, set(counted), "Zones are")
            raise source.error(field, "is not a zone of this profile", mend)
        for i, name in enumerate(zone.while_alarmed):
            if name not in devices:
                mend = nearest(name, devices, "Devices are")
                raise source.error(f"{field}.while_alarmed.{i}", f"there is no device `{name}`", mend)
        if not zone.always and not zone.while_alarmed:
            mend = "Write `always: true`, or `while_alarmed:` with devices."
            raise source.error(field, "is never dangerous", mend)
    stale_ms = min((profile.stale_after_ms(key) for key in entry.zones), default=0)
    return zones.points_of(entry.device, entry.zones, counted, stale_ms)


def chart_of(source: Source, where: str, entry: DeviceEntry) -> LoadChart | None:
    """A crane's load chart, read."""
    if entry.load_chart is None:
        return None
    try:
        return load_chart(entry.load_chart, source.folder)
    except ConfigurationError as exc:
        raise source.pointed(exc, f"{where}.load_chart") from exc
