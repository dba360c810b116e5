"""What authorities have found at enterprises and done, for the second and third part of the dispatch table.

Each row as it was known at an instant: a correction that was recorded later changes no report of before.
"""

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from cloud.database import Connection
from cloud.enforcement.kinds import kinds
from cloud.reports.model import Number
from cloud.reports.population import LEVELS, ActingLevel

_UNDER: LiteralString = """
    EXISTS (SELECT FROM tree_node AS its JOIN tree_node AS top ON starts_with(its.path, top.path)
             WHERE its.node = one.territory AND top.node = %(node)s)
"""
_KNOWN: LiteralString = """
    SELECT DISTINCT ON (id) * FROM {} WHERE at <= %(known)s ORDER BY id, seq DESC
"""
_ENFORCED: LiteralString = f"""
    SELECT one.id, one.kind, one.acting_level,
           coalesce(one.enterprise::text, one.enterprise_name) AS enterprise,
           one.amount, one.both_punished, one.persons, one.crime, one.case_no
      FROM ({_KNOWN.format("enforcement")}) AS one
     WHERE NOT one.withdrawn AND one.decided_on >= %(since)s AND one.decided_on < %(until)s AND {_UNDER}
     ORDER BY one.decided_on, one.id
"""  # noqa: S608  of our own texts
# A check at a site counts with those of enterprises where it has answered one of their questions.
_INSPECTED: LiteralString = f"""
    SELECT one.id, one.acting_level, one.answers,
           coalesce(one.enterprise::text, nullif(one.enterprise_name, ''), site.enterprise::text, one.site)
               AS enterprise
      FROM ({_KNOWN.format("inspection")}) AS one LEFT JOIN site ON site.site = one.site
     WHERE NOT one.withdrawn AND one.day >= %(since)s AND one.day < %(until)s AND {_UNDER}
       AND (one.kind = 'enterprise_check' OR (one.kind = 'authority_check' AND one.answers ?| %(codes)s))
     ORDER BY one.day, one.id
"""  # noqa: S608  of our own texts

DEFICIENT: dict[str, tuple[tuple[str, str], ...]] = {
    "b2": (("principal_study", "no"),),
    "b3": (("principal_led_check", "no"),),
    "b4": (("deputy_list", "no"),),
    "b5": (("org_staff", "no"),),
    "b6": (("unlicensed", "yes"),),
    "b7": (("outsourcing", "yes"),),
    "b8": (("drill", "no"), ("exit", "no")),
}
"""Which answers to which questions make an enterprise count in a cell."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Of a territory, from a day to the day before another, as it was known at an instant."""

    node: int | None
    since: dt.date
    until: dt.date
    known: dt.datetime


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A record of enforcement."""

    id: UUID
    kind: str
    acting_level: ActingLevel
    enterprise: str
    amount: Decimal | None
    both_punished: bool
    persons: int
    crime: bool
    case_no: str

    @property
    def level(self) -> ActingLevel:
        """Of the authority."""
        return self.acting_level


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """An inspection of an enterprise."""

    id: UUID
    acting_level: Literal["province", "prefecture", "county", "township", "enterprise", "project"]
    answers: dict[str, Any]
    enterprise: str

    @property
    def level(self) -> ActingLevel:
        """Of the authority; a township's is its county's."""
        return self.acting_level if self.acting_level in ("province", "prefecture") else "county"


def enforced(connection: Connection, asked: Asked) -> list[Measure]:
    """What authorities of the territory and below it have done."""
    cursor = connection.cursor(row_factory=class_row(Measure))
    return cursor.execute(_ENFORCED, msgspec.structs.asdict(asked)).fetchall()


def inspected(connection: Connection, asked: Asked) -> list[Check]:
    """What they have found at enterprises."""
    codes = [code for answers in DEFICIENT.values() for code, _ in answers]
    values = {**msgspec.structs.asdict(asked), "codes": codes}
    return connection.cursor(row_factory=class_row(Check)).execute(_INSPECTED, values).fetchall()


def of_checks(checks: list[Check]) -> dict[str, Number]:
    """The cells of the second part."""
    found = {"b1": _enterprises(checks)}
    for cell, answers in DEFICIENT.items():
        found[cell] = _enterprises(
            [check for check in checks if any(check.answers.get(code) == answer for code, answer in answers)]
        )
    return found


def of_measures(measures: list[Measure]) -> dict[str, Number]:
    """The cells of the third part; which kinds count in which cell stands in `kinds.yaml`."""
    found = {}
    for no in range(1, 11):
        known = {name: kind for name, kind in kinds().kinds.items() if kind.cell == str(no)}
        his = [measure for measure in measures if measure.kind in known]
        counts = next((kind.counts for kind in known.values()), "acts")
        found[f"c{no}"] = _COUNTS[counts](his)
    penalties = [measure for measure in measures if measure.kind == "penalty"]
    cases = [measure for measure in measures if measure.kind == "typical_case"]
    found["c3.amount"] = _split(penalties, _wan)
    found["c4"] = _split(
        [measure for measure in penalties if measure.both_punished], lambda ms: len({m.case_no for m in ms})
    )
    found["c8.crimes"] = _acts([case for case in cases if case.crime])
    return found


def _acts(measures: list[Measure]) -> Number:
    return _split(measures, len)


def _persons(measures: list[Measure]) -> Number:
    return _split(measures, lambda ms: sum(measure.persons for measure in ms))


def _enterprises(records: list[Any]) -> Number:
    return _split(records, lambda them: len({one.enterprise for one in them}))


_COUNTS = {"acts": _acts, "persons": _persons, "enterprises": _enterprises}


def _wan(measures: Iterable[Measure]) -> str:
    yuan = sum((measure.amount or Decimal(0) for measure in measures), Decimal(0))
    return str((yuan / 10_000).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _split(records: list[Any], count: Any) -> Number:
    """All of them, and those of each level; who was looked at by two levels counts with each of them."""
    return Number(
        value=count(records),
        records=[str(one.id) for one in records],
        split={level: count([one for one in records if one.level == level]) for level in LEVELS},
    )
