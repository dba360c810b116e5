"""People who act on hazard records: each signs in and signs."""

from typing import Any

import httpx
import msgspec

from cloud.accounts.permissions import COOKIE
from cloud.accounts.sealing import Cost, new_key, seal
from cloud.accounts.signing import Signer
from tests.cloud.web.serving import PASSWORD, Web, new_account, new_session
from tests.support.plain import plain_client

SIGNATURE = {"password": PASSWORD}
CHEAP = Cost(time_cost=1, memory_kib=8, lanes=1)
"""Every key says what it costs to open; that it costs much is another test's matter."""


def signer_of(connection: Any, account: int) -> Signer:
    """His key, open; it rests under his password."""
    private, public = new_key()
    (key,) = connection.execute(
        """
        INSERT INTO signing_key (
                account_id, public_key, sealed, salt, time_cost, memory_kib, lanes, made_at, sealed_at)
            VALUES (%(account)s, %(public)s, %(sealed)s, %(salt)s, %(time_cost)s, %(memory_kib)s, %(lanes)s,
                    now(), now())
            RETURNING key
        """,
        {
            "account": account,
            "public": public,
            **msgspec.structs.asdict(seal(private, public, account, PASSWORD, CHEAP)),
        },
    ).fetchone()
    return Signer(key=key, account_id=account, private=private)


class Somebody:
    """An account in some roles, signed in."""

    def __init__(self, web: Web, connection: Any, name: str, *roles: str, **scope: Any) -> None:
        self.account = new_account(connection, name, *roles, **(scope or {"site": "demo"}))
        signer_of(connection, self.account)
        self.client = plain_client(f"{web.address}/api/v1/")
        self.client.cookies.set(COOKIE, new_session(connection, self.account))

    def see(self, hazard: Any) -> httpx.Response:
        return self.client.get(f"hazards/{hazard}")

    def act(self, hazard: Any, name: str, *, etag: str | None = None, **fields: Any) -> httpx.Response:
        """Over what stands there now, unless an ETag is given."""
        key = fields.pop("key", None)
        headers = {"If-Match": etag or self.see(hazard).headers.get("ETag", '"0"')}
        headers |= {"Idempotency-Key": key} if key else {}
        body = {"act": name, "signature": SIGNATURE, **fields}
        return self.client.post(f"hazards/{hazard}/acts", json=body, headers=headers)
