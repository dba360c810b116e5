"""What is known around a record when somebody acts, and who he is there: read from the database."""

from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.roles import roles, roles_with
from cloud.database import Connection, instant
from cloud.evidence.store import evidence_of
from cloud.hazards import store
from cloud.hazards.clearing import clearance_of
from cloud.hazards.guards import Actor, Clearance, Facts
from cloud.hazards.record import Record
from cloud.hazards.transitions import Asked, Choice, available
from cloud.jurisdictions.store import jurisdiction_of
from cloud.upkeep.maintenance import in_maintenance

SEEN_WITH = "hazards.view"
"""The permission without which there is no such record."""

_SEES: LiteralString = "SELECT sees_device(%s, %s, %s, %s)"
_HELD: LiteralString = """
    SELECT given.role, given.devices, account.name
      FROM assignments_at(%s, %s) AS given JOIN account ON account.id = given.account_id
     ORDER BY given.assignment
"""
_TASKS: LiteralString = "SELECT count(*) FROM device_task WHERE hazard_id = %s AND closed_at IS NULL"
_ZONE: LiteralString = "SELECT time_zone FROM site WHERE site = %s"


def sees(connection: Connection, account: int | None, record: Record) -> bool:
    """Whether the record is there for that account."""
    asked = [account, record.site, record.device, roles_with(SEEN_WITH)]
    found = connection.execute(_SEES, asked).fetchone()
    return found is not None and bool(found[0])


def actors_of(connection: Connection, account: int | None, record: Record) -> list[Actor]:
    """The account in each of the roles that it holds over the record's device at this moment."""
    if account is None:
        return []
    rows = connection.cursor(row_factory=dict_row).execute(_HELD, [account, record.site]).fetchall()
    known = roles().roles
    held = {
        row["role"]: row["name"]
        for row in rows
        if row["role"] in known and (row["devices"] is None or record.device in row["devices"])
    }
    sides = frozenset(known[role].side for role in held)
    return [
        Actor(
            account=account,
            name=name,
            role=role,
            side=known[role].side,
            rank=known[role].rank,
            sides=sides,
            permissions=roles().permissions_of(role),
        )
        for role, name in held.items()
    ]


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """Which record, and when."""

    hazard_id: UUID
    record: Record
    now_ms: int
    into: UUID | None = None
    """The record that it is to be merged into."""


def facts_of(connection: Connection, around: Around) -> Facts:
    """What guards ask for."""
    record, hazard_id = around.record, around.hazard_id
    row = connection.execute(_ZONE, [record.site]).fetchone()
    into = None if around.into == hazard_id else around.into
    return Facts(
        limits=jurisdiction_of(connection, record.site),
        zone="UTC" if row is None else row[0],
        clearance=_clearance(connection, around),
        evidence=evidence_of(connection, hazard_id),
        maintenance=_in_maintenance(connection, around),
        open_tasks=_open_tasks(connection, hazard_id),
        target=None if into is None else store.load(connection, into, locked=True),
    )


def _clearance(connection: Connection, around: Around) -> Clearance | None:
    # Worked out from a day's readings: only where somebody is about to say that the danger is over.
    if around.record.signal != "cleared" or around.record.status not in ("rectifying", "rectified"):
        return None
    return clearance_of(connection, around.hazard_id, around.now_ms)


def _in_maintenance(connection: Connection, around: Around) -> bool:
    record = around.record
    if record.device is None or record.signal != "active":
        return False
    return in_maintenance(connection, record.site, record.device, instant(around.now_ms)) is not None


def _open_tasks(connection: Connection, hazard_id: UUID) -> int:
    row = connection.execute(_TASKS, [hazard_id]).fetchone()
    return 0 if row is None else int(row[0])


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A record as somebody sees it."""

    record: Record
    choices: list[Choice]


def look(connection: Connection, hazard_id: UUID, account: int | None, now_ms: int) -> Looked | None:
    """The record and what its state allows him; `None` where there is none for him."""
    record = store.load(connection, hazard_id)
    if record is None or not sees(connection, account, record):
        return None
    asked = Asked(
        record=record,
        actors=actors_of(connection, account, record),
        facts=facts_of(connection, Around(hazard_id=hazard_id, record=record, now_ms=now_ms)),
        now=instant(now_ms),
    )
    return Looked(record=record, choices=available(asked))
