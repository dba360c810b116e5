"""What was inspected is kept, put right openly, filed, and hidden until it is carried out."""

import hashlib

import psycopg
import pytest

from cloud.accounts.roles import roles
from cloud.database import instant
from cloud.hazards.filing_words import filing_words
from cloud.inspections.questions import questions
from cloud.instants import rfc3339
from tests.cloud.enforcement.test_enforcement import become
from tests.cloud.registry.records import png, problem
from tests.cloud.site import now_ms, raised, readings
from tests.cloud.web.serving import PASSWORD

SIGNATURE = {"password": PASSWORD}


def check(county: int, **changes) -> dict:
    fresh = {
        "kind": "authority_check",
        "acting_level": "county",
        "territory": county,
        "site": "demo",
        "started_at": "2026-11-20T01:00:00Z",
        "ended_at": "2026-11-20T02:00:00Z",
        "people": [{"name": "张三", "post": "执法人员", "led": True}],
        "answers": {"crane_papers": "no", "hot_work": "yes", "pit_edge": "not_looked_at"},
        "note": "<b>三号塔机</b>",
        "signature": SIGNATURE,
    }
    return {**fresh, **changes}


@pytest.fixture
def county(web, site, trees) -> int:
    become(web, site, "county_authority", node=trees["first"])
    return trees["first"]


