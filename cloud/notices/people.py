"""Persons who are told, found and noted in the transaction that stores what they are told of.

However many alarms a batch brings and however many persons hear of them, the database is asked four times:
who holds which role there, who is on duty, which ways they have, and once to note it all. The first three
answers may be `kept`.
"""

import datetime as dt
import functools
import os
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import AsyncConnection, Connection, Row
from cloud.instants import rfc3339
from cloud.notices import words
from cloud.notices.kept import Kept
from cloud.notices.links import Link, token
from cloud.notices.rota import Override, Rota, Shift
from cloud.notices.telling import MESSAGES, Rule, Whom, kind_of

LINK_LASTS = dt.timedelta(hours=24)
LANGUAGES = ("zh", "en")

_HOLDERS: LiteralString = """
    WITH place AS (
        SELECT asked.*, t.path AS territory, e.path AS enterprise, its.path AS node_path
          FROM jsonb_to_recordset(%(places)s)
                   AS asked (n int, site text, node int, of_sites text[], devices text[], roles text[],
                             below boolean)
               LEFT JOIN site USING (site)
               LEFT JOIN tree_node AS t ON t.node = site.territory
               LEFT JOIN tree_node AS e ON e.node = site.enterprise
               LEFT JOIN tree_node AS its ON its.node = asked.node
    )
    SELECT place.n, given.account_id, array_agg(DISTINCT given.role ORDER BY given.role) AS roles
      FROM place
           JOIN assignment AS given ON given.role = ANY (place.roles)
           JOIN account AS whose ON whose.id = given.account_id AND whose.disabled_at IS NULL
           LEFT JOIN tree_node AS top ON top.node = given.node
           LEFT JOIN site AS own ON own.site = given.site AND place.below
           LEFT JOIN tree_node AS own_t ON own_t.node = own.territory
           LEFT JOIN tree_node AS own_e ON own_e.node = own.enterprise
     WHERE given.valid_from <= statement_timestamp()
       AND (given.valid_until IS NULL OR given.valid_until > statement_timestamp())
       AND (given.devices IS NULL OR place.devices && given.devices)
       AND (num_nonnulls(given.node, given.site) = 0 OR given.site = place.site
            OR starts_with(place.territory, top.path) OR starts_with(place.enterprise, top.path)
            OR starts_with(place.node_path, top.path)
            OR given.site = ANY (place.of_sites)
            OR EXISTS (SELECT FROM site AS one
                              JOIN tree_node AS x ON x.node IN (one.territory, one.enterprise)
                        WHERE one.site = ANY (place.of_sites) AND starts_with(x.path, top.path))
            OR (place.below AND (starts_with(top.path, place.node_path)
                                 OR starts_with(own_t.path, place.node_path)
                                 OR starts_with(own_e.path, place.node_path))))
     GROUP BY place.n, given.account_id ORDER BY place.n, given.account_id
"""
"""Who holds these roles at these places now; of something of devices, also who has only one of those."""
_ROTAS: LiteralString = """
    SELECT place.n, rota.role, rota.time_zone, rota.week,
           coalesce((SELECT jsonb_agg(jsonb_build_object('starts_at', starts_at, 'ends_at', ends_at,
                                                         'account', account_id) ORDER BY id)
                       FROM rota_override AS its
                      WHERE its.rota = rota.rota AND its.removed_at IS NULL
                            AND its.starts_at <= %(now)s AND its.ends_at > %(now)s), '[]') AS overrides
      FROM jsonb_to_recordset(%(places)s) AS place (n int, site text, node int)
           LEFT JOIN site USING (site)
           LEFT JOIN tree_node AS t ON t.node = site.territory
           LEFT JOIN tree_node AS e ON e.node = site.enterprise
           LEFT JOIN tree_node AS its_node ON its_node.node = place.node
           JOIN rota ON rota.removed_at IS NULL
           LEFT JOIN tree_node AS top ON top.node = rota.node
     WHERE rota.site = place.site OR starts_with(t.path, top.path) OR starts_with(e.path, top.path)
           OR starts_with(its_node.path, top.path)
     -- The nearest one holds: the site's own, then that of the lowest node.
     ORDER BY place.n, rota.role, rota.site IS NULL, length(top.path) DESC
"""
_WAYS: LiteralString = """
    SELECT way.channel, way.account_id, way.kind, way.language, (SELECT key FROM told_key) AS key
      FROM channel AS way JOIN channel AS via ON via.channel = way.via
     WHERE way.account_id = ANY (%(accounts)s) AND way.removed_at IS NULL AND way.is_on
           AND way.proved_at IS NOT NULL AND via.removed_at IS NULL AND via.is_on
     ORDER BY way.account_id, way.position, way.channel
"""
_KEY: LiteralString = """
    WITH made AS (INSERT INTO told_key (key) VALUES (%(key)s) ON CONFLICT DO NOTHING RETURNING key)
    SELECT key FROM made UNION ALL SELECT key FROM told_key LIMIT 1
"""
_NOTE: LiteralString = """
    WITH thing AS (
        INSERT INTO told AS known (told, kind, about, site, node, device, episode, level, words, page,
                                   created_at, step, due_at, ended, accounts, unheld)
            SELECT told, kind, about, site, node, device, episode, level, words, page, created_at, step,
                   due_at, ended, accounts, unheld
              FROM jsonb_to_recordset(%(things)s) AS thing (
                       told uuid, kind text, about text, site text, node int, device text, episode uuid,
                       level smallint, words jsonb, page text, created_at timestamptz, step int,
                       due_at timestamptz, ended text, accounts int[], unheld text[])
             ORDER BY about
            ON CONFLICT ON CONSTRAINT told_about DO UPDATE
                SET step = excluded.step, due_at = excluded.due_at, ended = excluded.ended,
                    accounts = known.accounts || excluded.accounts, unheld = excluded.unheld
              WHERE known.step < excluded.step AND known.ended IS NULL
            RETURNING known.told, known.step
    ), person AS (
        INSERT INTO told_person (told, account_id, step, roles, is_reached, stands_in, at, expires_at)
            SELECT told, account_id, step, roles, is_reached, stands_in, at, expires_at
              FROM jsonb_to_recordset(%(persons)s) AS person (
                       told uuid, account_id int, step int, roles text[], is_reached boolean,
                       stands_in boolean, at timestamptz, expires_at timestamptz)
                   JOIN thing USING (told, step)
    )
    SELECT told FROM thing
"""
"""The things and the persons, but nothing of a thing that was told before; returns the others."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """What persons are told of, at its first step or a later one."""

    told: UUID = msgspec.field(default_factory=uuid4)
    kind: str
    about: str
    site: str | None
    node: int | None = None
    of_sites: tuple[str, ...] = ()
    device: str | None = None
    device_kind: str | None = None
    behind: Mapping[str, str] = {}
    """Of a gateway: its devices, with their kinds."""
    episode: UUID | None = None
    only: int | None = None
    """This account alone."""
    level: int
    words: dict[str, words.Words]
    page: str
    created_at: dt.datetime
    step: int = 0

    @property
    def rule(self) -> Rule:
        """Who is told of it."""
        return kind_of(self.kind).rule(self.level)

    @property
    def whom(self) -> list[Whom]:
        """Those of its step."""
        return [
            whom
            for whom in self.rule.stage(self.step)
            if whom.devices is None or self._kinds & set(whom.devices)
        ]

    @property
    def devices(self) -> tuple[str, ...]:
        """All that it is of."""
        return (*(() if self.device is None else (self.device,)), *sorted(self.behind))

    @property
    def _kinds(self) -> frozenset[str | None]:
        return frozenset((self.device_kind, *self.behind.values()))


class Person(NamedTuple):
    """Somebody who is told."""

    account: int
    roles: list[str]
    stands_in: bool


class Asked(NamedTuple):
    """A query, whose rows are sent back."""

    query: LiteralString
    values: Row
    key: Hashable = None
    """Of what may be kept: what it depends on, beside what makes `Kept` forget."""


Asking = Generator[Asked, list[Row], list[Row]]
Place = tuple[str | None, int | None, tuple[str, ...], tuple[str, ...], bool]


def tell(
    connection: Connection,
    things: Sequence[Thing],
    pages: str | None,
    now: dt.datetime,
    kept: Kept | None = None,
) -> list[Row]:
    """Note which persons are told of these things, in the caller's transaction; returns their notices."""
    asking, rows = telling(things, pages, now), None
    try:
        while True:
            asked = next(asking) if rows is None else asking.send(rows)
            ask = functools.partial(_rows, connection, asked)
            rows = ask() if kept is None or asked.key is None else kept.get(asked.key, ask)
            if kept is not None and asked.query is _KEY:
                # Whoever asked for the ways was told that there was none.
                kept.forget()
    except StopIteration as end:
        notices: list[Row] = end.value
        return notices


