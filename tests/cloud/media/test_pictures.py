"""Pictures of cameras: brought once and whole, put beside alarm and record, seen by few, erased in time."""

import base64
import hashlib
import struct
import zlib

import numpy as np
import pytest

from cloud.ingest.model import GatewayKey
from cloud.media import keeping, offers, tickets
from cloud.media.keeping import PicturesKept
from cloud.media.sealing import Vault
from cloud.media.tickets import BadTicketError
from sitewarden.messages import (
    DeviceBirth,
    MediaAnswer,
    MediaOffer,
    MediaOffered,
    Picture,
    PointBirth,
    Status,
)
from sitewarden.text import Text
from tests.cloud.site import BOOT, TestSite, now_ms, raised
from tests.cloud.web.serving import Web, change_role, changing

cv2 = pytest.importorskip("cv2")

POINT = "gate/hook.bare_1"
DAY_MS = 86_400_000
EPISODE = "a" * 32


def jpeg(seed: int = 1) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1])


def webp() -> bytes:
    return bytes(cv2.imencode(".webp", np.full((20, 20, 3), 99, np.uint8))[1])


def offered(content: bytes, kind: str = "snapshot", **more) -> MediaOffered:
    fields = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "media_type": "image/webp" if kind == "clip" else "image/jpeg",
        "kind": kind,
        "camera": "gate",
        "at": now_ms(),
    }
    return MediaOffered(**{**fields, **more})


def picture(content: bytes) -> Picture:
    of = offered(content)
    return Picture(sha256=of.sha256, bytes=of.bytes, media_type=of.media_type, kind=of.kind)


def bare(episode: str = EPISODE, **changes):
    fields = {
        "device": "gate",
        "point": POINT,
        "kind": "vision.bare_head.hook",
        "rule": "helmet-missing-hook",
        "family": "helmet",
    }
    return raised(episode=episode, **{**fields, **changes})


@pytest.fixture(autouse=True)
def born(site: TestSite) -> None:
    camera = DeviceBirth(
        device="gate",
        kind="camera",
        label=Text("大门", "Gate"),
        profile="camera",
        points=[PointBirth(p=POINT, kind="vision.bare_head.hook")],
    )
    site.deliver(Status(state="online", boot=BOOT, at=now_ms(), devices=[camera]))


def ask(site: TestSite, *items: MediaOffered, **where) -> list[MediaAnswer]:
    outcome = site.deliver(MediaOffer(boot=BOOT, media=list(items)), channel="media", **where)
    return [answer for _, answers in outcome.answers for answer in answers.media]


def put(web: Web, answer: MediaAnswer, offset: int, piece: bytes, **headers):
    given = {"Authorization": f"Bearer {answer.token}", "Upload-Offset": str(offset), **headers}
    return web.client.put(f"/api/v1/media/{answer.sha256}", content=piece, headers=given)


def bring(site: TestSite, web: Web, content: bytes, kind: str = "snapshot", **more) -> MediaOffered:
    item = offered(content, kind, **more)
    [answer] = ask(site, item)
    for offset in range(0, len(content), 40_000):
        taken = put(web, answer, offset, content[offset : offset + 40_000])
        assert taken.status_code == 200, taken.text
    assert taken.json()["state"] == "kept"
    return item


def keep(site: TestSite, at_ms: int | None = None, keep_days: int = 30) -> None:
    PicturesKept(keep_days, Vault.of(site.settings))(site.connection, at_ms or now_ms())


def shown(web: Web, episode: str = EPISODE) -> dict:
    answer = web.get(f"/sites/demo/alarms/{episode}/pictures")
    assert answer.status_code == 200, answer.text
    return answer.json()


def evidence(web: Web, site: TestSite) -> list[dict]:
    hazard = site.value("SELECT id FROM hazard")
    return [
        item for item in web.get(f"/hazards/{hazard}/evidence").json()["items"] if "camera" in item["about"]
    ]


def test_a_file_is_brought_in_pieces_and_kept_once(site, web) -> None:
    content = jpeg()
    [answer] = ask(site, item := offered(content))
    assert (answer.state, answer.offset) == ("wanted", 0)
    assert put(web, answer, 0, content[:50_000]).json() == {
        "sha256": item.sha256,
        "state": "wanted",
        "offset": 50_000,
    }
    # After a break the cloud says from where on.
    [answer] = ask(site, item)
    assert answer.offset == 50_000
    late = put(web, answer, 0, content[:50_000])
    assert (late.status_code, late.json()["errors"][0]["values"]) == (409, {"offset": 50_000})
    assert put(web, answer, 50_000, content[50_000:]).json()["state"] == "kept"
    # The answer was lost, the gateway tries again, and offers again.
    assert put(web, answer, 50_000, content[50_000:]).json()["state"] == "kept"
    assert [one.state for one in ask(site, item)] == ["kept"]
    assert site.value("SELECT count(*) FROM camera_media") == 1
    assert site.value("SELECT sum(length(content)) FROM camera_media_part") == len(content)


