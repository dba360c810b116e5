"""Pictures that show people as they are rest sealed, and who sees them is written down for good."""

import base64
import hashlib

import msgspec
import psycopg
import pytest

from cloud.cameras import exporting
from cloud.database import connect
from cloud.exposures.store import PHOTOS
from cloud.media import offers
from cloud.media.keeping import PicturesKept
from cloud.media.sealing import SealError, Vault, place_of
from cloud.media.store import box_key, sealed
from cloud.returns import packing
from sitewarden import boxes
from tests.cloud.accounts.test_api_tokens import make, program
from tests.cloud.cameras.test_cutouts import ABOUT, EXPORT, photo
from tests.cloud.media.test_pictures import (
    EPISODE,
    ask,
    bare,
    born,  # noqa: F401  a camera is there
    bring,
    evidence,
    jpeg,
    keep,
    offered,
    picture,
    put,
    shown,
    webp,
)
from tests.cloud.site import TestSite, now_ms, raised
from tests.cloud.web.serving import Web, change_role, changing

LOOKS = "/sites/demo/picture-looks"


def looks(web: Web, **asked) -> list[dict]:
    answer = web.get(LOOKS, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def everything_at_rest(site: TestSite) -> bytes:
    rows = site.rows("SELECT content FROM camera_media_part UNION ALL SELECT content FROM evidence_file")
    return b"".join(bytes(content) for (content,) in rows)


def test_an_unredacted_picture_rests_sealed_and_each_that_is_given_out_is_noted(site, web: Web) -> None:
    content, film, view = jpeg(), webp(), jpeg(2)
    site.deliver(bare(pictures=[picture(content)]))
    snapshot = bring(site, web, content, episode=EPISODE, unredacted=True)
    bring(site, web, film, "clip", of=snapshot.sha256, unredacted=True)
    bring(site, web, view, "still", unredacted=True)
    keep(site)
    resting = everything_at_rest(site)
    for plain in (content, film, view):
        assert plain[:60] not in resting
    assert looks(web) == [], "nobody has looked yet"
    first, moving = shown(web)["items"]
    assert web.get(f"/sites/demo/pictures/{first['id']}/file").content == content
    assert web.get(f"/sites/demo/pictures/{moving['id']}/file").content == film
    assert web.get("/sites/demo/cameras/gate/still").content == view
    hazard = str(site.value("SELECT id FROM hazard"))
    [item] = [one for one in evidence(web, site) if one["kind"] == "still"]
    assert web.get(f"/hazards/{hazard}/evidence/{item['id']}/file").content == content
    noted = looks(web)
    assert [(one["what"], one["hazard"]) for one in noted] == [
        ("snapshot", hazard),
        ("still", None),
        ("clip", None),
        ("snapshot", None),
    ]
    assert {one["camera"] for one in noted} == {"gate"}
    assert noted[0]["sha256"] == noted[3]["sha256"] == snapshot.sha256
    author = site.value("SELECT name FROM account LIMIT 1")
    assert {(one["author"], one["by_program"], one["pictures"]) for one in noted} == {(author, False, 1)}
    assert looks(web, device="crane-1") == []
    with program(web, make(web, "images.view", "hazards.view").json()["token"]) as client:
        assert client.get("/sites/demo/cameras/gate/still").content == view
        assert client.get(f"/hazards/{hazard}/evidence/{item['id']}/file").content == content
    assert [(one["author"], one["by_program"]) for one in looks(web)[:2]] == [(author, True)] * 2


def test_a_redacted_picture_rests_as_it_is_and_is_seen_without_a_note(site, web: Web) -> None:
    content = jpeg()
    site.deliver(bare(pictures=[picture(content)]))
    bring(site, web, content, episode=EPISODE)
    keep(site)
    [item], [own] = evidence(web, site), shown(web)["items"]
    web.get(f"/sites/demo/pictures/{own['id']}/file")
    web.get(f"/hazards/{site.value('SELECT id FROM hazard')}/evidence/{item['id']}/file")
    assert looks(web) == []
    assert not site.settings.data_dir.joinpath("media.key").exists(), "no key is made that nobody needs"
    assert content in everything_at_rest(site)


def test_who_takes_cut_outs_is_noted_with_how_many_of_which_camera(site, web: Web) -> None:
    assert web.get(EXPORT, timeout=60).status_code == 200
    for number in (1, 2):
        episode = f"{number:032x}"
        site.deliver(bare(episode=episode))
        bring(site, web, photo(number), episode=episode, about=ABOUT)
        web.post(f"/sites/demo/camera-alarms/{episode}/reviews", json={"verdict": "right"})
    assert web.get(EXPORT, timeout=60).status_code == 200
    newest, oldest = looks(web)
    assert (newest["what"], newest["camera"], newest["pictures"]) == ("cut_outs", "gate", 2)
    assert (oldest["what"], oldest["camera"], oldest["pictures"]) == ("cut_outs", None, 0)
    # While one is made, whoever asks learns when to try again; nothing was given to him.
    with exporting._turn:
        busy = web.get(EXPORT, timeout=60)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "20")
    assert busy.json()["type"].endswith("/cut-outs-busy")
    first = web.get(LOOKS, params={"limit": 1}).json()
    assert [first["items"][0]["id"], first["next"] is None] == [newest["id"], False]
    rest = web.get(LOOKS, params={"limit": 1, "after": first["next"]}).json()
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([oldest["id"]], None)


