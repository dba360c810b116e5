"""The kinds of records of a site: each is a table, three models, and what must hold beyond the models."""

import datetime as dt
import hashlib
import zoneinfo
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec

from cloud.database import AsyncConnection, Row, rows_of
from cloud.problems import ProblemError, not_found
from cloud.registry import model, store
from cloud.registry.images import NoImageError, image_of
from cloud.registry.known import SiteEntry
from cloud.registry.lifecycle import Done, OutOfOrderError, Standing, commissioning_finding, standing
from cloud.registry.service import in_use
from cloud.registry.store import Key, Table
from cloud.registry.works import scale_of, works
from sitewarden.topics import Mode

EXPIRING = dt.timedelta(days=30)
"""So long before its end a certificate is marked."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record is looked at or changed."""

    connection: AsyncConnection
    site: SiteEntry
    mode: Mode
    now: dt.datetime

    @property
    def today(self) -> dt.date:
        """The day on the site's calendar."""
        return self.now.astimezone(zoneinfo.ZoneInfo(self.site.time_zone)).date()

    async def names(self, query: Any, *parameters: Any) -> set[str]:
        """The first column of a query."""
        cursor = await self.connection.execute(query, parameters)
        return {row[0] for row in await cursor.fetchall()}


Dressed = list[dict[str, Any]]


def _values(given: model.Given) -> dict[str, Any]:
    return given.model_dump(exclude={"id"})


async def _nothing(_around: Around, _row: Row) -> None:
    """No rule beyond the models."""


async def _removable(_around: Around, _key: Key) -> None:
    """Nothing but foreign keys keeps it."""


async def _plain(_around: Around, rows: list[Row]) -> Dressed:
    return [{} for _ in rows]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of record."""

    word: str
    """In complaints and in the log of changes."""
    path: str
    """Of its list, below the site's registry."""
    table: Table
    given: type[model.Given]
    new: type[model.Given]
    """Given with the name it gets; the same as `given` where it gets a UUID."""
    shown: type[model.Versioned]
    values: Callable[[Any], dict[str, Any]] = _values
    check: Callable[[Around, Row], Awaitable[None]] = _nothing
    """Raises a problem where a record just written cannot be so."""
    edited_with: str = "registry.edit"
    """The permission."""
    free: Callable[[Around, Key], Awaitable[None]] | None = _removable
    """Raises a problem where a record must stay; `None`: records of this kind always do."""
    dress: Callable[[Around, list[Row]], Awaitable[Dressed]] = _plain
    """What is shown beside the columns."""

    @property
    def is_named(self) -> bool:
        """Whether people name its records."""
        return self.new is not self.given

    def key(self, text: str) -> Key:
        """The key in an address; a problem where it cannot be one."""
        if self.is_named:
            return text
        try:
            return UUID(text)
        except ValueError:
            raise not_found(self.word) from None

    def new_key(self, given: Any) -> Key:
        """The key of a new record."""
        return str(given.id) if self.is_named else uuid4()

    async def shown_of(self, around: Around, rows: list[Row]) -> list[Any]:
        """The records as they are shown."""
        fields = self.shown.model_fields
        dressed = await self.dress(around, rows)
        return [
            self.shown(**{name: value for name, value in {**row, **more}.items() if name in fields})
            for row, more in zip(rows, dressed, strict=True)
        ]


def _refusal(field: str, code: str, detail: str, **values: str | float | list[str]) -> ProblemError:
    said = f"{field}: {detail}"
    return ProblemError(422, "invalid", "It cannot be so", said, field=field, code=code, values=values)


async def _check_devices(around: Around, row: Row) -> None:
    asked = {"site": around.site.site, "devices": row["devices"]}
    unknown = [found["device"] for found in await rows_of(around.connection, store.UNKNOWN_DEVICES, asked)]
    if unknown:
        detail = f"the site has no device file {', '.join(unknown)}"
        raise _refusal("devices", "unknown-devices", detail, devices=unknown)


# gateways


async def _check_gateway(around: Around, row: Row) -> None:
    """Whoever is retired is shut out at this moment: a day that is still to come would silence its alarms."""
    if row["retired_on"] is not None and row["retired_on"] > around.today:
        raise _refusal("retired_on", "retires-in-future", "lies in the future; retire it when it has gone")


# plans


def _plan_values(given: model.PlanGiven) -> dict[str, Any]:
    try:
        image = image_of(given.image)
    except NoImageError as exc:
        raise _refusal("image", "no-image", str(exc)) from exc
    return {
        "name": given.name.model_dump(),
        **image._asdict(),
        "sha256": hashlib.sha256(given.image).hexdigest(),
        "image": given.image,
    }


