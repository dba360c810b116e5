"""Notices are made in the very transaction that stores what they tell of: none is without the other."""

import functools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import LiteralString
from uuid import UUID, uuid4

import msgspec
import psycopg
from psycopg.rows import dict_row

from cloud.database import AsyncConnection, Connection, Row, instant, kept_or_not, wait
from cloud.hazards.around import Told
from cloud.notices import people, queue, words
from cloud.notices.kept import Kept
from cloud.notices.telling import kind_of
from cloud.registry.known import Sites
from cloud.settings import Settings
from sitewarden.text import Text

log = logging.getLogger(__name__)

_CALLER: LiteralString = "SELECT current_setting('sitewarden.account', true)"
_BE: LiteralString = "SELECT set_config('sitewarden.account', %s, true)"
_MAJOR_LEVEL = 4
"""A record that is suspected major is told to everybody, however high a channel's lowest level."""

_EPISODES: LiteralString = """
    SELECT id, site, device, kind, level, label, value, "limit", unit, raised_at, cleared_at, late, clock,
           hazard_id
      FROM episode WHERE id = ANY(%s) AND NOT test ORDER BY raised_at, id
"""
"""Those of a device on trial call nobody."""
_HAZARDS: LiteralString = """
    SELECT id, site, number, device, level, worst_level, content, category, opened_at, mode, due_at,
           (SELECT kind FROM device AS its
             WHERE (its.site, its.mode, its.device) = (hazard.site, hazard.mode, hazard.device)
           ) AS device_kind
      FROM hazard WHERE id = ANY(%s) ORDER BY opened_at, id
"""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch of live alarms has brought that was not there before."""

    episodes: Mapping[UUID, Text]
    """New ones, with the name of their device."""
    hazards: list[UUID]
    """Records that were opened, or touched."""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """In which words, and at what instant."""

    settings: Settings
    sites: Sites
    now_ms: int
    is_listened: bool = True
    """Unless it is known that no channel is on."""
    kept: Kept | None = None
    """Answers that a lane has kept, and that still hold."""


def tell(connection: Connection, telling: Telling, news: News) -> None:
    """Make the notices of a batch, each for every channel that it goes to.

    An alarm is worth more than its notice: whatever goes wrong here is logged, and the alarm is stored all
    the same.
    """
    if not telling.settings.tells or not telling.is_listened or not (news.episodes or news.hazards):
        return
    if not tell_by(connection, lambda: _notices(connection, telling, news)):
        # One of them cannot be told: it must not silence the others. What an alarm opened is told by itself.
        for part in _parts(news):
            tell_by(connection, functools.partial(_notices, connection, telling, part))


def tell_of(connection: Connection, telling: Telling, told: list[Told]) -> None:
    """Tell of what has become of records in this transaction; it has, whatever goes wrong here."""
    if not (telling.settings.tells and telling.is_listened and told):
        return
    if not tell_by(connection, lambda: _happenings(connection, telling, told)):
        for one in told:
            tell_by(connection, functools.partial(_happenings, connection, telling, [one]))


def _parts(news: News) -> Iterator[News]:
    for episode, device in news.episodes.items():
        yield News(episodes={episode: device}, hazards=[])
    for hazard in news.hazards:
        yield News(episodes={}, hazards=[hazard])


def tell_by(connection: Connection, make: Callable[[], list[Row]]) -> bool:
    """Keep the notices that `make` makes, or none of them, say so in the log and return false."""
    wait(connection)
    try:
        with kept_or_not(connection):
            queue.put(connection, make())
    except psycopg.OperationalError:
        raise
    except Exception:
        # The last resort: what nobody thought of in a gateway's words must not cost what it tells of.
        log.exception("no notices")
        return False
    return True


def _happenings(connection: Connection, telling: Telling, told: list[Told]) -> list[Row]:
    rows = read(connection, _HAZARDS, [one.hazard_id for one in told])
    records = {row["id"]: row for row in rows if row["mode"] == "live"}
    said = [_happened(telling, records[one.hazard_id], one) for one in told if one.hazard_id in records]
    return made(connection, telling, said)


def _happened(telling: Telling, record: Row, told: Told) -> "Said":
    if told.kind == "major":
        return _of_hazard(telling, record)
    shown, due_at = _told_of(telling, record), record["due_at"]
    return Said(
        site=record["site"],
        kind=told.kind,
        about=f"{record['id']}/{told.seq}",
        level=_MAJOR_LEVEL if record["level"] == "major" else _level(record),
        words=lambda language: words.happened(shown, told.kind, due_at, language),
        device=record["device"],
        device_kind=record["device_kind"],
    )


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, before it is known to whom."""

    site: str | None = None
    node: int | None = None
    """Of what is told at a node of the trees and not at a site."""
    of_sites: tuple[str, ...] = ()
    """Of what is told at no place of its own: to whoever answers for any of these sites, once each."""
    kind: str
    """One of `telling.yaml`."""
    about: UUID | str
    """What it is of: its identity, and where more than one thing may be said of it, `/` and which.

    The same is told once.
    """
    level: int
    words: Callable[[str], words.Words]
    """By language."""
    device: str | None = None
    device_kind: str | None = None
    behind: Mapping[str, str] = {}
    """Of a gateway: its devices, with their kinds."""
    episode: UUID | None = None
    """Of an alarm."""
    only: int | None = None
    """Of those whom the table names this account alone is told, and no channel."""

    @property
    def page(self) -> str:
        """The path of the view that it speaks of."""
        return kind_of(self.kind).path(site=self.site, id=str(self.about).partition("/")[0])