def test_nobody_takes_a_look_back_not_even_the_owner(site, web: Web) -> None:
    web.get(EXPORT, timeout=60)
    acts = ("UPDATE picture_look SET author = 'x'", "DELETE FROM picture_look", "TRUNCATE picture_look")
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        for act in acts:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="kept for good"):
                owner.execute(act)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                site.connection.execute(act)
    assert len(looks(web)) == 1


def test_who_audits_sees_the_looks_and_who_only_looks_does_not(site, web: Web) -> None:
    bring(site, web, jpeg(), "still", unredacted=True)
    web.get("/sites/demo/cameras/gate/still")
    change_role(site.connection, "safety_officer")  # sees pictures, and is noted
    assert web.get("/sites/demo/cameras/gate/still").status_code == 200
    assert web.get(LOOKS).status_code == 403
    change_role(site.connection, "auditor")
    assert len(looks(web)) == 2
    with changing(site.connection):
        site.connection.execute("UPDATE assignment SET site = 'demo', devices = '{crane-1}'")
    assert looks(web) == []


def test_without_its_key_a_picture_is_shown_to_nobody_and_keeps_no_other_back(site, web: Web) -> None:
    content, plain = jpeg(), jpeg(2)
    site.deliver(bare(pictures=[picture(content), picture(plain)]))
    bring(site, web, content, episode=EPISODE, unredacted=True)
    bring(site, web, plain, episode=EPISODE)
    key = site.settings.data_dir / "media.key"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_text()
    key.write_text("0" * 64)
    duty = PicturesKept(30, Vault.of(site.settings))
    duty(site.connection, now_ms())
    assert [item["about"]["unredacted"] for item in evidence(web, site)] == [False]
    items = {item["unredacted"]: item for item in shown(web)["items"]}
    vault, of = Vault.of(site.settings), site.value("SELECT media FROM camera_media WHERE unredacted")
    [(sealed,)] = site.rows("SELECT content FROM camera_media_part WHERE sealed AND from_byte = 0")
    with pytest.raises(SealError, match="another key"):
        vault.open(bytes(sealed), place_of(of, 0))
    assert looks(web) == []
    key.write_text(before)
    with pytest.raises(SealError, match="another key"):
        vault.open(bytes(sealed), place_of(of, 1))  # nor in another place
    assert web.get(f"/sites/demo/pictures/{items[True]['id']}/file").content == content
    duty(site.connection, now_ms())
    assert len(evidence(web, site)) == 1
    # What it did not open it tries again after a while.
    duty(site.connection, now_ms() + 2 * 3_600_000)
    assert {item["about"]["unredacted"] for item in evidence(web, site)} == {False, True}


def test_no_second_key_is_made_beside_pictures_that_rest_under_one_which_is_gone(site, web: Web) -> None:
    content, other = jpeg(), jpeg(2)
    bring(site, web, content, "still", unredacted=True)
    key = site.settings.data_dir / "media.key"
    kept_elsewhere = key.read_text()
    key.unlink()
    with pytest.raises(SealError, match="cannot be opened"):
        Vault.of(site.settings).open(bytes(64), b"")
    with connect(site.dsn) as connection, pytest.raises(SealError, match="put it back"):
        sealed(connection, Vault.of(site.settings), other, b"")
    assert not key.exists()
    key.write_text(kept_elsewhere)
    assert web.get("/sites/demo/cameras/gate/still").content == content


def test_a_key_that_is_changed_while_a_picture_comes_has_it_brought_anew(site, web: Web) -> None:
    content = jpeg()
    item = offered(content, unredacted=True)
    [answer] = ask(site, item)
    assert put(web, answer, 0, content[:40_000]).status_code == 200
    (site.settings.data_dir / "media.key").write_text("1" * 64)
    assert put(web, answer, 40_000, content[40_000:]).status_code == 422
    [answer] = ask(site, item)
    assert (answer.state, answer.offset) == ("wanted", 0)
    assert put(web, answer, 0, content).json()["state"] == "kept"


