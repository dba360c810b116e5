"""Rotas as they are kept, with who is on duty by them."""

import datetime as dt
from typing import LiteralString

import msgspec

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, rows_of
from cloud.instants import local, rfc3339
from cloud.notices.rota import Override, Rota, Shift, Span, begin_of
from cloud.notices.rota_model import (
    Candidate,
    DutyKinds,
    Hours,
    OverrideShown,
    RotaShown,
    ShiftGiven,
    SpanShown,
)
from cloud.notices.telling import table
from cloud.shown import TextShown, from_json

AHEAD = dt.timedelta(days=14)

_ROTAS: LiteralString = """
    SELECT rota.*, coalesce(site.name, its.name) AS place,
           CASE WHEN rota.site IS NOT NULL THEN sees_site(%(account)s, rota.site, %(roles)s)
                ELSE rules_node(%(account)s, its.path, %(roles)s) END AS may_change,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                                'id', id, 'starts_at', starts_at, 'ends_at', ends_at, 'account', account_id,
                                'reason', reason, 'author', over.author) ORDER BY id)
                       FROM rota_override AS over
                      WHERE over.rota = rota.rota AND over.removed_at IS NULL AND over.ends_at > %(since)s),
                    '[]') AS overrides,
           coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_object('account', whose.id, 'name', whose.name))
                       FROM assignment AS given
                            JOIN account AS whose ON whose.id = given.account_id AND whose.disabled_at IS NULL
                            LEFT JOIN tree_node AS top ON top.node = given.node
                      WHERE given.role = rota.role AND given.devices IS NULL
                            AND given.valid_from <= statement_timestamp()
                            AND coalesce(given.valid_until > statement_timestamp(), true)
                            AND (num_nonnulls(given.node, given.site) = 0 OR given.site = rota.site
                                 OR starts_with(t.path, top.path) OR starts_with(e.path, top.path)
                                 OR starts_with(its.path, top.path))), '[]') AS candidates,
           coalesce((SELECT jsonb_agg(jsonb_build_object('account', id, 'name', name))
                       FROM account
                      WHERE id IN (SELECT (its ->> 'account')::int FROM jsonb_array_elements(rota.week) AS its
                                   UNION SELECT account_id FROM rota_override AS over
                                          WHERE over.rota = rota.rota AND over.removed_at IS NULL
                                                AND over.ends_at > %(since)s)), '[]') AS named
      FROM rota LEFT JOIN tree_node AS its ON its.node = rota.node
           LEFT JOIN site ON site.site = rota.site
           LEFT JOIN tree_node AS t ON t.node = site.territory
           LEFT JOIN tree_node AS e ON e.node = site.enterprise
     WHERE rota.removed_at IS NULL AND (%(rota)s::int IS NULL OR rota.rota = %(rota)s)
           AND (%(site)s::text IS NULL OR rota.site = %(site)s)
           AND (%(over)s::int[] IS NULL OR rota.node = ANY (%(over)s) OR rota.site = %(at)s)
     ORDER BY rota.site NULLS FIRST, its.path, rota.role
"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which rotas, and of which days."""

    account: int | None
    now: dt.datetime
    rota: int | None = None
    site: str | None = None
    covering: tuple[str | None, list[int]] | None = None
    """Only those of that site and of these nodes."""
    since: dt.date | None = None
    """First day by the clocks of the rota; without it from now."""
    length: dt.timedelta = AHEAD

    @property
    def values(self) -> Row:
        """For the query. A day begins somewhere half a day before it does in UTC."""
        begins = dt.datetime.combine(self.since, dt.time(), dt.UTC) if self.since else self.now
        at, over = self.covering or (None, None)
        return {
            "account": self.account,
            "roles": roles_with("rota.edit"),
            "since": min(self.now, begins - dt.timedelta(days=1)),
            "rota": self.rota,
            "site": self.site,
            "at": at,
            "over": over,
        }


