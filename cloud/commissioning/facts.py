"""All that counts for a device's commissioning, gathered from the registry, the trials and the gateway."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import NamedTuple

from cloud.commissioning import store
from cloud.commissioning.readiness import Announced, Binding, Facts, File, Sent, Tried, Witnessed
from cloud.configuration.service import Of, current, version_of
from cloud.database import AsyncConnection, Row, milliseconds, row_of, rows_of
from cloud.profiles.denials import denials_at, product_of, refused
from cloud.profiles.service import Kept, kept
from cloud.registry.kinds import Around
from cloud.trials.model import TrialShown
from sitewarden.points import point_kind
from sitewarden.profiles import ModbusProfile
from sitewarden.profiles.paper import on_paper
from sitewarden.quality import Quality
from sitewarden.text import Text

ON_THE_WAY_MS = 2_000
"""So long a reading may take from its gateway to here: what is polled five times a second is stale there
after 0.6 s, and a busy line needs as much."""


class Live(NamedTuple):
    """A point of the device at this moment."""

    name: str
    label: Text
    unit: str
    value: float | None
    quality: Quality | None
    at: dt.datetime | None
    age_ms: int | None
    is_fresh: bool
    is_occasional: bool


class Gathered(NamedTuple):
    """What the page shows and what is judged."""

    facts: Facts
    bound: Row | None
    profile: Kept | None
    read: TrialShown | None
    conformance: TrialShown | None
    sent: Row | None
    checks: Sequence[Row]
    live: Sequence[Live]


async def gather(around: Around, device: Row) -> Gathered:
    """Everything of one device; `device` is its file."""
    connection = around.connection
    named = {"site": around.site.site, "device": device["device"], "mode": around.mode}
    bound = await store.bound(connection, named)
    profile = None if bound is None else await kept(connection, bound["profile"], bound["profile_version"])
    read, conformance = (None, None) if bound is None else await _trials(connection, named, bound)
    sent = None
    if bound is not None and bound["configuration"] is not None:
        sent = await version_of(connection, Of(named["site"], bound["gateway"]), bound["configuration"])
    checks = await rows_of(connection, store.CHECKS, named)
    live = await _live(around, named, profile)
    announced = await row_of(connection, store.ANNOUNCED, named)
    is_polled = profile is None or isinstance(profile.profile, ModbusProfile)
    facts = Facts(
        file=await _file(around, named, device),
        binding=None if bound is None else _binding(bound),
        denied=await _denied(connection, named, device, profile),
        is_polled=is_polled,
        paper=[] if is_polled or profile is None else _paper(profile),
        unheard=[one.name for one in live if not (one.is_fresh or one.is_occasional)],
        read=None if read is None else tried(read),
        conformance=None if conformance is None else tried(conformance),
        sent=None if bound is None or sent is None else await _sent(connection, named["site"], bound, sent),
        announced=None if announced is None else Announced(**announced),
        checks=_newest_of_each(checks, bound),
        is_commissioned=bound is not None and bound["commissioned_at"] is not None,
    )
    return Gathered(facts, bound, profile, read, conformance, sent, checks, live)


async def _denied(connection: AsyncConnection, named: Row, device: Row, profile: Kept | None) -> list[str]:
    products = [product_of(device), *(profile.profile.products if profile is not None else [])]
    return list(dict.fromkeys(refused(products, await denials_at(connection, named["site"]))))


def _binding(bound: Row) -> Binding:
    return Binding(
        gateway=bound["gateway"],
        bus=bound["bus"],
        unit=bound["unit"],
        profile=bound["profile"],
        version=bound["profile_version"],
    )


async def _trials(
    connection: AsyncConnection, named: Row, bound: Row
) -> tuple[TrialShown | None, TrialShown | None]:
    found = {
        row["kind"]: TrialShown(**row) for row in await rows_of(connection, store.TRIALS, {**bound, **named})
    }
    return found.get("read"), found.get("conformance")


def tried(shown: TrialShown) -> Tried:
    """A trial as it is judged."""
    report = shown.report
    return Tried(
        state=shown.state,
        why=None if shown.why is None else Text(shown.why.zh, shown.why.en),
        findings=[
            Text(its.says.zh, its.says.en)
            for its in (report.checks if report else [])
            if its.level == "finding"
        ],
        hints=[
            Text(f"{point.point}：{hint.says.zh}", f"{point.point}: {hint.says.en}")
            for point in (report.points if report else [])
            for hint in point.hints
        ],
    )


def _paper(profile: Kept) -> list[Text]:
    return [its.says for its in on_paper(profile.profile) if its.level == "finding"]


async def _sent(connection: AsyncConnection, site: str, bound: Row, row: Row) -> Sent:
    if row["state"] == "superseded":
        # A later one took its place, and has the device too.
        row = (await current(connection, Of(site, bound["gateway"]))).newest or row
    return Sent(version=row["version"], state=row["state"], why=_why(row))


def _why(row: Row) -> str:
    said = [] if row["why"] is None else [f"{row['why']['zh']} / {row['why']['en']}"]
    faults = [f"{its.get('file', '')}:{its.get('line', 0)} {its['message']}" for its in row["errors"]]
    return "; ".join([*said, *faults[:3]])


async def _file(around: Around, named: Row, device: Row) -> File:
    connection = around.connection
    registration = await row_of(connection, store.REGISTRATION, named) or {}
    until: dt.date | None = registration.get("valid_until")
    today = around.now.astimezone(zoneinfo.ZoneInfo(around.site.time_zone)).date()
    is_expired = until is not None and until < today
    chart = await row_of(connection, store.HAS_CHART, named)
    pit = await rows_of(connection, store.WITHOUT_DESIGN, named)
    return File(
        kind=device["kind"],
        serial_no=device["serial_no"],
        property_no=device["property_no"],
        registration_no="" if is_expired else registration.get("document_no", ""),
        is_registration_expired=is_expired,
        has_parties=bool(device["parties"]),
        has_chart=chart is not None and bool(chart["is_so"]),
        points_without_design=[row["point"] for row in pit],
    )


def _newest_of_each(checks: Sequence[Row], bound: Row | None) -> list[Witnessed]:
    place = None if bound is None else (bound["gateway"], bound["bus"], bound["unit"], bound["identity"])
    newest: dict[str, Row] = {}
    for row in checks:
        newest.setdefault(row["point"], row)
    return [
        Witnessed(
            point=point,
            profile=row["profile"],
            version=row["profile_version"],
            is_passed=row["is_passed"],
            is_approved=row["approved_by"] is not None,
            is_of_place=(row["gateway"], row["bus"], row["bound_unit"], row["identity"]) == place,
        )
        for point, row in newest.items()
    ]


async def _live(around: Around, named: Row, profile: Kept | None) -> list[Live]:
    rows = await rows_of(around.connection, store.NOW, named)
    return [_point(row, around.now, profile) for row in rows]


def _point(row: Row, now: dt.datetime, profile: Kept | None) -> Live:
    kind = point_kind(row["kind"])
    label = Text(row["label"]["zh"], row["label"]["en"]) if row["label"] else kind.label
    quality = None if row["quality"] is None else Quality(row["quality"])
    age_ms = None if row["at"] is None else milliseconds(now) - milliseconds(row["at"])
    # Of a clock that runs ahead nobody knows when it was read.
    is_fresh = (
        quality is Quality.GOOD
        and age_ms is not None
        and abs(age_ms) <= row["stale_after_ms"] + ON_THE_WAY_MS
    )
    value = None if row["value"] is None else float(f"{row['value'] * row['resolution']:.12g}")
    return Live(
        name=row["name"],
        label=label,
        unit=kind.unit,
        value=value,
        quality=quality,
        at=row["at"],
        age_ms=age_ms,
        is_fresh=is_fresh,
        is_occasional=_is_occasional(profile, row["name"]),
    )


def _is_occasional(profile: Kept | None, name: str) -> bool:
    """Whether nothing need have been heard: it is said when something happens, or is derived."""
    if profile is None:
        return True
    point = profile.profile.points.get(name.partition("/")[2])
    return point is None or profile.profile.groups[point.group].occasional
