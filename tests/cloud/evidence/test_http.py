"""Evidence over HTTP."""

import hashlib

import pytest

from cloud.accounts.permissions import COOKIE
from cloud.evidence.routes import MOST
from tests.cloud.evidence.test_media import exif, photo
from tests.cloud.site import raised
from tests.cloud.web.serving import new_account, new_session

PHOTO = photo(exif(6))


@pytest.fixture
def path(web, site) -> str:
    site.born().deliver(raised())
    return f"/hazards/{site.value('SELECT id FROM hazard')}/evidence"


def bring(web, path, content=PHOTO, stage="before", **more):
    return web.post(path, params={"stage": stage, **more.pop("params", {})}, content=content, **more)


def test_a_photo_is_kept_without_its_place_listed_and_shown(web, site, path):
    answer = bring(web, path, params={"name": "吊钩.jpg", "note": "断丝"})
    assert answer.status_code == 201, answer.text
    item = answer.json()
    assert (item["kind"], item["stage"], item["name"], item["author"]) == (
        "photo",
        "before",
        "吊钩.jpg",
        "安全员",
    )
    assert item["about"]["taken_out"] > 0
    assert [one["id"] for one in web.get(path).json()["items"]] == [item["id"]]
    file = web.get(f"{path}/{item['id']}/file")
    assert file.headers["content-type"] == "image/jpeg"
    assert hashlib.sha256(file.content).hexdigest() == item["sha256"]
    assert b"39.9042N" in PHOTO
    assert b"39.9042N" not in file.content
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-security-policy"].startswith("sandbox")
    assert file.headers["content-disposition"].startswith("inline")


def test_the_same_photo_again_is_the_same_item_and_of_another_stage_a_contradiction(web, site, path):
    first, again = bring(web, path), bring(web, path)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = bring(web, path, stage="after")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/already-there")
    assert site.value("SELECT count(*) FROM evidence_item") == 1


def test_a_paper_is_saved_and_not_shown(web, site, path):
    item = bring(web, path, b"%PDF-1.7 <script>alert(1)</script>", params={"name": "../../x.pdf"}).json()
    file = web.get(f"{path}/{item['id']}/file")
    assert file.headers["content-disposition"].startswith("attachment")
    assert "x.pdf" not in file.headers["content-disposition"]


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", PHOTO[:30]])
def test_nothing_else_is_taken(web, path, content):
    answer = bring(web, path, content, headers={"Content-Type": "image/jpeg"})
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


def test_a_file_that_is_too_large_is_refused(web, path):
    assert bring(web, path, b"%PDF-" + bytes(12 * 1024 * 1024)).status_code == 413


def test_a_record_has_room_for_so_many_files_and_no_more(web, site, path):
    first = bring(web, path)
    site.connection.execute(
        "INSERT INTO evidence_item SELECT gen_random_uuid(), hazard_id, kind, stage, sha256, "
        "sha256(n::text::bytea), bytes, media_type, name, note, about, account_id, author, at "
        "FROM evidence_item CROSS JOIN generate_series(1, %s) AS n WHERE item = %s",
        [MOST - 1, first.json()["id"]],
    )
    answer = bring(web, path, b"%PDF-1.7 one more")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-many-files")
    assert site.value("SELECT count(*) FROM evidence_item") == MOST
    assert bring(web, path).status_code == 200


def test_whoever_only_looks_brings_none_and_whoever_is_elsewhere_finds_nothing(web, site, path):
    item = bring(web, path).json()
    web.client.cookies.set(COOKIE, new_session(site.connection, new_account(site.connection, "看", "viewer")))
    assert bring(web, path, stage="after").status_code == 403
    assert web.get(path).status_code == 200
    stranger = new_account(site.connection, "外人", "county_authority", site="demo", devices=["crane-7"])
    web.client.cookies.set(COOKIE, new_session(site.connection, stranger))
    for answer in (web.get(path), web.get(f"{path}/{item['id']}/file"), bring(web, path)):
        assert answer.status_code == 404


def test_it_changes_the_record_s_version_and_says_which_it_is_now_to_whom_saw_the_one_before(web, site, path):
    before = site.value("SELECT version FROM hazard")
    late = bring(web, path, headers={"If-Match": f'"{before + 7}"'})
    assert late.status_code == 412
    answer = bring(web, path, headers={"If-Match": f'"{before}"'})
    assert answer.headers["etag"] == f'"{before + 1}"'
    assert site.value("SELECT version FROM hazard") == before + 1


def test_a_record_that_has_ended_takes_no_more(web, site, path):
    site.connection.execute("UPDATE hazard SET status = 'rejected', ended_at = now()")
    assert bring(web, path).json()["type"] == "/problems/record-ended"
