"""Accounts made, changed and ended by those who may, and every way up that somebody might try."""

from concurrent.futures import ThreadPoolExecutor

import argon2
import httpx
import psycopg
import pytest

from cloud.accounts.links import INVITED, NoSuchAccountError, reset_link
from cloud.accounts.permissions import COOKIE
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.registry.records import problem
from tests.cloud.site import now_ms
from tests.cloud.web.serving import PASSWORD, assign, changing, new_account, new_session
from tests.support.plain import plain_client

WHY = {"reason": "到岗"}
NEW = "another good long passphrase"


def given(role: str, **place) -> dict:
    return {"role": role, **WHY, **place}


def invite(web, name: str, *assignments: dict) -> httpx.Response:
    return web.post("/accounts", json={"name": name, "assignments": list(assignments)})


def become(web, by, role: str, /, **scope) -> int:
    account = new_account(by.connection, "县局主管", role, **scope)
    web.client.cookies.set(COOKIE, new_session(by.connection, account))
    return account


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def visitor(web) -> httpx.Client:
    return plain_client(web.address + "/api/v1")


def names(web) -> list[str]:
    return [item["name"] for item in web.get("/accounts").json()["items"]]


def token_of(answer: httpx.Response) -> str:
    return (answer.json().get("link") or answer.json())["path"].partition("#")[2]


def test_an_invited_account_chooses_its_password_once_and_sees_what_it_was_given(web, trees):
    made = invite(web, "王监督", given("enforcement_officer", node=trees["second"]))
    assert (made.status_code, made.json()["account"]["standing"]) == (201, "invited")
    token = token_of(made)
    with visitor(web) as other:
        assert other.post("/account-links/look", json={"token": token}).json()["name"] == "王监督"
        entered = other.post("/account-links/use", json={"token": token, "password": NEW})
        assert entered.json()["account"] == {"name": "王监督"}
        assert [item["id"] for item in other.get("/sites").json()["items"]] == ["north"]
        assert other.get("/sites/demo").status_code == 404
        assert "hazards.confirm_major" in other.get("/sites/north").json()["permissions"]
        for path, more in (("look", {}), ("use", {"password": NEW})):
            used = other.post(f"/account-links/{path}", json={"token": token, **more})
            assert slug(used) == (403, "link-invalid")
        assert other.post("/session", json={"name": "王监督", "password": NEW}).status_code == 200


def test_nobody_has_a_password_before_he_chose_one(web):
    invite(web, "甲", given("viewer"))
    for guess in ("", "甲", "admin", PASSWORD):
        answer = web.post("/session", json={"name": "甲", "password": guess or " "})
        assert slug(answer) == (401, "wrong-password")


def test_a_link_is_over_after_its_time_and_when_a_newer_one_is_made(web, site):
    made = invite(web, "甲", given("viewer"))
    account = made.json()["account"]["id"]
    second = token_of(web.post(f"/accounts/{account}/link"))
    body = {"password": NEW}
    with visitor(web) as other:
        old = other.post("/account-links/use", json={**body, "token": token_of(made)})
        assert slug(old) == (403, "link-invalid")
        with changing(site.connection):
            site.connection.execute("UPDATE account_link SET expires_at = expires_at - %s", [INVITED])
        assert slug(other.post("/account-links/use", json={**body, "token": second}))[0] == 403


def test_a_county_gives_roles_below_its_own_within_itself_and_nothing_else(web, site, trees):
    become(web, site, "county_authority", node=trees["second"])
    inside = {"node": trees["second"]}
    for role, place, status in (
        ("enforcement_officer", inside, 201),
        ("supervision_engineer", {"site": "north"}, 201),
        ("county_authority", inside, 201),
        ("city_authority", inside, 403),  # above
        ("admin", inside, 403),
        ("admin", {}, 403),
        ("enforcement_officer", {}, 403),  # everywhere
        ("enforcement_officer", {"node": trees["first"]}, 403),  # next door
        ("enforcement_officer", {"node": trees["province"]}, 403),
        ("enforcement_officer", {"site": "demo"}, 403),
        ("enforcement_officer", {"site": "no-such-site"}, 403),
        ("no-such-role", inside, 403),
    ):
        answer = invite(web, f"{role} {place}", given(role, **place))
        assert answer.status_code == status, (role, place, answer.text)
    # What was refused has left no account behind.
    assert len(names(web)) == 4
    assert site.value("SELECT count(*) FROM account WHERE starts_with(name, 'city')") == 0


