"""A person's ways of being told: his own, proved by a code that is sent there."""

import asyncio
import hashlib
import re
import secrets
from typing import LiteralString
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from pydantic import SecretStr

from cloud.accounts.model import Signed
from cloud.complaints import complaint
from cloud.database import AsyncConnection, Row, instant, rows_of
from cloud.notices import model, words
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.people_model import Offer, Proof, WayGiven, WayNew, WaySent, WayShown, WaysShown
from cloud.notices.sending import send
from cloud.problems import ProblemError, not_found
from cloud.registry.service import acting, check_match
from cloud.serving import Serving

_KINDS = ["mail", "sms", "voice", "apprise"]
_MOST = 6
_MOST_TRIES = 5
_PHONE = re.compile(r"\+?\d{5,15}")
_OFFERS: LiteralString = """
    SELECT channel AS via, kind, name FROM channel
     WHERE account_id IS NULL AND removed_at IS NULL AND is_on AND for_people AND kind = ANY (%(kinds)s)
           AND (site IS NULL OR sees_site(%(account)s, site))
     ORDER BY kind, name, channel
"""
_WAYS: LiteralString = """
    SELECT way.channel AS id, way.kind, via.name, way.masked, way.language, way.is_on,
           way.proved_at IS NOT NULL AS is_proved, via.is_on AND via.removed_at IS NULL AS is_sent,
           way.position, way.version
      FROM channel AS way JOIN channel AS via ON via.channel = way.via
     WHERE way.account_id = %(account)s AND way.removed_at IS NULL
           AND (%(way)s::uuid IS NULL OR way.channel = %(way)s)
     ORDER BY way.position, way.channel
"""
_MAKE: LiteralString = """
    INSERT INTO channel (channel, site, name, kind, language, lowest, is_on, target, account_id, via, masked,
                         position)
        SELECT %(way)s, NULL, %(name)s, %(kind)s, %(language)s, 1, true, '{}', %(account)s, %(via)s,
               %(masked)s,
               (SELECT coalesce(max(position) + 1, 0) FROM channel
                 WHERE account_id = %(account)s AND removed_at IS NULL)
"""
_CODE: LiteralString = """
    INSERT INTO way_proof (channel, code_hash, expires_at) VALUES (%s, %s, %s + interval '15 minutes')
        ON CONFLICT (channel) DO UPDATE
            SET code_hash = excluded.code_hash, expires_at = excluded.expires_at, tries = 0
"""
_TRY: LiteralString = """
    UPDATE way_proof SET tries = tries + 1
     WHERE channel = %s AND expires_at > %s AND tries < %s RETURNING code_hash
"""
_ROUTE: LiteralString = """
    SELECT way.kind, way.language, via.target, coalesce(lent.secret, '{}') || own.secret AS secret
      FROM channel AS way JOIN channel AS via ON via.channel = way.via
           JOIN channel_secret AS own ON own.channel = way.channel
           LEFT JOIN channel_secret AS lent ON lent.channel = way.via
     WHERE way.channel = %(way)s AND way.account_id = %(account)s AND way.removed_at IS NULL
           AND via.removed_at IS NULL AND via.is_on
"""


async def ways(serving: Serving, signed: Signed) -> WaysShown:
    """His own, and by what he could be told here."""
    async with acting(serving, signed) as connection:
        offers = await rows_of(connection, _OFFERS, {"kinds": _KINDS, "account": signed.account_id})
        rows = await rows_of(connection, _WAYS, {"account": signed.account_id, "way": None})
    return WaysShown(items=[WayShown(**row) for row in rows], offers=[Offer(**row) for row in offers])


async def make(serving: Serving, signed: Signed, given: WayNew) -> WaySent:
    """A new way, of which a code is sent there; until it has been typed back nothing else is."""
    if signed.account_id is None:
        raise not_found("account")
    async with acting(serving, signed) as connection:
        offers = await rows_of(connection, _OFFERS, {"kinds": _KINDS, "account": signed.account_id})
        via = next((one for one in offers if one["via"] == given.via), None)
        if via is None:
            raise not_found("channel")
        to = _checked(via["kind"], given.to.get_secret_value().strip())
        known = await rows_of(connection, _WAYS, {"account": signed.account_id, "way": None})
        if len(known) >= _MOST:
            detail = f"Nobody has more than {_MOST} ways: remove one first."
            raise ProblemError(409, "too-many-ways", "Too many ways", detail)
        way = uuid4()
        made = {
            "way": way,
            "name": via["name"],
            "kind": via["kind"],
            "language": given.language,
            "via": given.via,
        }
        await connection.execute(
            _MAKE, {**made, "account": signed.account_id, "masked": masked(via["kind"], to)}
        )
        secret = {"url": to} if via["kind"] == "apprise" else {"to": to}
        await connection.execute(
            "INSERT INTO channel_secret (channel, secret) VALUES (%s, %s)", [way, Jsonb(secret)]
        )
    return await send_code(serving, signed, way)


