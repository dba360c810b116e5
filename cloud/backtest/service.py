"""A site's history out of the database: to be judged, written to a file, or packed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from cloud.backtest import store
from cloud.backtest.asked import Asked, NoSuchDeviceError
from cloud.backtest.gateway_file import GatewayFacts
from cloud.backtest.in_force import InForce, in_force, shipped_packs
from cloud.backtest.limits import DeviceLimits, SiteLimits, limits_of
from cloud.database import Connection, Row
from cloud.registry.known import SiteEntry
from sitewarden import __version__
from sitewarden.charts import load_chart
from sitewarden.errors import ConfigurationError
from sitewarden.history import DevicePast, Header, HistoryWriter, Track
from sitewarden.history.rows import Rows
from sitewarden.loadchart import LoadChart
from sitewarden.messages import DeviceSetup, PointBirth
from sitewarden.text import Text
from sitewarden.topics import Mode

ROWS_AT_ONCE = 500_000
"""Of an export: what is held in memory and written as one part of the file."""


class DatabaseSource:
    """A history that is read when it is asked for; one connection, one thread."""

    def __init__(
        self,
        connection: Connection,
        header: Header,
        points: Mapping[str, store.StoredPoint],
        notes: list[Text],
    ) -> None:
        """Made by `open_history`."""
        self.header, self.notes = header, notes
        self._connection, self._points = connection, points

    def tracks(self, points: Sequence[str], first_ms: int, end_ms: int) -> dict[str, Track]:
        """The readings of these points at `first_ms` <= instant < `end_ms`; those without any left out."""
        read = (
            (point, store.read_track(self._connection, self._points[point], first_ms, end_ms))
            for point in points
        )
        return {point: track for point, track in read if track is not None}

    def stored(self, point: str) -> store.StoredPoint:
        """The point as the registry has it."""
        return self._points[point]

    def count(self, points: Iterable[str], since_ms: int, until_ms: int, most: int) -> int:
        """How many readings there are; no more than one above `most`."""
        stored = [self._points[point] for point in points]
        return store.count_readings(self._connection, stored, since_ms, until_ms, most)


def open_history(connection: Connection, asked: Asked, gateway: GatewayFacts | None = None) -> DatabaseSource:
    """The history asked for; `gateway` adds what the registry does not know, and wins over it.

    Raises `NoSuchDeviceError`.
    """
    site = asked.site
    devices = store.devices_of(connection, asked)
    if asked.device is not None and not devices:
        raise NoSuchDeviceError(f"the site `{site.site}` has no device `{asked.device}`")
    names = {row["device"] for row in devices}
    stored = store.points_of(connection, site.site, asked.mode)
    points = {name: point for name, point in stored.items() if point.device in names}
    setups = {row["device"]: msgspec.convert(row["setup"], DeviceSetup) for row in devices}
    told = in_force(points.values(), shipped_packs(), setups)
    if gateway is not None:
        told = InForce(packs=gateway.packs, changes=gateway.changes)
    header = Header(
        site=site.site,
        gateway=devices[0]["gateway"] if len({row["gateway"] for row in devices}) == 1 else "",
        name=site.name,
        time_zone=site.time_zone,
        since_ms=asked.since_ms,
        until_ms=asked.until_ms,
        devices=[_device(row, points.values(), gateway) for row in devices],
        gaps=store.gaps_of(connection, asked),
        alarms=store.alarms_of(connection, asked),
        rules=told.packs,
        changes=told.changes,
        software=__version__,
    )
    return DatabaseSource(connection, header, points, _notes(told))


def limits_in_force(connection: Connection, site: SiteEntry, mode: Mode) -> SiteLimits:
    """The limits of the devices that the site has now."""
    # An empty range: the devices of the newest births, and none that only had readings once.
    rows = store.devices_of(connection, Asked(site, None, 0, 0, mode))
    stored = store.points_of(connection, site.site, mode)
    current = {name: point for name, point in stored.items() if point.current}
    devices, notes = list[DeviceLimits](), list[Text]()
    # Each gateway has packs of its own: what one runs says nothing of another's devices.
    for gateway in dict.fromkeys(row["gateway"] for row in rows):
        own = [row for row in rows if row["gateway"] == gateway]
        setups = {row["device"]: msgspec.convert(row["setup"], DeviceSetup) for row in own}
        points = {name: point for name, point in current.items() if point.device in setups}
        told = in_force(points.values(), shipped_packs(), setups)
        devices += [limits_of(gateway, _device(row, points.values(), None), points, told) for row in own]
        # A rule whose text is not here is shown as it was announced.
        notes += _notes(msgspec.structs.replace(told, unknown=[]))
    return SiteLimits(site=site.site, devices=devices, notes=notes)


def export(source: DatabaseSource, file: Path) -> int:
    """Write the history to a file, Parquet or CSV by its ending; how many readings."""
    header = source.header
    points = sorted(point.p for device in header.devices for point in device.points)
    written = 0
    with HistoryWriter(file, header) as out:
        for first_ms, end_ms in _parts(source, points):
            rows = Rows.of(source.tracks(points, first_ms, end_ms))
            if rows.at_ms.size:
                out.add(rows.points, rows.which, rows.at_ms, rows.values, rows.quality)
            written += rows.at_ms.size
    return written


def _parts(source: DatabaseSource, points: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The range cut in halves until a part is small enough to hold."""
    waiting = [(source.header.since_ms, source.header.until_ms)]
    while waiting:
        first_ms, end_ms = waiting.pop()
        middle_ms = (first_ms + end_ms) // 2
        if middle_ms > first_ms and source.count(points, first_ms, end_ms, ROWS_AT_ONCE) > ROWS_AT_ONCE:
            waiting += [(middle_ms, end_ms), (first_ms, middle_ms)]
        else:
            yield first_ms, end_ms