def test_what_has_another_hash_is_forgotten_and_begins_anew(site, web) -> None:
    content = jpeg()
    [answer] = ask(site, item := offered(content))
    spoilt = content[:-100] + bytes(100)
    assert put(web, answer, 0, spoilt).status_code == 422
    assert site.rows("SELECT * FROM camera_media_part") == []
    [answer] = ask(site, item)
    assert (answer.state, answer.offset) == ("wanted", 0)
    assert put(web, answer, 0, content).json()["state"] == "kept"


def test_a_token_is_for_one_file_of_one_gateway_and_some_minutes(site, web, monkeypatch) -> None:
    content, other = jpeg(), jpeg(2)
    [answer], [another] = ask(site, offered(content)), ask(site, offered(other))
    assert put(web, another, 0, other[:1], Authorization=f"Bearer {answer.token}").status_code == 403
    nested = base64.urlsafe_b64encode(b'["a","b","c","d","e",1,2,' + b"[" * 5000)
    garbage = ["x", f"{answer.token}x", answer.token.partition(".")[0] + ".AAAA", "é.é"]
    for token in [*garbage, "WyL_Il0.AAAA", nested.decode() + ".AAAA"]:
        refused = put(web, answer, 0, content[:1], Authorization=f"Bearer {token}".encode())
        assert refused.status_code == 401, token
    assert put(web, answer, 0, content + b"more").status_code == 422
    assert put(web, answer, 0, b"").status_code == 422
    key = tickets.key_of(site.connection)
    with pytest.raises(BadTicketError, match="no longer"):
        tickets.read(key, answer.token, answer.until)
    said = tickets.read(key, answer.token, answer.until - 1)
    assert (said.site, said.gateway, said.camera, said.bytes) == ("demo", "gw-1", "gate", len(content))
    # Over is over.
    monkeypatch.setattr(tickets, "GOOD_FOR_MS", -1)
    [over] = ask(site, offered(content))
    assert put(web, over, 0, content).status_code == 401


async def test_whoever_has_no_token_is_refused_before_the_database_is_asked() -> None:
    asked = []

    async def ask_key() -> bytes:
        asked.append("key")
        return b"k" * 32

    item, reader = offered(jpeg()), tickets.Reader()
    where = GatewayKey(site="demo", gateway="gw-1", mode="live")
    good, _ = tickets.write(b"k" * 32, where, item, now_ms())
    for token in ("", "x", "x.y", good + "x"):
        with pytest.raises(BadTicketError):
            await reader.read(token, now_ms(), ask_key)
    before = len(asked)
    assert before <= 1, "what reads as no token asks for nothing"
    assert (await reader.read(good, now_ms(), ask_key)).sha256 == item.sha256
    foreign, _ = tickets.write(b"f" * 32, where, item, now_ms())
    for _ in range(20):
        with pytest.raises(BadTicketError, match="not signed"):
            await reader.read(foreign, now_ms(), ask_key)
    assert len(asked) == 1
    # Another database was put in place: its key is learned after a while.
    other = tickets.Reader(again_s=0)
    await other.read(good, now_ms(), ask_key)

    async def ask_other() -> bytes:
        return b"f" * 32

    assert (await other.read(foreign, now_ms(), ask_other)).sha256 == item.sha256


def test_only_a_camera_of_its_own_and_only_pictures(site, web) -> None:
    site.born(boot="c" * 32)  # gw-1 has a crane now, and no camera any more
    content = jpeg()
    assert ask(site, offered(content), gateway="gw-2") == []
    assert ask(site, offered(content, camera="unknown")) == []
    refused = [
        offered(content, camera="crane-1"),
        offered(content, media_type="video/mp4"),
        offered(content, at=now_ms() - 31 * DAY_MS),
    ]
    assert [answer.state for answer in ask(site, *refused)] == ["refused"] * 3


