"""Rows of another system brought in: the same again is nothing new, what is changed is a new version.

All of a file or nothing; a trial does the work and takes it back, so it says what the deed would do.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, LiteralString

import msgspec
import psycopg
import pydantic
from psycopg.types.json import Jsonb

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, instant
from cloud.inspections.store import row as row_of
from cloud.intake.entering import Entering, enter
from cloud.intake.kinds import AttendanceRow, CraneRegistrationRow, Kind, Row, WeatherWarningRow
from cloud.intake.records import CheckRow, MeasureRow, RecordRow
from cloud.intake.telling import said_of
from cloud.jurisdictions.loading import jurisdiction
from cloud.notices.opening import Said, tell_from
from cloud.registry.known import KNOWN, SiteEntry, entry_of
from cloud.registry.sheets import Complaint
from cloud.settings import Settings
from sitewarden.text import Text

_SITE: LiteralString = (
    KNOWN
    + """
     WHERE (site.site = %(site)s OR (site.code <> '' AND site.code = %(site)s))
       AND sees_site(%(account)s, site.site, %(roles)s)
     ORDER BY site.site = %(site)s DESC LIMIT 1
"""
)
_AREA: LiteralString = """
    SELECT node, name, kind FROM tree_node
     WHERE tree = 'territory' AND (code = %(area)s OR name ->> 'zh' = %(area)s)
       AND rules_node(%(account)s, path, %(roles)s)
     ORDER BY code = %(area)s DESC, length(path) LIMIT 1
"""
_KNOWN: LiteralString = """
    SELECT version, body, first_received_at, late FROM intake_now
     WHERE (kind, system, external_id) = (%(kind)s, %(system)s, %(external_id)s)
"""
_INSERT: LiteralString = """
    INSERT INTO intake_record (kind, system, external_id, version, site, territory, body, late,
                               first_received_at, received_at, author, account_id)
        VALUES (%(kind)s, %(system)s, %(external_id)s, %(version)s, %(site)s, %(territory)s, %(body)s,
                %(late)s, %(first)s, %(now)s, %(author)s, %(account)s)
        ON CONFLICT DO NOTHING
        RETURNING version
"""
"""Nothing comes back where the number is of a record that he does not see."""
_ATTEND: LiteralString = """
    INSERT INTO attendance AS known (site, day, person, name, post, first_in, last_out, system, received_at)
        VALUES (%(site)s, %(day)s, %(person)s, %(name)s, %(post)s, %(first_in)s, %(last_out)s, %(system)s,
                %(now)s)
        ON CONFLICT (site, day, person, post) DO UPDATE
           SET name = excluded.name, first_in = excluded.first_in, last_out = excluded.last_out,
               system = excluded.system, received_at = excluded.received_at
         WHERE (known.name, known.first_in, known.last_out)
               IS DISTINCT FROM (excluded.name, excluded.first_in, excluded.last_out)
        RETURNING xmax = 0