def test_a_place_that_there_cannot_be_is_no_fault_of_the_server(web):
    for node in (10**6, 2**40, 2**80):
        assert invite(web, "甲", given("viewer", node=node)).status_code == 422


def test_nobody_gives_longer_than_he_has(web, site):
    account = become(web, site, "project_manager", site="demo")
    with changing(site.connection):
        site.connection.execute(
            "UPDATE assignment SET valid_until = '2030-01-01Z' WHERE account_id = %s", [account]
        )
    officer = given("safety_officer", site="demo")
    assert invite(web, "甲", officer).status_code == 403
    assert invite(web, "乙", {**officer, "valid_until": "2030-01-02T00:00:00Z"}).status_code == 403
    assert invite(web, "丙", {**officer, "valid_until": "2029-01-02T00:00:00Z"}).status_code == 201
    late = invite(web, "丁", {**officer, "valid_until": "2020-01-02T00:00:00Z"})
    assert problem(late)[:2] == (422, "bad-until")


def test_nobody_changes_what_he_himself_may_do(web, site):
    me = web.get("/accounts").json()["items"][0]
    assert me["is_self"]
    path = f"/accounts/{me['id']}"
    mine = me["assignments"][0]["id"]
    for answer in (
        web.post(f"{path}/assignments", json=given("viewer")),
        web.post(f"{path}/assignments/{mine}/end", json=WHY),
        web.post(f"{path}/disable", json=WHY),
        web.post(f"{path}/link"),
    ):
        assert slug(answer) == (403, "own-account")


def test_an_account_of_another_county_is_not_there(web, site, trees):
    theirs = new_account(site.connection, "乙县的人", "enforcement_officer", node=trees["second"])
    become(web, site, "county_authority", node=trees["first"])
    assert names(web) == ["县局主管"]
    path = f"/accounts/{theirs}"
    assert web.get(path).status_code == 404
    for below, body in (
        ("link", None),
        ("disable", WHY),
        ("enable", WHY),
        ("assignments", given("viewer", node=trees["first"])),
        ("assignments/1/end", WHY),
    ):
        assert web.post(f"{path}/{below}", json=body).status_code == 404, below
    assert web.get("/account-changes").json()["items"] == [
        change for change in web.get("/account-changes").json()["items"] if change["account"] == "县局主管"
    ]


def test_nobody_takes_over_an_account_that_may_more_than_he_gives(web, site, trees):
    """A new password for the administrator would make anybody the administrator."""
    both = new_account(site.connection, "两县的人", "enforcement_officer", node=trees["first"])
    assign(site.connection, both, "enforcement_officer", node=trees["second"])
    above = new_account(site.connection, "市局的人", "city_authority", node=trees["first"])
    below = new_account(site.connection, "执法的人", "enforcement_officer", node=trees["first"])
    become(web, site, "county_authority", node=trees["first"])
    for account in (both, above):
        for action, body in (("link", None), ("disable", WHY)):
            answer = web.post(f"/accounts/{account}/{action}", json=body)
            assert slug(answer) == (403, "not-yours-alone"), action
    assert web.post(f"/accounts/{below}/link").status_code == 201
    seen = web.get(f"/accounts/{both}").json()
    assert (len(seen["assignments"]), seen["has_more"]) == (1, True)
    ended = web.post(f"/accounts/{both}/assignments/{seen['assignments'][0]['id']}/end", json=WHY)
    assert ended.json()["assignments"][0]["is_over"]


