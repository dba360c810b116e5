"""Rows of another system brought in: the same again is nothing new, what is changed is a new version.

All of a file or nothing; a trial does the work and takes it back, so it says what the deed would do.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, LiteralString

import msgspec
import psycopg
import pydantic
from psycopg.types.json import Jsonb

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, instant, row_of, rows_of
from cloud.instants import local
from cloud.intake.complaints import Titles
from cloud.intake.entering import Entering, enter
from cloud.intake.forgetting import KEPT
from cloud.intake.kinds import AttendanceRow, CraneRegistrationRow, Kind, Row
from cloud.intake.records import CheckRow, MeasureRow, RecordRow
from cloud.intake.telling import is_news, said_of
from cloud.jurisdictions.loading import jurisdiction
from cloud.notices.opening import Said, tell_from
from cloud.registry.known import KNOWN, SiteEntry, entry_of
from cloud.registry.sheets import Complaint
from cloud.settings import Settings

_SITE: LiteralString = (
    KNOWN
    + """
     WHERE (site.site = %(site)s OR (site.code <> '' AND site.code = %(site)s))
       AND sees_site(%(account)s, site.site, %(roles)s)
     ORDER BY site.site = %(site)s DESC LIMIT 2
"""
)
_AREA: LiteralString = """
    SELECT node, name, kind, code = %(area)s AS is_sure FROM tree_node
     WHERE tree = 'territory' AND (code = %(area)s OR name ->> 'zh' = %(area)s)
       AND rules_node(%(account)s, path, %(roles)s)
     ORDER BY code = %(area)s DESC LIMIT 2
"""
_KNOWN: LiteralString = """
    SELECT version, body, site, first_received_at, late FROM intake_now
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
        ON CONFLICT (site, day, person, post, system) DO UPDATE
           SET name = excluded.name, first_in = excluded.first_in, last_out = excluded.last_out,
               received_at = excluded.received_at
         WHERE (known.name, known.first_in, known.last_out)
               IS DISTINCT FROM (excluded.name, excluded.first_in, excluded.last_out)
        RETURNING xmax = 0
