"""What people do with incidents: file one, say more, hand the details in, learn, close."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import msgspec

from cloud.accounts.model import Signed
from cloud.database import AsyncConnection, Row, instant
from cloud.incidents import store
from cloud.incidents.model import Act, Close, Correct, IncidentGiven, latest
from cloud.incidents.record import Done, Record, Unmet, apply, closing, deadlines, filed, settled
from cloud.instants import local, rfc3339
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.jurisdictions.store import HOLDS_FOR
from cloud.ledger.chain import Event, Signer
from cloud.ledger.store import append
from cloud.notices.incidents import Told, tell_of
from cloud.problems import FieldProblem, ProblemError
from cloud.registry.known import SiteEntry
from cloud.settings import Settings

FILES, CLOSES, SEES = "incidents.file", "incidents.close", "incidents.view"
"""The permissions."""


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts in which transaction, and when."""

    connection: AsyncConnection
    signed: Signed
    role: str
    settings: Settings
    now_ms: int

    @property
    def at(self) -> str:
        """The instant as events say it."""
        return rfc3339(instant(self.now_ms))

    def done(self, kind: str, body: dict[str, Any]) -> Done:
        """What he does, as it changes a record."""
        return Done(kind=kind, body=body, at=self.at, actor=self.signed.name, account=self.signed.account_id)

    def event(self, kind: str, body: dict[str, Any]) -> Event:
        """The same as the chain keeps it."""
        return Event(
            at=self.at,
            actor=self.signed.name,
            account=self.signed.account_id,
            role=self.role,
            kind=kind,
            body=body,
        )


async def file(acting: Acting, site: SiteEntry, given: IncidentGiven, hazard: Row | None = None) -> UUID:
    """Keep a new incident; what it came out of stays open and is told of it by the caller."""
    _check_instants(given.occurred_at, acting.now_ms)
    if given.reported is not None:
        _check_instants(given.reported.at, acting.now_ms)
    body = _body(given)
    if hazard is not None:
        body["hazard"], body["device"] = str(hazard["id"]), given.device or hazard["device"]
    record = filed(acting.done("filed", body))
    now, made = instant(acting.now_ms), uuid4()
    number = await store.give_number(acting.connection, site.site, local(now, site.time_zone).date())
    values = {
        "id": made,
        "number": number,
        "site": site.site,
        "mode": "drill" if given.drill else "live",
        "kind": record.kind,
        "hazard": None if hazard is None else hazard["id"],
        "occurred_at": given.occurred_at,
        "filed_at": now,
        "record": record,
    }
    await store.insert(acting.connection, values)
    event = acting.event("filed", {**body, "number": number})
    link = await append(acting.connection, "incident", made, event)
    await _keep_clocks(acting, made, site.site, record)
    await _tell(acting, made, link.seq)
    return made


async def do(acting: Acting, row: Row, act: Act, signer: Signer | None) -> None:
    """Do an act on an incident whose row this transaction has locked; problems where it cannot be."""
    record = msgspec.convert(row["record"], Record)
    if record.closed is not None:
        raise ProblemError(409, "incident-closed", "It is closed", "A closed incident is not changed.")
    if isinstance(act, Close):
        refuse_unmet(closing(record, acting.signed.account_id))
    if isinstance(act, Correct) and act.occurred_at is not None:
        _check_instants(act.occurred_at, acting.now_ms)
    body = _body(act)
    after = apply(record, acting.done(act.act, body))
    link = await append(acting.connection, "incident", row["id"], acting.event(act.act, body), signer)
    values = {
        "kind": after.kind,
        "occurred_at": after.occurred_at,
        "status": "open" if after.closed is None else "closed",
        "version": link.seq,
        "record": after,
    }
    await store.renew(acting.connection, row["id"], values)
    await _keep_clocks(acting, row["id"], row["site"], after)
    if after.kind != record.kind:
        await _tell(acting, row["id"], link.seq)


async def _tell(acting: Acting, incident: UUID, seq: int) -> None:
    """Whoever listens hears that it was filed, and that it is an accident now and was none, or the like."""
    told = Told(incident=incident, seq=seq, kind="incident")
    await tell_of(acting.connection, acting.settings, told, acting.now_ms)


async def _keep_clocks(acting: Acting, incident: UUID, site: str, record: Record) -> None:
    """Clocks follow what is known: a near miss that becomes an accident is due from when it happened."""
    due = deadlines(record, await _figures(acting.connection, site))
    over = settled(record) | ({"first_report", "details", "details_warning"} - set(due))
    running = {kind: at for kind, at in due.items() if kind not in over}
    await store.keep_timers(acting.connection, incident, running)
    await store.settle_timers(acting.connection, incident, over, instant(acting.now_ms))


async def _figures(connection: AsyncConnection, site: str) -> dict[str, int]:
    row = await (await connection.execute(HOLDS_FOR, [site])).fetchone()
    holds = jurisdiction(DEFAULT if row is None else row[0])
    return {
        "first_report": holds.incident_first_report_s,
        "details_warning": holds.incident_details_warning_s,
        "details": holds.incident_details_s,
    }


def refuse_unmet(found: list[Unmet]) -> None:
    """Raise a problem that names everything that is in the way."""
    if found:
        errors = [
            FieldProblem(field="act", code=its.code, message=f"{its.says.zh} / {its.says.en}")
            for its in found
        ]
        detail = "; ".join(f"{its.says.zh} / {its.says.en}" for its in found)
        raise ProblemError(409, "unmet-guards", "Something is in the way", detail, errors=errors)


def _check_instants(at: dt.datetime, now_ms: int) -> None:
    if at > latest(instant(now_ms)):
        detail = "occurred_at: it cannot be later than now."
        raise ProblemError(422, "invalid", "It cannot be so", detail, field="occurred_at", code="in-future")


def _body(given: Any) -> dict[str, Any]:
    """As an event keeps it: instants in UTC, without what is not kept."""
    told = given.model_dump(exclude={"act", "signature", "drill"}, exclude_none=isinstance(given, Correct))
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return rfc3339(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value


def permission_of(act: Act) -> str:
    """What an act asks for."""
    return CLOSES if isinstance(act, Close) else FILES


def acts_of(held: set[str], record: Record) -> list[str]:
    """The acts that one who holds these permissions may do, whatever is in the way."""
    if record.closed is not None:
        return []
    files = ["report", "correct", "submit_details", "learn"] if FILES in held else []
    return files + (["close"] if CLOSES in held else [])