def test_of_one_gateway_no_more_is_taken_than_there_is_room_for(site, web, monkeypatch) -> None:
    monkeypatch.setattr(offers, "GIGABYTE", 14_000)  # twenty of them, and a picture has some 90 kB
    many = [offered(jpeg(seed)) for seed in range(3)]
    assert [one.state for one in ask(site, *many)] == ["wanted", "wanted", "wanted"]
    [refused] = ask(site, offered(jpeg(4)))
    assert (refused.state, "no more" in refused.why) == ("refused", True)
    # What was begun goes on; another gateway has room of its own.
    assert [one.state for one in ask(site, *many)] == ["wanted", "wanted", "wanted"]
    site.connection.execute("UPDATE camera_media SET kept_at = now(), at = now() - interval '40 days'")
    keep(site)
    assert [one.state for one in ask(site, offered(jpeg(4)))] == ["wanted"]


def test_beside_one_record_there_are_only_so_many_pictures(site, web, monkeypatch) -> None:
    monkeypatch.setattr(keeping, "ENOUGH", 1)
    site.deliver(bare())
    for seed in range(3):
        bring(site, web, jpeg(seed), episode=EPISODE)
        keep(site)
    assert len(evidence(web, site)) == 1
    assert len(shown(web)["items"]) == 3


def test_what_is_more_than_a_picture_is_not_kept(site, web) -> None:
    exif = b"\xff\xe1" + struct.pack(">H", 20) + b"Exif\0\0" + b"MM\0*" + bytes(8)
    plain = jpeg()
    page, placed = b"<html><script>alert(1)</script>", plain[:2] + exif + plain[2:]
    for content in (page, placed, plain + zlib.compress(b"a tail")):
        [answer] = ask(site, offered(content))
        assert put(web, answer, 0, content).status_code == 415, content[:20]
    assert site.rows("SELECT * FROM camera_media_part") == []


@pytest.mark.parametrize("comes_first", ["the alarm", "the picture"])
def test_picture_and_clip_come_to_their_alarm_and_its_record(site, web, comes_first: str) -> None:
    content, film = jpeg(), webp()
    alarm = bare(pictures=[picture(content)])
    if comes_first == "the alarm":
        site.deliver(alarm)
        [awaited] = shown(web)["items"]
        assert (awaited["state"], awaited["id"]) == ("awaited", None)
        keep(site)
    snapshot = bring(site, web, content, point=POINT, episode=EPISODE)
    # A gateway that was started anew meanwhile does not know the clip's alarm.
    bring(site, web, film, "clip", point=POINT, of=snapshot.sha256)
    keep(site)
    if comes_first == "the picture":
        assert site.value("SELECT count(*) FROM evidence_item") == 0
        site.deliver(alarm)
        keep(site)
    items = shown(web)["items"]
    assert [(item["kind"], item["state"]) for item in items] == [("snapshot", "kept"), ("clip", "kept")]
    got = web.get(f"/sites/demo/pictures/{items[0]['id']}/file")
    assert (got.content, got.headers["content-type"]) == (content, "image/jpeg")
    assert "sandbox" in got.headers["content-security-policy"]
    assert web.get(f"/sites/demo/pictures/{items[1]['id']}/file").headers["content-type"] == "image/webp"
    kept = evidence(web, site)
    assert sorted((item["kind"], item["author"]) for item in kept) == [
        ("still", "sitewarden"),
        ("video", "sitewarden"),
    ]
    assert snapshot.sha256 in {item["sha256"] for item in kept}
    keep(site)
    assert len(evidence(web, site)) == 2


def test_a_snapshot_whose_alarm_its_gateway_forgot_is_found_by_its_hash(site, web) -> None:
    content = jpeg()
    site.deliver(bare(pictures=[picture(content)]))
    bring(site, web, content)
    keep(site)
    assert len(evidence(web, site)) == 1


def test_why_an_alarm_has_no_picture_is_shown(site, web) -> None:
    site.deliver(bare(no_picture="disk_full"))
    assert shown(web) == {"items": [], "no_picture": "disk_full"}


def test_a_picture_never_comes_to_the_alarm_of_another_gateway(site, web) -> None:
    other = DeviceBirth(
        device="yard",
        kind="camera",
        label=Text("堆场", "Yard"),
        profile="camera",
        points=[PointBirth(p="yard/hook.bare_1", kind="vision.bare_head.hook")],
    )
    site.deliver(Status(state="online", boot="d" * 32, at=now_ms(), devices=[other]), gateway="gw-2")
    site.deliver(bare())
    content = jpeg()
    [answer] = ask(site, offered(content, camera="yard", episode=EPISODE), gateway="gw-2")
    assert put(web, answer, 0, content).json()["state"] == "kept"
    keep(site)
    assert shown(web)["items"] == []
    assert evidence(web, site) == []


