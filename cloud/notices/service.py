"""Channels as people set them up, and a test that says what the other side answered."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, instant
from cloud.idempotency import Answer
from cloud.notices import store, words
from cloud.notices.model import (
    CALLS,
    CallTarget,
    ChannelGiven,
    ChannelNew,
    ChannelShown,
    LastShown,
    MailTarget,
    Outgoing,
    Route,
    Tested,
    origin_of,
)
from cloud.notices.providers import providers
from cloud.notices.sending import send
from cloud.problems import ProblemError, not_found
from cloud.registry.access import seen_site
from cloud.registry.service import acting, check_match, etag, once
from cloud.serving import Serving

_TEST_LEVEL = 1


async def list_channels(serving: Serving, signed: Signed, site: str) -> list[ChannelShown]:
    """Those that a site's alarms go to."""
    async with acting(serving, signed) as connection:
        rows = await store.channels(connection, signed.account_id, site)
    return [shown(row) for row in rows]


async def read(serving: Serving, signed: Signed, channel: UUID) -> ChannelShown:
    """One that the account may change."""
    async with acting(serving, signed) as connection:
        row = await store.channel(connection, signed.account_id, channel)
    if row is None:
        raise not_found("channel")
    return shown(row)


async def make(serving: Serving, signed: Signed, given: ChannelNew, key: str | None) -> Answer:
    """A new channel; of all sites only by who sees all sites."""
    if given.site is not None and await seen_site(serving, signed, given.site) is None:
        detail = "site: there is no such site"
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="site")
    secret = secret_of(given, None)
    async with acting(serving, signed) as connection:
        await _check_rules(connection, signed, given.site)
        await _check_fallback(connection, given, None, given.site)

        async def work() -> Answer:
            channel = uuid4()
            await store.make(connection, channel, given.site, _values(given, secret))
            await store.keep_secret(connection, channel, secret)
            made = await store.channel(connection, signed.account_id, channel)
            if made is None:
                raise not_found("channel")
            return Answer(body=shown(made).model_dump(mode="json"), etag=etag(made["version"]))

        return await once(
            connection,
            signed,
            key=key,
            request=("channels", given.model_dump(mode="json")),
            now_ms=serving.now_ms(),
            work=work,
        )


async def change(
    serving: Serving, signed: Signed, channel: UUID, given: ChannelGiven, if_match: str | None
) -> ChannelShown:
    """Set it up otherwise; a secret that is left out stays as it was."""
    async with acting(serving, signed) as connection:
        before = await _locked(connection, signed, channel, if_match)
        if given.kind != before["kind"]:
            detail = "kind: it stays what it is; make another channel"
            raise ProblemError(422, "fixed", "It cannot be changed", detail, field="kind")
        await _check_fallback(connection, given, channel, before["site"])
        secret = secret_of(given, before)
        await store.change(connection, channel, _values(given, secret))
        await store.keep_secret(connection, channel, secret)
        row = await store.channel(connection, signed.account_id, channel)
    if row is None:
        raise not_found("channel")
    return shown(row)


async def remove(serving: Serving, signed: Signed, channel: UUID, if_match: str | None) -> None:
    """It tells nothing any more, and its secret is gone; what it has told stays."""
    async with acting(serving, signed) as connection:
        await _locked(connection, signed, channel, if_match)
        await store.remove(connection, channel, instant(serving.now_ms()))


async def test(serving: Serving, signed: Signed, channel: UUID) -> Tested:
    """Send a test now, and answer with what the other side answered."""
    if not serving.settings.tells:
        raise ProblemError(
            409, "tells-nobody", "Nobody is told", "A demo and a replay tell nobody outside of their pages."
        )
    async with acting(serving, signed) as connection:
        if await store.channel(connection, signed.account_id, channel) is None:
            raise not_found("channel")
        row = await store.lock(connection, channel)
    if row is None:
        raise not_found("channel")
    site = None if row["site"] is None else await seen_site(serving, signed, row["site"])
    zone = "UTC" if site is None else site.time_zone
    at = instant(serving.now_ms())
    said = words.test(signed.name, row["name"], at, zone, row["language"])
    notice = Outgoing(
        id=uuid4(),
        kind="test",
        site=row["site"],
        level=_TEST_LEVEL,
        title=said.title,
        body=said.body,
        created_at=at,
    )
    route = Route(kind=row["kind"], target=row["target"], secret=row["secret"])
    # Outside of any transaction: the other side may take its time.
    outcome = await asyncio.to_thread(send, route, notice, serving.settings.notices.networks)
    async with acting(serving, signed) as connection:
        await store.note_test(connection, channel, row["site"], notice, outcome)
    return Tested(state=outcome.state, code=outcome.code, text=outcome.text, took_ms=outcome.took_ms)