# devices


async def standings(around: Around, rows: Iterable[Row]) -> dict[str, Standing]:
    """How far the lives of these devices have gone, by name."""
    kinds = {row["device"]: row["kind"] for row in rows}
    steps: dict[str, list[Done]] = {device: [] for device in kinds}
    for row in await rows_of(around.connection, store.STEPS, [around.site.site, list(kinds)]):
        steps[row["device"]].append(Done(row["step"], row["done_on"], row["valid_until"]))
    return {device: standing(kinds[device], done, around.today) for device, done in steps.items()}


async def _dress_devices(around: Around, rows: list[Row]) -> Dressed:
    names, site = [row["device"] for row in rows], around.site.site
    lives = await standings(around, rows)
    charts = await around.names(store.CHARTS, site, names)
    rows = await rows_of(around.connection, store.COMMISSIONED, [site, around.mode, names])
    announced = {row["device"]: row["commissioning"] for row in rows}
    return [
        {
            **{field: value for field, value in lives[name]._asdict().items() if field != "step"},
            "standing": lives[name].step,
            "has_chart": name in charts,
            "is_announced": name in announced,
            "finding": commissioning_finding(lives[name], announced.get(name)),
        }
        for name in names
    ]


async def _check_device(around: Around, row: Row) -> None:
    if row["geometry"] is not None and row["kind"] != "crane":
        raise _refusal("geometry", "only-of-a-crane", "only a crane has one")
    await _check_order(around, row)


async def _check_order(around: Around, device: Row) -> None:
    try:
        await standings(around, [device])
    except OutOfOrderError as exc:
        raise ProblemError(
            409,
            "out-of-order",
            "Its time has not come",
            str(exc),
            field="step",
            values={"step": exc.step, "missing": list(exc.missing)},
        ) from exc


async def _free_device(around: Around, key: Key) -> None:
    if await rows_of(around.connection, store.BOUND, {"site": around.site.site, "device": key}):
        raise in_use()


async def _check_step(around: Around, row: Row) -> None:
    """In the order of a life, also of steps that somebody else records at this moment."""
    if row["done_on"] > around.today:
        raise _refusal("done_on", "in-future", "lies in the future")
    if row["valid_until"] is not None and row["valid_until"] < row["done_on"]:
        raise _refusal("valid_until", "ends-before-it-begins", "lies before the step itself")
    await _check_life(around, row["device"])


async def _check_life(around: Around, name: str) -> None:
    device = await store.read(around.connection, DEVICES.table, around.site.site, name, locked=True)
    if device is not None:
        await _check_order(around, device)


async def _check_chart(around: Around, row: Row) -> None:
    device = await store.read(around.connection, DEVICES.table, around.site.site, row["device"])
    if device is not None and device["kind"] != "crane":
        raise _refusal("id", "only-of-a-crane", "only a crane has a load chart")


# people, pits, works


def validity(valid_from: dt.date | None, valid_until: dt.date, today: dt.date) -> model.Validity:
    """How a certificate stands on that day; it holds on its last one."""
    if valid_until < today:
        return "expired"
    if valid_from is not None and valid_from > today:
        return "not_yet"
    return "expiring" if valid_until < today + EXPIRING else "valid"


async def _dress_operators(around: Around, rows: list[Row]) -> Dressed:
    return [{"validity": validity(row["valid_from"], row["valid_until"], around.today)} for row in rows]


async def _check_operator(around: Around, row: Row) -> None:
    if row["valid_from"] is not None and row["valid_from"] > row["valid_until"]:
        raise _refusal("valid_until", "ends-before-it-begins", "lies before valid_from")
    await _check_devices(around, row)


async def _dress_pits(around: Around, rows: list[Row]) -> Dressed:
    counted = await rows_of(around.connection, store.POINTS_OF_PITS, [around.site.site])
    points = {row["pit"]: row["n"] for row in counted}
    return [{"points": points.get(row["pit"], 0)} for row in rows]


async def _dress_points(around: Around, rows: list[Row]) -> Dressed:
    names = [row["point"] for row in rows]
    announced = await around.names(store.ANNOUNCED_POINTS, around.site.site, around.mode, names)
    return [{"is_announced": name in announced} for name in names]


async def _check_work(around: Around, row: Row) -> None:
    measures = works().categories[row["category"]].measures
    for name in row["dimensions"]:
        if name not in measures:
            detail = f"a work of this kind is judged by {', '.join(measures) or 'none'}"
            raise _refusal(f"dimensions.{name}", "no-such-dimension", detail, name=name)
    if row["starts_on"] is not None and row["ends_on"] is not None and row["ends_on"] < row["starts_on"]:
        raise _refusal("ends_on", "ends-before-it-begins", "lies before starts_on")
    await _check_devices(around, row)


