"""The real web server on a port of its own, in a thread, with a client that is signed in."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Self

import argon2
import httpx

from cloud.accounts.permissions import COOKIE
from cloud.accounts.tokens import new_token, token_hash
from cloud.app import make_app
from cloud.server import Server, listen, make_server
from cloud.settings import Settings
from tests.support.plain import plain_client

PASSWORD = "a good long passphrase"
HASHED = argon2.PasswordHasher().hash(PASSWORD)


def new_account(connection, name: str, *roles: str, **scope) -> int:
    """Straight into the database: the slow hash of a password is other tests' matter.

    In these roles, all with the same scope: `node=`, `site=` with `devices=`, or the whole system.
    """
    with changing(connection):
        (account,) = connection.execute(
            "INSERT INTO account (name, password_hash, created_at) VALUES (%s, %s, now()) RETURNING id",
            [name, HASHED],
        ).fetchone()
    for role in roles:
        assign(connection, account, role, **scope)
    return account


@contextlib.contextmanager
def changing(connection) -> Iterator[None]:
    """A transaction that names its author, as every change of an account does."""
    with connection.transaction():
        connection.execute("SELECT set_config('sitewarden.author', 'test', true)")
        yield


def assign(connection, account: int, role: str, *, node=None, site=None, devices=None) -> int:
    """Give an account a role, by nobody's leave."""
    with changing(connection):
        (assignment,) = connection.execute(
            "INSERT INTO assignment (account_id, role, node, site, devices, valid_from, given_by) "
            "VALUES (%s, %s, %s, %s, %s, now(), 'test') RETURNING assignment",
            [account, role, node, site, devices],
        ).fetchone()
    return assignment


def change_role(connection, role: str) -> None:
    """Give everybody that role instead."""
    with changing(connection):
        connection.execute("UPDATE assignment SET role = %s", [role])


def new_session(connection, account: int) -> str:
    """The token of a session of that account."""
    token = new_token()
    connection.execute(
        "INSERT INTO session (token_hash, account_id, created_at, seen_at) VALUES (%s, %s, now(), now())",
        [token_hash(token), account],
    )
    return token


class Web:
    """`get`, `post` … by path under /api/v1."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self.listening = listen("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.app = make_app(settings, dsn)
        self.server: Server = make_server(self.app, settings.proxies)
        self._thread = threading.Thread(target=self.server.run, args=([self.listening],), daemon=True)
        self._thread.start()
        self.client = plain_client(self.address)
        deadline = time.monotonic() + 45
        while not self.server.started:
            assert time.monotonic() < deadline, "the web server does not start"
            time.sleep(0.01)

    def sign_in(self, connection) -> None:
        """As the administrator of the whole system."""
        self.client.cookies.set(COOKIE, new_session(connection, new_account(connection, "安全员", "admin")))

    def get(self, path: str, **more) -> httpx.Response:
        return self.client.get(f"/api/v1{path}", **more)

    def post(self, path: str, **more) -> httpx.Response:
        return self.client.post(f"/api/v1{path}", **more)

    def put(self, path: str, **more) -> httpx.Response:
        return self.client.put(f"/api/v1{path}", **more)

    def delete(self, path: str, **more) -> httpx.Response:
        return self.client.delete(f"/api/v1{path}", **more)

    def stream(self, site: str = "demo", last_id: int | None = None) -> "Stream":
        return Stream(self.client, site, last_id)

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join(45)
        assert not self._thread.is_alive(), "the web server does not stop"
        self.client.close()


class Stream:
    """An open live stream; `next(event)` waits for the next event of that name."""

    def __init__(self, client: httpx.Client, site: str, last_id: int | None) -> None:
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        self._context = client.stream("GET", f"/api/v1/sites/{site}/live", headers=headers)
        self.response = self._context.__enter__()
        self.lines = self.response.iter_lines()
        self.events = self._parse(self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._context.__exit__(None, None, None)

    def next(self, event: str) -> dict:
        """Data of the next event of that name, its id under `_id`; others are passed over."""
        for name, event_id, data in self.events:
            if name == event:
                return {**data, "_id": event_id}
        raise AssertionError("the stream has ended")

    def all(self) -> list[tuple[str, int | None, dict]]:
        """Everything until the stream ends."""
        return list(self.events)

    @staticmethod
    def _parse(lines: Iterator[str]) -> Iterator[tuple[str, int | None, dict]]:
        fields: dict[str, str] = {}
        for line in lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                event_id = fields.get("id")
                yield fields["event"], None if event_id is None else int(event_id), json.loads(fields["data"])
                fields = {}
            else:
                fields = {}