def test_the_same_bytes_of_two_cameras_are_two_pictures(site, web) -> None:
    cameras = [
        DeviceBirth(
            device=device,
            kind="camera",
            label=Text("大门", "Gate"),
            profile="camera",
            points=[PointBirth(p=f"{device}/hook.bare_1", kind="vision.bare_head.hook")],
        )
        for device in ("gate", "yard")
    ]
    site.deliver(Status(state="online", boot="e" * 32, at=now_ms(), devices=cameras))
    content, film, other = jpeg(), webp(), "d" * 32
    there = bare(other, device="yard", point="yard/hook.bare_1", pictures=[picture(content)])
    site.deliver(bare(pictures=[picture(content)]), there)
    # Each names the alarm of its own camera, or of none.
    first = bring(site, web, content)
    assert [one["state"] for one in shown(web, other)["items"]] == ["awaited"], "the other's has not come"
    bring(site, web, content, camera="yard")
    bring(site, web, film, "clip", of=first.sha256, camera="yard")
    keep(site)
    own, theirs = shown(web)["items"], shown(web, other)["items"]
    assert [item["kind"] for item in own] == ["snapshot"]
    assert [item["kind"] for item in theirs] == ["snapshot", "clip"]
    assert own[0]["id"] != theirs[0]["id"]
    assert site.value("SELECT count(*) FROM camera_media") == 3
    # Of one camera alone one sees its own.
    with changing(site.connection):
        site.connection.execute("UPDATE assignment SET role = 'viewer', site = 'demo', devices = '{yard}'")
    assert web.get(f"/sites/demo/pictures/{own[0]['id']}/file").status_code == 404
    assert web.get(f"/sites/demo/pictures/{theirs[0]['id']}/file").content == content
    assert web.get(f"/sites/demo/alarms/{EPISODE}/pictures").status_code == 404
    # A still of one replaces none of the other's, and one that is erased takes nothing along.
    for camera in ("gate", "yard"):
        bring(site, web, jpeg(5), "still", camera=camera)
    bring(site, web, jpeg(6), "still", at=now_ms() + 1000)
    assert web.get("/sites/demo/cameras/yard/still").content == jpeg(5)
    site.connection.execute("UPDATE camera_media SET at = now() - interval '40 days' WHERE device = 'gate'")
    keep(site)
    assert web.get(f"/sites/demo/pictures/{theirs[0]['id']}/file").content == content


def test_of_a_view_the_newest_still_picture_is_shown(site, web) -> None:
    assert web.get("/sites/demo/cameras/gate/still").status_code == 404
    first, second = jpeg(1), jpeg(2)
    bring(site, web, first, "still", at=now_ms() - 60_000)
    bring(site, web, second, "still")
    bring(site, web, jpeg(3), "still", at=now_ms() - 30_000)
    got = web.get("/sites/demo/cameras/gate/still")
    assert got.content == second
    assert got.headers["last-modified"]


def test_pictures_are_erased_in_time_and_evidence_stays(site, web) -> None:
    first, second = jpeg(1), jpeg(2)
    site.deliver(bare(pictures=[picture(first)]))
    bring(site, web, first, episode=EPISODE)
    item = bring(site, web, second, episode="b" * 32)
    [begun] = ask(site, offered(jpeg(3)))
    put(web, begun, 0, jpeg(3)[:10])
    keep(site)
    keep(site, now_ms() + 31 * DAY_MS)
    assert site.rows("SELECT * FROM camera_media_part") == []
    [gone] = shown(web)["items"]
    assert gone["state"] == "erased"
    assert web.get(f"/sites/demo/pictures/{gone['id']}/file").status_code == 404
    assert [one["kind"] for one in evidence(web, site)] == ["still"]
    # Offered once more it is not taken once more.
    assert [answer.state for answer in ask(site, item)] == ["kept"]


def test_who_may_see_the_record_and_no_stills_sees_none(site, web) -> None:
    content = jpeg()
    site.deliver(bare(pictures=[picture(content)]))
    bring(site, web, content, episode=EPISODE)
    bring(site, web, jpeg(2), "still")
    keep(site)
    [item], [own] = evidence(web, site), shown(web)["items"]
    hazard = site.value("SELECT id FROM hazard")
    file = f"/hazards/{hazard}/evidence/{item['id']}/file"
    assert web.get(file).content == content
    change_role(site.connection, "construction_owner")  # sees hazards, and no stills
    assert web.get(f"/hazards/{hazard}/evidence").status_code == 200
    assert evidence(web, site) == []
    assert web.get(file).status_code == 404
    for path in (f"alarms/{EPISODE}/pictures", f"pictures/{own['id']}/file", "cameras/gate/still"):
        assert web.get(f"/sites/demo/{path}").status_code == 403, path
