"""Duties in people's words, themes of the month, random draws, and the month that shows them all."""

import datetime as dt
import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.duties.drawing import draw
from cloud.duties.proposing import proposals
from cloud.hazards.patterns import Pattern
from tests.cloud.duties.conftest import aged, declare, inspect, today
from tests.cloud.enforcement.test_enforcement import become
from tests.cloud.registry.records import problem
from tests.cloud.web.serving import new_account

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
ONE = '"1"'


def test_a_drill_with_a_photo_is_the_half_year_s_duty_done(web, site, trees, company):
    aged(site)
    become(web, site, "safety_officer", site="demo")
    told = {"kind": "drill", "site": "demo", "day": today().isoformat(), "words": "坍塌应急演练，30人"}
    made = web.post("/duties/done", json=told, headers={"Idempotency-Key": "a"})
    assert made.status_code == 201
    assert web.post("/duties/done", json=told, headers={"Idempotency-Key": "a"}).json() == made.json()
    path = f"/duties/done/{made.json()['id']}"
    name = hashlib.sha256(PNG).hexdigest()
    with_photo = web.put(f"{path}/photos/{name}", content=PNG)
    assert [one["sha256"] for one in with_photo.json()["photos"]] == [name]
    assert web.get(f"{path}/photos/{name}").content == PNG
    year = {"since": f"{today().year}-01-01", "until": f"{today().year}-12-31", "site": "demo"}
    (drill,) = [one for one in web.get("/duties", params=year).json()["items"] if one["kind"] == "drill"]
    assert drill["done"] == 1
    gone = {**told, "withdrawn": True, "reason": "记错工地"}
    assert web.post(f"{path}/corrections", json=gone).status_code == 428
    assert web.post(f"{path}/corrections", json=gone, headers={"If-Match": ONE}).status_code == 201
    (drill,) = [one for one in web.get("/duties", params=year).json()["items"] if one["kind"] == "drill"]
    assert drill["done"] == 0


def test_nobody_records_another_s_duty(web, site, trees, company):
    become(web, site, "safety_officer", site="demo")
    told = {"kind": "drill", "day": today().isoformat(), "words": "演练"}
    assert problem(web.post("/duties/done", json={**told, "site": "north"}))[1] == "unknown-reference"
    assert web.post("/duties/done", json={**told, "node": company}).status_code == 422
    ahead = (today() + dt.timedelta(days=3)).isoformat()
    assert web.post("/duties/done", json={**told, "site": "demo", "day": ahead}).status_code == 422


def test_whoever_only_sees_a_record_neither_corrects_it_nor_takes_it_for_his(web, site, trees, company):
    become(web, site, "safety_officer", site="north")
    told = {"kind": "drill", "day": today().isoformat(), "words": "演练"}
    theirs = web.post("/duties/done", json={**told, "site": "north"}).json()["id"]
    account = become(web, site, "safety_officer", site="demo")
    site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
    site.connection.execute(
        "INSERT INTO assignment (account_id, role, site, valid_from, given_by) "
        "VALUES (%s, 'viewer', 'north', now(), 'test')",
        [account],
    )
    path = f"/duties/done/{theirs}"
    assert web.get(path).status_code == 200
    taken = {**told, "site": "demo", "reason": "x"}
    answer = web.post(f"{path}/corrections", json=taken, headers={"If-Match": ONE})
    assert problem(answer)[:2] == (422, "unknown-reference")
    assert web.get(path).json()["site"] == "north"


def test_a_theme_comes_as_far_as_inspections_that_name_it(web, site, trees, company):
    aged(site)
    month = today().replace(day=1)
    path = f"/duties/themes/{trees['first']}/{month}/lifting"
    become(web, site, "county_authority", node=trees["first"])
    told = {"name": {"zh": "规范起重机械安拆", "en": "Erection of cranes"}, "checklist": ["安拆方案"]}
    (made,) = web.put(path, json=told).json()["items"]
    assert (made["projects"], made["checked"], made["hazards"]) == (1, None, 0)
    assert web.put(path, json=told).status_code == 428
    inspect(site, today(), site="demo", territory=trees["first"], theme="lifting")
    declare(site, "inspections", trees["province"], month)
    query = {"year": month.year, "site": "demo"}
    (seen,) = web.get("/duties/themes", params=query).json()["items"]
    assert (seen["checked"], seen["missing"]) == (1, [])
    become(web, site, "county_authority", node=trees["second"])
    assert web.put(path, json=told, headers={"If-Match": ONE}).status_code == 422


@given(st.sets(st.text(min_size=1, max_size=8), max_size=60), st.sampled_from([0.05, 0.1, 1.0]))
@settings(max_examples=40, deadline=None)
def test_a_draw_is_the_same_from_the_same_seed_and_never_too_small(names, fraction):
    drawn = draw(names, fraction, "seed")
    assert drawn == draw(sorted(names, reverse=True), fraction, "seed")
    assert set(drawn) <= names
    assert len(drawn) >= fraction * len(names) - 1e-9


def test_the_shares_are_rounded_up():
    assert len(draw([str(n) for n in range(37)], 0.05, "s")) == 2
    assert len(draw([str(n) for n in range(41)], 0.10, "s")) == 5
    assert len(draw([str(n) for n in range(10)], 0.10, "s")) == 1


