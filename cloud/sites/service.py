"""How rows become what is shown of a site. Pure."""

import datetime as dt
from collections.abc import Container, Iterable
from typing import NamedTuple

from cloud.alarms.model import RequestShown, ShelfShown
from cloud.database import Row, instant
from cloud.instants import rfc3339
from cloud.registry.known import SiteEntry
from cloud.settings import Settings
from cloud.shown import TextShown
from cloud.sites.model import Device, Gateway, Outbox, Point, Presence, SiteFacts
from sitewarden.points import vocabulary

SILENCE = dt.timedelta(seconds=30)
"""Three heartbeats; whoever is silent for longer is offline, whatever it said last."""
CLONE_SHOWN = dt.timedelta(days=1)
"""So long two machines under one name are shown after they were last seen."""


def site_facts(settings: Settings, site: SiteEntry) -> SiteFacts:
    """A site as it is known."""
    return SiteFacts(
        id=site.site,
        name=TextShown.of(site.name),
        time_zone=site.time_zone,
        demo=settings.demo,
    )


class GatewayRows(NamedTuple):
    """What the database has of the gateways of some sites."""

    gateways: list[Row]
    shelves: list[Row]
    requests: list[Row]


def gateways_shown(rows: GatewayRows, now: dt.datetime) -> dict[str, list[Gateway]]:
    """The gateways of each site as they fare, also one that was never heard."""
    shelves, requests = _by_gateway(rows.shelves), _by_gateway(rows.requests)
    found: dict[str, list[Gateway]] = {}
    for row in rows.gateways:
        whose = row["site"], row["name"]
        shown = _gateway(row, shelves.get(whose, []), requests.get(whose, []), now)
        found.setdefault(row["site"], []).append(shown)
    return found


def presence(row: Row, now: dt.datetime) -> Presence:
    """Whether it speaks: by when it was last heard, whatever it said last."""
    state: Presence = row["state"]
    is_silent = row["seen_at"] is None or now - row["seen_at"] > SILENCE
    return "offline" if state == "online" and is_silent else state


def cloned_at(row: Row, now: dt.datetime) -> str | None:
    """When two machines were last seen under its name; forgotten in a day, or when it got a new password."""
    at: dt.datetime | None = row["cloned_at"]
    renewed_at: dt.datetime | None = row["issued_at"]
    if at is None or now - at > CLONE_SHOWN or (renewed_at is not None and renewed_at > at):
        return None
    return rfc3339(at)


def devices_shown(rows: Iterable[Row], points: Iterable[Row]) -> list[Device]:
    """Devices with their points, in the order of their births."""
    by_device: dict[str, list[Point]] = {}
    for row in points:
        by_device.setdefault(row["device"], []).append(_point(row))
    return [
        Device(
            id=row["device"],
            gateway=row["gateway"],
            kind=row["kind"],
            label=row["label"],
            profile=row["profile"],
            layout=row["layout"],
            commissioning=row["commissioning"],
            points=by_device.get(row["device"], []),
        )
        for row in rows
    ]


def device_of(point: str) -> str:
    """The device that a point is of, by its name."""
    return point.partition("/")[0]


def is_among(device: str | None, devices: Container[str] | None) -> bool:
    """Whether it is one of them; with none given all of them are."""
    return devices is None or device in devices


def narrowed(gateway: Gateway, devices: Container[str] | None) -> Gateway:
    """The gateway as whoever sees some devices only sees it: of others it tells nothing but ids of alarms."""
    if devices is None:
        return gateway
    shelved = [shelf for shelf in gateway.shelved if device_of(shelf.point) in devices]
    requests = [request for request in gateway.requests if device_of(request.point) in devices]
    return gateway.model_copy(update={"shelved": shelved, "requests": requests})


def _by_gateway(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["site"], row["gateway"]), []).append(row)
    return found


def _gateway(row: Row, shelves: list[Row], requests: list[Row], now: dt.datetime) -> Gateway:
    name = row["name"]
    if row["id"] is None:
        outbox = Outbox(alarms=0, readings=0, oldest_at=None)
        return Gateway(
            id=name,
            state="unknown",
            seen_at=None,
            boot=None,
            outbox=outbox,
            disk_free_bytes=None,
            clock="unknown",
            shelved=[],
            states={},
            requests=[],
            cloned_at=None,
        )
    return Gateway(
        id=name,
        state=presence(row, now),
        seen_at=row["seen_at"],
        boot=row["boot"],
        outbox=Outbox(
            alarms=row["outbox_alarms"], readings=row["outbox_readings"], oldest_at=row["oldest_at"]
        ),
        disk_free_bytes=row["disk_free_bytes"],
        clock=row["clock"],
        clock_offset_ms=row["clock_offset_ms"],
        software=row["software"],
        health=row["health"],
        cloned_at=cloned_at(row, now),
        shelved=[_shelf(shelf) for shelf in shelves],
        states=row["states"],
        requests=[_request(request) for request in requests],
    )


def _shelf(row: Row) -> ShelfShown:
    return ShelfShown(**{**_without_gateway(row), "until": instant(row["until"])})


def _request(row: Row) -> RequestShown:
    return RequestShown(**_without_gateway(row))


def _without_gateway(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in {"site", "gateway"}}


def _point(row: Row) -> Point:
    kind = vocabulary().get(row["kind"])
    plain = {"zh": kind.zh, "en": kind.en} if kind else {"zh": row["kind"], "en": row["kind"]}
    return Point(
        id=row["name"],
        key=row["name"].partition("/")[2],
        kind=row["kind"],
        unit=kind.unit if kind else "",
        resolution=row["resolution"],
        label=TextShown(**(row["label"] or plain)),
        stale_after_ms=row["stale_after_ms"],
        limits=row["limits"],
    )