def _rows(connection: Connection, asked: Asked) -> list[Row]:
    return connection.cursor(row_factory=dict_row).execute(asked.query, asked.values).fetchall()


async def tell_from(
    connection: AsyncConnection, things: Sequence[Thing], pages: str | None, now: dt.datetime
) -> list[Row]:
    """The same over the other kind of connection."""
    asking, rows = telling(things, pages, now), None
    cursor = connection.cursor(row_factory=dict_row)
    try:
        while True:
            asked = next(asking) if rows is None else asking.send(rows)
            await cursor.execute(asked.query, asked.values)
            rows = await cursor.fetchall() if cursor.description else []
    except StopIteration as end:
        notices: list[Row] = end.value
        return notices


def telling(things: Sequence[Thing], pages: str | None, now: dt.datetime) -> Asking:
    """What is asked of the database and noted in it; whoever drives it sends the rows of each answer."""
    things = [thing for thing in things if thing.rule.tell]
    if not things:
        return []
    numbers: dict[Place, int] = {}
    for thing in things:
        numbers.setdefault(_place(thing), len(numbers))
    places, where = Jsonb(_places(things, numbers)), _key(things, numbers)
    holders = yield Asked(_HOLDERS, {"places": places}, ("holders", where))
    duty: dict[tuple[int, str], frozenset[int]] = {}
    if any(whom.on_duty for thing in things for whom in thing.whom):
        duty = _on_duty((yield Asked(_ROTAS, {"places": places, "now": now}, ("rotas", where))), now)
    persons = {
        thing.told: persons_of(
            thing, _held(holders, numbers[_place(thing)]), _at(duty, numbers[_place(thing)])
        )
        for thing in things
    }
    accounts = sorted({person.account for found in persons.values() for person in found})
    ways = (yield Asked(_WAYS, {"accounts": accounts}, ("ways", *accounts))) if accounts else []
    key = ways[0]["key"] if ways else None
    if ways and key is None:
        key = (yield Asked(_KEY, {"key": os.urandom(32)}))[0]["key"]
    made = _Made(pages, None if key is None else bytes(key), now, ways)
    rows = made.rows(things, persons)
    new = {row["told"] for row in (yield Asked(_NOTE, rows._asdict()))}
    return [notice for notice in made.notices if notice["told"] in new]


