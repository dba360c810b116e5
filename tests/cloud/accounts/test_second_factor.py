"""A second factor: set up by whoever has the authenticator, asked for at sign-in, each code good once."""

import httpx
import pyotp
import pytest

from cloud.accounts.factors import STEP_S, reset_on_console, step_of
from cloud.accounts.links import NoSuchAccountError
from cloud.accounts.permissions import COOKIE
from tests.cloud.site import make_settings, now_ms
from tests.cloud.web.serving import PASSWORD, Web, assign, new_account, new_session
from tests.support.plain import plain_client

WHO = {"name": "王监督", "password": PASSWORD}
PROOF = {"password": PASSWORD}


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def become(web, site, *roles: str) -> int:
    account = new_account(site.connection, WHO["name"], *roles)
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    return account


def code(secret: str, steps: int = 0) -> str:
    """Of this step, or one after it: a code is good once, and tests are quicker than a step."""
    return pyotp.HOTP(secret).at(now_ms() // 1000 // STEP_S + steps)


def set_up(web) -> tuple[str, list[str]]:
    """The secret and the recovery codes; uses up the code of the step before this one."""
    begun = web.post("/session/second-factor", json=PROOF)
    assert begun.status_code == 201
    secret = begun.json()["secret"]
    confirmed = web.post("/session/second-factor/confirm", json={"code": code(secret, -1)})
    assert confirmed.status_code == 200
    return secret, confirmed.json()["codes"]


def test_whoever_has_set_it_up_signs_in_with_a_code_and_each_is_good_once(web, site):
    become(web, site, "enforcement_officer")
    assert web.get("/session/second-factor").json()["active"] is False
    secret, codes = set_up(web)
    shown = web.get("/session/second-factor").json()
    assert (shown["active"], shown["recovery_codes_left"], len(set(codes))) == (True, 10, 10)
    with plain_client(web.address + "/api/v1") as other:
        assert slug(other.post("/session", json=WHO)) == (401, "second-factor-needed")
        assert slug(other.post("/session", json={**WHO, "code": "000000"})) == (401, "wrong-code")
        assert slug(other.post("/session", json={**WHO, "password": "no", "code": code(secret)})) == (
            401,
            "wrong-password",
        )
        good = {**WHO, "code": code(secret)}
        assert other.post("/session", json=good).status_code == 200
        assert slug(other.post("/session", json=good)) == (401, "wrong-code")
        assert slug(other.post("/session", json={**WHO, "code": code(secret, -1)})) == (401, "wrong-code")
        assert other.get("/session").json()["account"] == {"name": "王监督"}


def test_a_recovery_code_stands_for_one_code_once_however_it_is_written(web, site):
    become(web, site)
    _, codes = set_up(web)
    body = {**WHO, "code": codes[3].upper().replace("-", " ")}
    assert web.post("/session", json=body).status_code == 200
    assert slug(web.post("/session", json=body)) == (401, "wrong-code")
    assert web.get("/session/second-factor").json()["recovery_codes_left"] == 9
    assert codes[0].encode() not in {kept for (kept,) in site.rows("SELECT code_hash FROM recovery_code")}


def test_a_code_counts_however_a_keyboard_writes_digits(web, site):
    become(web, site)
    secret, _ = set_up(web)
    wide = "".join(chr(ord(digit) - ord("0") + ord("０")) for digit in code(secret))
    for nonsense in ("١٢٣٤٥٦", "𝟙𝟚𝟛"):
        assert slug(web.post("/session", json={**WHO, "code": nonsense})) == (401, "wrong-code")
    assert web.post("/session", json={**WHO, "code": f"{wide[:3]} {wide[3:]}"}).status_code == 200


def test_codes_are_not_guessed(web, site):
    become(web, site)
    set_up(web)
    answers = [slug(web.post("/session", json={**WHO, "code": f"00000{n}"})) for n in range(6)]
    assert answers[-1] == (429, "too-many-attempts")


def test_it_is_in_force_only_after_a_code_and_begun_only_with_the_password(web, site):
    become(web, site)
    assert slug(web.post("/session/second-factor", json={"password": "no"})) == (403, "wrong-password")
    secret = web.post("/session/second-factor", json=PROOF).json()["secret"]
    wrong = {"code": code(secret, 50)}
    assert slug(web.post("/session/second-factor/confirm", json=wrong)) == (403, "wrong-code")
    assert web.post("/session", json=WHO).status_code == 200
    set_up(web)
    assert slug(web.post("/session/second-factor", json=PROOF)) == (409, "already-there")


def test_whoever_takes_it_away_shows_password_and_code(web, site):
    become(web, site)
    secret, codes = set_up(web)
    away = "/session/second-factor/remove"
    assert slug(web.post(away, json={**PROOF, "code": "111111"})) == (403, "wrong-code")
    assert slug(web.post(away, json={"password": "no", "code": codes[0]})) == (403, "wrong-password")
    fresh = web.post("/session/second-factor/recovery-codes", json={**PROOF, "code": codes[0]}).json()
    assert slug(web.post(away, json={**PROOF, "code": codes[1]})) == (403, "wrong-code")
    assert web.post(away, json={**PROOF, "code": fresh["codes"][0]}).status_code == 204
    assert web.post("/session", json=WHO).status_code == 200
    assert secret not in str(site.rows("SELECT before, after FROM account_change"))


def test_a_reset_link_does_not_go_around_it(web, site):
    account = become(web, site)
    _, codes = set_up(web)
    web.client.cookies.set(COOKIE, new_session(site.connection, new_account(site.connection, "长", "admin")))
    token = web.post(f"/accounts/{account}/link").json()["path"].partition("#")[2]
    body = {"token": token, "password": "another good long passphrase"}
    assert slug(web.post("/account-links/use", json=body)) == (401, "second-factor-needed")
    assert web.post("/account-links/use", json={**body, "code": codes[0]}).status_code == 200


def test_who_manages_the_account_takes_it_away_when_the_phone_is_lost(web, site):
    account = become(web, site, "enforcement_officer")
    set_up(web)
    reset = f"/accounts/{account}/second-factor/reset"
    assert slug(web.post(reset, json={"reason": "我自己"}))[0] == 403
    session = web.client.cookies[COOKIE]
    web.client.cookies.set(COOKIE, new_session(site.connection, new_account(site.connection, "长", "admin")))
    assert web.get(f"/accounts/{account}").json()["has_second_factor"] is True
    assert web.post(reset, json={"reason": "手机丢失"}).json()["has_second_factor"] is False
    assert slug(web.post(reset, json={"reason": "手机丢失"})) == (409, "no-second-factor")
    (change,) = [
        one
        for one in web.get(f"/account-changes?account={account}").json()["items"]
        if one["record"] == "second_factor" and one["author"] == "长"
    ]
    assert (change["after"]["reason"], change["after"]["confirmed_at"]) == ("手机丢失", None)
    web.client.cookies.set(COOKIE, session)
    assert web.get("/session").status_code == 401
    assert web.post("/session", json=WHO).status_code == 200


@pytest.fixture
def strict(dsn, tmp_path, site):
    """A server that wants a second factor of enforcement officers."""
    served = Web(make_settings(tmp_path, second_factor_roles=["enforcement_officer"]), dsn)
    yield served
    served.close()


def test_a_role_that_asks_for_it_opens_only_the_own_account_before(strict, site):
    account = become(strict, site, "viewer")
    assert strict.get("/sites").status_code == 200
    assign(site.connection, account, "enforcement_officer")
    assert slug(strict.get("/sites")) == (403, "second-factor-required")
    assert slug(strict.get("/sites/demo")) == (403, "second-factor-required")
    assert strict.get("/session").json()["needs_second_factor"] is True
    assert strict.get("/session/second-factor").json()["required"] is True
    _, codes = set_up(strict)
    assert strict.get("/sites/demo").status_code == 200
    assert strict.get("/session").json()["needs_second_factor"] is False
    kept = strict.post("/session/second-factor/remove", json={**PROOF, "code": codes[0]})
    assert slug(kept) == (409, "second-factor-required")


def test_the_servers_terminal_takes_it_away(web, site):
    become(web, site)
    set_up(web)
    assert reset_on_console(site.connection, WHO["name"]) is True
    assert reset_on_console(site.connection, WHO["name"]) is False
    with pytest.raises(NoSuchAccountError):
        reset_on_console(site.connection, "nobody")
    assert web.post("/session", json=WHO).status_code == 200


def test_a_clock_may_be_a_step_off_and_no_more():
    secret, now = pyotp.random_base32(), 1_700_000_000_000
    step = now // 1000 // STEP_S
    found = [step_of(secret, pyotp.HOTP(secret).at(step + off), now) for off in range(-2, 3)]
    assert found == [None, step - 1, step, step + 1, None]
