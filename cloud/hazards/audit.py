"""Whether the records are what they were: chains are walked, signatures and sums of events worked out anew.

What is kept in the same database as the records cannot prove that not all of it was replaced. So a head is
given out, to be kept elsewhere: an instant, and one digest over what every chain had come to by then.
"""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString, NamedTuple

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.signing import verify as is_signed
from cloud.database import Connection, Row
from cloud.hazards.chain import digest
from cloud.hazards.record import Record, apply, said
from cloud.instants import rfc3339
from sitewarden.errors import SiteWardenError

SETTLED = dt.timedelta(minutes=5)
"""A head is of so long ago: what a transaction wrote before, it has committed by now."""
_AT_ONCE = 2_000
_STATE = ("status", "level", "report", "supervision", "escalation_step", "overdue")


class HeadError(SiteWardenError):
    """What was given as a head is none."""


class Head(NamedTuple):
    """What all chains had come to by an instant."""

    at: dt.datetime
    digest: str

    def __str__(self) -> str:
        """As it is written down."""
        return f"{rfc3339(self.at)}/{self.digest}"


class Break(NamedTuple):
    """Something that is not as it was written."""

    ledger: str
    of: str
    """The record's number, or its identity where it has none."""
    seq: int | None
    """The event; `None`: the record's row."""
    what: str


@dataclasses.dataclass(slots=True)
class Verdict:
    """What the walk came to."""

    head: Head
    records: int = 0
    events: int = 0
    signatures: int = 0
    breaks: list[Break] = dataclasses.field(default_factory=list)


class Ledger(NamedTuple):
    """Chains of one kind."""

    name: str
    events: LiteralString
    """Of all records, in their order, with signatures and whatever `state` looks at."""
    state: Callable[[str, list[Row]], Iterator[Break]] | None = None
    unsigned: frozenset[str] = frozenset()
    """What a person does without his password: an incident is filed and reported in haste."""


_HAZARDS: LiteralString = """
    SELECT hazard.id AS of, coalesce(hazard.number, hazard.id::text) AS number, hazard.version, event.seq,
           event.record, event.prev_hash, event.hash, event.at, event.kind, event.account_id,
           signed.signature, signed.account_id AS signer, key.account_id AS key_of, key.public_key,
           event.status, event.level, event.report, event.supervision, event.escalation_step, event.overdue,
           event.verified,
           hazard.status AS row_status, hazard.level AS row_level, hazard.report AS row_report,
           hazard.supervision AS row_supervision, hazard.escalation_step AS row_escalation_step,
           hazard.overdue AS row_overdue, hazard.verified_at IS NOT NULL AS row_verified
      FROM hazard
           LEFT JOIN hazard_event AS event ON event.hazard_id = hazard.id
           LEFT JOIN hazard_signature AS signed
             ON signed.hazard_id = event.hazard_id AND signed.seq = event.seq
           LEFT JOIN signing_key AS key ON key.key = signed.key
     ORDER BY hazard.id, event.seq
"""
_LEDGERS: LiteralString = """
    SELECT ledger || '/' || of AS of, ledger || ' ' || coalesce(its.number, of::text) AS number,
           its.version, event.seq, event.record, event.prev_hash, event.hash, event.at, event.kind,
           event.account_id, signed.signature, signed.account_id AS signer, key.account_id AS key_of,
           key.public_key
      FROM (SELECT 'incident' AS ledger, id AS of, number, version FROM incident
            UNION ALL
            SELECT 'enforcement', id, NULL, max(seq) FROM enforcement GROUP BY id
            UNION ALL
            SELECT 'report', report, NULL, seq FROM report
            UNION ALL
            SELECT 'inspection', id, NULL, max(seq) FROM inspection GROUP BY id
            UNION ALL
            SELECT 'exposure', exposure, NULL, max(seq) FROM exposure_act GROUP BY exposure) AS its
           FULL JOIN ledger_event AS event USING (ledger, of)
           LEFT JOIN ledger_signature AS signed USING (ledger, of, seq)
           LEFT JOIN signing_key AS key ON key.key = signed.key
     ORDER BY ledger, of, event.seq
"""
_LOGS: LiteralString = """
    SELECT log.site || '/' || log.day AS of, log.site || ' ' || log.day AS number,
           count(event.seq) OVER (PARTITION BY log.site, log.day) AS version, event.seq, event.record,
           event.prev_hash, event.hash, event.at, event.account_id, event.signature,
           event.account_id AS signer, key.account_id AS key_of, key.public_key,
           log.facts AS row_facts, log.weather AS row_weather, log.words AS row_words,
           log.signed_at AS row_at, log.signer_id AS row_account
      FROM safety_log AS log
           LEFT JOIN safety_log_entry AS event USING (site, day)
           LEFT JOIN signing_key AS key USING (key)
     WHERE log.signed_at IS NOT NULL OR event.seq IS NOT NULL
     ORDER BY log.site, log.day, event.seq
"""