"""


_CLOCKS_DIFFER = dt.timedelta(hours=1)


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
    titles: Titles = Titles()
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


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A sound row, with where it is of."""

    line: int
    row: Row
    area: dict[str, Any] | None
    site: SiteEntry | None


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it came: its line, or its place in the list."""

    line: int
    said: Any
    complaints: list[Complaint] = []


async def bring(bringing: Bringing, given: Iterable[Given], *, is_trial: bool) -> Brought:
    """Take all of them in, or none where one of them is wrong."""
    brought = Brought()
    async with bringing.connection.transaction() as transaction:
        # Whoever brings from the same system at the same time waits here, and then finds it: row by row
        # two of them would wait for one another.
        query = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
        await bringing.connection.execute(query, [f"intake/{bringing.name}/{bringing.system}"])
        for line, row in _read(bringing, given, brought):
            await _take(bringing, line, row, brought)
        if is_trial or brought.errors:
            raise psycopg.Rollback(transaction)
        await tell_from(bringing.connection, bringing.settings, brought.told, bringing.now_ms)
    return brought


def _read(bringing: Bringing, given: Iterable[Given], brought: Brought) -> Iterator[tuple[int, Row]]:
    """The rows that are sound, each once: a number with two meanings would change to and fro for ever."""
    known: dict[tuple[str, ...], tuple[int, Row]] = {}
    for one in given:
        brought.errors += one.complaints
        if one.complaints:
            continue
        try:
            row = bringing.kind.row.model_validate(one.said)
        except pydantic.ValidationError as exc:
            brought.errors += [bringing.titles.of_validation(one.line, error) for error in exc.errors()]
            continue
        line, first = known.setdefault(row.key, (one.line, row))
        if first is row:
            yield line, row
        elif first == row:
            brought.unchanged += 1
        else:
            field = "person" if isinstance(row, AttendanceRow) else "external_id"
            brought.errors.append(bringing.titles.said_twice(one.line, field, line))


async def _take(bringing: Bringing, line: int, row: Row, brought: Brought) -> None:
    area = site = None
    if name := getattr(row, "area", ""):
        area = await _area(bringing, line, name, brought)
        if area is None:
            return
    if name := getattr(row, "site", ""):
        site = await _site(bringing, line, name, brought)
        if site is None:
            return
    if _is_ahead(row, bringing.now):
        brought.errors.append(bringing.titles.coded(line, "issued_at", "in-future", "is in the future"))
        return
    placed = Placed(line=line, row=row, area=area, site=site)
    if isinstance(row, CheckRow | MeasureRow):
        await _enter(bringing, row, placed, brought)
    elif isinstance(row, AttendanceRow) and site is not None:
        await _attend(bringing, line, row, site, brought)
    else:
        await _keep(bringing, placed, brought)


async def _area(bringing: Bringing, line: int, name: str, brought: Brought) -> dict[str, Any] | None:
    found = await rows_of(bringing.connection, _AREA, {**bringing.scope, "area": name})
    if not found:
        brought.errors.append(bringing.titles.unknown(line, "area", name))
        return None
    if len(found) > 1 and not found[0]["is_sure"]:
        brought.errors.append(bringing.titles.ambiguous(line, "area", name))
        return None
    return found[0]


async def _site(bringing: Bringing, line: int, name: str, brought: Brought) -> SiteEntry | None:
    found = await rows_of(bringing.connection, _SITE, {**bringing.scope, "site": name})
    if not found:
        brought.errors.append(bringing.titles.unknown(line, "site", name))
        return None
    if len(found) > 1 and found[0]["site"] != name:
        brought.errors.append(bringing.titles.ambiguous(line, "site", name))
        return None
    return entry_of(found[0])


async def _enter(bringing: Bringing, row: RecordRow, placed: Placed, brought: Brought) -> None:
    """Keep what came, and where it is new or another enter it in its ledger."""
    area, site, line = placed.area, placed.site, placed.line
    if (area is None and site is None) or bringing.account is None:
        brought.errors.append(bringing.titles.nowhere(line))
        return
    # Of the authority where there is one: it sees what it has done, also at a site that has left it.
    of = placed if area is None else msgspec.structs.replace(placed, site=None)
    if not await _keep(bringing, of, brought):
        return
    entering = Entering(
        connection=bringing.connection,
        account=bringing.account,
        author=bringing.author,
        held=bringing.held,
        system=bringing.system,
        now_ms=bringing.now_ms,
    )
    for field, problem in await enter(entering, row, area, None if site is None else site.site):
        brought.errors.append(bringing.titles.of_problem(line, field, problem))


async def _attend(
    bringing: Bringing, line: int, row: AttendanceRow, site: SiteEntry, brought: Brought
) -> None:
    today = local(bringing.now, site.time_zone).date()
    if row.day > today:
        brought.errors.append(bringing.titles.coded(line, "day", "in-future", "is in the future"))
        return
    if row.day < today - KEPT:
        brought.errors.append(bringing.titles.coded(line, "day", "too-old", "is older than what is kept"))
        return
    values = {**row.model_dump(), "site": site.site, "system": bringing.system, "now": bringing.now}
    made = await (await bringing.connection.execute(_ATTEND, values)).fetchone()
    if made is None:
        brought.unchanged += 1
    elif made[0]:
        brought.added += 1
    else:
        brought.changed += 1


async def _keep(bringing: Bringing, placed: Placed, brought: Brought) -> bool:
    """Whether it was new, or another than before."""
    row, area, site = placed.row, placed.area, placed.site
    body = row.model_dump(mode="json")
    named = {"kind": bringing.name, "system": bringing.system, "external_id": body.pop("external_id")}
    known = await row_of(bringing.connection, _KNOWN, named)
    if known is not None and _says_the_same(row, known["body"]):
        brought.unchanged += 1
        return False
    first = bringing.now if known is None else known["first_received_at"]
    late = is_late(row, site, first)
    values = {
        **named,
        "site": None if site is None else site.site,
        "territory": None if area is None else area["node"],
        "version": 1 if known is None else known["version"] + 1,
        "body": Jsonb(body),
        "late": late,
        "first": first,
        "now": bringing.now,
        "author": bringing.author,
        "account": bringing.account,
    }
    if await row_of(bringing.connection, _INSERT, values) is None:
        brought.errors.append(bringing.titles.of_others(placed.line))
        return False
    brought.added += known is None
    brought.changed += known is not None
    brought.late += late
    said = said_of(row, values, site)
    # Nobody at another site has heard of what was taken for its.
    before = known["body"] if known is not None and known["site"] == values["site"] else None
    if said is not None and is_news(row, before):
        brought.told.append(said)
    return True


def _says_the_same(row: Row, before: dict[str, Any]) -> bool:
    """Whether that is what was kept: the same instant by other clocks is the same."""
    try:
        return type(row).model_validate({"external_id": row.key[0], **before}) == row
    except pydantic.ValidationError:
        # As an older version of this program took it.
        return False


def _is_ahead(row: Row, now: dt.datetime) -> bool:
    """Whether it was issued later than now, beyond what clocks differ by: what is, would never be late."""
    issued_at = getattr(row, "issued_at", None)
    return issued_at is not None and issued_at > now + _CLOCKS_DIFFER


def is_late(row: Row, site: SiteEntry | None, received_at: dt.datetime) -> bool:
    """Whether a registration came later than the jurisdiction of its site allows."""
    if not isinstance(row, CraneRegistrationRow) or site is None:
        return False
    longest = dt.timedelta(seconds=jurisdiction(site.jurisdiction).crane_registration_push_s)
    return received_at - row.issued_at > longest
