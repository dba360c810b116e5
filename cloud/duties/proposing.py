"""Themes of a month as the hazards of a place suggest them: proposed, and never set by themselves."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import LiteralString

from fastapi import APIRouter

from cloud.accounts.permissions import SignedIn, requires
from cloud.duties.model import ThemeProposal, ThemeProposals
from cloud.duties.performing import world_of_async
from cloud.duties.places import SEES, OfNode, OfSite, place
from cloud.hazards.patterns import Pattern, patterns, recent
from cloud.instants import HOME_ZONE, local
from cloud.registry.service import acting
from cloud.serving import Served
from cloud.shown import TextShown
from sitewarden.rules.clauses import editions
from sitewarden.text import Text

router = APIRouter(tags=["duties"])
_NAME, _LINE, _RECORDS = 40, 200, 10
_MOST = 10

_SET: LiteralString = """
    SELECT code, max(month) AS month FROM theme
     WHERE node = ANY (%(nodes)s) AND code = ANY (%(codes)s) GROUP BY code
"""


@router.get("/duties/themes/proposals", dependencies=[requires(SEES)])
async def propose_themes(
    serving: Served, signed: SignedIn, *, node: OfNode = None, site: OfSite = None
) -> ThemeProposals:
    """What the newest hazards of the place have in common, as themes that somebody may set."""
    of = await place(serving, signed, node, site)
    today = local(serving.now(), HOME_ZONE).date()
    async with acting(serving, signed) as connection:
        found = await world_of_async(connection, of, today, today)
    sites = {row["site"] for row in found.rows["sites"]}
    rows = [row for row in await recent(serving, signed) if row["site"] in sites]
    proposed = proposals(patterns(rows, serving.now()))
    nodes = [row["node"] for row in found.rows["nodes"]]
    known = await serving.rows(_SET, {"nodes": nodes, "codes": [one.code for one in proposed]})
    months: dict[str, dt.date] = {row["code"]: row["month"] for row in known}
    return ThemeProposals(items=[_with_month(one, months) for one in proposed])


def proposals(found: Iterable[Pattern]) -> list[ThemeProposal]:
    """Of each clause and each danger that returns once, the most frequent first; pure."""
    made: dict[str, ThemeProposal] = {}
    for pattern in sorted(found, key=lambda one: -one.times):
        if pattern.kind == "sensor_fault":
            continue
        one = _repeated(pattern) if pattern.clause is None else _of_clause(pattern, pattern.clause)
        made.setdefault(one.code, one)
    return list(made.values())[:_MOST]


def _of_clause(pattern: Pattern, clause: str) -> ThemeProposal:
    edition, _, item = clause.partition("/")
    known = editions().get(edition)
    text = next((one.text for one in known.items if one.id == item), None) if known else None
    # The clauses are kept in Chinese.
    words = Text(text or clause, f"Clause {clause}")
    why = Text(
        f"{pattern.name.zh}：{pattern.within_days} 天内 {pattern.times} 个项目出现同一条款的隐患",
        f"{pattern.name.en}: the same clause at {pattern.times} projects within {pattern.within_days} days",
    )
    return _proposal(pattern, f"{edition}-{item}", words, why)


def _repeated(pattern: Pattern) -> ThemeProposal:
    why = Text(
        f"{pattern.within_days} 天内同一隐患反复出现，共 {pattern.times} 条",
        f"The same danger again within {pattern.within_days} days: {pattern.times} records",
    )
    code = "repeat-" + "-".join(pattern.name.en.lower().replace("/", " ").split())
    return _proposal(pattern, code, Text(pattern.name.zh, pattern.name.en), why)


def _proposal(pattern: Pattern, code: str, words: Text, why: Text) -> ThemeProposal:
    return ThemeProposal(
        code=code[:60],
        name=TextShown(zh=_short(words.zh, _NAME), en=_short(words.en, 2 * _NAME)),
        checklist=[_short(words.zh, _LINE)],
        why=TextShown.of(why),
        times=pattern.times,
        records=pattern.records[:_RECORDS],
        set_for=None,
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _with_month(one: ThemeProposal, months: Mapping[str, dt.date]) -> ThemeProposal:
    return one.model_copy(update={"set_for": months.get(one.code)})