def test_whoever_runs_the_platform_gets_at_no_data(web, site):
    become(web, site, "platform_operator")
    assert [item["id"] for item in web.get("/sites").json()["items"]] == ["demo"]
    for path in ("values", "alarms", "hazards", "registry", "live", "work-cycles"):
        assert web.get(f"/sites/demo/{path}").status_code == 403, path
    for role in ("viewer", "project_manager", "platform_operator", "admin"):
        assert invite(web, role, given(role, site="demo")).status_code == 403
    bare = invite(web, "新人").json()["account"]
    assert bare["assignments"] == []
    assert web.post(f"/accounts/{bare['id']}/assignments", json=given("viewer")).status_code == 403


def test_a_disabled_account_is_out_at_once_and_comes_back_with_what_it_had(web, site):
    account = new_account(site.connection, "甲", "viewer", site="demo")
    token = new_session(site.connection, account)
    link = token_of(web.post(f"/accounts/{account}/link"))
    with visitor(web) as other:
        other.cookies.set(COOKIE, token)
        assert other.get("/session").status_code == 200
        assert web.post(f"/accounts/{account}/disable", json=WHY).json()["standing"] == "disabled"
        assert other.get("/session").status_code == 401
        signing_in = {"name": "甲", "password": PASSWORD}
        assert slug(other.post("/session", json=signing_in)) == (401, "wrong-password")
        used = other.post("/account-links/use", json={"token": link, "password": NEW})
        assert slug(used) == (403, "link-invalid")
        assert slug(web.post(f"/accounts/{account}/link")) == (409, "disabled")
        assert web.post(f"/accounts/{account}/enable", json=WHY).status_code == 200
        assert other.get("/session").status_code == 401
        assert other.post("/session", json=signing_in).status_code == 200
        assert other.get("/sites/demo").status_code == 200


def test_a_role_that_was_ended_or_is_over_gives_nothing(web, site):
    account = new_account(site.connection, "甲", "safety_officer", site="demo")
    with visitor(web) as other:
        other.cookies.set(COOKIE, new_session(site.connection, account))
        assert other.get("/sites/demo/alarms").status_code == 200
        (its,) = web.get(f"/accounts/{account}").json()["assignments"]
        web.post(f"/accounts/{account}/assignments/{its['id']}/end", json=WHY)
        assert other.get("/sites/demo/alarms").status_code == 404
        later = {**given("viewer", site="demo"), "valid_from": "2090-01-01T00:00:00Z"}
        assert web.post(f"/accounts/{account}/assignments", json=later).status_code == 201
        assert other.get("/sites").json()["items"] == []


def test_a_password_of_one_s_own_ends_every_other_session(web, site):
    account = new_account(site.connection, "甲", "viewer")
    with visitor(web) as here, visitor(web) as there:
        here.cookies.set(COOKIE, new_session(site.connection, account))
        there.cookies.set(COOKIE, new_session(site.connection, account))
        wrong = here.put("/session/password", json={"password": "no", "new_password": NEW})
        assert slug(wrong) == (403, "wrong-password")
        right = here.put("/session/password", json={"password": PASSWORD, "new_password": NEW})
        assert right.status_code == 204
        assert (here.get("/session").status_code, there.get("/session").status_code) == (200, 401)
        assert there.post("/session", json={"name": "甲", "password": NEW}).status_code == 200
        listed = here.get("/sessions").json()["items"]
        assert [item["is_this"] for item in listed].count(True) == 1
        (other,) = [item["id"] for item in listed if not item["is_this"]]
        # Not somebody else's.
        assert web.delete(f"/sessions/{other}").status_code == 404
        assert here.delete(f"/sessions/{other}").status_code == 204
        assert there.get("/session").status_code == 401


def test_the_console_lets_an_owner_choose_again(web, site):
    new_account(site.connection, "甲", "viewer")
    link = reset_link(site.connection, "http://host:1", "甲", now_ms())
    address, _, token = link.partition("#")
    assert address == "http://host:1/welcome"
    with visitor(web) as other:
        assert other.post("/account-links/use", json={"token": token, "password": NEW}).status_code == 200
    assert web.get("/account-changes").json()["items"][1]["author"] == "console"
    with pytest.raises(NoSuchAccountError):
        reset_link(site.connection, "", "nobody", now_ms())


