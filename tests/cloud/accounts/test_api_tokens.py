"""Tokens by which programs ask: shown once, for less than the account may, for a time; they never sign."""

import asyncio
import datetime as dt

import httpx
import pytest

from cloud.accounts.model import Signed
from cloud.accounts.permissions import COOKIE
from cloud.accounts.signing import open_key
from cloud.accounts.tokens import token_hash
from cloud.problems import ProblemError
from cloud.settings import Limits, Rate
from tests.cloud.site import make_settings
from tests.cloud.web.serving import PASSWORD, Stream, Web, change_role, changing, new_account, new_session
from tests.support.plain import plain_client


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def until(days: float = 30) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()


def make(web, *permissions: str, name: str = "大屏", **more) -> httpx.Response:
    asked = {"name": name, "permissions": list(permissions), "expires_at": until(), "password": PASSWORD}
    return web.post("/session/tokens", json={**asked, **more})


def program(web, token: str) -> httpx.Client:
    return plain_client(web.address + "/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=45)


def test_a_token_opens_what_it_is_for_and_nothing_else(web, site):
    made = make(web, "live.view", "status.view")
    assert made.status_code == 201
    token = made.json()["token"]
    assert site.value("SELECT token_hash FROM api_token") == token_hash(token)
    with program(web, token) as client:
        assert client.get("/sites/demo/values").status_code == 200
        assert [one["id"] for one in client.get("/sites").json()["items"]] == ["demo"]
        assert client.get("/sites/demo").json()["permissions"] == ["live.view", "status.view"]
        assert client.get("/session").json()["permissions"] == ["live.view", "status.view"]
        for method, path in (
            ("GET", "/sites/demo/registry"),
            ("GET", "/accounts"),
            ("GET", "/sessions"),
            ("GET", "/session/tokens"),
            ("POST", "/session/tokens"),
            ("DELETE", "/session"),
            ("PUT", "/session/password"),
        ):
            assert client.request(method, path, json={}).status_code in {403, 422}, path
            assert site.value("SELECT count(*) FROM api_token") == 1
        client.base_url = web.address
        with Stream(client, "demo", None) as stream:
            assert stream.next("values")["_id"] is None
    (shown,) = web.get("/session/tokens").json()["items"]
    assert shown["used_at"] is not None
    assert token not in str(shown)


def test_a_token_has_no_more_than_its_account_and_loses_with_it(web, site):
    account = new_account(site.connection, "王监督", "viewer")
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    assert slug(make(web, "registry.edit")) == (422, "beyond-own")
    token = make(web, "live.view").json()["token"]
    with program(web, token) as client:
        assert client.get("/sites/demo/values").status_code == 200
        with changing(site.connection):
            site.connection.execute(
                "UPDATE assignment SET valid_until = now() WHERE account_id = %s", [account]
            )
        assert client.get("/sites/demo/values").status_code == 404
        with changing(site.connection):
            site.connection.execute("UPDATE account SET disabled_at = now() WHERE id = %s", [account])
        assert client.get("/session").status_code == 401


def test_a_token_ends_when_it_is_revoked_when_its_time_is_over_and_with_a_reset(web, site):
    tokens = [make(web, "live.view", name=name).json() for name in ("甲", "乙", "丙")]
    assert web.delete(f"/session/tokens/{tokens[0]['shown']['id']}").status_code == 204
    site.connection.execute(
        "UPDATE api_token SET made_at = now() - interval '2 days', expires_at = now() - interval '1 s' "
        "WHERE name = '乙'"
    )
    answers = []
    for one in tokens:
        with program(web, one["token"]) as client:
            answers.append(client.get("/session").status_code)
    assert answers == [401, 401, 200]
    assert web.delete(f"/session/tokens/{tokens[0]['shown']['id']}").status_code == 404
    changes = [one for one in web.get("/account-changes").json()["items"] if one["record"] == "api_token"]
    assert len(changes) == 4
    assert "token_hash" not in changes[0]["after"]


def test_a_token_is_made_only_with_the_password_and_for_a_year_at_most(web, site):
    guess = {"password": "no"}
    assert slug(make(web, "live.view", **guess)) == (403, "wrong-password")
    assert slug(make(web, "live.view", expires_at=until(400))) == (422, "bad-expiry")
    assert slug(make(web, "live.view", expires_at=until(-1))) == (422, "bad-expiry")
    assert make(web, "live.view").status_code == 201
    assert slug(make(web, "live.view")) == (409, "already-there")
    with changing(site.connection):
        site.connection.execute(
            "INSERT INTO api_token (account_id, name, token_hash, permissions, made_at, expires_at) "
            "SELECT account_id, n::text, n::text::bytea, permissions, made_at, expires_at "
            "FROM api_token, generate_series(1, 19) AS n"
        )
    assert slug(make(web, "live.view", name="too many")) == (409, "too-many-tokens")


def test_nobody_revokes_anothers_token(web, site):
    theirs = make(web, "live.view").json()["shown"]["id"]
    web.client.cookies.set(
        COOKIE, new_session(site.connection, new_account(site.connection, "别人", "admin"))
    )
    assert web.delete(f"/session/tokens/{theirs}").status_code == 404
    assert web.get("/session/tokens").json()["items"] == []


def test_a_wrong_token_is_nobody_even_beside_a_good_cookie(web):
    for given in ("Bearer swt_wrong", "Bearer", "bearer x"):
        assert web.get("/session", headers={"Authorization": given}).status_code == 401


def test_a_token_signs_nothing_though_the_password_is_right(web, site):
    account = site.value("SELECT id FROM account")
    by_token = Signed(account_id=account, name="安全员", demo=False, token_hash=b"", api_token=1)
    with pytest.raises(ProblemError) as refused:
        asyncio.run(open_key(web.app.state.serving, by_token, PASSWORD))
    assert (refused.value.status, refused.value.errors[0].code) == (403, "token")


@pytest.fixture
def slow(dsn, tmp_path, site):
    """A server that lets little through."""
    few = Rate(burst=3, per_second=0.01)
    served = Web(make_settings(tmp_path, limits=Limits(signed_in=few, stranger=few)), dsn)
    served.sign_in(site.connection)
    yield served
    served.close()


def test_whoever_asks_too_often_is_told_when_to_come_back_and_others_are_not(slow, site):
    answers = [slow.get("/sites") for _ in range(4)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    assert slug(answers[3]) == (429, "too-many-requests")
    assert int(answers[3].headers["retry-after"]) > 1
    slow.client.cookies.set(
        COOKIE, new_session(site.connection, new_account(site.connection, "别人", "viewer"))
    )
    assert slow.get("/sites").status_code == 200
    with plain_client(slow.address) as stranger:
        statuses = [stranger.get("/api/v1/server").status_code for _ in range(3)]
        assert statuses == [200] * 3
        assert stranger.get("/api/v1/sites").status_code == 429
        assert stranger.get("/healthz").status_code == 200


def test_a_change_of_roles_is_felt_at_once(web, site):
    token = make(web, "registry.edit", "registry.view").json()["token"]
    with program(web, token) as client:
        assert client.get("/sites/demo/registry").status_code == 200
        change_role(site.connection, "equipment_operator")
        assert client.post("/sites/demo/registry/pits", json={}).status_code == 403