def test_a_box_is_opened_when_it_is_whole_and_one_that_nobody_opens_is_brought_anew(
    site, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, other = jpeg(), bytes(range(32))
    sha256 = hashlib.sha256(content).digest()
    told = web.client.get("/api/v1/media/box-key", headers={"Authorization": ""})
    assert told.status_code == 200
    public = base64.b64decode(told.json()["key"])
    box = boxes.closed(content, public, sha256)
    item = offered(content, "still", unredacted=True, sealed_for=boxes.number_of(public))
    # Sealed anew meanwhile, so that both halves are of two boxes; and for a key that nobody here has.
    strange = msgspec.structs.replace(item, sealed_for=boxes.number_of(boxes.public_of(other)))
    for given, bad in (
        (item, box[:40_000] + boxes.closed(content, public, sha256)[40_000:]),
        (strange, boxes.closed(content, boxes.public_of(other), sha256)),
    ):
        with monkeypatch.context() as patch:
            # The key goes while it comes.
            patch.setattr(Vault, "unboxes", lambda *_: True)
            [answer] = ask(site, given)
        assert (answer.state, answer.offset) == ("wanted", 0)
        assert put(web, answer, 0, bad[:40_000]).status_code == 200
        refused = put(web, answer, 40_000, bad[40_000:])
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (422, "wrong-hash")
    [refused] = ask(site, strange)
    assert (refused.state, refused.why) == ("refused", offers._CLOSED)
    [answer] = ask(site, item)
    assert put(web, answer, 0, box + b"x").status_code == 422
    assert put(web, answer, 0, box).json()["state"] == "kept"
    assert web.get("/sites/demo/cameras/gate/still").content == content
    assert site.value("SELECT received = bytes FROM camera_media")
    resting = everything_at_rest(site)
    assert box[100:200] not in resting
    assert content[100:200] not in resting


def test_what_is_sealed_when_some_of_it_has_come_is_brought_anew(site, web: Web) -> None:
    content = jpeg()
    public = base64.b64decode(web.client.get("/api/v1/media/box-key").json()["key"])
    [answer] = ask(site, item := offered(content, "still", unredacted=True))
    assert put(web, answer, 0, content[:40_000]).status_code == 200
    box = boxes.closed(content, public, hashlib.sha256(content).digest())
    [answer] = ask(site, msgspec.structs.replace(item, sealed_for=boxes.number_of(public)))
    assert (answer.state, answer.offset) == ("wanted", 0)
    assert put(web, answer, 0, box).json()["state"] == "kept"
    assert web.get("/sites/demo/cameras/gate/still").content == content


def test_where_the_key_is_gone_everybody_is_told_how_to_mend_it(site, web: Web, caplog) -> None:
    content, newer = jpeg(), jpeg(2)
    bring(site, web, content, "still", unredacted=True)
    key = site.settings.data_dir / "media.key"
    public = base64.b64decode(web.client.get("/api/v1/media/box-key").json()["key"])
    box = boxes.closed(newer, public, hashlib.sha256(newer).digest())
    item = offered(newer, "still", unredacted=True, sealed_for=boxes.number_of(public), at=now_ms() + 1000)
    kept_elsewhere = key.read_text()
    key.unlink()
    [answer] = ask(site, item)
    assert answer.state == "wanted", "the key may come back"
    for refused in (
        web.get("/sites/demo/cameras/gate/still"),
        web.client.get("/api/v1/media/box-key"),
        put(web, answer, 0, box),
    ):
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/pictures-closed")
        assert "put it back" in refused.json()["detail"]
        assert str(key) not in refused.text
    assert str(key) in caplog.text
    key.write_text(kept_elsewhere)
    assert put(web, answer, 0, box).json()["state"] == "kept"
    assert web.get("/sites/demo/cameras/gate/still").content == newer


def test_gateways_are_told_no_key_beside_pictures_under_one_that_is_gone(site, web: Web) -> None:
    bring(site, web, jpeg(), "still", unredacted=True)
    (site.settings.data_dir / "media.key").unlink()
    with connect(site.dsn) as connection, pytest.raises(SealError, match="put it back"):
        box_key(connection, Vault.of(site.settings))
    assert not (site.settings.data_dir / "media.key").exists()


def test_whoever_brings_an_unredacted_picture_again_as_his_own_gets_it_into_no_file(site, web: Web) -> None:
    content = jpeg()
    site.deliver(bare(pictures=[picture(content)]))
    bring(site, web, content, episode=EPISODE, unredacted=True)
    keep(site)
    first = site.value("SELECT id FROM hazard")
    site.deliver(raised())
    second = site.value(f"SELECT id FROM hazard WHERE id <> '{first}'")
    where = f"/hazards/{second}/evidence"
    brought = web.post(where, params={"stage": "found"}, content=content)
    assert brought.status_code == 201, brought.text
    assert web.get(f"{where}/{brought.json()['id']}/file").content == content
    assert [(one["what"], one["hazard"]) for one in looks(web)] == [("snapshot", str(second))]
    for hazard in (first, second):
        packed = packing._evidence(site.connection, {"hazard_id": hazard})
        assert [part for item, part in packed if item["media_type"] == "image/jpeg"] == [None]
    photos = {"hazard": second, "photos": [brought.json()["sha256"]]}
    assert site.connection.execute(PHOTOS, photos).fetchall() == []
