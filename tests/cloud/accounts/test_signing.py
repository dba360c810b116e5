"""A person's own key: only his password opens it, and what he has signed stays provable."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cloud.accounts.links import make_link
from cloud.accounts.model import Signed
from cloud.accounts.permissions import COOKIE
from cloud.accounts.sealing import WrongPasswordError, new_key, seal, unseal
from cloud.accounts.signatures import KeyEndedError
from cloud.accounts.signing import Signer, end_key, open_key, verify
from cloud.database import instant
from cloud.hazards.acting import Wish, act
from cloud.hazards.acts import Act
from cloud.hazards.chain import digest
from cloud.histories.service import Exporter
from cloud.ledger.chain import Event
from cloud.ledger.store import append
from cloud.live.hub import Hub
from cloud.problems import ProblemError
from cloud.serving import Serving, make_pool
from tests.cloud.site import now_ms, raised
from tests.cloud.web.serving import PASSWORD, new_account, new_session

NEW = "another good long passphrase"
DIGEST = digest(b"", "{}")


@pytest.fixture
def person(site) -> Signed:
    return signed(new_account(site.connection, "王监督", "enforcement_officer"))


@pytest.fixture
def opened(dsn, settings) -> Iterator[Callable[..., Signer]]:
    """`opened(signed, password)`: the person's key, as a route opens it."""
    with asyncio.Runner() as runner:
        pool = runner.run(_make(dsn))
        hub = Hub(settings, dsn, pool, now_ms)
        serving = Serving(
            settings=settings,
            dsn=dsn,
            pool=pool,
            hub=hub,
            exporter=Exporter(dsn, Path(), now_ms),
            now_ms=now_ms,
        )
        yield lambda who, password=PASSWORD: runner.run(open_key(serving, who, password))
        runner.run(pool.close())


async def _make(dsn):
    pool = make_pool(dsn)
    await pool.open()
    return pool


def signed(account: int | None) -> Signed:
    return Signed(account_id=account, name="王监督", demo=account is None, token_hash=b"")


def keys(site) -> list[tuple]:
    return site.rows("SELECT key, public_key, end_reason FROM signing_key ORDER BY key")


def test_the_first_right_password_makes_the_key_and_every_later_one_opens_the_same(site, person, opened):
    first, second = opened(person), opened(person)
    ((key, public, ended),) = keys(site)
    assert (first.key, second.key, first.account_id, ended) == (key, key, person.account_id, None)
    assert verify(public, DIGEST, first.sign(DIGEST))
    assert verify(public, DIGEST, second.sign(DIGEST))
    assert not verify(public, digest(b"", "[]"), first.sign(DIGEST))
    assert not verify(public[:-1], DIGEST, first.sign(DIGEST))
    assert first.private.hex() not in repr(first)
    resting = site.rows("SELECT * FROM signing_key")
    assert not any(first.private in value for value in resting[0] if isinstance(value, bytes))


@pytest.mark.parametrize("has_key", [False, True])
def test_a_wrong_password_opens_nothing_and_guessing_is_slowed_down(site, person, opened, has_key):
    if has_key:
        opened(person)
    codes = []
    # Ten, and a few more where the machine is so busy that tries come back meanwhile.
    while len(codes) < 11 or (codes[-1][0] == 403 and len(codes) < 50):
        with pytest.raises(ProblemError) as refused:
            opened(person, "a guess")
        codes.append((refused.value.status, refused.value.slug))
    assert set(codes[:10]) == {(403, "not-signed")}
    assert codes[-1] == (429, "too-many-attempts")
    assert len(keys(site)) == has_key


def test_the_demo_signs_nothing(opened, site):
    with pytest.raises(ProblemError) as refused:
        opened(signed(None))
    assert (refused.value.status, refused.value.slug) == (403, "not-signed")
    assert keys(site) == []


def test_whoever_changes_his_password_keeps_his_key(site, web, person, opened):
    before = opened(person)
    web.client.cookies.set(COOKIE, new_session(site.connection, person.account_id))
    changed = web.put("/session/password", json={"password": PASSWORD, "new_password": NEW})
    assert changed.status_code == 204
    assert opened(person, NEW) == before
    with pytest.raises(ProblemError):
        opened(person, PASSWORD)


def test_a_reset_ends_the_key_and_what_was_signed_with_it_is_still_verified(site, web, person, opened):
    old = opened(person)
    signature = old.sign(DIGEST)
    token = asyncio.run(_link(site.dsn, person.account_id))
    assert web.post("/account-links/use", json={"token": token, "password": NEW}).status_code == 200
    new = opened(person, NEW)
    (_, old_public, reason), (key, public, ended) = keys(site)
    assert (reason, new.key, ended) == ("password_reset", key, None)
    assert verify(old_public, DIGEST, signature)
    assert not verify(public, DIGEST, signature)