async def send_code(serving: Serving, signed: Signed, way: UUID) -> WaySent:
    """A new code in place of the one before."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    async with acting(serving, signed) as connection:
        row = await _one(connection, signed, way)
        if row["is_proved"]:
            raise ProblemError(409, "proved", "It is yours already", "The way needs no further code.")
        await connection.execute(_CODE, [way, _hash(way, code), instant(serving.now_ms())])
    return await _send(serving, signed, way, code)


async def test(serving: Serving, signed: Signed, way: UUID) -> WaySent:
    """Send him a test, and answer with what the other side answered."""
    async with acting(serving, signed) as connection:
        row = await _one(connection, signed, way)
    if not row["is_proved"]:
        detail = "Type the code first that was sent there."
        raise ProblemError(409, "not-proved", "Nobody knows that it is yours", detail)
    return await _send(serving, signed, way, None)


async def prove(serving: Serving, signed: Signed, way: UUID, proof: Proof) -> WayShown:
    """It is his: he has typed what was sent there. After five wrong ones a new code is needed."""
    now = instant(serving.now_ms())
    async with acting(serving, signed) as connection:
        await _one(connection, signed, way)
        tried = await (await connection.execute(_TRY, [way, now, _MOST_TRIES])).fetchone()
        is_right = tried is not None and secrets.compare_digest(
            bytes(tried[0]), _hash(way, proof.code.strip())
        )
        if is_right:
            await connection.execute("UPDATE channel SET proved_at = %s WHERE channel = %s", [now, way])
            await connection.execute("DELETE FROM way_proof WHERE channel = %s", [way])
        shown = WayShown(**await _one(connection, signed, way))
    # Outside of the transaction: a wrong one is counted all the same.
    if tried is None:
        detail = "It is older than 15 minutes, or was typed wrong too often: have a new one sent."
        raise ProblemError(422, "code-expired", "The code no longer holds", detail, field="code")
    if not is_right:
        raise ProblemError(
            422, "wrong-code", "That is not the code", "Look at the newest message.", field="code"
        )
    return shown


async def change(
    serving: Serving, signed: Signed, way: UUID, given: WayGiven, if_match: str | None
) -> WayShown:
    """Its language, place, and whether it is on."""
    async with acting(serving, signed) as connection:
        check_match(if_match, (await _one(connection, signed, way))["version"])
        await connection.execute(
            """
            UPDATE channel SET language = %(language)s, is_on = %(is_on)s, position = %(position)s
             WHERE channel = %(way)s AND account_id = %(account)s
            """,
            {**given.model_dump(), "way": way, "account": signed.account_id},
        )
        return WayShown(**await _one(connection, signed, way))


async def remove(serving: Serving, signed: Signed, way: UUID) -> None:
    """He is told by it no more, and where it went is destroyed."""
    now = instant(serving.now_ms())
    async with acting(serving, signed) as connection:
        await _one(connection, signed, way)
        await connection.execute(
            "UPDATE channel SET removed_at = %s, masked = '' WHERE channel = %s", [now, way]
        )
        await connection.execute("DELETE FROM channel_secret WHERE channel = %s", [way])
        await connection.execute("DELETE FROM way_proof WHERE channel = %s", [way])


def masked(kind: str, to: str) -> str:
    """What may be shown of where it goes; pure."""
    if kind == "mail":
        user, _, host = to.rpartition("@")
        return f"{user[:1]}***@{host}"
    if kind == "apprise":
        return model.origin_of(to)
    return f"{to[:3]}****{to[-2:]}" if len(to) > 6 else "****"  # noqa: PLR2004  so short, it would show it all


def _checked(kind: str, to: str) -> str:
    try:
        if kind == "mail":
            return model.mail_address(to)
        if kind == "apprise":
            return model.apprise_url(SecretStr(to)).get_secret_value()
        if not _PHONE.fullmatch(to):
            raise complaint("no-number", "is no telephone number; write it like 13800138000")
    except ValueError as exc:
        raise ProblemError(422, "no-such-address", "It goes nowhere", f"to: {exc}", field="to") from None
    return to


def _hash(way: UUID, code: str) -> bytes:
    return hashlib.sha256(way.bytes + code.encode()).digest()


async def _one(connection: AsyncConnection, signed: Signed, way: UUID) -> Row:
    found = await rows_of(connection, _WAYS, {"account": signed.account_id, "way": way})
    if not found or signed.account_id is None:
        raise not_found("way")
    return found[0]


async def _send(serving: Serving, signed: Signed, way: UUID, code: str | None) -> WaySent:
    if not serving.settings.tells:
        detail = "A demo and a replay tell nobody outside of their pages."
        raise ProblemError(409, "tells-nobody", "Nobody is told", detail)
    async with acting(serving, signed, fenced=False) as connection:
        routes = await rows_of(connection, _ROUTE, {"way": way, "account": signed.account_id})
        shown = WayShown(**await _one(connection, signed, way))
    if not routes:
        raise ProblemError(
            409, "channel-off", "The channel is off", "Choose another one, or ask who set it up."
        )
    row, at = routes[0], instant(serving.now_ms())
    said = (
        words.test(signed.name, shown.name, at, "UTC", row["language"])
        if code is None
        else words.proof(signed.name, code, row["language"])
    )
    notice = Outgoing(
        id=uuid4(), kind="test", site=None, level=1, title=said.title, body=said.body, created_at=at
    )
    route = Route(kind=row["kind"], target=row["target"], secret=row["secret"])
    # Outside of any transaction: the other side may take its time.
    outcome: Outcome = await asyncio.to_thread(send, route, notice, serving.settings.notices.networks)
    return WaySent(way=shown, state=outcome.state, code=outcome.code, text=outcome.text)
