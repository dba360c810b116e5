"""Whether something may be sent, and that it is."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from cloud.accounts.model import Signed
from cloud.callers import PROGRAMS, calling
from cloud.database import Connection, Row, connect, instant
from cloud.exports import Mark
from cloud.idempotency import Answer, Sent, once_in_thread
from cloud.mailing import store
from cloud.notices.bounds import bounds
from cloud.problems import ProblemError
from cloud.serving import Serving


async def mailings(serving: Serving, *, report: UUID | None = None, dossier: UUID | None = None) -> list[Row]:
    """Of something that the caller has been shown."""
    return await serving.rows(store.SHOWN, {"report": report, "dossier": dossier})


async def channel_for(serving: Serving, channel: UUID, site: str | None) -> Row:
    """The channel, if it may be sent by that one; a problem where not, or where nothing is sent at all."""
    if not serving.settings.tells:
        raise ProblemError(
            409, "tells-nobody", "Nobody is told", "A demo and a replay tell nobody outside of their pages."
        )
    for row in await serving.rows(store.CHANNELS, {"site": site}):
        if row["id"] == channel:
            return row
    detail = "channel: there is no such channel by mail that is on."
    raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="body.channel")


def check_size(size: int) -> None:
    """A problem where no mail server would take it."""
    most = bounds().enclosed.most_bytes
    if size > most:
        detail = (
            f"It has {size / 1e6:.1f} MB; by mail go {most / 1e6:.0f} MB. Download it, hand it in otherwise."
        )
        raise ProblemError(413, "too-large-to-mail", "It is too large for a mail", detail)


def new_of(
    what: store.What, channel: Row, recipients: list[str], *, signed: Signed, role: str, now_ms: int
) -> store.New:
    """What is to be sent, in the words of the channel's language; pure."""
    line = Mark(signed.name, instant(now_ms), what.time_zone).line()
    hashed = what.sha256.hex()
    if channel["language"] == "zh":
        title = what.called.zh
        lines = [f"附件：{what.name}", f"内容摘要 SHA-256：{hashed}", line, "工地卫士"]
    else:
        title = what.called.en
        lines = [f"Enclosed: {what.name}", f"SHA-256 of its contents: {hashed}", line, "SiteWarden"]
    return store.New(
        what=what,
        title=title,
        body="\n".join(lines),
        channel=channel["id"],
        recipients=list(dict.fromkeys(recipients)) or channel["recipients"],
        author=signed.name,
        account=signed.account_id,
        role=role,
    )


async def ask(
    serving: Serving, signed: Signed, new: store.New, *, request: tuple[str, Any], key: str | None
) -> UUID:
    """Have it sent; whoever asks has been looked at before."""
    return await asyncio.to_thread(
        _ask_in_thread, serving.dsn, signed, new, request=request, key=key, now_ms=serving.now_ms()
    )


def _ask_in_thread(
    dsn: str, signed: Signed, new: store.New, *, request: tuple[str, Any], key: str | None, now_ms: int
) -> UUID:
    sent = Sent(account=signed.account_id, key=key, request=request, now_ms=now_ms)
    with calling(PROGRAMS), connect(dsn) as connection, connection.transaction():
        work = _asking(connection, new, now_ms)
        return UUID(once_in_thread(connection, sent, work).body)


def _asking(connection: Connection, new: store.New, now_ms: int) -> Callable[[], Answer]:
    def work() -> Answer:
        if new.what.report is not None:
            found = connection.execute(store.APPROVED, [new.what.report]).fetchone()
            if found is None or found[0] != new.what.version:
                raise ProblemError(
                    409, "not-approved", "It is not approved", "Only the version that was approved is sent."
                )
        return Answer(body=str(store.keep(connection, new, now_ms)))

    return work