"""


class Bringing(msgspec.Struct, frozen=True, kw_only=True):
    """Who brings what from which system, and when."""

    connection: AsyncConnection
    settings: Settings
    name: str
    """Of the kind."""
    kind: Kind
    system: str
    account: int | None
    author: str
    held: frozenset[str] = frozenset()
    """Roles of whoever brings it."""
    now_ms: int

    @property
    def scope(self) -> dict[str, Any]:
        """For whom rows are looked for."""
        return {"account": self.account, "roles": roles_with(self.kind.permission)}

    @property
    def now(self) -> dt.datetime:
        """When it comes in."""
        return instant(self.now_ms)


class Brought(msgspec.Struct, kw_only=True):
    """What has become of the rows."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    late: int = 0
    errors: list[Complaint] = []
    told: list[Said] = []


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it came: its line, or its place in the list."""

    line: int
    said: Any
    complaints: list[Complaint] = []


async def bring(bringing: Bringing, given: Iterable[Given], *, is_trial: bool) -> Brought:
    """Take all of them in, or none where one of them is wrong."""
    brought = Brought()
    async with bringing.connection.transaction() as transaction:
        for one in given:
            brought.errors += one.complaints
            if not one.complaints:
                await _take(bringing, one, brought)
        if is_trial or brought.errors:
            raise psycopg.Rollback(transaction)
        await tell_from(bringing.connection, bringing.settings, brought.told, bringing.now_ms)
    return brought


async def _take(bringing: Bringing, given: Given, brought: Brought) -> None:
    try:
        row = bringing.kind.row.model_validate(given.said)
    except pydantic.ValidationError as exc:
        brought.errors += [_of_validation(bringing.kind, given.line, error) for error in exc.errors()]
        return
    if isinstance(row, CheckRow | MeasureRow):
        await _enter(bringing, given, row, brought)
        return
    if isinstance(row, WeatherWarningRow):
        area = await row_of(bringing.connection, _AREA, {**bringing.scope, "area": row.area})
        if area is None:
            brought.errors.append(_unknown(bringing.kind, given.line, "area", row.area))
        else:
            await _keep(bringing, (given.line, row), {"site": None, "territory": area["node"]}, None, brought)
        return
    name = str(getattr(row, "site", ""))
    found = await row_of(bringing.connection, _SITE, {**bringing.scope, "site": name})
    if found is None:
        brought.errors.append(_unknown(bringing.kind, given.line, "site", name))
        return
    site = entry_of(found)
    if isinstance(row, AttendanceRow):
        await _attend(bringing, row, site, brought)
    else:
        await _keep(bringing, (given.line, row), {"site": site.site, "territory": None}, site, brought)


async def _enter(bringing: Bringing, given: Given, row: RecordRow, brought: Brought) -> None:
    """Keep what came, and where it is new or another enter it in its ledger."""
    area = site = None
    if row.area:
        area = await row_of(bringing.connection, _AREA, {**bringing.scope, "area": row.area})
        if area is None:
            brought.errors.append(_unknown(bringing.kind, given.line, "area", row.area))
            return
    if row.site:
        found = await row_of(bringing.connection, _SITE, {**bringing.scope, "site": row.site})
        if found is None:
            brought.errors.append(_unknown(bringing.kind, given.line, "site", row.site))
            return
        site = entry_of(found)
    if (area is None and site is None) or bringing.account is None:
        brought.errors.append(_nowhere(bringing.kind, given.line))
        return
    # Of the authority where there is one: it sees what it has done, also at a site that has left it.
    place = {
        "site": site.site if site is not None and area is None else None,
        "territory": None if area is None else area["node"],
    }
    if not await _keep(bringing, (given.line, row), place, None, brought):
        return
    entering = Entering(
        connection=bringing.connection,
        account=bringing.account,
        author=bringing.author,
        held=bringing.held,
        system=bringing.system,
        now_ms=bringing.now_ms,
    )
    mend = Text("改正这一项。", "Mend it.")
    for field, message in await enter(entering, row, area, None if site is None else site.site):
        title = _title(bringing.kind, field)
        brought.errors.append(Complaint(line=given.line, field=title, message=message, mend=mend))


async def _attend(bringing: Bringing, row: AttendanceRow, site: SiteEntry, brought: Brought) -> None:
    values = {**row.model_dump(), "site": site.site, "system": bringing.system, "now": bringing.now}
    made = await (await bringing.connection.execute(_ATTEND, values)).fetchone()
    if made is None:
        brought.unchanged += 1
    elif made[0]:
        brought.added += 1
    else:
        brought.changed += 1


async def _keep(
    bringing: Bringing,
    given: tuple[int, Row],
    place: dict[str, Any],
    site: SiteEntry | None,
    brought: Brought,
) -> bool:
    """Whether it was new, or another than before."""
    line, row = given
    body = row.model_dump(mode="json")
    named = {"kind": bringing.name, "system": bringing.system, "external_id": body.pop("external_id")}
    # Whoever sends the same at the same time waits here, and then finds it.
    await bringing.connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["/".join(named.values())]
    )
    known = await row_of(bringing.connection, _KNOWN, named)
    if known is not None and known["body"] == body:
        brought.unchanged += 1
        return False
    first = bringing.now if known is None else known["first_received_at"]
    late = is_late(row, site, first)
    values = {
        **named,
        **place,
        "version": 1 if known is None else known["version"] + 1,
        "body": Jsonb(body),
        "late": late,
        "first": first,
        "now": bringing.now,
        "author": bringing.author,
        "account": bringing.account,
    }
    if await row_of(bringing.connection, _INSERT, values) is None:
        brought.errors.append(_others(bringing.kind, line))
        return False
    brought.added += known is None
    brought.changed += known is not None
    brought.late += late
    said = said_of(row, values, site)
    if said is not None and (known is None or isinstance(row, WeatherWarningRow)):
        brought.told.append(said)
    return True


def is_late(row: Row, site: SiteEntry | None, received_at: dt.datetime) -> bool:
    """Whether a registration came later than the jurisdiction of its site allows."""
    if not isinstance(row, CraneRegistrationRow) or site is None:
        return False
    longest = dt.timedelta(seconds=jurisdiction(site.jurisdiction).crane_registration_push_s)
    return received_at - row.issued_at > longest


def _of_validation(kind: Kind, line: int, error: Any) -> Complaint:
    field = next((str(step) for step in error["loc"] if isinstance(step, str)), "")
    said = str((error.get("ctx") or {}).get("said") or error["msg"])
    if error["type"] == "identity-number":
        wrong = Text("像身份证号码", said)
        mend = Text("改用来源系统的人员编号，本平台不存身份证号。", "Give the other system's own number.")
    elif error["type"] == "missing" or error["input"] is None:
        wrong, mend = Text("没有填写", "is missing"), Text("填上这一项。", "Fill it in.")
    else:
        wrong = Text(f"不符合要求：{said}", said)
        mend = Text("改正这一项。", "Mend it.")
    return Complaint(line=line, field=_title(kind, field), message=wrong, mend=mend)


def _unknown(kind: Kind, line: int, field: str, said: str) -> Complaint:
    return Complaint(
        line=line,
        field=_title(kind, field),
        message=Text(f"没有“{said}”，或不归您管", f"there is no `{said}`, or it is not yours"),
        mend=Text("写本平台的名称或编码，或先建立它。", "Write its name or code here, or make it first."),
    )


def _nowhere(kind: Kind, line: int) -> Complaint:
    return Complaint(
        line=line,
        field=_title(kind, "area"),
        message=Text("没有说是哪里的", "it is said of nowhere"),
        mend=Text("部门检查填地区，企业自查填工地。", "Give the territory, or the site of a self check."),
    )


def _others(kind: Kind, line: int) -> Complaint:
    return Complaint(
        line=line,
        field=_title(kind, "external_id"),
        message=Text("这个编号已属于您看不到的记录", "the number is of a record that you do not see"),
        mend=Text("换一个来源系统名称或编号。", "Take another name of the system, or another number."),
    )


def _title(kind: Kind, field: str) -> str:
    return next((column.zh for column in kind.columns if column.field == field), field)