Reading = Callable[[AsyncConnection], Awaitable[list[Said]]]
"""Finds what is said over the connection that will store it."""


def tell_site(connection: Connection, telling: Telling, said: Said) -> None:
    """Tell of something at a site in this transaction: channels, and persons by the table."""
    _tell_one(connection, telling, said)


def tell_node(connection: Connection, telling: Telling, said: Said) -> None:
    """The same of something at a territory or an enterprise."""
    _tell_one(connection, telling, said)


def _tell_one(connection: Connection, telling: Telling, said: Said) -> None:
    if telling.settings.tells:
        tell_by(connection, lambda: made(connection, telling, [said]))


async def tell_from(
    connection: AsyncConnection, settings: Settings, said: list[Said] | Reading, now_ms: int
) -> None:
    """The same of what a person does, over the connection that acts for him; it is done, whatever goes wrong.

    Who listens is not for him to see: meanwhile the connection acts for the program, also while what is said
    is read.
    """
    if not settings.tells or not said:
        return
    try:
        async with connection.transaction():
            row = await (await connection.execute(_CALLER)).fetchone()
            await connection.execute(_BE, [""])
            things = said if isinstance(said, list) else await said(connection)
            await _put(connection, settings, things, now_ms)
            await connection.execute(_BE, [None if row is None else row[0]])
    except psycopg.OperationalError:
        raise
    except Exception:
        # The last resort: a notice must not cost what it tells of.
        log.exception("no notices")


def _sites_of(said: Sequence[Said]) -> list[str]:
    own = {one.site for one in said if one.site is not None}
    return sorted(own.union(*(one.of_sites for one in said)))


async def _put(connection: AsyncConnection, settings: Settings, said: list[Said], now_ms: int) -> None:
    sites = _sites_of(said)
    cursor = connection.cursor(row_factory=dict_row)
    channels = await (await cursor.execute(queue.LISTENERS, [sites])).fetchall()
    things = [thing(one, now_ms) for one in said]
    rows = await people.tell_from(connection, things, settings.notices.pages, instant(now_ms))
    rows += [row for one in said for row in addressed(one, channels, settings, now_ms)]
    if rows:
        await connection.execute(queue.PUT, queue.put_values(rows))


def made(
    connection: Connection, telling: Telling, said: list[Said], to_persons: Sequence[Said] = ()
) -> list[Row]:
    """Note which persons are told of it; returns the notices, to them and to channels.

    Of what is `to_persons` they alone are told.
    """
    if not said:
        return []
    sites = _sites_of(said)
    now, kept = instant(telling.now_ms), telling.kept
    if kept is None:
        channels = queue.listeners(connection, sites)
    else:
        kept.renew(connection, telling.sites, now)
        channels = kept.get(("channels", *sites), lambda: queue.listeners(connection, sites))
    things = [thing(one, telling.now_ms) for one in (*said, *to_persons)]
    rows = people.tell(connection, things, telling.settings.notices.pages, now, kept)
    settings, now_ms = telling.settings, telling.now_ms
    return rows + [row for one in said for row in addressed(one, channels, settings, now_ms)]


def thing(said: Said, now_ms: int) -> people.Thing:
    """The same as persons are told of it."""
    return people.Thing(
        kind=said.kind,
        about=f"{said.kind}/{said.about}",
        site=said.site,
        node=said.node,
        of_sites=said.of_sites,
        device=said.device,
        device_kind=said.device_kind,
        behind=said.behind,
        episode=said.episode,
        only=said.only,
        level=said.level,
        words=people.both(said.words),
        page=said.page,
        created_at=instant(now_ms),
    )