def recorded(web, given: dict, **more) -> dict:
    answer = web.post("/inspections", json=given, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_inspection_is_signed_chained_and_sent_once(web, site, county):
    key = {"Idempotency-Key": "from-the-phone"}
    made = recorded(web, check(county), headers=key)
    assert recorded(web, check(county), headers=key)["id"] == made["id"]
    assert (made["findings"], made["signed"], made["day"]) == (["crane_papers"], True, "2026-11-20")
    assert made["people"][0]["name"] == "张三"
    query = "SELECT count(*) FROM ledger_signature WHERE ledger = 'inspection' AND of = %s"
    assert site.value(query, made["id"]) == 1
    assert site.value("SELECT count(*) FROM inspection_now") == 1


def test_the_site_and_the_authority_keep_the_same_bytes(web, site, county):
    made = recorded(web, check(county))
    path = f"/inspections/{made['id']}/archive"
    own = web.get(path)
    become(web, site, "project_manager", site="demo")
    theirs = web.get(path)
    assert own.content == theirs.content
    assert (
        hashlib.sha256(own.content).hexdigest()
        == made["archive_sha256"]
        == theirs.headers["x-content-sha256"]
    )
    # What people write stays text.
    assert "&lt;b&gt;三号塔机" in own.text
    assert "<b>" not in own.text


def test_what_was_wrong_is_put_right_by_a_new_row_by_who_inspected(web, site, trees, county):
    made = recorded(web, check(county))
    path = f"/inspections/{made['id']}/corrections"
    right = {**check(county, answers={"crane_papers": "yes"}), "reason": "证书已补"}
    assert web.post(path, json=right).status_code == 428
    fixed = web.post(path, json=right, headers={"If-Match": '"1"'}).json()
    assert (fixed["findings"], fixed["seq"], fixed["before"][0]["answers"]["crane_papers"]) == ([], 2, "no")
    assert web.post(path, json=right, headers={"If-Match": '"1"'}).status_code == 412
    become(web, site, "project_manager", site="demo")
    assert web.get(f"/inspections/{made['id']}").json()["may_correct"] is False
    assert web.post(path, json=right, headers={"If-Match": '"2"'}).status_code in {403, 422}
    with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute("UPDATE inspection SET note = ''")


def test_whom_it_was_booked_to_in_error_no_longer_reads_it(web, site, trees, county):
    made = recorded(web, check(county))
    moved = check(county, kind="enterprise_check", site=None, enterprise_name="某公司", answers={})
    path = f"/inspections/{made['id']}"
    correction = {**moved, "reason": "记错了工地"}
    assert web.post(f"{path}/corrections", json=correction, headers={"If-Match": '"1"'}).status_code == 201
    assert [one["seq"] for one in web.get("/inspections").json()["items"]] == [2]
    become(web, site, "project_manager", site="demo")
    assert web.get("/inspections").json()["items"] == []
    assert {web.get(path + more).status_code for more in ("", "/archive?seq=1")} == {404}


def test_photos_stay_with_what_they_show_when_it_is_corrected(web, county):
    def staged(width: int) -> str:
        content = png(width)
        name = hashlib.sha256(content).hexdigest()
        answer = web.put(f"/sites/demo/filing-photos/{name}", content=content)
        assert answer.is_success, answer.text
        return name

    first = recorded(web, check(county, photos=[staged(1)], signature=None))
    path = f"/inspections/{first['id']}"
    # The same photo once more is the same photo.
    given = check(county, photos=[staged(1), staged(2)], signature=None)
    fixed = web.post(
        f"{path}/corrections", json={**given, "reason": "补照片"}, headers={"If-Match": '"1"'}
    ).json()
    kept = [one["sha256"] for one in fixed["photos"]]
    assert len(kept) == 2
    file = web.get(f"{path}/archive").text
    assert all(one in file for one in kept)
    assert "2026-11-20 09:00+08:00" in file
    assert web.get(f"{path}/photos/{kept[1]}").headers["content-type"] == "image/png"


def test_another_county_neither_sees_nor_records_it(web, site, trees, county):
    made = recorded(web, check(county))
    assert problem(web.post("/inspections", json=check(trees["second"])))[1] == "unknown-reference"
    become(web, site, "county_authority", node=trees["second"])
    assert web.get("/inspections").json()["items"] == []
    for path in ("", "/archive"):
        assert web.get(f"/inspections/{made['id']}{path}").status_code == 404


def test_lists_go_down_to_what_was_found(web, county):
    recorded(web, check(county))
    firm = check(
        county,
        kind="enterprise_check",
        site=None,
        enterprise_name="某建筑公司",
        answers={"unlicensed": "yes", "drill": "yes"},
        signature=None,
    )
    recorded(web, firm)
    found = web.get("/inspections", params={"question": "unlicensed"}).json()["items"]
    assert [(one["enterprise_name"], one["findings"], one["signed"]) for one in found] == [
        ("某建筑公司", ["unlicensed"], False)
    ]
    assert len(web.get("/inspections", params={"limit": 1}).json()["items"]) == 1
    table = web.get("/inspections.csv", params={"question": "unlicensed"}).text.splitlines()
    assert ("某建筑公司" in table[1], len(table)) == (True, 3)
    assert web.get("/inspections", params={"until": "2026-11-19"}).json()["items"] == []


WRONG = (
    ({"acting_level": "project"}, "body.acting_level"),
    ({"territory": None}, "body.territory"),
    ({"site": None}, "body.site"),
    ({"ended_at": "2026-11-20T00:00:00Z"}, "body.ended_at"),
    ({"started_at": "2199-01-01T00:00:00Z", "ended_at": None}, "body.ended_at"),
    ({"kind": "enterprise_check"}, "body.answers"),
    ({"answers": {"no_such": "no"}}, "body.answers"),
    ({"started_at": "0001-01-01T00:00:00+08:00", "ended_at": None}, "body.started_at"),
    ({"kind": "stroll"}, "body.kind"),
    ({"kind": "self_check"}, "body.kind"),
)


def test_an_inspection_says_what_its_kind_needs(web, county):
    for changes, field in WRONG:
        answer = web.post("/inspections", json=check(county, signature=None, **changes))
        assert answer.status_code in {403, 422}
        assert problem(answer)[2] == [field]


def test_who_looked_at_what_over_the_network_is_kept_and_its_finding_filed(web, site, county):
    site.born()
    site.deliver(readings(3.1, 3.2))
    site.deliver(raised())
    patrol = web.post(
        "/sites/demo/remote-patrols", json={"since": rfc3339(instant(now_ms())), "devices": ["crane-1"]}
    )
    assert patrol.status_code == 201, patrol.text
    # Nobody makes good a day on which he did not look.
    for since in ("2026-11-20T01:00:00Z", "0001-01-01T00:00:00+08:00", "2999-01-01T00:00:00Z"):
        refused = problem(web.post("/sites/demo/remote-patrols", json={"since": since}))
        assert (refused[0], refused[2][0].rpartition(".")[2]) in {(422, "since"), (422, "ended_at")}
    made = patrol.json()
    assert (made["kind"], made["devices"], made["territory"]) == ("remote_patrol", ["crane-1"], county)
    assert [one["level"] for one in made["seen"]["alarms"]] == [3]
    assert {one["device"] for one in made["seen"]["values"]} == {"crane-1"}
    given = {
        "category": "lifting",
        "content": "力矩限制器失效",
        "potential_accident": "lifting",
        "device": "crane-1",
        "source_detail": "remote_patrol",
        "inspection": made["id"],
        "distinct": True,
        "signature": SIGNATURE,
    }
    filed = web.post("/sites/demo/hazards", json=given)
    assert filed.status_code == 201, filed.text
    seen = web.get(f"/inspections/{made['id']}").json()
    assert (seen["hazards"], seen["filed"][0]["number"]) == (1, filed.json()["number"])
    assert site.value("SELECT source FROM hazard WHERE id = %s", filed.json()["id"]) == "inspection"
    query = "SELECT name FROM evidence_item WHERE hazard_id = %s"
    assert site.value(query, filed.json()["id"]) == "remote-patrol.json"
    nowhere = {**given, "inspection": filed.json()["id"]}
    assert problem(web.post("/sites/demo/hazards", json=nowhere))[1] == "unknown-reference"


def test_a_manager_records_his_own_checks_and_no_authoritys(web, site, trees):
    become(web, site, "project_manager", site="demo")
    own = check(trees["first"], kind="lead_check", acting_level="project", territory=None)
    assert recorded(web, own)["territory"] is None
    for elsewhere in ({"enterprise_name": "某公司"}, {"enterprise": trees["first"]}):
        assert web.post("/inspections", json={**own, "site": None, **elsewhere}).status_code == 422
    assert web.post("/inspections", json=check(trees["first"])).status_code == 403
    patrol = {"since": rfc3339(instant(now_ms()))}
    assert web.post("/sites/demo/remote-patrols", json=patrol).status_code == 403


def test_a_plan_is_for_the_eyes_of_its_own_authority(web, site, trees, county):
    plan = {"territory": county, "site": "demo", "day": "2026-12-01", "theme": "起重机械"}
    made = web.post("/inspection-plans", json=plan)
    assert made.status_code == 201, made.text
    assert len(web.get("/inspection-plans").json()["items"]) == 1
    for role, scope in (
        ("project_manager", {"site": "demo"}),
        ("province_authority", {"node": trees["province"]}),
        ("county_authority", {"node": trees["second"]}),
    ):
        become(web, site, role, **scope)
        assert web.get("/inspection-plans").json()["items"] == []
        assert web.post(f"/inspection-plans/{made.json()['id']}/withdrawal").status_code == 404
    become(web, site, "enforcement_officer", node=trees["first"])
    done = recorded(web, check(county, plan=made.json()["id"]))
    assert web.get("/inspection-plans").json()["items"][0]["inspection"] == done["id"]
    assert (
        problem(web.post("/inspections", json=check(county, plan=made.json()["id"])))[1]
        == "unknown-reference"
    )


def test_every_kind_is_of_roles_and_ways_that_there_are():
    known = questions()
    cells = {its.cell for its in known.questions.values()} - {""}
    assert cells == {"2", "3", "4", "5", "6", "7", "8"}
    for kind in known.kinds.values():
        assert set(kind.by) <= set(roles().roles)
        assert all("inspections.record" in roles().permissions_of(role) for role in kind.by)
        assert kind.detail in filing_words().details
