"""People who act on hazard records over HTTP: each signs in and signs."""

from typing import Any

import httpx

from cloud.accounts.permissions import COOKIE
from tests.cloud.web.serving import PASSWORD, Web, new_account, new_session

SIGNATURE = {"password": PASSWORD}


class Somebody:
    """An account in some roles, signed in."""

    def __init__(self, web: Web, connection: Any, name: str, *roles: str, **scope: Any) -> None:
        self.account = new_account(connection, name, *roles, **(scope or {"site": "demo"}))
        self.client = httpx.Client(base_url=f"{web.address}/api/v1/", timeout=20)
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
