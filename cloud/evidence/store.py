"""Evidence in SQL: each item once a record, its place in the chain, its bytes apart."""

import datetime as dt
import hashlib
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import Connection, Row
from cloud.evidence.items import EvidenceItem, Kind, Stage
from cloud.hazards.chain import Event
from cloud.hazards.store import append_event
from cloud.instants import rfc3339
from cloud.media.sealing import Vault, place_of_evidence
from cloud.media.store import sealed

ITEMS: LiteralString = """
    SELECT item AS id, hazard_id AS hazard, kind, stage, encode(sha256, 'hex') AS sha256, bytes, media_type,
           name, note, about, account_id, author, at
      FROM evidence_item
"""
"""As they are shown."""


class NewItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be kept beside a record."""

    hazard_id: UUID
    kind: Kind
    stage: Stage
    content: bytes
    given_sha256: bytes | None = None
    """Of what was given, where something was taken out of it."""
    media_type: str
    name: str = ""
    note: str = ""
    about: dict[str, Any] = {}
    account_id: int | None = None
    author: str
    at: dt.datetime


def put(connection: Connection, new: NewItem, vault: Vault | None = None) -> tuple[Row, bool]:
    """The item as it is shown, and whether it is new. The record's row is locked by this transaction.

    The same bytes again are the item that is there, whatever else is said of them now. With a `vault` the
    bytes rest sealed; raises `SealError`.
    """
    sha256 = hashlib.sha256(new.content).digest()
    given = new.given_sha256 or sha256
    known = _of_bytes(connection, new.hazard_id, given)
    if known is not None:
        return known, False
    resting, key = new.content, None
    if vault is not None:
        resting, key = sealed(connection, vault, new.content, place_of_evidence(sha256))
    connection.execute(
        "INSERT INTO evidence_file (sha256, content, sealed, key) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        [sha256, resting, vault is not None, key],
    )
    item = uuid4()
    connection.execute(
        """
        INSERT INTO evidence_item (
                item, hazard_id, kind, stage, sha256, given_sha256, bytes, media_type, name, note, about,
                account_id, author, at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            *(item, new.hazard_id, new.kind, new.stage, sha256, given, len(new.content), new.media_type),
            *(new.name, new.note, Jsonb(new.about), new.account_id, new.author, new.at),
        ],
    )
    body: dict[str, Any] = {"item": str(item), "kind": new.kind, "stage": new.stage, "sha256": sha256.hex()}
    if new.account_id is not None:
        # Not the event's own account: that one signs, and whoever only brings a photo does not.
        body["account"] = new.account_id
    event = Event(at=rfc3339(new.at), actor=new.author, kind="evidence", body=body)
    append_event(connection, new.hazard_id, event)
    row = _of_bytes(connection, new.hazard_id, given)
    assert row is not None  # noqa: S101  just inserted
    return row, True


def _of_bytes(connection: Connection, hazard_id: UUID, given_sha256: bytes) -> Row | None:
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(
        ITEMS + "WHERE hazard_id = %s AND given_sha256 = %s", [hazard_id, given_sha256]
    ).fetchone()


OF_RECORD: LiteralString = """
    WHERE (hazard_id = %(hazard)s OR hazard_id IN (SELECT id FROM hazard WHERE merged_into = %(hazard)s))
"""
"""With what was merged into it: its evidence goes along and stays where it was put."""


def evidence_of(connection: Connection, hazard_id: UUID) -> list[EvidenceItem]:
    """Every item of a record, the oldest first."""
    cursor = connection.cursor(row_factory=dict_row)
    rows = cursor.execute(ITEMS + OF_RECORD + "ORDER BY at, item", {"hazard": hazard_id})
    return [
        EvidenceItem(
            id=str(row["id"]),
            kind=row["kind"],
            stage=row["stage"],
            sha256=row["sha256"],
            at=row["at"],
            account_id=row["account_id"],
        )
        for row in rows
    ]
