"""What records have in common: a clause at many projects, the same danger again, a model that errs."""

import collections
import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, LiteralString

from fastapi import APIRouter
from pydantic import Field

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.jurisdictions.model import Jurisdiction
from cloud.serving import Served, Serving
from cloud.shown import Identity, Instant, Shown, TextShown

router = APIRouter(tags=["hazards"])

_SEES = "hazards.view"
_MOST = 5_000
_LINKS = 50

_RECENT: LiteralString = """
    WITH seen AS MATERIALIZED (SELECT site, devices FROM sites_of(%(account)s, %(roles)s))
    SELECT hazard.id, hazard.number, hazard.site, hazard.device, hazard.opened_at, hazard.status,
           hazard.category, encode(hazard.fingerprint, 'hex') AS danger, hazard.repeat_no,
           hazard.record #>> '{rejection,reason_code}' AS reason_code,
           coalesce(hazard.record #> '{judgements,-1,clause}', hazard.clause) AS clause,
           file.maker, file.model, county.node AS county, county.name AS county_name,
           company.node AS enterprise, company.name AS enterprise_name, rules.jurisdiction
      FROM hazard JOIN seen USING (site) JOIN site USING (site)
           LEFT JOIN device_file AS file ON file.site = hazard.site AND file.device = hazard.device
           LEFT JOIN tree_node AS place ON place.node = site.territory
           LEFT JOIN LATERAL (
               SELECT node, name FROM tree_node
                WHERE node = ANY (string_to_array(trim(both '/' from place.path), '/')::int[])
                  AND kind IN ('county', 'park') ORDER BY kind, length(path) DESC LIMIT 1) AS county ON true
           LEFT JOIN LATERAL (
               SELECT tree_node.jurisdiction FROM tree_node
                WHERE node = ANY (string_to_array(trim(both '/' from place.path), '/')::int[])
                  AND tree_node.jurisdiction IS NOT NULL ORDER BY length(path) DESC LIMIT 1) AS rules ON true
           LEFT JOIN tree_node AS own ON own.node = site.enterprise
           LEFT JOIN LATERAL (
               SELECT node, name FROM tree_node
                WHERE node = ANY (string_to_array(trim(both '/' from own.path), '/')::int[])
                ORDER BY kind <> 'company', length(path) DESC LIMIT 1) AS company ON true
     WHERE hazard.mode = 'live' AND hazard.status <> 'merged' AND hazard.opened_at >= %(since)s
       AND (seen.devices IS NULL OR hazard.device = ANY (seen.devices))
     ORDER BY hazard.opened_at DESC LIMIT %(most)s
"""


class PatternRecord(Shown):
    """A record that is part of a pattern."""

    id: Identity
    number: str
    site: str
    opened_at: Instant


class Pattern(Shown):
    """Something that records have in common, which calls for a special inspection or another device."""

    kind: Literal["enterprise_clause", "county_clause", "repeat", "sensor_fault"] = Field(
        description="The same clause at many projects of an enterprise, or of a county (共性问题); the same "
        "danger again after it was closed (反复隐患); a model whose alarms people judged to be sensor faults."
    )
    name: TextShown = Field(description="Of enterprise, county, danger or model.")
    clause: str | None = Field(description="`edition/item`, where it is one.")
    times: int = Field(description="Projects; of `repeat` and `sensor_fault` records.")
    within_days: int
    records: list[PatternRecord] = Field(description="The newest of them.")


class Patterns(Shown):
    """What is found in the records that the caller sees."""

    items: list[Pattern]


def patterns(rows: Iterable[Row], now: dt.datetime) -> list[Pattern]:
    """What is common among records, by what holds in the territory of each; pure."""
    known = list(rows)
    dangers = [row for row in known if row["status"] != "rejected"]
    faults = [row for row in known if row["reason_code"] == "sensor_fault"]
    found = [
        *_common(dangers, "enterprise", lambda rules: rules.common_projects, now),
        *_common(dangers, "county", lambda rules: rules.common_county_projects, now),
        *_repeats(dangers, now),
        *_faults(faults, now),
    ]
    return sorted(found, key=lambda one: (-one.times, one.kind))