async def read(connection: AsyncConnection, asked: Asked) -> list[RotaShown]:
    """Those that the caller sees."""
    return [shown(row, asked) for row in await rows_of(connection, _ROTAS, asked.values)]


def duty_kinds() -> list[DutyKinds]:
    """Of which notices only who is on duty is told, by role; of all others every holder is."""
    found: dict[str, list[TextShown]] = {}
    for kind in table().tellings.values():
        by_duty = {
            whom.role
            for rule in kind.rules
            for tell in (rule.tell, *(step.tell for step in rule.chain))
            for whom in tell
            if whom.on_duty
        }
        for role in by_duty:
            found.setdefault(role, []).append(TextShown.of(kind.name))
    return [DutyKinds(role=role, kinds=kinds) for role, kinds in sorted(found.items())]


def pattern_of(row: Row) -> Rota:
    """The pattern with what stands in its place."""
    return Rota(
        time_zone=row["time_zone"],
        week=msgspec.convert(row["week"], list[Shift]),
        overrides=msgspec.convert(row["overrides"], list[Override]),
    )


def alone(rota: RotaShown, hours: Hours) -> int | None:
    """Who alone is on duty throughout these hours, if anybody is; pure."""
    pattern = Rota(
        time_zone=rota.time_zone,
        week=[Shift(days=s.days, begins=s.begins, ends=s.ends, account=s.account) for s in rota.week],
        overrides=[
            Override(starts_at=_at(one.starts_at), ends_at=_at(one.ends_at), account=one.account)
            for one in rota.overrides
        ],
    )
    holders = frozenset(one.account for one in rota.candidates)
    found = _spans(pattern, holders, hours.starts_at, hours.ends_at)
    if len(found) != 1 or len(found[0].accounts) != 1:
        return None
    (account,) = found[0].accounts
    return account


def shown(row: Row, asked: Asked) -> RotaShown:
    """A row as it is shown; pure."""
    rota = pattern_of(row)
    candidates = [Candidate(**one) for one in row["candidates"]]
    holders = frozenset(one.account for one in candidates)
    begins = asked.now if asked.since is None else begin_of(asked.since, rota.time_zone)
    ahead = _spans(rota, holders, asked.now, asked.now + AHEAD)
    return RotaShown(
        id=row["rota"],
        site=row["site"],
        node=row["node"],
        place=TextShown(**row["place"]),
        role=row["role"],
        time_zone=row["time_zone"],
        week=[ShiftGiven(days=s.days, begins=s.begins, ends=s.ends, account=s.account) for s in rota.week],
        overrides=[
            OverrideShown(**from_json(one, "starts_at", "ends_at"))
            for one in row["overrides"]
            if _at(one["ends_at"]) > asked.now
        ],
        today=local(asked.now, rota.time_zone).date(),
        spans=[_shown(span) for span in _spans(rota, holders, begins, begins + asked.length)],
        current=_shown(ahead[0]),
        following=_shown(ahead[1]) if len(ahead) > 1 else None,
        gap=next((_shown(span) for span in ahead if not span.accounts), None),
        candidates=sorted(candidates, key=lambda one: one.name),
        former=[Candidate(**one) for one in row["named"] if one["account"] not in holders],
        may_change=row["may_change"],
        version=row["version"],
    )


def _spans(rota: Rota, holders: frozenset[int], since: dt.datetime, until: dt.datetime) -> list[Span]:
    """Who no longer holds the role is told nothing: his hours are a gap like any other."""
    found: list[Span] = []
    for span in rota.spans(since, until):
        accounts = span.accounts & holders
        if found and found[-1].accounts == accounts:
            found[-1] = msgspec.structs.replace(found[-1], ends_at=span.ends_at)
        else:
            found.append(msgspec.structs.replace(span, accounts=accounts))
    return found


def _shown(span: Span) -> SpanShown:
    return SpanShown(
        starts_at=rfc3339(span.starts_at), ends_at=rfc3339(span.ends_at), accounts=sorted(span.accounts)
    )


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