def _place(thing: Thing) -> Place:
    return thing.site, thing.node, thing.of_sites, thing.devices, thing.rule.reach == "below"


def _places(things: Sequence[Thing], numbers: dict[Place, int]) -> list[Row]:
    roles: dict[int, set[str]] = {}
    for thing in things:
        roles.setdefault(numbers[_place(thing)], set()).update(whom.role for whom in thing.whom)
    return [
        {
            "n": n,
            "site": site,
            "node": node,
            "of_sites": of_sites,
            "devices": devices,
            "below": below,
            "roles": sorted(roles[n]),
        }
        for (site, node, of_sites, devices, below), n in numbers.items()
    ]


def _key(things: Sequence[Thing], numbers: dict[Place, int]) -> Hashable:
    """On what it depends who holds which of the roles that are asked for at these places."""
    asked = {(_place(thing), whom.role) for thing in things for whom in thing.whom}
    return tuple(numbers), frozenset(asked)


def _held(holders: Iterable[Row], place: int) -> dict[int, list[str]]:
    return {row["account_id"]: row["roles"] for row in holders if row["n"] == place}


def _at(duty: dict[tuple[int, str], frozenset[int]], place: int) -> dict[str, frozenset[int]]:
    return {role: accounts for (n, role), accounts in duty.items() if n == place}


def rota_of(row: Row) -> Rota:
    """A row of the rotas."""
    return Rota(
        time_zone=row["time_zone"],
        week=msgspec.convert(row["week"], list[Shift]),
        overrides=msgspec.convert(row["overrides"], list[Override]),
    )


def _on_duty(rows: list[Row], now: dt.datetime) -> dict[tuple[int, str], frozenset[int]]:
    """By place and role; the first row of each is of the nearest rota."""
    found: dict[tuple[int, str], frozenset[int]] = {}
    for row in rows:
        if (row["n"], row["role"]) not in found:
            found[row["n"], row["role"]] = rota_of(row).on_duty(now)
    return found


def persons_of(thing: Thing, held: dict[int, list[str]], duty: dict[str, frozenset[int]]) -> list[Person]:
    """Whom the table names, once each; pure.

    Where a rota has nobody who still holds the role, all who hold it stand in.
    """
    roles: dict[int, list[str]] = {}
    in_stead: dict[int, bool] = {}
    for whom in thing.whom:
        holders = {account for account, has in held.items() if whom.role in has}
        on_duty = duty.get(whom.role)
        told, stands_in = holders, False
        if whom.on_duty and on_duty is not None:
            told, stands_in = (holders & on_duty, False) if holders & on_duty else (holders, True)
        for account in told:
            roles.setdefault(account, []).append(whom.role)
            in_stead[account] = in_stead.get(account, True) and stands_in
    return [
        Person(account, sorted(roles[account]), in_stead[account])
        for account in sorted(roles)
        if thing.only in {None, account}
    ]