def _rules(row: Row) -> Jurisdiction:
    return jurisdiction(row["jurisdiction"] or DEFAULT)


def _within(row: Row, days: int, now: dt.datetime) -> bool:
    return bool(row["opened_at"] >= now - dt.timedelta(days=days))


def _grouped(rows: Iterable[Row], key: Callable[[Row], tuple[object, ...] | None]) -> list[list[Row]]:
    groups: dict[tuple[object, ...], list[Row]] = collections.defaultdict(list)
    for row in rows:
        if (found := key(row)) is not None:
            groups[found].append(row)
    return list(groups.values())


def _common(
    rows: list[Row],
    of: Literal["enterprise", "county"],
    least: Callable[[Jurisdiction], int],
    now: dt.datetime,
) -> Iterator[Pattern]:
    recent = [row for row in rows if _within(row, _rules(row).common_window_days, now)]

    def key(row: Row) -> tuple[object, ...] | None:
        if row[of] is None or row["clause"] is None:
            return None
        return row[of], _clause(row)

    for group in _grouped(recent, key):
        sites, rules = {row["site"] for row in group}, _rules(group[0])
        if len(sites) >= least(rules):
            yield _pattern(
                f"{of}_clause", group[0][f"{of}_name"], group, len(sites), rules.common_window_days
            )


def _repeats(rows: list[Row], now: dt.datetime) -> Iterator[Pattern]:
    recent = [row for row in rows if _within(row, _rules(row).repeat_window_days, now)]
    for group in _grouped(recent, lambda row: (row["danger"],)):
        if any(row["repeat_no"] for row in group):
            days = _rules(group[0]).repeat_window_days
            yield _pattern("repeat", group[0]["category"], group, len(group), days)


def _faults(rows: list[Row], now: dt.datetime) -> Iterator[Pattern]:
    recent = [row for row in rows if _within(row, _rules(row).repeat_window_days, now)]
    for group in _grouped(recent, lambda row: (row["maker"], row["model"]) if row["model"] else None):
        rules, first = _rules(group[0]), group[0]
        if len(group) >= rules.common_sensor_faults:
            name = f"{first['maker']} {first['model']}".strip()
            yield _pattern(
                "sensor_fault", {"zh": name, "en": name}, group, len(group), rules.repeat_window_days
            )


def _clause(row: Row) -> str:
    return f"{row['clause']['edition']}/{row['clause']['id']}"


def _pattern(kind: str, name: Row, group: list[Row], times: int, days: int) -> Pattern:
    return Pattern.model_validate(
        {
            "kind": kind,
            "name": TextShown(**name),
            "clause": _clause(group[0]) if kind.endswith("_clause") else None,
            "times": times,
            "within_days": days,
            "records": [
                PatternRecord(
                    id=row["id"], number=row["number"], site=row["site"], opened_at=row["opened_at"]
                )
                for row in group[:_LINKS]
            ],
        }
    )


@router.get("/hazards/patterns", dependencies=[requires(_SEES)])
async def find_patterns(serving: Served, signed: SignedIn) -> Patterns:
    """What the newest records have in common, of the sites that the caller sees."""
    return Patterns(items=patterns(await recent(serving, signed), serving.now()))


async def recent(serving: Serving, signed: Signed) -> list[Row]:
    """The newest records of the sites that the caller sees."""
    longest = jurisdiction().repeat_window_days
    asked = {
        "account": signed.account_id,
        "roles": roles_with(_SEES),
        "since": serving.now() - dt.timedelta(days=longest),
        "most": _MOST,
    }
    return await serving.rows(_RECENT, asked)
