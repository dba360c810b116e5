"""Anybody reports a danger; an authority's named handler judges it; who reported is nowhere to be read."""

import contextlib
import ipaddress
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from cloud.accounts.permissions import declared_permissions
from cloud.callers import PROGRAMS, calling
from cloud.database import connect
from cloud.tips.erasing import erase_identities
from cloud.tips.keeping import Identity, TipKeyError, gate_of, key_of, seal, site_of, unseal
from tests.cloud.evidence.test_media import photo, segment
from tests.cloud.hazards.people import SIGNATURE
from tests.cloud.registry.records import problem
from tests.cloud.site import now_ms
from tests.cloud.web.serving import Web, assign
from tests.support.plain import plain_client

NAME, CONTACT = "王守密不可见", "13900001234"
WHO = {"name": NAME, "contact": CONTACT, "insider": True}
SAID = {
    "place": "3 号楼东侧",
    "content": "外架连墙件拆了两处",
    "name": NAME,
    "contact": CONTACT,
    "insider": True,
}
DAY_MS = 86_400_000


@pytest.fixture
def stranger(web):
    with plain_client(f"{web.address}/api/v1/") as client:
        yield client


@pytest.fixture
def stack():
    with contextlib.ExitStack() as made:
        yield made


@pytest.fixture
def county(person, trees):
    return person("county_authority", name="甲县处理人", node=trees["first"])