def _states(number: str, events: list[Row]) -> Iterator[Break]:
    """What is kept beside the events, against what the events come to."""
    record = Record()
    for event in events:
        try:
            record = apply(record, said(msgspec.json.decode(event["record"])))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as exc:
            yield Break("hazard", number, event["seq"], f"cannot be read: {exc!r}")
            return
        for name, value in _come_to(record).items():
            if event[name] != value:
                yield _differs(number, event["seq"], name, event[name], value)
    last = events[-1]
    for name, value in _come_to(record).items():
        if last[f"row_{name}"] != value:
            yield _differs(number, None, name, last[f"row_{name}"], value)


def _differs(number: str, seq: int | None, name: str, is_now: Any, should_be: Any) -> Break:
    return Break("hazard", number, seq, f"{name} is {is_now}, its events say {should_be}")


def _come_to(record: Record) -> dict[str, Any]:
    known = {name: getattr(record, name) for name in _STATE}
    return {**known, "verified": record.verified_at is not None}


def _logs(number: str, events: list[Row]) -> Iterator[Break]:
    """The log that is kept beside the entries, against what was signed."""
    first = events[0]
    try:
        told: dict[str, Any] = msgspec.json.decode(first["record"])
        signed = {name: told[name] for name in ("kind", "facts", "weather", "words")}
        signed |= {"at": dt.datetime.fromisoformat(told["at"]), "account": told["account"]}
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as exc:
        yield Break("log", number, first["seq"], f"cannot be read: {exc!r}")
        return
    if signed.pop("kind") != "signed":
        yield Break("log", number, first["seq"], "is no signing of the log")
    for name, value in signed.items():
        if first[f"row_{name}"] != value:
            yield Break("log", number, None, f"its {name} is not what was signed")


LEDGERS = (
    Ledger("hazard", _HAZARDS, _states, frozenset({"incident"})),
    Ledger("ledger", _LEDGERS, None, frozenset({"filed", "report", "correct", "learn"})),
    Ledger("log", _LOGS, _logs),
)
_OF_OLD = frozenset({"hazard", "ledger"})
"""What a head was over before safety logs were walked: one that was written down then still holds."""


def verify(connection: Connection, now: dt.datetime, kept: Head | None = None) -> Verdict:
    """Walk all chains as they are at one moment; `kept` is a head from outside, which must still hold."""
    at = (now - SETTLED).replace(microsecond=0)
    verdict = Verdict(head=Head(at, ""))
    heads = {at: hashlib.sha256(), **({} if kept is None else {kept.at: hashlib.sha256()})}
    older = hashlib.sha256()
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for ledger in LEDGERS:
            for number, events in _records(connection, ledger):
                _look_at(ledger, number, events, verdict)
                for instant, summed in heads.items():
                    _add(summed, ledger, events, instant)
                if kept is not None and ledger.name in _OF_OLD:
                    _add(older, ledger, events, kept.at)
    verdict.head = Head(at, heads[at].hexdigest())
    if kept is not None and kept.digest not in (heads[kept.at].hexdigest(), older.hexdigest()):
        what = f"what there was at {rfc3339(kept.at)} is not what there was then"
        verdict.breaks.append(Break("head", "-", None, what))
    return verdict