def secret_of(given: ChannelGiven, before: Row | None) -> dict[str, str]:
    """What is kept apart; a problem where something is missing. Pure.

    A secret goes where it was given for: with another server or address it must be given again, or whoever
    may change a channel could have it sent to himself.
    """
    known: dict[str, str] = {} if before is None else before["secret"]
    if given.mail is not None:
        return _mail_secret(given.mail, given.password, before, known)
    if given.call is not None and "url" not in providers()[given.call.provider].asks:
        return _call_secret(given, given.call, before, known)
    url = _said(given.url)
    if url is None and "url" not in known:
        raise _missing("url", "the address that the robot or receiver was given")
    key = _said(given.key)
    if key is None and (url is None or url == known.get("url")):
        key = known.get("key")
    return {"url": url or known["url"], **({"key": key} if key else {})}


def _mail_secret(
    mail: MailTarget, password: SecretStr | None, before: Row | None, known: dict[str, str]
) -> dict[str, str]:
    if not mail.username:
        return {}
    said = _said(password)
    is_same = before is not None and MailTarget(**before["target"]).account == mail.account
    if said is None and is_same:
        said = known.get("password")
    if not said:
        raise _missing("password", "the password of that account at that server")
    return {"password": said}


def _call_secret(
    given: ChannelGiven, call: CallTarget, before: Row | None, known: dict[str, str]
) -> dict[str, str]:
    said = _said(given.key)
    is_same = before is not None and _call_of(before["target"]).account == call.account
    if said is None and is_same:
        said = known.get("key")
    if not said:
        raise _missing("key", "the secret that belongs to the key's id at that provider")
    return {"key": said}


def _said(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _missing(field: str, what: str) -> ProblemError:
    return ProblemError(422, "missing", "Something is missing", f"{field}: say {what}.", field=field)


def shown(row: Row) -> ChannelShown:
    """A row, without what is secret; pure."""
    fields = ChannelShown.model_fields
    kind, target = row["kind"], row["target"]
    last = None
    if row["last_state"] is not None:
        last = LastShown(
            state=row["last_state"], code=row["last_code"], answer=row["last_answer"], at=row["last_at"]
        )
    return ChannelShown(
        **{name: value for name, value in row.items() if name in fields},
        mail=MailTarget(**target) if kind == "mail" else None,
        call=_call_of(target) if kind in CALLS else None,
        origin=target.get("origin"),
        last=last,
    )


def _call_of(target: dict[str, Any]) -> CallTarget:
    return CallTarget(**{name: value for name, value in target.items() if name != "origin"})


def _values(given: ChannelGiven, secret: dict[str, str]) -> dict[str, Any]:
    target: dict[str, Any] = {"origin": origin_of(secret["url"])} if "url" in secret else {}
    for part in (given.mail, given.call):
        target |= {} if part is None else part.model_dump()
    return {
        **given.model_dump(include={"name", "kind", "language", "lowest", "is_on", "for_people", "fallback"}),
        "target": target,
    }


async def _check_rules(connection: AsyncConnection, signed: Signed, site: str | None) -> None:
    asked = [signed.account_id, site, roles_with(store.EDITED_WITH)]
    found = await connection.execute("SELECT rules_channel(%s, %s, %s)", asked)
    if await found.fetchone() != (True,):
        detail = "site: a channel of all sites is made by who sees all sites"
        raise ProblemError(422, "out-of-scope", "Out of scope", detail, field="site")


async def _check_fallback(
    connection: AsyncConnection, given: ChannelGiven, channel: UUID | None, site: str | None
) -> None:
    if given.fallback is None or await store.may_stand_in(connection, channel, site, given.fallback):
        return
    detail = "fallback: choose another channel of the same site or of all sites"
    raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="fallback")


async def _locked(connection: AsyncConnection, signed: Signed, channel: UUID, if_match: str | None) -> Row:
    if await store.channel(connection, signed.account_id, channel) is None:
        raise not_found("channel")
    before = await store.lock(connection, channel)
    if before is None:
        raise not_found("channel")
    check_match(if_match, before["version"])
    return before
