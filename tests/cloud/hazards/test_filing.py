"""People file hazards: signed, with photos, once; an inspector's own finding is judged with it."""

import concurrent.futures
import hashlib
import struct
import zlib
from pathlib import Path

import pytest

from cloud.database import instant
from cloud.hazards.filing_words import filing_words
from cloud.ingest.duties import Duties
from cloud.instants import rfc3339
from sitewarden.rules.packs import built_in_packs, load_pack
from tests.cloud.hazards.people import SIGNATURE, Somebody
from tests.cloud.registry.records import problem
from tests.cloud.site import birth, now_ms, raised

MAJOR = {"level": "major", "clause": {"edition": "2022", "id": "8-5"}, "category": "lifting"}


def png(shade: int) -> bytes:
    """A picture of one pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, shade]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
def person(site, web):
    """A person by his role; closed at the end."""
    made = []

    def make(role, *also, name=None, **scope):
        made.append(Somebody(web, site.connection, name or role, role, *also, **scope))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


def staged(somebody, shade: int = 1, *, site: str = "demo") -> str:
    photo = png(shade)
    name = hashlib.sha256(photo).hexdigest()
    answer = somebody.client.put(f"sites/{site}/filing-photos/{name}", content=photo)
    assert answer.status_code in {200, 201}, answer.text
    return name


def given(somebody, **changes) -> dict:
    fresh = {
        "category": "scaffold",
        "content": "3 号楼东侧外架连墙件缺失两处",
        "potential_accident": "collapse",
        "location": "3 号楼 5 层东侧",
        "source_detail": "special",
        "signature": SIGNATURE,
    }
    body = {**fresh, **changes}
    if "photos" not in body:
        body["photos"] = [staged(somebody)]
    return body


def files(somebody, *, key: str | None = None, **changes):
    headers = {} if key is None else {"Idempotency-Key": key}
    return somebody.client.post("sites/demo/hazards", json=given(somebody, **changes), headers=headers)


def filed(somebody, **changes) -> dict:
    answer = files(somebody, **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def detail(web, hazard: dict) -> dict:
    return web.get(f"/hazards/{hazard['id']}").json()


def test_what_a_safety_officer_files_waits_for_judgement_with_its_photo_and_signature(site, web, person):
    made = filed(person("safety_officer", name="王安全"), source_detail="daily_check")
    assert (made["status"], made["level"]) == ("candidate", "general")
    assert made["number"].startswith("demo-")
    seen = detail(web, made)
    first = seen["events"][0]
    assert (first["kind"], first["actor"], first["side"], first["signed"]) == (
        "filed",
        "王安全",
        "contractor",
        True,
    )
    assert (seen["record"]["source"], seen["record"]["source_detail"]) == ("self", "daily_check")
    assert seen["signal"] == "none"
    (photo,) = web.get(f"/hazards/{made['id']}/evidence").json()["items"]
    assert (photo["stage"], photo["sha256"]) == ("found", hashlib.sha256(png(1)).hexdigest())
    assert site.value("SELECT count(*) FROM filing_photo") == 0
    assert site.value("SELECT count(*) FROM hazard_timer WHERE kind = 'judge' AND settled_at IS NULL") == 1
    assert [one["id"] for one in web.get("/sites/demo/hazards").json()["items"]] == [made["id"]]


def test_an_inspectors_own_finding_is_judged_with_it(web, person):
    officer = person("enforcement_officer")
    made = filed(officer, source_detail="unannounced")
    assert (made["status"], made["level"]) == ("confirmed", "general")
    seen = detail(web, made)
    assert [event["kind"] for event in seen["events"] if event["signed"]] == ["filed", "confirm"]
    assert seen["record"]["source"] == "inspection"
    waits = filed(officer, location="另一处", judge=False)
    assert waits["status"] == "candidate"


def test_a_major_finding_needs_its_basis_and_is_reported_at_once(site, web, person):
    officer = person("enforcement_officer")
    refused = files(officer, level="major")
    assert refused.status_code in {409, 422}, refused.text
    assert site.value("SELECT count(*) FROM hazard") == 0, "nothing is left of what was refused"
    made = filed(officer, **MAJOR)
    assert (made["status"], made["level"]) == ("confirmed", "major")
    assert detail(web, made)["record"]["report"] == "reported"
    proposed = filed(person("safety_officer"), **MAJOR, location="另一处", source_detail="daily_check")
    assert (proposed["status"], proposed["level"]) == ("candidate", "major_proposed")
    assert detail(web, proposed)["record"]["report"] == "provisional"


def test_the_same_danger_is_not_opened_twice_unless_it_is_called_another(site, web, person):
    officer = person("enforcement_officer")
    first = filed(officer)
    again = files(officer)
    assert again.status_code == 409
    (error,) = again.json()["errors"]
    assert error["values"] == {"number": first["number"], "hazard": first["id"]}
    assert again.headers["Location"] == f"/api/v1/hazards/{first['id']}"
    another = filed(officer, distinct=True)
    assert another["id"] != first["id"]
    # What a machine has opened counts too.
    site.born().deliver(raised())
    machine = files(officer, device="crane-1", category="lifting", location="")
    assert problem(machine)[:2] == (409, "open-already")


def test_of_those_who_file_the_same_at_the_same_moment_one_opens_it(site, person):
    officers = [person("enforcement_officer", name=f"officer {n}") for n in range(4)]
    bodies = [given(one) for one in officers]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda one: one[0].client.post("sites/demo/hazards", json=one[1]).status_code,
                zip(officers, bodies, strict=True),
            )
        )
    assert sorted(answers) == [201, 409, 409, 409]
    assert site.value("SELECT count(*) FROM hazard") == 1


def test_the_same_request_sent_twice_is_one(site, person):
    officer = person("enforcement_officer")
    body = given(officer)
    headers = {"Idempotency-Key": "of-my-phone"}
    answers = [officer.client.post("sites/demo/hazards", json=body, headers=headers) for _ in "12"]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert site.value("SELECT count(*) FROM hazard") == 1


def test_a_photo_is_sent_again_until_it_has_arrived(person):
    officer = person("safety_officer")
    photo = png(7)
    name = hashlib.sha256(photo).hexdigest()
    path = f"sites/demo/filing-photos/{name}"
    broken = officer.client.put(path, content=photo[:-3])
    assert problem(broken)[:2] == (422, "broken-on-the-way")
    assert [officer.client.put(path, content=photo).status_code for _ in "12"] == [201, 200]
    kept = officer.client.get("sites/demo/filing-photos").json()["items"]
    assert [one["sha256"] for one in kept] == [name]
    assert person("project_manager").client.get("sites/demo/filing-photos").json()["items"] == []
    text = b"#!/bin/sh"
    refused = officer.client.put(f"sites/demo/filing-photos/{hashlib.sha256(text).hexdigest()}", content=text)
    assert refused.status_code == 415


def test_without_a_photo_only_a_report_of_others_is_filed(person):
    officer = person("enforcement_officer")
    assert problem(files(officer, photos=[])) == (422, "invalid", ["body.photos"])
    missing = files(officer, photos=["0" * 64])
    assert missing.json()["errors"][0]["code"] == "photo-not-there"
    made = filed(officer, photos=[], source_detail="public", judge=False)
    assert made["status"] == "candidate"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"location": ""}, "body.location"),
        ({"source_detail": "random"}, "body.source_detail"),
        ({"detected_at": rfc3339(instant(now_ms() + 3_600_000))}, "body.detected_at"),
        ({"clause": {"edition": "2022", "id": "99-1"}}, "body.clause"),
        ({"category": "witchcraft"}, "body.category"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(site, person, changes, field):
    status, _, fields = problem(
        files(person("safety_officer"), **{"source_detail": "daily_check", **changes})
    )
    assert (status, fields) == (422, [field])
    assert site.value("SELECT count(*) FROM hazard") == 0


def test_a_wrong_password_files_nothing(site, person):
    refused = files(person("safety_officer"), source_detail="daily_check", signature={"password": "wrong"})
    assert problem(refused)[:2] == (403, "not-signed")
    assert site.value("SELECT count(*) FROM hazard") == 0


def test_who_has_some_devices_files_for_those_alone(person):
    lessor = person("equipment_company", site="demo", devices=["crane-1"])
    assert files(lessor, source_detail="special", device="crane-1").status_code == 201
    assert files(lessor, source_detail="special").status_code == 403


def test_an_exercise_is_marked_and_not_reported(web, person):
    made = filed(person("enforcement_officer"), **MAJOR, drill=True)
    record = detail(web, made)["record"]
    assert (record["mode"], record["report"]) == ("drill", "not_due")


def test_the_form_offers_each_what_is_his_to_say(person):
    officer = person("enforcement_officer").client.get("sites/demo/filing-choices").json()
    assert officer["judges"] == ["general", "major"]
    assert "unannounced" in {one["name"] for one in officer["details"]}
    safety = person("safety_officer").client.get("sites/demo/filing-choices").json()
    assert safety["judges"] == []
    assert "unannounced" not in {one["name"] for one in safety["details"]}


def test_people_and_rule_packs_call_the_same_danger_by_the_same_name():
    words = filing_words()
    proposals = [
        rule.hazard
        for name in built_in_packs()
        for rule in load_pack(name, Path()).rules
        if rule.hazard is not None
    ]
    assert proposals
    for proposal in proposals:
        assert proposal.category in words.categories.values(), proposal.category
        assert proposal.potential_accident in words.accidents.values(), proposal.potential_accident


def test_the_supervision_list_says_by_whom_by_which_document_and_until_when(site, web, person):
    county = person("county_authority")
    made = filed(county, **MAJOR)
    (proposed,) = web.get("/supervision").json()["items"] or [None]
    assert (proposed["number"], proposed["state"], proposed["listing"]) == (made["number"], "proposed", None)
    due = rfc3339(instant(now_ms() + 10 * 86_400_000))
    listed = county.act(made["id"], "list", authority_level="county", document="甲建督〔2026〕1号", due=due)
    assert listed.status_code == 200, listed.text
    (shown,) = web.get("/supervision", params={"state": "listed"}).json()["items"]
    listing = shown["listing"]
    assert listing["due"][:19] == due[:19]
    assert (listing["document"], listing["authority_level"]) == ("甲建督〔2026〕1号", "county")
    assert web.get("/supervision", params={"state": "delisted"}).json()["items"] == []


def test_photos_that_nobody_files_are_forgotten_whoever_brought_them(site, person):
    officer = person("safety_officer")
    staged(officer)
    site.connection.execute("UPDATE filing_photo SET at = at - interval '3 days'")
    staged(officer, 2)
    assert site.value("SELECT count(*) FROM filing_photo") == 2
    Duties(site.settings, site.dsn, site.registry).look(site.connection, now_ms())
    assert site.value("SELECT count(*) FROM filing_photo") == 1


def test_whoever_has_some_devices_chooses_among_those_alone(site, person):
    site.deliver(birth(points={"crane-1/load": "crane.load", "crane-7/load": "crane.load"}))
    for scope, devices in (({}, ["crane-1", "crane-7"]), ({"devices": ["crane-1"]}, ["crane-1"])):
        somebody = person("equipment_company", name=f"{devices}", site="demo", **scope)
        answer = somebody.client.get("sites/demo/filing-choices")
        assert [one["device"] for one in answer.json()["devices"]] == devices