def _records(connection: Connection, ledger: Ledger) -> Iterator[tuple[str, list[Row]]]:
    with connection.cursor(f"audit_{ledger.name}", row_factory=dict_row) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(ledger.events)
        for _, rows in groupby(cursor, key=itemgetter("of")):
            events = list(rows)
            yield str(events[0]["number"]), events


def _look_at(ledger: Ledger, number: str, events: list[Row], verdict: Verdict) -> None:
    verdict.records += 1
    if events[0]["seq"] is None:
        verdict.breaks.append(Break(ledger.name, number, None, "has no events"))
        return
    verdict.events += len(events)
    verdict.signatures += sum(event["signature"] is not None for event in events)
    found = [*_chain(ledger.name, number, events), *_signatures(ledger, number, events)]
    if ledger.state is not None:
        found += ledger.state(number, events)
    verdict.breaks += found


def _chain(ledger: str, number: str, events: list[Row]) -> Iterator[Break]:
    prev_hash = b""
    for place, event in enumerate(events, start=1):
        if event["seq"] != place:
            yield Break(ledger, number, event["seq"], f"stands where event {place} should")
            return
        if event["prev_hash"] != prev_hash or event["hash"] != digest(prev_hash, event["record"]):
            yield Break(ledger, number, place, "breaks the chain")
            return
        prev_hash = event["hash"]
        if (differs := _column_that_differs(event)) is not None:
            yield Break(ledger, number, place, f"its column {differs} is not what it says")
    if events[0]["version"] != len(events):
        yield Break(ledger, number, None, f"has {len(events)} events, its row says {events[0]['version']}")


def _column_that_differs(event: Row) -> str | None:
    try:
        told: dict[str, Any] = msgspec.json.decode(event["record"])
        of = told.get("hazard", told.get("of"))
        columns = {
            "of": f"{told['site']}/{told['day']}" == event["of"]
            if of is None
            else str(of) == str(event["of"]).rpartition("/")[2],
            "seq": told["seq"] == event["seq"],
            "kind": told["kind"] == event.get("kind", told["kind"]),
            "at": dt.datetime.fromisoformat(told["at"]) == event["at"],
            "account_id": told.get("account") == event["account_id"],
        }
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return "record"
    return next((name for name, holds in columns.items() if not holds), None)


def _signatures(ledger: Ledger, number: str, events: list[Row]) -> Iterator[Break]:
    for event in events:
        signature, actor = event["signature"], event["account_id"]
        if signature is None:
            if actor is not None and event["kind"] not in ledger.unsigned:
                yield Break(ledger.name, number, event["seq"], "a person did it, and it is not signed")
        elif not actor == event["signer"] == event["key_of"]:
            yield Break(ledger.name, number, event["seq"], "is signed by somebody else than who did it")
        elif not is_signed(event["public_key"], event["hash"], signature):
            yield Break(ledger.name, number, event["seq"], "its signature does not hold")


def _add(summed: Any, ledger: Ledger, events: list[Row], at: dt.datetime) -> None:
    """Add what the chain had come to by an instant, if it had begun."""
    until = [event for event in events if event["at"] is not None and event["at"] <= at]
    if until:
        last = until[-1]
        summed.update(f"{ledger.name}/{last['of']}/{last['seq']}/{last['hash'].hex()}\n".encode())


def read_head(text: str) -> Head:
    """A head as it was written down; raises `HeadError`."""
    at, _, hexadecimal = text.strip().partition("/")
    try:
        read = Head(dt.datetime.fromisoformat(at), bytes.fromhex(hexadecimal).hex())
    except ValueError as exc:
        raise HeadError(f"no head: {text!r}; it is what this command printed: INSTANT/DIGEST") from exc
    if read.at.tzinfo is None or len(read.digest) != hashlib.sha256().digest_size * 2:
        raise HeadError(f"no head: {text!r}; it is what this command printed: INSTANT/DIGEST")
    return read
