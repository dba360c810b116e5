"""Codes over HTTP: shown once, good once, for a while, for five tries."""

import datetime as dt
import json

import pytest

from cloud.enrolment.code import ALPHABET, read_code
from cloud.enrolment.passwords import fits
from tests.cloud.enrolment.conftest import HAND_MADE
from tests.cloud.web.serving import change_role


def problem(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def access(web, gateway: str = "gw-1") -> dict:
    return next(one for one in web.get("/sites/demo/gateways").json()["items"] if one["id"] == gateway)


def changed(site, assignment: str, *values) -> None:
    """As time or somebody else would have it."""
    with site.connection.transaction():
        site.connection.execute("SELECT set_config('sitewarden.author', 'a test', true)")
        site.connection.execute(f"UPDATE gateway_access SET {assignment}", values)


def misspelt(code: str) -> str:
    return code[:-1] + next(letter for letter in ALPHABET if letter != code[-1])


def test_a_code_lets_a_gateway_in_once(web, gateway, passwords, roster):
    assert access(web)["standing"] == "not_enrolled"
    code = gateway.code()
    assert access(web)["code_expires_at"] is not None
    answer = gateway.enrol(code)
    assert answer.status_code == 200
    enrolled = answer.json()
    assert (enrolled["site"], enrolled["gateway"], enrolled["username"]) == ("demo", "gw-1", "demo/gw-1")
    assert enrolled["broker"] == {"host": "broker.example.org", "port": 8883, "ca": None}
    assert access(web)["standing"] == "handed_out"
    assert access(web)["code_expires_at"] is None
    assert problem(gateway.enrol(code)) == (403, "code-used")
    roster()
    assert passwords.read_text() == HAND_MADE, "what it has now is good until it says that it has the new one"
    assert gateway.seen(enrolled).status_code == 204
    assert gateway.seen(enrolled).status_code == 204, "said again, nothing happens"
    assert access(web)["standing"] == "enrolled"
    roster()
    cloud, gw_1 = passwords.read_text().splitlines()
    assert cloud == HAND_MADE.splitlines()[0]
    assert fits(enrolled["password"], gw_1.removeprefix("demo/gw-1:"))


def test_five_wrong_tries_kill_a_code(web, gateway):
    code = gateway.code()
    for _ in range(5):
        assert problem(gateway.enrol(misspelt(code))) == (403, "code-wrong")
    assert access(web)["code_expires_at"] is None
    assert problem(gateway.enrol(code)) == (403, "code-dead")
    assert gateway.enrol(gateway.code()).status_code == 200


def test_a_code_ends_after_a_quarter_of_an_hour(site, gateway):
    code = gateway.code()
    changed(site, "code_expires_at = now() - interval '1 second'")
    assert problem(gateway.enrol(code)) == (403, "code-expired")
    assert problem(gateway.enrol(misspelt(code))) == (403, "code-wrong"), "who guesses learns nothing"


def test_a_newer_code_is_the_only_one(gateway):
    older = gateway.code()
    newer = gateway.code()
    assert problem(gateway.enrol(older)) == (403, "code-wrong")
    assert gateway.enrol(newer).status_code == 200


def test_a_code_of_another_gateway_is_not_used_up(gateway):
    code = gateway.code("gw-2")
    assert problem(gateway.enrol(code, site="demo", gateway="gw-1")) == (409, "other-gateway")
    assert gateway.enrol(code, site="demo", gateway="gw-2").json()["username"] == "demo/gw-2"


def test_who_guesses_is_slowed_down(gateway):
    answers = [gateway.enrol("AAAA-AAAA-AAAA") for _ in range(11)]
    assert {problem(answer) for answer in answers[:10]} == {(403, "code-wrong")}
    assert problem(answers[10]) == (429, "too-many-attempts")
    assert int(answers[10].headers["Retry-After"]) > 0


def test_no_secret_rests_where_anybody_can_read_it(web, site, gateway):
    code = gateway.code()
    enrolled = gateway.enrol(code).json()
    gateway.seen(enrolled)
    read = read_code(code)
    assert read is not None
    tables = json.dumps(site.connection.execute("SELECT to_jsonb(a) FROM gateway_access a").fetchall())
    assert read.secret not in tables
    assert enrolled["password"] not in tables
    log = web.get("/sites/demo/registry/changes", params={"record": "gateway_access"}).text
    for secret in (read.secret, enrolled["password"], "$7$", "argon2"):
        assert secret not in log
    authors = [change["author"] for change in json.loads(log)["items"]]
    assert "安全员" in authors
    assert any(author.startswith("demo/gw-1 from 127.0.0.1") for author in authors)


def test_a_new_password_holds_after_ten_minutes_even_where_nobody_says_so(
    site, gateway, web, passwords, roster
):
    first = gateway.enrol(gateway.code()).json()
    gateway.seen(first)
    second = gateway.enrol(gateway.code()).json()
    roster()
    line = passwords.read_text().splitlines()[1].removeprefix("demo/gw-1:")
    assert fits(first["password"], line), "the old one is good as long as the new one was not seen"
    changed(site, "next_issued_at = next_issued_at - %s", dt.timedelta(minutes=10))
    roster()
    line = passwords.read_text().splitlines()[1].removeprefix("demo/gw-1:")
    assert fits(second["password"], line)
    assert problem(gateway.seen(first)) == (403, "password-wrong")


def test_a_revoked_gateway_has_nothing_left(web, gateway, passwords, roster):
    enrolled, code = gateway.enrol(gateway.code()).json(), gateway.code()
    gateway.seen(enrolled)
    assert web.post("/sites/demo/gateways/gw-1/revocation").status_code == 204
    assert access(web)["standing"] == "revoked"
    assert problem(gateway.enrol(code)) == (403, "code-wrong")
    assert problem(gateway.seen(enrolled)) == (403, "password-wrong")
    roster()
    assert passwords.read_text() == HAND_MADE.splitlines(keepends=True)[0]
    again = gateway.enrol(gateway.code()).json()
    roster()
    assert "demo/gw-1" not in passwords.read_text(), "a code alone lets nobody in"
    gateway.seen(again)
    assert access(web)["standing"] == "enrolled"
    roster()
    assert "demo/gw-1" in passwords.read_text()


def test_a_gateway_that_was_made_by_hand_can_be_revoked(web, passwords, roster):
    assert web.post("/sites/demo/gateways/gw-1/revocation").status_code == 204
    roster()
    assert "demo/gw-1" not in passwords.read_text()


def test_a_retired_gateway_is_shut_out_and_gets_no_code(web, passwords, roster):
    shown = web.get("/sites/demo/registry/gateways/gw-1")
    given = {"note": "", "retired_on": "2026-11-01"}
    etag = shown.headers["ETag"]
    assert (
        web.put("/sites/demo/registry/gateways/gw-1", json=given, headers={"If-Match": etag}).status_code
        == 200
    )
    roster()
    assert "demo/gw-1" not in passwords.read_text()
    assert problem(web.post("/sites/demo/gateways/gw-1/code")) == (409, "retired")
    assert access(web)["standing"] == "retired"


def test_what_does_not_exist_is_not_there(web):
    assert problem(web.post("/sites/demo/gateways/gw-9/code")) == (404, "not-found")
    assert problem(web.post("/sites/demo/gateways/gw-9/revocation")) == (404, "not-found")
    assert problem(web.post("/sites/elsewhere/gateways/gw-1/code")) == (404, "not-found")


@pytest.mark.parametrize("act", ["code", "revocation"])
def test_only_an_administrator_lets_in_and_shuts_out(web, site, act):
    change_role(site.connection, "viewer")
    assert problem(web.post(f"/sites/demo/gateways/gw-1/{act}")) == (403, "forbidden")
    assert web.get("/sites/demo/gateways").status_code == 200


def test_the_page_says_whether_the_broker_knows(web, settings, roster, tmp_path):
    assert web.get("/sites/demo/gateways").json()["broker"]["is_up_to_date"] is False
    roster()
    assert (tmp_path / "told").exists()
    told = {"is_configured": True, "by_certificate": False, "is_up_to_date": True, "complaint": None}
    assert web.get("/sites/demo/gateways").json()["broker"] == told
    web.post("/sites/demo/gateways/gw-1/revocation")
    assert web.get("/sites/demo/gateways").json()["broker"]["is_up_to_date"] is False
    settings.enrolment.password_file.unlink()
    roster()
    broker = web.get("/sites/demo/gateways").json()["broker"]
    assert not broker["is_up_to_date"]
    assert "No such file" in broker["complaint"]


def test_what_others_have_written_stays_whatever_it_is(web, passwords, roster):
    theirs = b"bridge:\xff\xfe\n# \xe2\x80\xa8\n"
    passwords.write_bytes(HAND_MADE.encode() + theirs)
    passwords.chmod(0o640)
    web.post("/sites/demo/gateways/gw-1/revocation")
    roster()
    assert passwords.read_bytes() == HAND_MADE.splitlines(keepends=True)[0].encode() + theirs
    assert passwords.stat().st_mode & 0o777 == 0o640


def test_a_file_that_somebody_put_back_is_put_right_again(web, passwords, roster):
    web.post("/sites/demo/gateways/gw-1/revocation")
    roster()
    passwords.write_text(HAND_MADE)
    roster()
    assert "demo/gw-1" not in passwords.read_text()
