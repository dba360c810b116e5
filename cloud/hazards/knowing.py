"""What is known around a record when somebody acts, and who he is there: read from the database."""

from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.roles import roles, roles_with
from cloud.database import Connection, instant
from cloud.hazards import store
from cloud.hazards.guards import Actor, Facts
from cloud.hazards.record import Record
from cloud.hazards.transitions import Asked, Choice, available
from cloud.jurisdictions.store import jurisdiction_of

SEEN_WITH = "hazards.view"
"""The permission without which there is no such record."""

_SEES: LiteralString = "SELECT sees_device(%s, %s, %s, %s)"
_HELD: LiteralString = """
    SELECT given.role, given.devices, account.name
      FROM assignments_at(%s, %s) AS given JOIN account ON account.id = given.account_id
     ORDER BY given.assignment
"""
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


def facts_of(connection: Connection, hazard_id: UUID, record: Record, *, into: UUID | None = None) -> Facts:
    """What guards ask for; `into` is the record that it is to be merged into."""
    row = connection.execute(_ZONE, [record.site]).fetchone()
    return Facts(
        limits=jurisdiction_of(connection, record.site),
        zone="UTC" if row is None else row[0],
        target=None if into is None or into == hazard_id else store.load(connection, into, locked=True),
    )


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
        facts=facts_of(connection, hazard_id, record),
        now=instant(now_ms),
    )
    return Looked(record=record, choices=available(asked))
