"""Changes of the registry: signed, of the version that was seen, done once however often they are sent."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import psycopg
from fastapi import Header

from cloud import idempotency
from cloud.accounts.model import Signed
from cloud.database import AsyncConnection
from cloud.idempotency import Answer, Sent
from cloud.problems import ProblemError
from cloud.serving import Serving

IfMatch = Annotated[
    str | None, Header(description="The ETag of what was seen; a change of something newer is refused.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=200, description="The same request with the same key is done once, for a day."),
]


@contextlib.asynccontextmanager
async def acting(serving: Serving, signed: Signed, *, fenced: bool = True) -> AsyncIterator[AsyncConnection]:
    """A transaction of that account: what it writes is signed, what is out of its scope is not there.

    Not `fenced` is what makes something that is in no scope yet; whoever asks for that looks afterwards.
    """
    account = "" if signed.account_id is None or not fenced else str(signed.account_id)
    async with translated(), serving.pool.connection() as connection, connection.transaction():
        await connection.execute(
            "SELECT set_config('sitewarden.account', %s, true), set_config('sitewarden.author', %s, true)",
            [account, signed.name],
        )
        yield connection


@contextlib.asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """What the database refuses, as a problem with the field that it is of."""
    try:
        yield
    except psycopg.errors.UniqueViolation as exc:
        field = _field(exc)
        raise ProblemError(
            409, "already-there", "It is there already", f"{field}: the site has one already.", field=field
        ) from exc
    except psycopg.errors.ForeignKeyViolation as exc:
        field = _field(exc)
        detail = f"{field}: there is none of that name."
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field=field) from exc


@contextlib.asynccontextmanager
async def removing() -> AsyncIterator[None]:
    """Around a removal: what others refer to stays."""
    try:
        yield
    except psycopg.errors.ForeignKeyViolation as exc:
        raise in_use() from exc


def in_use() -> ProblemError:
    """It cannot be removed."""
    return ProblemError(409, "in-use", "Something refers to it", "Remove or change first what refers to it.")


def _field(exc: psycopg.Error) -> str:
    """Constraints bear the name of their field; a primary key is the record's own name."""
    name = exc.diag.constraint_name or ""
    return "id" if name.endswith("_pkey") else name


def etag(version: int) -> str:
    """As it travels."""
    return f'"{version}"'


def check_match(if_match: str | None, version: int) -> None:
    """Raise a problem where the change was not made to the version that there is."""
    if if_match is None:
        raise ProblemError(
            428,
            "version-missing",
            "Which version was seen?",
            "Send the ETag as `If-Match`.",
            field="If-Match",
        )
    if if_match != etag(version):
        raise ProblemError(
            412,
            "changed-meanwhile",
            "Somebody has changed it meanwhile",
            "Look at it again, then change it.",
            {"ETag": etag(version)},
        )


async def once(
    connection: AsyncConnection,
    signed: Signed,
    *,
    key: str | None,
    request: tuple[str, Any],
    now_ms: int,
    work: Callable[[], Awaitable[Answer]],
) -> Answer:
    """What `work` answers, or has answered to the same request under that key within a day."""
    sent = Sent(account=signed.account_id, key=key, request=request, now_ms=now_ms)
    return await idempotency.once(connection, sent, work)
