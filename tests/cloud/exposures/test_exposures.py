"""A hazard is made known to the public: prepared by one, approved by another, exactly as it was looked at."""

import hashlib
import io
import json
import zipfile

import psycopg
import pytest

from cloud.database import instant
from cloud.hazards.audit import verify
from tests.cloud.evidence.test_media import photo, segment
from tests.cloud.hazards.people import SIGNATURE, Somebody
from tests.cloud.outbound.platform import major
from tests.cloud.registry.test_scope import trees
from tests.cloud.site import now_ms

__all__ = ["trees"]
SAID = {
    "title": "塔机标准节螺栓缺失",
    "words": "3 号楼塔机标准节螺栓缺失，责令停用。",
    "signature": SIGNATURE,
}
PLACE = b"GPS 28.2282 taken by Zhang"


@pytest.fixture
def person(site, web, trees):
    """Somebody by role and node of the trees; closed at the end."""
    made = []

    def make(name: str, role: str, node: str):
        made.append(Somebody(web, site.connection, name, role, node=trees[node]))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


@pytest.fixture
def county(person):
    return person("李县管", "county_authority", "first")


@pytest.fixture
def province(person):
    return person("王省管", "province_authority", "province")


@pytest.fixture
def hazard(county) -> str:
    return major(county)


