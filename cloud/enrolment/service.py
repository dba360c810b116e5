"""Letting gateways in: codes are made, used up, and passwords put in force."""

import datetime as dt

from cloud.accounts.model import Signed
from cloud.accounts.service import Passwords
from cloud.database import AsyncConnection, Row, instant
from cloud.enrolment import certifying, passwords, store
from cloud.enrolment.certifying import signed_by_gateway
from cloud.enrolment.code import Code, new_code, read_code
from cloud.enrolment.model import BrokerShown, CodeShown, Enrol, Enrolled, GatewayAccess, Seen, Standing
from cloud.instants import rfc3339
from cloud.problems import ProblemError, not_found
from cloud.registry.service import acting
from cloud.serving import Serving
from cloud.settings import Enrolment
from cloud.sites.service import cloned_at, presence

CODE_HOLDS = dt.timedelta(minutes=15)


def enrolment_of(serving: Serving) -> Enrolment:
    """What cloud.yaml says of it; a problem where it says nothing."""
    if serving.settings.enrolment is None:
        raise ProblemError(
            409,
            "enrolment-off",
            "Gateways are not enrolled here",
            "Give cloud.yaml a section `enrolment`: where gateways reach the broker, and its password file.",
        )
    return serving.settings.enrolment


async def make_code(
    serving: Serving, signed: Signed, hashing: Passwords, site: str, gateway: str
) -> CodeShown:
    """A one-time code for a gateway in service; any earlier one is dead."""
    if enrolment_of(serving).certificates is not None:
        certifying.check_name(site, gateway)
    code, expires_at = new_code(), instant(serving.now_ms()) + CODE_HOLDS
    hashed = await hashing.hash(code.secret)
    async with acting(serving, signed) as connection:
        await _in_service(connection, site, gateway)
        await store.put_code(
            connection, site, gateway, locator=code.locator, hashed=hashed, expires_at=expires_at
        )
    return CodeShown(code=str(code), expires_at=rfc3339(expires_at))


async def revoke(serving: Serving, signed: Signed, site: str, gateway: str) -> None:
    """Neither let in nor heard from now on, until it is enrolled again."""
    async with acting(serving, signed) as connection:
        if await store.standing_of(connection, site, gateway) is None:
            raise not_found("gateway")
        await store.revoke(connection, site, gateway, instant(serving.now_ms()))


async def enrol(serving: Serving, hashing: Passwords, asked: Enrol, address: str) -> Enrolled:
    """Use a code up: who the gateway is, and a password that was never seen before, or a certificate."""
    settings = enrolment_of(serving)
    key = None if settings.certificates is None else certifying.key_of(asked.request)
    code = read_code(asked.code)
    if code is None:
        raise _wrong("A code has twelve letters and digits, in three groups of four.")
    row = await _tried(serving, code, address)
    if not await hashing.fits(code.secret, row["code_hash"]):
        left = store.TRIES - row["code_tries"]
        raise _wrong(f"It may be tried {left} times more." if left else "It is dead now: ask for a new one.")
    now, password = instant(serving.now_ms()), passwords.new_password() if key is None else None
    _check(row, asked, now)
    site, gateway, certificate = row["site"], row["gateway"], None
    async with signed_by_gateway(serving, site, gateway, address) as connection:
        await _in_service(connection, site, gateway)
        hashed = None if password is None else passwords.password_hash(password)
        if not await store.redeem(connection, code.locator, row["code_hash"], hashed, now):
            raise _used()
        if settings.certificates is not None and key is not None:
            certificate = await certifying.issue(connection, settings.certificates, key, (site, gateway), now)
    return Enrolled(
        site=site,
        gateway=gateway,
        username=f"{site}/{gateway}",
        password=password,
        certificate=certificate,
        broker=BrokerShown(host=settings.host, port=settings.port, ca=settings.ca),
        in_force_at=rfc3339(now + store.OVERLAP),
    )


async def see(serving: Serving, seen: Seen, address: str) -> None:
    """The gateway has its password: from now on it holds, and no earlier one; said again, nothing happens."""
    async with signed_by_gateway(serving, seen.site, seen.gateway, address) as connection:
        row = await store.passwords_of(connection, seen.site, seen.gateway) or {}
        if passwords.fits(seen.password, row.get("next_password_hash")):
            await store.put_in_force(connection, seen.site, seen.gateway)
            now = instant(serving.now_ms())
            await store.end_certificates(connection, seen.site, seen.gateway, "replaced", now)
        elif not passwords.fits(seen.password, row.get("password_hash")):
            raise ProblemError(
                403, "password-wrong", "Not its password", "It was revoked, or enrolled again meanwhile."
            )


def access_shown(row: Row, now: dt.datetime) -> GatewayAccess:
    """A row of `ACCESS`; pure."""
    is_open = (
        row["code_expires_at"] is not None
        and row["code_expires_at"] > now
        and row["code_used_at"] is None
        and row["code_tries"] < store.TRIES
    )
    fields = GatewayAccess.model_fields
    return GatewayAccess(
        **{
            **{name: value for name, value in row.items() if name in fields},
            "standing": _standing(row, now),
            "issued_at": row["issued_at"] or row["certified_at"],
            "next_issued_at": row["next_issued_at"] or row["certificate_given_at"],
            "state": presence(row, now),
            "cloned_at": cloned_at(row, now),
            "code_expires_at": row["code_expires_at"] if is_open else None,
        }
    )


def _standing(row: Row, now: dt.datetime) -> Standing:
    ends_at = row["certificate_ends_at"]
    is_in = row["has_password"] or (ends_at is not None and ends_at > now)
    if row["retired_on"] is not None:
        return "retired"
    if (row["next_issued_at"] or row["certificate_given_at"]) is not None and not is_in:
        return "handed_out"
    if row["revoked_at"] is not None:
        return "revoked"
    if is_in:
        return "enrolled"
    return "not_enrolled" if ends_at is None else "expired"


async def _tried(serving: Serving, code: Code, address: str) -> Row:
    async with signed_by_gateway(serving, "", "", address) as connection:
        row = await store.take_try(connection, code.locator)
        if row is None and await store.is_code(connection, code.locator):
            raise ProblemError(
                403, "code-dead", "The code is dead", "It was tried too often. Ask for a new one."
            )
    if row is None:
        raise _wrong("There is none like it, or a newer one was made.")
    return row


def _check(row: Row, asked: Enrol, now: dt.datetime) -> None:
    """Only whoever knows a code learns what is the matter with it."""
    if row["code_used_at"] is not None:
        raise _used()
    if row["code_expires_at"] <= now:
        ended = rfc3339(row["code_expires_at"])
        raise ProblemError(
            403, "code-expired", "The code has expired", f"It ended at {ended}. Ask for a new one."
        )
    is_other = (asked.site or row["site"], asked.gateway or row["gateway"]) != (row["site"], row["gateway"])
    if is_other:
        raise ProblemError(
            409,
            "other-gateway",
            "The code is for another gateway",
            f"It is for {row['site']}/{row['gateway']}, and was not used up.",
        )


async def _in_service(connection: AsyncConnection, site: str, gateway: str) -> None:
    row = await store.standing_of(connection, site, gateway)
    if row is None:
        raise not_found("gateway")
    if row["retired_on"] is not None:
        raise ProblemError(409, "retired", "The gateway is retired", "Put it back in service first.")


def _wrong(detail: str) -> ProblemError:
    return ProblemError(403, "code-wrong", "The code is wrong", detail)


def _used() -> ProblemError:
    return ProblemError(403, "code-used", "The code has been used", "It works once. Ask for a new one.")