def _notices(connection: Connection, telling: Telling, news: News) -> list[Row]:
    both = reading(connection, _HAZARDS, news.hazards), reading(connection, _EPISODES, list(news.episodes))
    touched, episodes = (cursor.fetchall() for cursor in both)
    # A drill calls nobody: it is on the pages, marked as one.
    live = [row for row in touched if row["mode"] == "live"]
    opened = {row["id"]: row for row in live if row["opened_at"] == instant(telling.now_ms)}
    said, quiet = [], []
    for episode in episodes:
        record = opened.pop(episode["hazard_id"], None)
        alarm = _of_alarm(telling, episode, news.episodes[episode["id"]], record)
        said.append(alarm)
        if record is not None and not kind_of("alarm").rule(alarm.level).tell:
            # Of so low an alarm no person hears, but of the record that it opened.
            quiet.append(_of_hazard(telling, record))
    said += [_of_hazard(telling, record) for record in opened.values()]
    return made(connection, telling, said, quiet)


def _of_alarm(telling: Telling, episode: Row, device: Text, record: Row | None) -> Said:
    site = telling.sites[episode["site"]]
    told = words.Told(
        site_name=site.name,
        time_zone=site.time_zone,
        device=device,
        label=Text(**episode["label"]),
        level=episode["level"],
        value=_figure(episode["value"], episode["unit"]),
        limit=_figure(episode["limit"], episode["unit"]),
        raised_at=episode["raised_at"],
        cleared_at=episode["cleared_at"],
        late=episode["late"],
        clock=episode["clock"],
        hazard=None if record is None else record["number"],
        major=record is not None and _is_major(record),
        link=link_of(telling.settings, _page_of(episode, record)),
    )
    return Said(
        site=site.site,
        kind="alarm",
        about=episode["id"],
        level=max(episode["level"], 0 if record is None else _level(record)),
        words=functools.partial(words.alarm, told),
        device=episode["device"],
        device_kind=str(episode["kind"]).partition(".")[0],
        episode=episode["id"],
    )


def _page_of(episode: Row, record: Row | None) -> str:
    """The record's where one was opened, for there it is handled."""
    if record is not None:
        return kind_of("hazard").path(id=record["id"])
    return kind_of("alarm").path(site=episode["site"], id=episode["id"])


def _told_of(telling: Telling, record: Row) -> words.Told:
    site = telling.sites[record["site"]]
    return words.Told(
        site_name=site.name,
        time_zone=site.time_zone,
        device=Text(record["device"] or "", record["device"] or ""),
        label=Text(**record["category"]),
        level=record["worst_level"],
        raised_at=record["opened_at"],
        hazard=record["number"],
        hazard_text=Text(**record["content"]),
        major=_is_major(record),
        link=link_of(telling.settings, f"hazards/{record['id']}"),
    )


def _of_hazard(telling: Telling, record: Row) -> Said:
    return Said(
        site=record["site"],
        kind="major" if _is_major(record) else "hazard",
        about=record["id"],
        level=_level(record),
        words=functools.partial(words.hazard, _told_of(telling, record)),
        device=record["device"],
        device_kind=record["device_kind"],
    )


def _is_major(record: Row) -> bool:
    return bool(record["level"] == "major_proposed")


def _level(record: Row) -> int:
    return _MAJOR_LEVEL if _is_major(record) else int(record["worst_level"])


def addressed(said: Said, channels: list[Row], settings: Settings, now_ms: int) -> Iterator[Row]:
    """A notice for each channel that wants it, in its language."""
    for channel in channels if said.only is None else ():
        if channel["site"] in {None, said.site, *said.of_sites} and said.level >= channel["lowest"]:
            found = words.whole(said.words(channel["language"]), settings.notices.pages, said.page)
            yield {
                "notice": uuid4(),
                "channel": channel["channel"],
                "site": said.site,
                "kind": said.kind,
                "about": f"{said.kind}/{said.about}",
                "level": said.level,
                "title": found.title,
                "body": found.body,
                "created_at": instant(now_ms),
            }


def _figure(value: float, unit: str) -> str:
    """As people write it: no more digits than anybody reads."""
    return f"{value:.6g}{'' if unit in {'%', '°'} else ' '}{'' if unit == '1' else unit}".rstrip()


def link_of(settings: Settings, path: str) -> str | None:
    """The address of a page, where it is known under which the pages are."""
    pages = settings.notices.pages
    return None if pages is None else f"{pages}/{path.removeprefix('/')}"


def read(connection: Connection, query: LiteralString, ids: list[UUID]) -> list[Row]:
    """What a query says of these; nothing of none."""
    if not ids:
        return []
    return reading(connection, query, ids).fetchall()


def reading(connection: Connection, query: LiteralString, ids: list[UUID]) -> psycopg.Cursor[Row]:
    """The same, not waited for."""
    return connection.cursor(row_factory=dict_row).execute(query, [ids])
