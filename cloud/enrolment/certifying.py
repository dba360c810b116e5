"""Certificates for gateways: issued for keys that stay there, renewed, and seen to have arrived."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator
from typing import NoReturn

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.database import AsyncConnection, Row, instant
from cloud.enrolment import store
from cloud.enrolment.authority import (
    LONGEST_NAME,
    Authority,
    AuthorityError,
    RequestError,
    asked_key,
    has_signed,
    key_hash,
    serial_text,
    username_of,
)
from cloud.enrolment.model import Issued, Renew, SeenCertificate
from cloud.instants import rfc3339
from cloud.problems import ProblemError
from cloud.serving import Serving
from cloud.settings import Certificates

log = logging.getLogger(__name__)

MOST_A_DAY = 30
"""Certificates of a gateway: an agent whose disk is full asks every hour; a stolen one fills no database."""
_DAY = dt.timedelta(days=1)
SEEN, RENEWAL = "sitewarden seen", "sitewarden renewal"
"""What a gateway signs begins with what it means by it."""


def check_name(site: str, gateway: str) -> None:
    """Whether the gateway's name finds room in a certificate; before a code is made in vain."""
    name = username_of(site, gateway)
    if len(name) > LONGEST_NAME:
        raise ProblemError(
            409,
            "name-too-long",
            "The name does not fit into a certificate",
            f"`{name}` has {len(name)} characters; site, slash and gateway may have {LONGEST_NAME}.",
        )


def key_of(request: str | None) -> ec.EllipticCurvePublicKey:
    """The key of a request; a problem where there is none, before a code is used up."""
    if request is None:
        raise ProblemError(
            409,
            "certificate-wanted",
            "Gateways come by certificate here",
            "The gateway's program is too old to ask for one. Install this cloud's version. "
            "The code was not used up.",
        )
    try:
        return asked_key(request)
    except RequestError as exc:
        raise ProblemError(422, "request-wrong", "The request cannot be signed", str(exc)) from exc


async def issue(
    connection: AsyncConnection,
    settings: Certificates,
    key: ec.EllipticCurvePublicKey,
    whose: tuple[str, str],
    now: dt.datetime,
) -> Issued:
    """A new certificate of a gateway; a problem where the key has one already."""
    site, gateway = whose
    hashed = key_hash(key)
    if await store.certificate_of_key(connection, hashed) is not None:
        raise _key_known()
    try:
        authority = await asyncio.to_thread(Authority.read, settings.ca_file, settings.key_file)
        made = authority.issue(key, site, gateway, now, dt.timedelta(days=settings.days))
    except AuthorityError as exc:
        log.error("no certificate can be made gateway=%s/%s cause=%s", site, gateway, exc)  # noqa: TRY400
        detail = "The cloud's log says why; whoever runs it mends that. No code was used up."
        raise ProblemError(503, "authority-unusable", "The cloud can sign nothing", detail) from exc
    row = {
        "serial": serial_text(made),
        "site": site,
        "gateway": gateway,
        "certificate": made.public_bytes(serialization.Encoding.PEM).decode(),
        "key_hash": hashed,
        "issued_at": now,
        "ends_at": made.not_valid_after_utc,
    }
    await store.put_certificate(connection, row)
    return _issued(row)


async def renew(serving: Serving, asked: Renew, address: str) -> Issued:
    """The next certificate of whoever has a good one, which goes on to hold until the next is seen."""
    settings = None if serving.settings.enrolment is None else serving.settings.enrolment.certificates
    if settings is None:
        raise ProblemError(
            409, "certificates-off", "No certificates are made here", "Enrol the gateway by a new code."
        )
    now, key = instant(serving.now_ms()), key_of(asked.request)
    said = f"{RENEWAL}\n{asked.serial}\n{asked.request}"
    async with _transaction(serving) as connection:
        held = _held(await store.certificate_of_serial(connection, asked.serial), asked.signature, said, now)
        site, gateway = held["site"], held["gateway"]
        await _sign(connection, site, gateway, address)
        known = await store.certificate_of_key(connection, key_hash(key))
        if known is None:
            if await store.issued_since(connection, site, gateway, now - _DAY) >= MOST_A_DAY:
                raise ProblemError(
                    429,
                    "too-many-attempts",
                    "Too many certificates",
                    f"A gateway gets {MOST_A_DAY} a day.",
                    {"Retry-After": "3600"},
                )
            return await issue(connection, settings, key, (site, gateway), now)
    if (known["site"], known["gateway"], known["ended_at"]) != (site, gateway, None):
        raise _key_known()
    return _issued(known)


async def see(serving: Serving, seen: SeenCertificate, address: str) -> None:
    """The gateway has it: from now on no earlier one is good; said again, nothing happens."""
    now, said = instant(serving.now_ms()), f"{SEEN}\n{seen.serial}"
    async with _transaction(serving) as connection:
        # Locked: whoever revokes at this moment goes before or after, and is not undone.
        held = _held(await store.certificate_of_serial(connection, seen.serial), seen.signature, said, now)
        await _sign(connection, held["site"], held["gateway"], address)
        await store.see_certificate(connection, held["site"], held["gateway"], seen.serial, now)


@contextlib.asynccontextmanager
async def signed_by_gateway(
    serving: Serving, site: str, gateway: str, address: str
) -> AsyncIterator[AsyncConnection]:
    """A transaction of a gateway that nobody has signed in: the log of changes has its address."""
    async with _transaction(serving) as connection:
        await _sign(connection, site, gateway, address)
        yield connection


@contextlib.asynccontextmanager
async def _transaction(serving: Serving) -> AsyncIterator[AsyncConnection]:
    async with serving.pool.connection() as connection, connection.transaction():
        yield connection


async def _sign(connection: AsyncConnection, site: str, gateway: str, address: str) -> None:
    author = f"{site}/{gateway} from {address}" if site else f"a gateway from {address}"
    await connection.execute("SELECT set_config('sitewarden.author', %s, true)", [author])


def _held(row: Row | None, signature: str, said: str, now: dt.datetime) -> Row:
    """A good certificate, of whoever has its key. Only who has the key learns what is wrong with it."""
    if row is None or not has_signed(row["certificate"], signature, said.encode()):
        raise ProblemError(
            403,
            "certificate-wrong",
            "Not its certificate",
            "There is none like it, or another key has signed.",
        )
    if row["retired_on"] is not None:
        _refuse("retired", "The gateway is retired", "It was taken out of service in the cloud's registry.")
    if row["ended_by"] == "revoked":
        ended = rfc3339(row["ended_at"])
        _refuse("revoked", "The gateway was revoked", f"At {ended}. A new code lets it in again.")
    if row["ended_by"] is not None:
        _refuse("replaced", "The certificate was replaced", "The gateway was enrolled again, or renewed it.")
    if row["ends_at"] <= now:
        ended = rfc3339(row["ends_at"])
        _refuse("certificate-expired", "The certificate has ended", f"At {ended}. Enrol again by a new code.")
    return row


def _refuse(word: str, title: str, detail: str) -> NoReturn:
    raise ProblemError(403, word, title, detail)


def _issued(row: Row) -> Issued:
    return Issued(certificate=row["certificate"], serial=row["serial"], ends_at=rfc3339(row["ends_at"]))


def _key_known() -> ProblemError:
    return ProblemError(
        409, "key-known", "The key has a certificate already", "Make a new key for each certificate."
    )