class _Noted(NamedTuple):
    """What `_NOTE` is given."""

    things: Jsonb
    persons: Jsonb


class _Made:
    """Rows of things, persons and notices."""

    def __init__(self, pages: str | None, key: bytes | None, now: dt.datetime, ways: list[Row]) -> None:
        self._pages, self._key, self._now = pages, key, now
        self.notices: list[Row] = []
        self._ways: dict[int, list[Row]] = {}
        for way in ways:
            self._ways.setdefault(way["account_id"], []).append(way)

    def rows(self, things: Sequence[Thing], persons: dict[UUID, list[Person]]) -> "_Noted":
        told: list[Row] = []
        heard: list[Row] = []
        for thing in things:
            found = persons[thing.told]
            told.append(self._thing(thing, found))
            for person in found:
                ways = self._chosen(thing, person)
                heard.append(self._person(thing, person, is_reached=bool(ways) or thing.rule.ways == ["app"]))
                self.notices += [self._notice(thing, person, way) for way in ways]
        return _Noted(Jsonb(told), Jsonb(heard))

    def _chosen(self, thing: Thing, person: Person) -> list[Row]:
        """The first way of writing, and the first of calling, as far as the table asks for them."""
        own = self._ways.get(person.account, [])
        kinds: list[Callable[[str], bool]] = []
        if "message" in thing.rule.ways:
            kinds.append(MESSAGES.__contains__)
        if "voice" in thing.rule.ways:
            kinds.append("voice".__eq__)
        firsts = (next((way for way in own if wanted(way["kind"])), None) for wanted in kinds)
        return [way for way in firsts if way is not None]

    def _thing(self, thing: Thing, persons: list[Person]) -> Row:
        rule, step = thing.rule, thing.step
        held = {role for person in persons for role in person.roles}
        wait_s = rule.wait_s(step)
        is_heard = any(self._chosen(thing, person) for person in persons)
        # From now: where we could not tell in time, those who are told now have their time all the same. But
        # where nobody could be told, whoever comes next need not wait for an answer that cannot come.
        due_at = None if wait_s is None else self._now + dt.timedelta(seconds=wait_s if is_heard else 0)
        return {
            **{
                name: getattr(thing, name)
                for name in ("kind", "about", "site", "node", "device", "level", "page", "step")
            },
            "told": str(thing.told),
            "episode": None if thing.episode is None else str(thing.episode),
            "words": {language: msgspec.to_builtins(said) for language, said in thing.words.items()},
            "created_at": rfc3339(thing.created_at),
            "due_at": None if due_at is None else rfc3339(due_at),
            "ended": None,
            "accounts": [person.account for person in persons],
            "unheld": sorted({whom.role for whom in thing.whom} - held),
        }

    def _person(self, thing: Thing, person: Person, *, is_reached: bool) -> Row:
        return {
            "told": str(thing.told),
            "account_id": person.account,
            "step": thing.step,
            "roles": person.roles,
            "is_reached": is_reached,
            "stands_in": person.stands_in,
            "at": rfc3339(self._now),
            "expires_at": rfc3339(self._now + LINK_LASTS) if thing.rule.chain else None,
        }

    def _notice(self, thing: Thing, person: Person, way: Row) -> Row:
        language = way["language"]
        link = None
        if thing.rule.chain and self._pages is not None and self._key is not None:
            # After # it reaches no server log and no proxy.
            link = f"{self._pages}/told#{token(self._key, Link(thing.told, person.account, thing.step))}"
        said = words.to_person(
            words.whole(thing.words[language], self._pages, thing.page),
            language,
            is_again=thing.step > 0,
            stands_in=person.stands_in,
            link=link,
        )
        return {
            "notice": uuid4(),
            "channel": way["channel"],
            "site": thing.site,
            "kind": thing.kind,
            # A further step is another notice.
            "about": f"{thing.about}/{thing.step}" if thing.step else thing.about,
            "level": thing.level,
            "title": said.title,
            "body": said.body,
            "created_at": self._now,
            "account_id": person.account,
            "told": thing.told,
            "step": thing.step,
        }


def both(make: Callable[[str], words.Words]) -> dict[str, Any]:
    """What is said, in each language."""
    return {language: make(language) for language in LANGUAGES}