def test_every_change_is_kept_with_its_author_and_without_what_is_secret(web, site, trees):
    made = invite(web, "甲", given("viewer", node=trees["first"])).json()["account"]
    path = f"/accounts/{made['id']}"
    web.post(f"{path}/assignments/{made['assignments'][0]['id']}/end", json={"reason": "离岗"})
    web.post(f"{path}/disable", json={"reason": "离职"})
    changes = web.get(f"/account-changes?account={made['id']}").json()["items"]
    assert [change["record"] for change in changes] == [
        "account",
        "assignment",
        "account_link",
        "assignment",
        "account",
    ]
    assert {change["author"] for change in changes} == {"安全员"}
    assert changes[0]["after"]["standing_reason"] == "离职"
    assert changes[1]["after"]["end_reason"] == "离岗"
    kept = site.value("SELECT string_agg(after::text || coalesce(before::text, ''), '') FROM account_change")
    assert "hash" not in kept
    first = web.get("/account-changes?limit=2").json()
    rest = web.get(f"/account-changes?limit=500&after={first['next']}").json()
    assert first["items"][-1]["id"] > rest["items"][0]["id"]
    for statement in ("UPDATE account_change SET author = 'me'", "DELETE FROM account_change"):
        with pytest.raises(Exception, match="permission denied"):
            site.connection.execute(statement)
    with pytest.raises(Exception, match="names its author"):
        site.connection.execute("UPDATE assignment SET role = 'admin'")


def test_names_are_taken_once_and_the_list_comes_in_parts(web):
    for name in ("甲", "乙", "丙"):
        assert invite(web, name).status_code == 201
    assert problem(invite(web, "甲")) == (409, "already-there", ["name"])
    first = web.get("/accounts?limit=2").json()
    rest = web.get(f"/accounts?limit=2&after={first['next']}").json()
    assert [item["name"] for item in first["items"] + rest["items"]] == ["安全员", "甲", "乙", "丙"]
    assert rest["next"] is None


def test_choices_say_what_the_caller_may_give(web, site):
    assert all(role["is_given"] for role in web.get("/account-choices").json()["roles"])
    become(web, site, "project_manager", site="demo")
    choices = web.get("/account-choices").json()
    may = {role["name"] for role in choices["roles"] if role["is_given"]}
    assert may == {"safety_officer", "equipment_company", "equipment_operator", "safety_informant", "viewer"}
    assert choices["everywhere"] == []


def test_whoever_gets_a_link_made_gets_no_role_by_it_that_others_give_later(web, site, trees):
    """The link is shown to him who makes it."""
    administrator = web.client.cookies[COOKIE]
    become(web, site, "county_authority", node=trees["second"])
    made = invite(web, "甲", given("viewer", node=trees["second"]))
    path = f"/accounts/{made.json()['account']['id']}"
    again = web.post(f"{path}/assignments", json=given("expert", node=trees["second"]))
    assert again.json()["link_until"] is not None, "he could have given it from the beginning"
    with visitor(web) as other:
        asked = {"token": token_of(made), "password": NEW}
        assert other.post("/account-links/look", json={"token": asked["token"]}).status_code == 200
        web.client.cookies.set(COOKIE, administrator)
        shown = web.post(f"{path}/assignments", json=given("city_authority", node=trees["province"]))
        assert (shown.status_code, shown.json()["link_until"]) == (201, None)
        assert slug(other.post("/account-links/use", json=asked)) == (403, "link-invalid")
        renewed = {"token": token_of(web.post(f"{path}/link")), "password": NEW}
        assert other.post("/account-links/use", json=renewed).status_code == 200