def prepared(somebody, hazard: str, **changes) -> dict:
    answer = somebody.client.post(f"hazards/{hazard}/exposures", json={**SAID, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def act(somebody, exposure: dict, name: str, **fields):
    given = {"act": name, "signature": SIGNATURE, **fields}
    path = f"exposures/{exposure['id']}"
    version = somebody.client.get(path).headers.get("ETag", '"0"')
    return somebody.client.post(f"{path}/acts", json=given, headers={"If-Match": version})


def test_it_goes_out_as_it_was_looked_at_after_another_has_signed_and_can_be_taken_back(
    site, county, province, hazard
):
    made = prepared(county, hazard)
    path = f"exposures/{made['id']}"
    assert (made["state"], made["may_approve"], made["may_drop"]) == ("draft", False, True)
    assert county.client.get(f"{path}/file").status_code == 409
    preview = county.client.get(f"{path}/page")
    assert "sandbox" in preview.headers["Content-Security-Policy"]
    assert act(county, made, "approve", sha256=made["sha256"]).json()["type"] == "/problems/not-the-authority"
    other = act(province, made, "approve", sha256="0" * 64)
    assert other.json()["type"] == "/problems/another-file"
    assert act(province, made, "approve", sha256=made["sha256"]).json()["state"] == "published"
    archive = county.client.get(f"{path}/file").content
    assert hashlib.sha256(archive).hexdigest() == made["sha256"]
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.read("index.html") == preview.content
        said = json.loads(opened.read("exposure.json"))
        everything = "".join(opened.read(name).decode() for name in opened.namelist())
    assert said["hazard"]["number"] == made["hazard_number"]
    assert "某省主管部门" in said["mark"]
    assert not any(one in everything for one in ("李县管", "王省管", "crane-1"))
    assert act(county, made, "withdraw", reason="x").status_code == 403
    taken = act(province, made, "withdraw", reason="企业已整改").json()
    assert [(one["kind"], one["is_signed"]) for one in taken["events"]] == [
        ("prepared", True), ("approved", True), ("withdrawn", True),
    ]  # fmt: skip
    assert county.client.get(f"{path}/file").status_code == 409
    assert not verify(site.connection, instant(now_ms())).breaks


def test_nobody_approves_what_he_has_prepared(site, province, hazard):
    made = prepared(province, hazard)
    assert act(province, made, "approve", sha256=made["sha256"]).json()["type"] == "/problems/same-person"
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        site.connection.execute(
            "INSERT INTO exposure_act (exposure, seq, kind, at, author, account_id) "
            "VALUES (%s, 2, 'approved', now(), 'x', %s)",
            [made["id"], province.account],
        )


def test_what_would_give_somebody_away_is_refused_with_what_it_is(county, hazard):
    given = {**SAID, "words": "项目经理李县管，电话 13900001234"}
    refused = county.client.post(f"hazards/{hazard}/exposures", json=given)
    (wrong,) = refused.json()["errors"]
    assert (refused.status_code, wrong["field"], wrong["code"]) == (422, "body.words", "gives-away")
    assert wrong["values"]["found"] == ["李县管", "13900001234"]
    # What may be a name and is none, its author answers for, and whoever approves it reads that he did.
    doubtful = {**SAID, "words": "高工程师站位置在塔机旁。"}
    refused = county.client.post(f"hazards/{hazard}/exposures", json=doubtful)
    (wrong,) = refused.json()["errors"]
    assert (wrong["code"], wrong["values"]["found"]) == ("looks-like-a-person", ["高工程师"])
    made = prepared(county, hazard, **{**doubtful, "no_persons": ["高工程师"]})
    assert made["events"][0]["body"]["no_persons"] == ["高工程师"]


def test_a_picture_goes_out_without_its_place_and_only_after_somebody_has_looked(county, hazard, site):
    content = photo(segment(0xFE, PLACE))
    given = {"item": "00000000-0000-0000-0000-000000000001", "content": content, "hazard": hazard}
    # As it may have been kept before pictures were cleaned when they were brought.
    site.connection.execute(
        "INSERT INTO evidence_file (sha256, content) VALUES (sha256(%(content)s), %(content)s)", given
    )
    site.connection.execute(
        "INSERT INTO evidence_item (item, hazard_id, kind, stage, sha256, given_sha256, bytes, media_type, "
        "author, at) VALUES (%(item)s, %(hazard)s, 'photo', 'found', sha256(%(content)s), "
        "sha256(%(content)s), 1, 'image/jpeg', 'x', now())",
        given,
    )
    chosen = [hashlib.sha256(content).hexdigest()]
    refused = county.client.post(f"hazards/{hazard}/exposures", json={**SAID, "photos": chosen})
    assert refused.json()["errors"][0]["code"] == "faces-unchecked"
    looked = {**SAID, "photos": ["0" * 64], "photos_show_nobody": True}
    refused = county.client.post(f"hazards/{hazard}/exposures", json=looked)
    assert refused.json()["errors"][0]["code"] == "no-such-picture"
    made = prepared(county, hazard, photos=chosen, photos_show_nobody=True)
    kept = site.value("SELECT content FROM exposure WHERE exposure = %s", made["id"])
    with zipfile.ZipFile(io.BytesIO(kept)) as opened:
        assert PLACE not in opened.read("photos/1.jpg")
        assert opened.read("photos/1.jpg") == photo()
    # Or with something covered: then that alone goes out, and where it is from is written down.
    path = f"hazards/{hazard}/exposure-photos"
    assert county.client.post(path, content=b"%PDF-1").status_code == 415
    covered = photo(segment(0xFE, PLACE)).replace(photo()[-20:], photo()[-20:])
    put = county.client.post(path, content=covered).json()["sha256"]
    of = {"of": chosen[0], "sha256": put}
    made = prepared(county, hazard, masked=[of], photos_show_nobody=True)
    assert (made["photos"], made["events"][0]["body"]["masked"]) == (1, [of])
    again = {**SAID, "masked": [of], "photos_show_nobody": True}
    refused = county.client.post(f"hazards/{hazard}/exposures", json=again)
    assert refused.json()["errors"][0]["code"] == "no-such-picture"


def test_what_is_no_longer_so_is_not_approved_and_a_drill_is_never_made_known(site, county, province, hazard):
    made = prepared(county, hazard)
    site.connection.execute("UPDATE hazard SET status = 'rectifying' WHERE id = %s", [hazard])
    assert county.client.get(f"exposures/{made['id']}").json()["is_stale"]
    refused = act(province, made, "approve", sha256=made["sha256"])
    assert refused.json()["type"] == "/problems/record-changed"
    assert act(county, made, "drop", reason="重做").json()["state"] == "dropped"
    drill = major(county, location="2 号塔机", drill=True)
    answer = county.client.post(f"hazards/{drill}/exposures", json=SAID)
    assert answer.json()["type"] == "/problems/not-confirmed"


def test_who_has_nothing_to_do_with_it_does_not_see_it(person, county, hazard):
    made = prepared(county, hazard)
    neighbour = person("赵邻县", "county_authority", "second")
    assert neighbour.client.get("exposures").json()["items"] == []
    for path in (f"exposures/{made['id']}", f"exposures/{made['id']}/page", f"exposures/{made['id']}/file"):
        assert neighbour.client.get(path).status_code == 404
    assert neighbour.client.post(f"hazards/{hazard}/exposures", json=SAID).status_code == 404
    manager = person("钱项目", "project_manager", "first")
    assert manager.client.get("exposures").status_code == 403
    assert [
        one["id"] for one in county.client.get("exposures", params={"hazard": hazard}).json()["items"]
    ] == [made["id"]]