def reported(web, stranger, site: str | None = "demo", **changes) -> dict:
    gate = "" if site is None else web.get(f"/sites/{site}/report-gate").json()["gate"]
    answer = stranger.post("public-reports", json={**SAID, "gate": gate, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def is_silent(text: str) -> bool:
    """Whether it says nothing of who reported."""
    return NAME not in text and CONTACT not in text


def only(somebody) -> dict:
    (found,) = somebody.client.get("tips").json()["items"]
    return found


def act(somebody, tip: str, name: str, **fields) -> httpx.Response:
    seen = somebody.client.get(f"tips/{tip}")
    headers = {"If-Match": seen.headers.get("ETag", '"0"')}
    return somebody.client.post(f"tips/{tip}/acts", json={"act": name, **fields}, headers=headers)


def assigned(web, stranger, county, **changes) -> tuple[dict, str]:
    receipt = reported(web, stranger, **changes)
    tip = only(county)["id"]
    assert act(county, tip, "assign", handler=county.account).status_code == 201
    return receipt, tip


@pytest.fixture
def receipt(web, stranger, county) -> dict:
    """Of a report that has its handler, and which that is."""
    made, tip = assigned(web, stranger, county)
    return {**made, "tip": tip}


HAZARD = {
    "category": "scaffold",
    "content": "3 号楼东侧外架连墙件缺失两处",
    "potential_accident": "collapse",
    "location": "3 号楼东侧",
    "source_detail": "public",
    "signature": SIGNATURE,
}


def verify(somebody, tip: str, **changes) -> httpx.Response:
    return act(somebody, tip, "verify", site="demo", hazard=HAZARD, **changes)


def identity(somebody, tip: str) -> httpx.Response:
    given = {"reason": "核实举报内容", "signature": SIGNATURE}
    return somebody.client.post(f"tips/{tip}/identity", json=given)


def test_a_report_becomes_a_hazard_from_the_public_and_its_answer_reaches_whoever_reported(
    web, site, stranger, county
):
    receipt, tip = assigned(web, stranger, county)
    own = {"X-Tip-Code": receipt["code"].lower().replace("-", " ")}
    assert stranger.post("public-reports/own/words", json={"words": "今早又拆了一处"}, headers=own).is_success
    filed = verify(county, tip)
    assert filed.status_code == 201, filed.text
    hazard = county.client.get(f"hazards/{filed.json()['hazard']}").json()
    assert (hazard["record"]["source"], hazard["record"]["source_detail"]) == ("public_report", "public")
    # What was judged is told with the answer, and not before.
    assert stranger.get("public-reports/own", headers=own).json()["outcome"] is None
    assert act(county, tip, "answer", words="已查实，正在整改，谢谢").status_code == 201
    seen = stranger.get("public-reports/own", headers=own).json()
    assert (seen["state"], seen["outcome"]) == ("answered", "verified")
    assert [one["words"] for one in seen["said"]] == ["今早又拆了一处", "已查实，正在整改，谢谢"]
    figures = county.client.get("tips/figures").json()
    assert [figures[name] for name in ("received", "judged", "verified", "rewarded")] == [1, 1, 1, 0]
    assert figures["verified_percent"] == 100.0


def test_a_code_that_is_none_sees_nothing(web, stranger, county):
    reported(web, stranger)
    assert (
        stranger.get("public-reports/own", headers={"X-Tip-Code": "0000-0000-0000-0000"}).status_code == 404
    )
    refused = stranger.post("public-reports", json={**SAID, "gate": "demo.0000000000000000"})
    assert problem(refused)[:2] == (422, "invalid")


def test_only_the_handler_reads_who_reported_and_every_reading_is_written_down(
    site, receipt, county, person, trees
):
    admin = person("admin", name="管理员", node=trees["province"])
    other = person("county_authority", name="另一人", node=trees["first"])
    tip = receipt["tip"]
    for somebody in (admin, other):
        assert problem(identity(somebody, tip))[:2] == (403, "only-the-handler")
    assert identity(county, tip).json() == {"name": NAME, "contact": CONTACT}
    events = other.client.get(f"tips/{tip}").json()["events"]
    assert [(one["kind"], one["author"]) for one in events][-1] == ("identity_read", "甲县处理人")
    # Nor by the programs' own role, whatever it asks, nor by it on another's behalf.
    for who in (PROGRAMS, str(admin.account), str(other.account)):
        with calling(who), connect(site.dsn) as asking:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                asking.execute("SELECT sealed FROM tip_identity")
            assert asking.execute("SELECT read_tip_identity(%s, 'x', 'x')", [tip]).fetchone() == (None,)


def test_who_has_to_do_with_the_site_sees_no_report_of_it_and_handles_none(
    site, receipt, county, person, trees
):
    both = person("county_authority", name="两边的人", node=trees["first"])
    assign(site.connection, both.account, "safety_director", site="demo")
    neighbour = person("county_authority", name="邻县", node=trees["second"])
    tip = receipt["tip"]
    for somebody in (both, neighbour):
        assert somebody.client.get("tips").json()["items"] == []
        assert somebody.client.get(f"tips/{tip}").status_code == 404
        assert act(somebody, tip, "assign", handler=somebody.account).status_code == 404
        refused = act(county, tip, "assign", handler=somebody.account)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "no-handler")
    manager = person("project_manager", name="项目经理", site="demo")
    assert manager.client.get("tips").status_code == 403
    with calling(str(manager.account)), connect(site.dsn) as asking:
        assert asking.execute("SELECT count(*) FROM tip").fetchone() == (0,)


def test_that_somebody_of_the_site_reported_is_in_no_record_that_its_people_read(
    web, site, stranger, county, person
):
    _, tip = assigned(web, stranger, county)
    assert county.client.get(f"tips/{tip}").json()["insider"]
    filed = act(county, tip, "verify", site="demo", hazard={**HAZARD, "source_detail": "insider"})
    assert filed.status_code == 201, filed.text
    manager = person("project_manager", name="项目经理", site="demo")
    seen = manager.client.get(f"hazards/{filed.json()['hazard']}")
    assert seen.json()["record"]["source_detail"] == "public"
    assert "insider" not in seen.text


def test_its_handler_is_told_and_another_can_take_it_up_after_he_has_left(
    web, site, stranger, county, person
):
    other = person("province_authority", name="接手人", node=None)
    receipt = reported(web, stranger)
    told = "SELECT ended FROM told WHERE kind = 'tip'"
    assert site.value(told) is None
    tip = only(county)["id"]
    act(county, tip, "assign", handler=county.account)
    # Nobody above is called for what is seen to.
    assert site.value(told) == "acknowledged"
    act(county, tip, "unfounded", reason="现场核查无此情况")
    assert act(other, tip, "answer", words="x").status_code == 403
    assert act(other, tip, "assign", handler=other.account).json()["state"] == "judged"
    assert identity(county, tip).status_code == 403
    own = {"X-Tip-Code": receipt["code"]}
    assert stranger.post("public-reports/own/words", json={"words": "还在拆"}, headers=own).is_success
    assert act(other, tip, "answer", words="已核查").status_code == 201
    mine = site.rows(
        "SELECT account_id, words->'zh'->>'title', words->'zh'->>'body'"
        " FROM told JOIN told_person USING (told) WHERE kind = 'tip_of_mine' ORDER BY at"
    )
    assert [account for account, _, _ in mine] == [county.account, other.account, other.account]
    assert all("还在拆" not in body and receipt["number"] in title for _, title, body in mine)


def test_a_report_of_an_area_that_no_county_looks_after_is_told_above(web, site, stranger, person, trees):
    city = person("province_authority", name="省厅", node=trees["province"])
    stranger.post("public-reports", json=SAID)
    (row,) = site.rows(
        "SELECT account_id, node FROM told JOIN told_person USING (told) WHERE kind = 'tip'"
        " AND account_id = %s",
        city.account,
    )
    assert row == (city.account, trees["province"])


def test_what_was_refused_or_is_past_cannot_be_done_again(web, stranger, county):
    _, tip = assigned(web, stranger, county)
    assert act(county, tip, "answer", words="太早").status_code == 409
    assert act(county, tip, "unfounded", reason="现场核查无此情况").status_code == 201
    assert verify(county, tip).status_code == 409
    assert act(county, tip, "reward", yuan="500.00").json()["reward_yuan"] == "500.00"
    assert county.client.post(f"tips/{tip}/acts", json={"act": "reward", "yuan": "1"}).status_code == 428


def test_the_identity_is_erased_when_its_time_is_over_and_that_stays_written_down(
    web, site, stranger, county
):
    _, tip = assigned(web, stranger, county)
    act(county, tip, "pass_on", to="市场监管局", reason="食品问题")
    act(county, tip, "answer", words="已转有关部门")
    with connect(site.dsn) as connection:
        assert erase_identities(connection, now_ms() + 89 * DAY_MS) == 0
        assert erase_identities(connection, now_ms() + 91 * DAY_MS) == 1
    assert identity(county, tip).status_code == 404
    seen = county.client.get(f"tips/{tip}").json()
    assert (seen["named"], seen["identity_kept"], seen["events"][-1]["kind"]) == (
        True,
        False,
        "identity_erased",
    )
    assert site.value("SELECT count(*) FROM tip_identity") == 0


def test_pictures_lose_what_the_telephone_wrote_and_go_into_the_hazard(web, site, stranger, county):
    receipt, tip = assigned(web, stranger, county)
    own = {"X-Tip-Code": receipt["code"]}
    marked = photo(segment(0xFE, NAME.encode()))
    assert NAME.encode() in marked
    assert stranger.put("public-reports/own/photos", content=marked, headers=own).json()["photos"] == 1
    assert stranger.put("public-reports/own/photos", content=b"%PDF-1", headers=own).status_code == 415
    (sha256,) = county.client.get(f"tips/{tip}").json()["pictures"]
    picture = county.client.get(f"tips/{tip}/photos/1").content
    assert picture.startswith(b"\xff\xd8")
    assert NAME.encode() not in picture
    made = verify(county, tip, photos=[sha256])
    assert made.status_code == 201, made.text
    kept = site.rows(
        "SELECT content FROM evidence_item JOIN evidence_file USING (sha256) WHERE hazard_id = %s",
        made.json()["hazard"],
    )
    assert [bytes(one) for (one,) in kept] == [picture]


def test_the_name_of_whoever_reported_is_in_no_answer_no_log_and_no_table(
    web, receipt, county, caplog, stack
):
    tip, site = receipt["tip"], web.app.state.serving
    base = f"{web.address}/api/v1/"
    admin = stack.enter_context(plain_client(base, cookies=web.client.cookies))
    stranger = stack.enter_context(plain_client(base))
    stranger.put("public-reports/own/photos", content=photo(), headers={"X-Tip-Code": receipt["code"]})
    hazard = verify(county, tip).json()["hazard"]
    known = {
        "site": "demo",
        "hazard": hazard,
        "tip": tip,
        "no": "1",
        "account": str(county.account),
        "tree": "territory",
    }
    asked = 0
    for route in declared_permissions(web.app):
        method, path = route.split(" ")
        if "GET" not in method or not path.startswith("/api/v1/") or path.endswith("/live"):
            continue
        try:
            address = path.format_map(known)
        except KeyError:
            continue
        for somebody in (county.client, admin, stranger):
            answer = somebody.get(address.removeprefix("/api/v1/"), headers={"X-Tip-Code": receipt["code"]})
            asked += 1
            assert is_silent(answer.text), route
    assert asked > 100
    # A request that is refused repeats nothing of it either.
    refused = stranger.post("public-reports", json={**SAID, "content": ""})
    assert refused.status_code == 422
    assert is_silent(refused.text)
    assert is_silent(caplog.text)
    with psycopg.connect(site.dsn) as owner:
        for (table,) in owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall():
            rows = owner.execute(f'SELECT t::text FROM "{table}" AS t'.encode()).fetchall()
            assert all(is_silent(row[0]) for row in rows), table


def test_the_people_of_the_area_are_told_that_there_is_one_and_nothing_of_it(web, site, stranger, county):
    made = reported(web, stranger)
    (row,) = site.rows("SELECT words::text FROM told WHERE kind = 'tip'")
    assert made["number"] in row[0]
    assert SAID["content"] not in row[0]
    people = "SELECT account_id FROM told_person JOIN told USING (told) WHERE kind = 'tip'"
    assert site.rows(people) == [(county.account,)]


def test_one_address_reports_a_few_times_at_once(web, stranger):
    answers = [stranger.post("public-reports", json=SAID).status_code for _ in range(6)]
    assert answers == [201] * 5 + [429]


def test_behind_a_server_of_ones_own_each_is_counted_for_himself(settings, dsn, site):
    behind = Web(msgspec.structs.replace(settings, proxies=(ipaddress.ip_network("127.0.0.0/8"),)), dsn)
    try:

        def report(*came_from: str) -> int:
            headers = {"X-Forwarded-For": ", ".join(came_from)}
            return behind.post("/public-reports", json=SAID, headers=headers).status_code

        # What somebody claims before it himself counts for nothing, nor which of his own addresses he takes.
        mine = [report(f"198.51.100.{no}", f"2001:db8::{no}") for no in range(6)]
        assert mine == [201] * 5 + [429]
        assert report("2001:db8:0:1::1") == 201
    finally:
        behind.close()


def test_who_has_no_code_sends_no_picture_and_an_ill_one_changes_nothing(web, stranger, county):
    big = b"\xff\xd8\xff" + bytes(3_000_000)
    none = stranger.put("public-reports/own/photos", content=big, headers={"X-Tip-Code": "0000"})
    assert none.status_code == 404
    own = {"X-Tip-Code": reported(web, stranger)["code"]}
    assert stranger.put("public-reports/own/photos", content=big, headers=own).status_code == 415
    too_large = stranger.put("public-reports/own/photos", content=bytes(4 * 1024 * 1024 + 1), headers=own)
    assert too_large.status_code == 413
    for field in ("content", "place", "name", "contact"):
        refused = stranger.post("public-reports", json={**SAID, field: f"{NAME}\0"})
        assert refused.status_code == 422, field
        assert is_silent(refused.text)


def test_an_identity_is_bound_to_its_report_and_its_key_and_a_gate_to_its_site(settings):
    key, tip = key_of(settings), uuid4()
    assert key == key_of(settings)
    sealed = seal(key, tip, Identity(name=NAME))
    assert NAME.encode() not in sealed
    assert unseal(key, tip, sealed).name == NAME
    for wrong in ((key, uuid4()), (bytes(32), tip)):
        with pytest.raises(TipKeyError):
            unseal(*wrong, sealed)
    assert site_of(key, gate_of(key, "demo")) == "demo"
    assert site_of(key, gate_of(key, "demo").replace("demo", "north")) is None