@pytest.mark.parametrize("does", ["signs in", "changes it himself"])
def test_whoever_knew_the_old_password_gets_nothing_while_it_is_changed(web, site, dsn, does):
    """Else who tries without a pause would be in again, or in for good, just as he is shut out."""
    account = new_account(site.connection, "甲", "viewer")
    with (
        visitor(web) as thief,
        ThreadPoolExecutor(1) as meanwhile,
        psycopg.connect(dsn, autocommit=True) as looking,
    ):
        thief.cookies.set(COOKIE, new_session(site.connection, account))
        waiting = b"SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
        with changing(site.connection):
            site.connection.execute(
                "UPDATE account SET password_hash = %s WHERE id = %s",
                [argon2.PasswordHasher().hash(NEW), account],
            )
            if does == "signs in":
                asked = {"name": "甲", "password": PASSWORD}
                tried = meanwhile.submit(thief.post, "/session", json=asked)
            else:
                asked = {"password": PASSWORD, "new_password": "the thief's own passphrase"}
                tried = meanwhile.submit(thief.put, "/session/password", json=asked)
            wait_for(lambda: tried.done() or looking.execute(waiting).fetchone() != (0,), "the thief")
            site.connection.execute("DELETE FROM session WHERE account_id = %s", [account])
        assert tried.result().status_code in {401, 403}
        assert thief.get("/session").status_code == 401
        assert thief.post("/session", json={"name": "甲", "password": NEW}).status_code == 200


def found(web, **asked) -> set[str]:
    answer = web.get("/accounts", params=asked)
    assert answer.status_code == 200, answer.text
    return {item["name"] for item in answer.json()["items"]}


def test_one_account_of_many_is_found(web, site, trees):
    me = names(web)[0]
    invite(web, "wang.xin", given("safety_officer", site="north"))
    gone = invite(web, "li.lei", given("viewer", node=trees["second"]))
    web.post(f"/accounts/{gone.json()['account']['id']}/disable", json=WHY)
    invite(web, "Zhang", given("viewer", site="demo"), given("safety_officer", node=trees["first"]))
    assert found(web, search="ZHANG") == {"Zhang"}
    assert found(web, search="%") == set()
    assert found(web, state="invited") == {"wang.xin", "Zhang"}
    assert found(web, state="disabled") == {"li.lei"}
    assert found(web, state="active") == found(web, state="without_second_factor") == {me}
    assert found(web, role="safety_officer") == {"wang.xin", "Zhang"}
    assert found(web, node=trees["second"]) == {"wang.xin", "li.lei"}
    assert found(web, site="demo") == {"Zhang"}
    # One and the same role at that place.
    assert found(web, role="safety_officer", site="demo") == set()
    assert found(web, role="safety_officer", node=trees["province"]) == {"wang.xin", "Zhang"}
    for asked in ({"state": "lost"}, {"search": "\x00"}, {"node": 2**40}):
        assert web.get("/accounts", params=asked).status_code == 422


def test_nobody_finds_a_role_outside_of_his_scope_or_one_that_is_over(web, site, trees):
    made = invite(web, "甲", given("viewer", site="north"), given("expert", site="demo"))
    account = made.json()["account"]
    become(web, site, "county_authority", node=trees["second"])
    assert "甲" in found(web, role="viewer")
    assert found(web, role="expert") == found(web, site="demo") == found(web, node=trees["first"]) == set()
    here = next(one for one in account["assignments"] if one["role"] == "viewer")
    web.post(f"/accounts/{account['id']}/assignments/{here['id']}/end", json=WHY)
    assert found(web, role="viewer") == set()


def test_whoever_is_signed_in_reads_what_each_role_may_do(web, site, trees):
    become(web, site, "equipment_operator", site="north")
    answer = web.get("/roles").json()
    roles = {one["name"]: one for one in answer["roles"]}
    assert roles["equipment_operator"]["permissions"] == ["status.view", "live.view", "alarms.acknowledge"]
    assert "supervision_engineer" not in roles["project_manager"]["gives"]
    assert set(roles["admin"]["permissions"]) == set(answer["permissions"])
