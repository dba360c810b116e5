"""What authorities do is recorded, put right openly, and mends no hazard."""

import psycopg
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.enforcement.kinds import kinds
from tests.cloud.registry.records import problem
from tests.cloud.site import raised
from tests.cloud.web.serving import PASSWORD, new_account, new_session

SIGNED = {"signature": {"password": PASSWORD}}


def become(web, site, role: str, /, **scope) -> int:
    account = new_account(site.connection, f"{role} {scope}", role, **scope)
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    return account


def penalty(territory: int, **changes) -> dict:
    fresh = {
        "kind": "penalty",
        "acting_level": "county",
        "territory": territory,
        "enterprise_name": "某建筑公司",
        "site": "demo",
        "amount": "12345.67",
        "document_no": "甲建罚〔2026〕3号",
        "decided_on": "2026-11-20",
        **SIGNED,
    }
    return {**fresh, **changes}


@pytest.fixture
def county(web, site, trees) -> int:
    become(web, site, "county_authority", node=trees["first"])
    return trees["first"]


def recorded(web, **given) -> dict:
    answer = web.post("/enforcement", json=given)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_penalty_changes_nothing_of_the_hazard_that_it_is_for(web, site, county):
    site.born().deliver(raised())
    (before,) = site.rows("SELECT * FROM hazard")
    made = recorded(web, **penalty(county, hazard=str(before[0]), site=None))
    assert (made["site"], made["hazard"], made["amount"]) == ("demo", str(before[0]), "12345.67")
    assert site.rows("SELECT * FROM hazard") == [before]
    assert web.get("/enforcement", params={"hazard": made["hazard"]}).json()["items"][0]["id"] == made["id"]


def test_it_is_signed_and_chained(web, site, county):
    made = recorded(web, **penalty(county))
    query = "SELECT count(*) FROM ledger_signature WHERE ledger = 'enforcement' AND of = %s"
    assert site.value(query, made["id"]) == 1
    refused = web.post("/enforcement", json=penalty(county, signature={"password": "not his"}))
    assert problem(refused)[:2] == (403, "not-signed")


def test_what_was_wrong_is_put_right_by_a_new_row_and_stays_to_be_seen(web, site, county):
    made = recorded(web, **penalty(county))
    path = f"/enforcement/{made['id']}/corrections"
    wrong = {**penalty(county, amount="1234.50"), "reason": "金额写错"}
    assert web.post(path, json=wrong).status_code == 428
    right = web.post(path, json=wrong, headers={"If-Match": '"1"'}).json()
    assert (right["amount"], right["seq"], right["before"][0]["amount"]) == ("1234.50", 2, "12345.67")
    assert web.post(path, json=wrong, headers={"If-Match": '"1"'}).status_code == 412
    assert web.get("/enforcement/totals").json()["items"][0]["amount"] == "1234.50"
    gone = {**wrong, "withdrawn": True, "reason": "重复录入"}
    assert web.post(path, json=gone, headers={"If-Match": '"2"'}).json()["withdrawn"]
    assert web.get("/enforcement/totals").json()["items"] == []
    with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute("UPDATE enforcement SET amount = 0")


def test_whom_it_was_booked_to_in_error_reads_and_counts_it_no_more(web, site, trees, county):
    manager = new_account(site.connection, "经理", "project_manager", site="demo")
    made = recorded(web, **penalty(county))
    path = f"/enforcement/{made['id']}/corrections"
    elsewhere = {**penalty(county, site=None, enterprise_name="另一公司"), "reason": "单位写错"}
    assert web.post(path, json=elsewhere, headers={"If-Match": '"1"'}).status_code == 201
    web.client.cookies.set(COOKIE, new_session(site.connection, manager))
    assert web.get("/enforcement").json()["items"] == []
    assert web.get("/enforcement/totals").json()["items"] == []
    assert web.get(f"/enforcement/{made['id']}").status_code == 404


def test_numbers_are_of_acts_of_different_enterprises_and_of_persons(web, county):
    recorded(web, **penalty(county, both_punished=True, case_no="案1"))
    recorded(web, **penalty(county, amount="0.33"))
    recorded(web, **penalty(county, enterprise_name="另一公司"))
    referral = penalty(county, kind="referral", persons=3, amount=None, crime=True)
    recorded(web, **referral)
    totals = {one["kind"]: one for one in web.get("/enforcement/totals").json()["items"]}
    fined = totals["penalty"]
    assert (fined["acts"], fined["enterprises"], fined["both_punished"]) == (3, 2, 1)
    assert fined["amount"] == "24691.67"
    assert (totals["referral"]["persons"], totals["referral"]["crimes"]) == (3, 1)
    earlier = web.get("/enforcement/totals", params={"until": "2026-11-19"})
    assert earlier.json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": None}, "body.amount"),
        ({"document_no": ""}, "body.document_no"),
        ({"kind": "referral"}, "body.persons"),
        ({"both_punished": True}, "body.case_no"),
        ({"decided_on": "2999-01-01"}, "body.decided_on"),
        ({"amount": "1.005"}, "body.amount"),
        ({"kind": "flogging"}, "body.kind"),
        ({"enterprise_name": "", "site": None}, "body.enterprise"),
    ],
)
def test_a_record_says_what_its_kind_needs(web, county, changes, field):
    status, _, fields = problem(web.post("/enforcement", json=penalty(county, **changes)))
    assert (status, fields) == (422, [field])


def test_nobody_records_for_another_county_nor_sees_what_it_did(web, site, trees, county):
    made = recorded(web, **penalty(county))
    assert problem(web.post("/enforcement", json=penalty(trees["second"])))[1] == "unknown-reference"
    become(web, site, "county_authority", node=trees["second"])
    assert web.get("/enforcement").json()["items"] == []
    assert web.get(f"/enforcement/{made['id']}").status_code == 404
    fix = {**penalty(trees["second"]), "reason": "我的"}
    path = f"/enforcement/{made['id']}/corrections"
    assert web.post(path, json=fix, headers={"If-Match": '"1"'}).status_code == 404
    become(web, site, "project_manager", site="demo")
    assert web.get(f"/enforcement/{made['id']}").json()["may_correct"] is False
    assert web.post("/enforcement", json=penalty(county)).status_code == 403


def test_every_kind_is_named_and_every_item_of_the_dispatch_table_has_one():
    cells = {kind.cell for kind in kinds().kinds.values()} - {""}
    # 4 is no kind of its own: a penalty says whether both were punished.
    assert cells == {"1", "2", "3", "5", "6", "7", "8", "9", "10"}
