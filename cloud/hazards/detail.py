"""A hazard record as one answer: what it is about, its life, its alarms, what may be done."""

import asyncio
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.alarms.model import Episode
from cloud.alarms.store import EPISODES
from cloud.database import Row, connect
from cloud.hazards.guard_words import Unmet
from cloud.hazards.knowing import SEEN_WITH, Looked, look
from cloud.hazards.model import Evidence, HazardDetail, HazardEvent
from cloud.hazards.record_model import ActShown, RecordShown, UnmetShown
from cloud.hazards.service import evidence_shown
from cloud.hazards.store import HAZARDS, READ_BY
from cloud.hazards.transitions import Choice
from cloud.problems import not_found
from cloud.serving import Serving

_EVENTS: LiteralString = """
    SELECT event.record, event.hash, event.status, event.level, its.seq IS NOT NULL AS signed
      FROM hazard_event AS event LEFT JOIN hazard_signature AS its USING (hazard_id, seq)
     WHERE event.hazard_id = %s ORDER BY event.seq
"""

_SEEN: LiteralString = """
    SELECT id FROM hazard WHERE id = %(id)s AND sees_device(%(account)s, site, device, %(roles)s)
"""


async def detail_of(serving: Serving, signed: Signed, hazard: UUID) -> HazardDetail:
    """Everything about a record that the caller sees; a problem where there is none for him."""
    # First: what is read after it may be newer than the version says, never older.
    looked = await asyncio.to_thread(_look, serving, signed, hazard)
    row = None if looked is None else await serving.row(HAZARDS + "WHERE id = %s", [hazard])
    if looked is None or row is None:
        raise not_found("hazard")
    episodes = await serving.rows(
        EPISODES + "WHERE hazard_id = %s ORDER BY raised_at DESC, id DESC LIMIT 500", [hazard]
    )
    measured = await serving.rows(
        "SELECT id, evidence FROM episode WHERE hazard_id = %s ORDER BY raised_at DESC, id DESC LIMIT 20",
        [hazard],
    )
    events = await serving.rows(_EVENTS, [hazard])
    read_by = await serving.row(
        READ_BY, {"site": row["site"], "device": row["device"], "at": row["opened_at"]}
    )
    return HazardDetail(
        **{**row, "episodes": [Episode(**found) for found in episodes]},
        **(read_by or {"profile": None, "profile_version": None}),
        version=looked.record.seq,
        record=RecordShown.of(looked.record),
        acts=[_act(choice) for choice in looked.choices],
        events=[_event(found) for found in events],
        evidence=[
            Evidence(episode=found["id"], series=evidence_shown(found["evidence"])) for found in measured
        ],
    )


async def check_seen(serving: Serving, signed: Signed, hazard: UUID) -> None:
    """Raise a problem where there is no such record for the caller."""
    asked = {"id": hazard, "account": signed.account_id, "roles": roles_with(SEEN_WITH)}
    if await serving.row(_SEEN, asked) is None:
        raise not_found("hazard")


def _look(serving: Serving, signed: Signed, hazard: UUID) -> Looked | None:
    with connect(serving.dsn) as connection:
        return look(connection, hazard, signed.account_id, serving.now_ms())


def _act(choice: Choice) -> ActShown:
    return ActShown(act=choice.act, permitted=choice.permitted, unmet=[_unmet(one) for one in choice.unmet])


def _unmet(one: Unmet) -> UnmetShown:
    return UnmetShown(code=one.code, zh=one.text.zh, en=one.text.en, values=one.values, field=one.field)


def _event(row: Row) -> HazardEvent:
    told: dict[str, Any] = msgspec.json.decode(row["record"])
    shown: dict[str, Any] = {name: row[name] for name in ("status", "level", "signed")}
    for name in ("seq", "at", "actor", "kind", "body", "role", "side"):
        shown[name] = told.get(name)
    return HazardEvent(**shown, hash=row["hash"].hex())
