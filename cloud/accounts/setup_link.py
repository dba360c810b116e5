"""The set-up link: whoever holds it, within half an hour and once, makes the first account."""

import datetime as dt

from cloud.accounts.tokens import new_token, token_hash
from cloud.database import Connection, instant
from sitewarden.errors import SiteWardenError

LIFETIME = dt.timedelta(minutes=30)


class AlreadySetUpError(SiteWardenError):
    """There is an account already; sign in with it, no new set-up link is given."""

    def __str__(self) -> str:
        """The docstring is the message."""
        return self.__doc__ or ""


def has_account(connection: Connection) -> bool:
    """Whether the system has been set up."""
    return connection.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None


def new_setup_link(connection: Connection, address: str, now_ms: int) -> str:
    """A fresh link, the only valid one from now on; `AlreadySetUpError` where there is an account."""
    if has_account(connection):
        raise AlreadySetUpError
    token = new_token()
    with connection.transaction():
        connection.execute("DELETE FROM setup_link")
        connection.execute(
            "INSERT INTO setup_link (token_hash, expires_at) VALUES (%s, %s)",
            [token_hash(token), instant(now_ms) + LIFETIME],
        )
    return f"{address}/setup#{token}"