def _device(row: Row, points: Iterable[store.StoredPoint], gateway: GatewayFacts | None) -> DevicePast:
    told = msgspec.convert(row["setup"], DeviceSetup)
    setup = told if gateway is None else gateway.setups.get(row["device"], told)
    return DevicePast(
        device=row["device"],
        profile=row["profile"],
        label=Text(**row["label"]),
        bus=setup.bus,
        unit=setup.unit,
        intervals_ms=setup.intervals_ms or told.intervals_ms,
        unused=setup.unused,
        out_of_service=setup.out_of_service,
        points=[
            PointBirth(p=point.name, kind=point.kind, label=point.label, stale_after_ms=point.stale_after_ms)
            for point in points
            if point.device == row["device"]
        ],
        chart=_chart(setup.load_chart),
        parameters=setup.parameters,
        point_parameters=setup.point_parameters,
        zero=setup.zero,
        instruments=setup.instruments,
        crane_group=setup.crane_group,
        layout=row["layout"],
    )


def _chart(name: str | None) -> LoadChart | None:
    """A shipped chart; one of the site's own is only on its gateway."""
    # A gateway's word is never taken as a path of this machine.
    if name is None or name.endswith(".yaml"):
        return None
    try:
        return load_chart(name, Path())
    except ConfigurationError:
        return None


def _notes(told: InForce) -> list[Text]:
    notes = []
    if told.unknown:
        names = ", ".join(told.unknown)
        notes.append(
            Text(
                f"网关运行的以下规则，云端没有其文本，未参与回测：{names}。用 --gateway gateway.yaml 给出。",
                f"gateways run rules whose text the cloud does not have; they were left out: {names}."
                " Give them with --gateway gateway.yaml.",
            )
        )
    if told.older:
        names = ", ".join(told.older)
        notes.append(
            Text(
                f"网关运行的以下规则版本较旧，按云端的现有版本判断：{names}。",
                f"gateways run older versions of rules that were judged by the shipped ones: {names}.",
            )
        )
    if told.differing:
        names = ", ".join(told.differing)
        notes.append(
            Text(
                f"网关公布的以下限值与云端规则给出的不同，按网关公布的判断：{names}。",
                "gateways announced limits that are not what the rules here give; they were judged by the"
                f" announced ones: {names}.",
            )
        )
    return notes