async def _dress_works(around: Around, rows: list[Row]) -> Dressed:
    site, devices = around.site.site, sorted({device for row in rows for device in row["devices"]})
    announced = await around.names(store.ANNOUNCED_DEVICES, site, around.mode, devices)
    asked = {"site": site, "mode": around.mode, "devices": devices, "now": around.now}
    heard = {row["device"] for row in await rows_of(around.connection, store.HEARD_DEVICES, asked)}
    return [_dressed_work(row, announced, heard) for row in rows]


def _dressed_work(row: Mapping[str, Any], announced: set[str], heard: set[str]) -> dict[str, Any]:
    category, bound = works().categories.get(row["category"]), set(row["devices"])
    scale = "unknown" if category is None else scale_of(category, row["dimensions"])
    if category is None or not category.needs_monitoring or row["status"] != "under_way":
        monitoring = "not_needed"
    elif bound & heard:
        monitoring = "connected"
    else:
        monitoring = "silent" if bound & announced else "not_connected"
    return {
        "scale": scale,
        "lacks_review": scale == "over_scale" and not row["conclusion"],
        "monitoring": monitoring,
    }


GATEWAYS = Kind(
    word="gateway",
    path="gateways",
    edited_with="gateways.edit",
    table=Table(name="site_gateway", key="gateway"),
    given=model.GatewayGiven,
    new=model.GatewayNew,
    shown=model.RegisteredGateway,
    check=_check_gateway,
    # What it said refers to it: it is retired, not removed.
    free=None,
)
PLANS = Kind(
    word="plan",
    path="plans",
    table=Table(
        name="plan",
        key="plan",
        hidden=("image",),
        shown=("site", "plan", "name", "media_type", "width", "height", "sha256", "version"),
    ),
    given=model.PlanGiven,
    new=model.PlanNew,
    shown=model.Plan,
    values=_plan_values,
)
ZONES = Kind(
    word="zone",
    path="zones",
    table=Table(name="zone", key="zone"),
    given=model.ZoneGiven,
    new=model.ZoneNew,
    shown=model.Zone,
)
DEVICES = Kind(
    word="device",
    path="devices",
    table=Table(name="device_file", key="device"),
    given=model.DeviceGiven,
    new=model.DeviceNew,
    shown=model.DeviceFile,
    check=_check_device,
    free=_free_device,
    dress=_dress_devices,
)


async def _free_step(around: Around, key: Key) -> None:
    """A step upon which others rest stays: the life must be in order without it as well."""
    row = await store.read(around.connection, STEPS.table, around.site.site, key)
    if row is None:
        return
    # Within the transaction: what is wrong without it brings it back.
    await store.remove(around.connection, STEPS.table, around.site.site, key)
    await _check_life(around, row["device"])


STEPS = Kind(
    word="step",
    path="steps",
    table=Table(name="device_step", key="step_id", owner="device"),
    given=model.StepGiven,
    new=model.StepGiven,
    shown=model.DeviceStep,
    check=_check_step,
    free=_free_step,
)
CHARTS = Kind(
    word="load chart",
    path="charts",
    table=Table(name="load_chart", key="device"),
    given=model.ChartGiven,
    new=model.ChartNew,
    shown=model.Chart,
    check=_check_chart,
)
OPERATORS = Kind(
    word="operator",
    path="operators",
    table=Table(name="operator", key="operator"),
    given=model.OperatorGiven,
    new=model.OperatorGiven,
    shown=model.Operator,
    check=_check_operator,
    dress=_dress_operators,
)
PITS = Kind(
    word="pit",
    path="pits",
    table=Table(name="pit", key="pit"),
    given=model.PitGiven,
    new=model.PitNew,
    shown=model.Pit,
    dress=_dress_pits,
)
POINTS = Kind(
    word="point",
    path="points",
    table=Table(name="pit_point", key="point", owner="pit"),
    given=model.PointGiven,
    new=model.PointNew,
    shown=model.PitPoint,
    dress=_dress_points,
)
WORKS = Kind(
    word="dangerous work",
    path="works",
    table=Table(name="dangerous_work", key="work"),
    given=model.WorkGiven,
    new=model.WorkGiven,
    shown=model.DangerousWork,
    check=_check_work,
    dress=_dress_works,
)

KINDS = (GATEWAYS, PLANS, ZONES, DEVICES, STEPS, CHARTS, OPERATORS, PITS, POINTS, WORKS)