async def _link(dsn: str, account: int) -> str:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("SELECT set_config('sitewarden.author', 'test', true)")
        link = await make_link(connection, account, now_ms())
    return link.path.partition("#")[2]


def test_a_signature_is_kept_only_by_whoever_acted_and_with_a_key_in_force(site, person, opened):
    site.born().deliver(raised())
    hazard, before = site.rows("SELECT hazard_id, hash FROM hazard_event")[0]
    hashed = digest(before, "{}")
    site.connection.execute(
        "INSERT INTO hazard_event VALUES (%s, 2, '{}', %s, %s, now(), 'opinion', %s, "
        "'candidate', 'general', 'not_due', 'none', 0, false, false)",
        [hazard, before, hashed, person.account_id],
    )
    mine = opened(person)
    theirs = opened(signed(new_account(site.connection, "别人")))
    for seq, signer, account in ((1, mine, mine), (2, theirs, theirs), (2, theirs, mine)):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            keep(site, signer, hashed, (hazard, seq, account.account_id))
    keep(site, mine, hashed, (hazard, 2, mine.account_id))
    for statement in ("UPDATE hazard_signature SET key = 1", "DELETE FROM hazard_signature"):
        with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            owner.execute(statement)


def test_a_key_that_ends_after_it_was_opened_signs_nothing_more(site, person, opened):
    site.born().deliver(raised())
    wish = Wish(
        hazard_id=site.value("SELECT id FROM hazard"),
        act=TypeAdapter(Act).validate_python(
            {"act": "confirm", "level": "general", "reason": "属实", "signature": {"password": PASSWORD}}
        ),
        account=person.account_id,
        signer=opened(person),
        if_match='"1"',
        now_ms=now_ms(),
    )
    asyncio.run(_end(site.dsn, person.account_id))
    with pytest.raises(KeyEndedError), site.connection.transaction():
        act(site.connection, wish)
    assert site.rows("SELECT status, version FROM hazard") == [("candidate", 1)]
    # Neither incidents nor enforcement take it.
    with pytest.raises(KeyEndedError):
        asyncio.run(_append(site.dsn, wish.signer))


def test_that_a_key_has_ended_is_told_as_a_refusal(site, web, person):
    """The database ends the key as soon as it is opened: as where somebody resets the password just then."""
    site.born().deliver(raised())
    web.client.cookies.set(COOKIE, new_session(site.connection, person.account_id))
    path = f"/hazards/{site.value('SELECT id FROM hazard')}"
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION end_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "UPDATE signing_key SET ended_at = now() + interval '1 h', end_reason = 'replaced' "
            "WHERE ended_at IS NULL; RETURN NEW; END $$"
        )
        owner.execute(
            "CREATE TRIGGER ends BEFORE INSERT ON hazard_event FOR EACH ROW EXECUTE FUNCTION end_now()"
        )
    try:
        answer = web.post(
            f"{path}/acts",
            json={
                "act": "confirm",
                "level": "general",
                "reason": "属实",
                "signature": {"password": PASSWORD},
            },
            headers={"If-Match": web.get(path).headers["ETag"]},
        )
    finally:
        # The database is shared by all tests of the session.
        with psycopg.connect(site.dsn, autocommit=True) as owner:
            owner.execute("DROP FUNCTION end_now() CASCADE")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "key-ended")
    assert site.rows("SELECT status, version FROM hazard") == [("candidate", 1)]


async def _end(dsn: str, account: int) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await end_key(connection, account, instant(now_ms()), "password_reset")


async def _append(dsn: str, signer: Signer) -> None:
    event = Event(
        at="2026-11-20T10:00:00.000Z",
        actor="王监督",
        account=signer.account_id,
        role="",
        kind="close",
        body={},
    )
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await append(connection, "incident", uuid4(), event, signer)


def keep(site, signer: Signer, hashed: bytes, of: tuple) -> None:
    site.connection.execute(
        "INSERT INTO hazard_signature VALUES (%s, %s, %s, %s, %s)",
        [*of, signer.key, signer.sign(hashed)],
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE signing_key SET public_key = %(other)s",
        "UPDATE signing_key SET account_id = account_id + 1",
        "DELETE FROM signing_key",
        "TRUNCATE signing_key CASCADE",
    ],
)
def test_nobody_changes_or_removes_a_key(site, person, opened, statement):
    opened(person)
    with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute(statement, {"other": b"\x01" * 32} if "%" in statement else None)


@settings(max_examples=5, deadline=None)
@given(password=st.text(min_size=1, max_size=60), other=st.text(min_size=1, max_size=60))
def test_only_the_password_opens_and_only_for_that_account(password, other):
    private, public = new_key()
    sealed = seal(private, public, 7, password)
    assert unseal(sealed, public, 7, password) == private
    with pytest.raises(WrongPasswordError):
        unseal(sealed, public, 8, password)
    if other != password:
        with pytest.raises(WrongPasswordError):
            unseal(sealed, public, 7, other)