def test_a_draw_is_kept_with_what_it_was_drawn_from(web, site, trees, company):
    aged(site)
    become(web, site, "city_authority", node=trees["province"])
    made = web.post("/duties/draws", json={"node": trees["province"], "seed": "20261127"}).json()
    assert made["projects"]["all"] == ["demo", "north"]
    assert made["projects"]["drawn"] == draw(["demo", "north"], 0.1, "20261127")
    kept = web.get("/duties/draws", params={"node": trees["province"]}).json()
    assert (kept["items"], kept["owed_a_year"]) == ([made], 2)


def test_the_month_shows_what_is_due_done_and_missed_to_the_site_and_to_those_above(
    web, site, trees, company
):
    aged(site)
    month = (today().replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    declare(site, "inspections", trees["province"], month)
    for name in ("demo", "north"):
        inspect(site, month, site=name, kind="self_check", acting_level="project")
    inspect(site, month + dt.timedelta(days=1), site="demo", kind="self_check", acting_level="project")
    query = {"month": month.isoformat(), "node": trees["province"]}
    entries = web.get("/duties/calendar", params=query).json()["entries"]
    daily = [one for one in entries if one["code"] == "frontline_check"]
    assert [one["state"] for one in daily[:3]] == ["done", "missed", "missed"]
    assert daily[1]["counts"] == {"done": 1, "due": 0, "missed": 1, "unknown": 0}
    assert [one["zh"] for one in daily[1]["missing"]] == ["北区"]
    assert any(one["kind"] == "return" for one in entries)
    of_site = web.get("/duties/calendar", params={"month": month.isoformat(), "site": "north"}).json()
    mine = [one for one in of_site["entries"] if one["code"] == "frontline_check"]
    assert [one["state"] for one in mine[:2]] == ["done", "missed"]


def test_the_month_shows_who_is_on_duty_from_today_on_and_where_nobody_is(web, site, trees, company):
    officer = new_account(site.connection, "执法甲", "enforcement_officer", node=trees["first"])
    week = [{"days": [0, 1, 2, 3, 4, 5], "begins": "00:00", "ends": "00:00", "account": officer}]
    given = {"node": trees["first"], "role": "enforcement_officer", "week": week}
    assert web.post("/rotas", json=given).status_code == 201
    coming = (today().replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    for of, seen in (({"site": "demo"}, True), ({"node": trees["first"]}, True), ({"site": "north"}, False)):
        entries = web.get("/duties/calendar", params={"month": coming.isoformat(), **of}).json()["entries"]
        rotas = [one for one in entries if one["kind"] == "rota"]
        assert bool(rotas) is seen
        for one in rotas:
            is_sunday = dt.date.fromisoformat(one["on"]).weekday() == 6
            assert ("无人" if is_sunday else "执法甲") in one["title"]["zh"]
            assert one["state"] == ("due" if is_sunday else "noted")
    before = (today().replace(day=1) - dt.timedelta(days=1)).isoformat()
    past = web.get("/duties/calendar", params={"month": before, "site": "demo"}).json()["entries"]
    assert not [one for one in past if one["kind"] == "rota"]


def test_what_was_recorded_is_listed_where_it_belongs_and_put_right_from_there(web, site, trees, company):
    given = {"kind": "drill", "site": "demo", "day": today().isoformat(), "words": "触电演练"}
    assert web.post("/duties/done", json=given).status_code == 201
    span = {"since": today().isoformat(), "until": today().isoformat()}
    listed = web.get("/duties/done", params={**span, "node": trees["first"]}).json()
    (one,) = listed["items"]
    assert (one["words"], one["seq"], listed["may_record"]) == ("触电演练", 1, True)
    assert web.get("/duties/done", params={**span, "site": "north"}).json()["items"] == []
    right = {**given, "words": "坍塌演练", "reason": "写错了", "withdrawn": False}
    path = f"/duties/done/{one['id']}/corrections"
    assert web.post(path, json=right, headers={"If-Match": ONE}).status_code == 201
    (one,) = web.get("/duties/done", params={**span, "site": "demo"}).json()["items"]
    assert (one["words"], one["seq"], one["reason"]) == ("坍塌演练", 2, "写错了")


def test_a_theme_is_proposed_by_what_hazards_have_in_common_and_set_by_nobody():
    now = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    record = {"id": "7e57e57e-0000-4000-8000-000000000000", "number": "n-1", "site": "demo", "opened_at": now}
    shared = {"within_days": 30, "records": [record]}
    county = {"name": {"zh": "甲县", "en": "A"}, "clause": "2024/4.1", "kind": "county_clause"}
    found = [
        Pattern(**shared, **county, times=3),
        Pattern(**shared, **{**county, "kind": "enterprise_clause"}, times=5),
        Pattern(**shared, kind="repeat", name={"zh": "临边", "en": "Edge / fall"}, clause=None, times=4),
        Pattern(**shared, kind="sensor_fault", name={"zh": "型号", "en": "Model"}, clause=None, times=9),
    ]
    made = proposals(found)
    assert [(one.code, one.times, one.set_for) for one in made] == [
        ("2024-4.1", 5, None),
        ("repeat-edge-fall", 4, None),
    ]


def test_proposals_are_of_the_place_that_is_asked_for(web, site, trees, company):
    assert web.get("/duties/themes/proposals", params={"node": trees["first"]}).json() == {"items": []}
    become(web, site, "county_authority", node=trees["second"])
    assert web.get("/duties/themes/proposals", params={"node": trees["first"]}).status_code == 404
