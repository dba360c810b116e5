"""Setting up, signing in and out; secrets rest as hashes only."""

import hashlib
import re
import threading

import httpx
import pytest

from cloud.accounts.model import MIN_PASSWORD
from cloud.accounts.roles import roles
from cloud.accounts.service import Tries, is_loopback
from cloud.accounts.setup_link import AlreadySetUpError, new_setup_link
from cloud.problems import ProblemError
from tests.cloud.site import make_settings, now_ms
from tests.cloud.web.serving import PASSWORD, Web
from tests.support.plain import plain_client

COOKIE = "sitewarden_session"


@pytest.fixture
def fresh(dsn, settings, site):
    """Nobody has set the system up."""
    web = Web(settings, dsn)
    yield web
    web.close()


def link_token(site) -> str:
    link = new_setup_link(site.connection, "http://host:1", now_ms())
    assert link.startswith("http://host:1/setup#")
    return link.partition("#")[2]


def slug(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["type"].removeprefix("/problems/")


def test_the_set_up_link_makes_the_first_account_once(fresh, site):
    assert fresh.get("/server").json()["needs_setup"] is True
    body = {"token": link_token(site), "name": "站长", "password": PASSWORD}
    made = fresh.post("/setup", json=body)
    assert (made.status_code, made.json()["account"]) == (201, {"name": "站长"})
    assert made.json()["permissions"] == sorted(roles().permissions)
    assert fresh.get("/session").json()["account"]["name"] == "站长"
    assert slug(fresh.post("/setup", json=body)) == "setup-link-invalid"
    assert fresh.get("/server").json()["needs_setup"] is False
    with pytest.raises(AlreadySetUpError):
        link_token(site)


def test_a_link_is_over_after_half_an_hour_and_when_a_new_one_is_printed(fresh, site):
    old = new_setup_link(site.connection, "", now_ms() - 31 * 60_000).partition("#")[2]
    body = {"token": old, "name": "a", "password": PASSWORD}
    assert slug(fresh.post("/setup", json=body)) == "setup-link-invalid"
    first, second = link_token(site), link_token(site)
    assert slug(fresh.post("/setup", json={**body, "token": first})) == "setup-link-invalid"
    assert fresh.post("/setup", json={**body, "token": second}).status_code == 201


def test_two_who_hold_the_link_make_one_account(fresh, site):
    body = {"token": link_token(site), "password": PASSWORD}
    answers: list[int] = []

    def set_up(n: int) -> None:
        with plain_client(fresh.address) as client:
            answers.append(client.post("/api/v1/setup", json={**body, "name": f"n{n}"}).status_code)

    threads = [threading.Thread(target=set_up, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    assert sorted(answers) == [201, 403, 403, 403]
    assert site.value("SELECT count(*) FROM account") == 1


def test_a_short_password_is_refused_with_its_field(fresh, site):
    answer = fresh.post(
        "/setup", json={"token": link_token(site), "name": "a", "password": "x" * (MIN_PASSWORD - 1)}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body.password"
    assert "input" not in answer.text


def test_signing_in_and_out(web):
    cookie = web.client.cookies[COOKIE]
    assert web.delete("/session").status_code == 204
    web.client.cookies.set(COOKIE, cookie)
    assert web.get("/session").status_code == 401
    answer = web.post("/session", json={"name": "安全员", "password": PASSWORD})
    assert (answer.json()["account"], answer.json()["demo"]) == ({"name": "安全员"}, False)
    parts = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= parts


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(web):
    for body in ({"name": "安全员", "password": "no"}, {"name": "nobody", "password": "no"}):
        answer = web.post("/session", json=body)
        assert (answer.status_code, slug(answer)) == (401, "wrong-password")


def test_guessing_is_slowed_down(web):
    body = {"name": "安全员", "password": "a guess"}
    # Ten, and a few more where the machine is so busy that tries come back meanwhile.
    answers = [web.post("/session", json=body) for _ in range(11)]
    while slug(answers[-1]) == "wrong-password" and len(answers) < 50:
        answers.append(web.post("/session", json=body))
    assert {slug(answer) for answer in answers[:10]} == {"wrong-password"}
    assert slug(answers[-1]) == "too-many-attempts"
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_tries_come_back_with_time_and_the_memory_is_bounded():
    tries = Tries(burst=2, interval_s=10, remembered=3)
    tries.take("a", 0)
    tries.take("a", 0)
    with pytest.raises(ProblemError) as refused:
        tries.take("a", 0)
    assert refused.value.headers["Retry-After"] == "11"
    tries.take("a", 10.5)
    for name in "bcd":
        tries.take(name, 10.5)
    tries.take("a", 10.5)  # forgotten, so it begins anew
    tries.take("a", 10.5)


def test_secrets_rest_as_hashes_only(web, site):
    token = web.client.cookies[COOKIE]
    assert site.rows("SELECT token_hash FROM session") == [(hashlib.sha256(token.encode()).digest(),)]
    hashed = site.value("SELECT password_hash FROM account")
    assert re.match(r"\$argon2id\$v=19\$m=\d{5,},t=\d,p=\d\$", hashed)


def test_a_session_that_nobody_used_for_twelve_hours_is_over(web, site):
    site.connection.execute("UPDATE session SET seen_at = now() - interval '11 h 59 min'")
    assert web.get("/session").status_code == 200
    assert site.value("SELECT seen_at > now() - interval '1 min' FROM session")
    site.connection.execute("UPDATE session SET seen_at = now() - interval '12 h 1 min'")
    assert web.get("/session").status_code == 401


@pytest.fixture
def demo(tmp_path, dsn, site):
    web = Web(make_settings(tmp_path, demo=True), dsn)
    yield web
    web.close()


@pytest.mark.usefixtures("site")
def test_the_demo_lets_its_own_machine_look(demo):
    answer = demo.post("/session/demo")
    assert (answer.json()["account"], answer.json()["demo"]) == ({"name": "demo"}, True)
    assert answer.json()["permissions"] == sorted(roles().permissions_of("viewer"))
    assert demo.get("/session").json()["demo"] is True
    assert demo.get("/sites").json()["items"][0]["demo"] is True


def test_a_name_pointed_at_the_demo_s_machine_opens_nothing(demo):
    answer = demo.post("/session/demo", headers={"Host": "evil.example"})
    assert (answer.status_code, slug(answer)) == (403, "not-local")


@pytest.mark.usefixtures("fresh")
def test_without_demo_there_is_no_such_way_in(web):
    assert slug(web.post("/session/demo")) == "no-demo"


def test_a_demo_session_is_worth_nothing_where_there_is_no_demo(demo, fresh):
    demo.post("/session/demo")
    fresh.client.cookies.set(COOKIE, demo.client.cookies[COOKIE])
    assert fresh.get("/session").status_code == 401


@pytest.mark.parametrize(
    ("client", "host", "local"),
    [
        ("127.0.0.1", "localhost:8080", True),
        ("::1", "[::1]:8080", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("192.0.2.7", "localhost", False),
        ("127.0.0.1", "example.org", False),
        ("127.0.0.1", "localhost.example.org", False),
        ("127.0.0.1", None, False),
        (None, "localhost", False),
    ],
)
def test_local_means_address_and_name(client, host, local):
    assert is_loopback(client, host) is local
