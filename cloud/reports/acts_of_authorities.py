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
from cloud.inspections.questions import Question, questions
from cloud.reports.model import Number
from cloud.reports.placing import NODES_THEN, SITES_THEN
from cloud.reports.population import LEVELS, ActingLevel

_UNDER: LiteralString = """
    EXISTS (SELECT FROM node WHERE node.node = one.territory
             AND node.path LIKE '%%/' || %(node)s::int || '/%%')
"""
_KNOWN: LiteralString = """
    SELECT DISTINCT ON (id) * FROM {} WHERE at <= %(known)s ORDER BY id, seq DESC
"""
# As people write the same name: without spaces, with whichever brackets.
_SAME: LiteralString = "translate(regexp_replace({}, '\\s', '', 'g'), '（）', '()')"
_WITH: LiteralString = f"""
    WITH node AS MATERIALIZED ({NODES_THEN}),
    named AS MATERIALIZED (
        SELECT {_SAME.format("said.name")} AS name, min(firm.node) AS node
          FROM tree_node AS firm
               CROSS JOIN LATERAL (VALUES (firm.name ->> 'zh'), (firm.name ->> 'en')) AS said (name)
         WHERE firm.tree = 'enterprise' GROUP BY 1)
"""  # noqa: S608  of our own texts
_NAMED: LiteralString = f"LEFT JOIN named ON named.name = {_SAME.format('one.enterprise_name')}"
# Who is named in words and stands in the tree under that name is one enterprise, however it was entered.
_FIRM: LiteralString = f"""
    coalesce(one.enterprise::text,
             named.node::text,
             nullif({_SAME.format("one.enterprise_name")}, ''))
"""
_ENFORCED: LiteralString = f"""
    {_WITH}
    SELECT one.id, one.kind, one.acting_level, coalesce({_FIRM}, '') AS enterprise,
           one.amount, one.both_punished, one.persons, one.crime, one.case_no
      FROM ({_KNOWN.format("enforcement")}) AS one {_NAMED}
     WHERE NOT one.withdrawn AND one.decided_on >= %(since)s AND one.decided_on < %(until)s AND {_UNDER}
     ORDER BY one.decided_on, one.id
"""  # noqa: S608  of our own texts
# A check at a site counts with those of enterprises where it has answered one of their questions.
_INSPECTED: LiteralString = f"""
    {_WITH}
    SELECT one.id, one.acting_level, one.answers,
           coalesce({_FIRM}, stood.enterprise::text, one.site) AS enterprise
      FROM ({_KNOWN.format("inspection")}) AS one {_NAMED}
           LEFT JOIN ({SITES_THEN}) AS stood ON stood.site = one.site
     WHERE NOT one.withdrawn AND one.day >= %(since)s AND one.day < %(until)s AND {_UNDER}
       AND (one.kind = 'enterprise_check' OR (one.kind = 'authority_check' AND one.answers ?| %(codes)s))
     ORDER BY one.day, one.id
"""  # noqa: S608  of our own texts


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Of a territory, from a day to the day before another, as it was known at an instant."""

    node: int | None
    since: dt.date
    until: dt.date
    known: dt.datetime
    cut_off: dt.datetime


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
    values = {**msgspec.structs.asdict(asked), "codes": [code for code, _ in _asked_of_enterprises()]}
    return connection.cursor(row_factory=class_row(Check)).execute(_INSPECTED, values).fetchall()


def of_checks(checks: list[Check]) -> dict[str, Number]:
    """The cells of the second part."""
    found = {"b1": _enterprises(checks)}
    for cell in sorted({its.cell for _, its in _asked_of_enterprises()}):
        findings = [(code, its.deficient_when) for code, its in _asked_of_enterprises() if its.cell == cell]
        found[f"b{cell}"] = _enterprises(
            [check for check in checks if any(check.answers.get(code) == bad for code, bad in findings)]
        )
    return found


def _asked_of_enterprises() -> list[tuple[str, Question]]:
    """The questions that are counted: which answer is a finding, and in which cell, stands in their file."""
    return [(code, its) for code, its in questions().questions.items() if its.cell]


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
