"""What persons were told of, as lists: a person's own, and a site's."""

from typing import Any, LiteralString

from cloud.database import Row
from cloud.notices.people_model import HeardBy, ToldShown
from cloud.notices.telling import Kind, name_of, table
from cloud.paging import asked_part, by, part
from cloud.shown import Page, TextShown, from_json

_TOLD: LiteralString = """
    SELECT told.*, coalesce((
               SELECT jsonb_agg(jsonb_build_object(
                          'name', account.name, 'roles', person.roles, 'step', person.step, 'at', person.at,
                          'is_reached', person.is_reached AND NOT coalesce(sent.is_lost, false),
                          'stands_in', person.stands_in, 'knows_at', person.used_at,
                          'states', coalesce(sent.states, '[]')) ORDER BY person.step, account.name)
                 FROM told_person AS person JOIN account ON account.id = person.account_id
                      LEFT JOIN LATERAL (
                          SELECT jsonb_agg(DISTINCT notice.state) AS states,
                                 bool_and(notice.state = 'rejected') AS is_lost
                            FROM (SELECT coalesce(whole.state, its.state) AS state
                                    -- What was folded fared as the digest did, by whichever way.
                                    FROM notice AS its LEFT JOIN notice AS whole
                                         ON whole.about = 'digest/' || its.digest
                                            AND whole.account_id = its.account_id
                                   WHERE its.told = told.told AND its.account_id = person.account_id
                                         AND its.step = person.step) AS notice) AS sent ON true
                WHERE person.told = told.told
                      AND (%(only)s::int IS NULL OR person.account_id = %(only)s)), '[]') AS persons
      FROM told
     WHERE (%(at)s::timestamptz IS NULL OR (told.created_at, told.told) < (%(at)s, %(id)s))
"""
OWN: LiteralString = (
    _TOLD + "AND %(only)s = ANY (told.accounts) ORDER BY told.created_at DESC, told.told DESC LIMIT %(limit)s"
)
OF_SITE: LiteralString = (
    _TOLD + "AND told.site = %(site)s ORDER BY told.created_at DESC, told.told DESC LIMIT %(limit)s"
)


def asked(after: str | None, limit: int, **more: Any) -> Row:
    """What the lists are asked for."""
    return {"only": None, "site": None, **asked_part(after, limit), **more}


def page_of(rows: list[Row], limit: int) -> Page[ToldShown]:
    """Rows as they are shown; pure."""
    shown, following = part(rows, limit, by("created_at", "told"))
    return Page(items=[_shown(row) for row in shown], next=following)


def _shown(row: Row) -> ToldShown:
    kind, said = table().tellings.get(row["kind"]), row["words"]
    return ToldShown(
        id=row["told"],
        kind=row["kind"],
        kind_name=TextShown.of(name_of(row["kind"])),
        site=row["site"],
        level=row["level"],
        title=TextShown(**{language: said[language]["title"] for language in said}),
        body=TextShown(**{language: said[language]["body"] for language in said}),
        page=row["page"],
        created_at=row["created_at"],
        needs_answer=kind is not None and bool(kind.rule(row["level"]).chain),
        due_at=row["due_at"],
        ended=row["ended"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        unheld=row["unheld"],
        persons=[_heard(person, kind, row["level"]) for person in row["persons"]],
    )


def _heard(person: Row, kind: Kind | None, level: int) -> HeardBy:
    ends = kind is None or kind.rule(level).ends(person["roles"])
    return HeardBy(**from_json(person, "at", "knows_at"), ends=ends)
