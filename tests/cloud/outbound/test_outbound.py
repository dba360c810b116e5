"""Major hazards are handed on: each once, none missing, in the other side's words, with their receipt."""

import hashlib
import hmac
import json
import signal
from pathlib import Path

import jsonschema
import msgspec
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.database import connect
from cloud.outbound.mapping import Mapping, mapped, read_mapping
from cloud.outbound.packages import UnfitError, check, schemas
from cloud.outbound.sender import OutboundSender
from sitewarden.errors import ConfigurationError
from tests.cloud.outbound.platform import KEY, MAPPING, changed, connected, major, packages
from tests.cloud.site import now_ms
from tests.cloud.web.serving import new_account, new_session


def test_a_major_hazard_waits_in_the_outbox_from_the_transaction_that_confirms_it(web, site, officer):
    hazard = major(officer)
    (first, *_) = site.rows("SELECT kind, of::text, seq FROM outbox_item ORDER BY seq")
    assert first[:2] == ("hazard_major", hazard)
    confirmed = site.value("SELECT at FROM hazard_event WHERE hazard_id = %s AND seq = %s", hazard, first[2])
    assert (site.value("SELECT created_at FROM outbox_item LIMIT 1") - confirmed).total_seconds() < 60
    major(officer, location="2 号塔机", drill=True)
    assert site.rows("SELECT DISTINCT of::text FROM outbox_item") == [(hazard,)]
    assert web.get("/outbound").json()["unclaimed"] >= 1


def test_it_goes_once_signed_in_their_words_and_its_receipt_is_read(web, officer, platform, sender):
    connected(web, url=platform.url, mapping=MAPPING, wants=["hazard_major"])
    major(officer)
    sender()
    sender()
    ((headers, got),) = platform.got
    number = got["payload"].pop("YHBH")
    assert number
    assert got["payload"] == {"XMMC": "示范工地", "YHDJ": "1", "LY": "31"}
    (package,) = packages(web)
    assert (package["state"], package["code"], package["id"]) == ("accepted", "R1", got["id"])
    assert headers["Idempotency-Key"] == got["id"]
    second, signed = (part.split("=", 1)[1] for part in headers["X-SiteWarden-Signature"].split(","))
    wire = web.get(f"/outbound/packages/{package['id']}").json()["wire"]
    sent = msgspec.json.encode(wire, order="deterministic")
    assert signed == hmac.new(KEY.encode(), f"{second}.".encode() + sent, hashlib.sha256).hexdigest()
    fares = web.get("/outbound").json()["items"][0]
    assert (fares["depth"], fares["accepted"], fares["last_answer"]) == (0, 1, "收")
    assert KEY not in web.get("/outbound").text


def test_without_a_receipt_it_goes_again_by_the_same_number_with_the_same_bytes(
    web, officer, platform, sender
):
    connected(web, url=platform.url, wants=["hazard_major"])
    platform.answers = ["silence", "busy", "nonsense"]
    major(officer)
    for after_s in (0, 60, 600, 6000):
        assert all(one["state"] in {"waiting", "unknown"} for one in packages(web))
        sender(after_s)
    assert len(platform.got) == 4
    assert all(got == platform.got[0][1] for _, got in platform.got)
    assert packages(web)[0]["state"] == "accepted"


def test_a_sender_that_is_killed_between_sending_and_receipt_sends_the_same_again(
    web, officer, platform, sender, another_sender
):
    connected(web, url=platform.url, wants=["hazard_major"])
    major(officer)
    platform.answers = ["keeps waiting"]
    another_sender.start()
    assert platform.is_waiting.wait(60)
    # It has gone out whole, and the answer is on its way to nobody.
    another_sender.kill()
    another_sender.join()
    platform.may_answer.set()
    assert another_sender.exitcode == -signal.SIGKILL
    sender()
    assert (packages(web)[0]["state"], len(platform.got)) == ("sending", 1)
    sender(61)
    assert platform.got[0][1] == platform.got[1][1]
    assert (packages(web)[0]["state"], packages(web)[0]["attempts"]) == ("accepted", 2)


def test_an_outage_is_told_once_and_the_next_one_again(web, site, officer, platform, sender):
    connected(web, url=platform.url, wants=["hazard_major"])
    platform.answers = ["busy"] * 5
    major(officer)

    def told() -> list[str]:
        return site.rows("SELECT words->'zh'->>'title' FROM told WHERE kind = 'connector_failed'")

    for after_s in (0, 3600):
        sender(after_s)
    assert told() == []
    for after_s in (7200, 10_800, 14_400):
        sender(after_s)
        assert told() == [("对外报送中断：省平台",)]
    sender(18_000)
    assert packages(web)[0]["state"] == "accepted"
    major(officer, location="2 号塔机")
    platform.answers = ["silence"] * 3
    for after_s in (21_600, 25_200, 28_800):
        sender(after_s)
    assert len(told()) == 2


def test_what_was_rejected_goes_again_after_its_mapping_was_mended(web, officer, platform, sender):
    narrow = MAPPING.replace('major: "1", ', "")
    connector = connected(web, url=platform.url, mapping=narrow, wants=["hazard_major"])
    major(officer)
    sender()
    (refused,) = packages(web, state="rejected")
    assert (refused["code"], platform.got) == ("mapping", [])
    changed(web, connector, mapping=MAPPING)
    again = web.post(f"/outbound/packages/{refused['id']}/resend", json={"reason": "补了代码"})
    assert again.status_code == 201, again.text
    sender()
    assert [one["state"] for one in packages(web)] == ["accepted"]
    path = f"/outbound/packages/{again.json()['id']}/resend"
    assert web.post(path, json={"reason": "x"}).status_code == 409


REFUSED = "SELECT words->'zh'->>'body' FROM told WHERE kind = 'connector_failed'"
TITLE = REFUSED.replace("body", "title")


def test_what_was_refused_is_told_and_once_a_day(web, site, officer, platform, sender):
    connected(web, url=platform.url, mapping=MAPPING.replace('major: "1", ', ""), wants=["hazard_major"])
    major(officer)
    major(officer, location="2 号塔机")
    sender()
    assert [one["state"] for one in packages(web)] == ["rejected"] * 2
    ((body,),) = site.rows(REFUSED)
    assert "mapping" in body
    assert site.rows(TITLE) == [("对外报送数据无法生成：省平台",)], "it has never left"
    # In a look of its own, so that only the day holds it back.
    major(officer, location="3 号塔机")
    sender()
    assert len(packages(web)) == 3
    assert len(site.rows(REFUSED)) == 1


def test_a_receipt_that_refuses_a_package_is_told_too(web, site, officer, sender, settings):
    connector = connected(web, kind="file", wants=["hazard_major"], key=None)
    major(officer)
    sender()
    folder: Path = settings.data_dir / "outbound" / connector["id"]
    (file,) = (folder / "outgoing").iterdir()
    said = json.loads(file.read_text())
    receipt = {"id": said["id"], "hash": said["hash"], "result": "rejected", "code": "17", "text": "缺\0编号"}
    (folder / "receipts" / "a.json").write_text(json.dumps(receipt))
    sender()
    assert site.rows(REFUSED) == [("须有人处理后重新报送，不会自动重发。原因：17 缺编号",)]
    assert site.rows(TITLE) == [("对外报送被退回：省平台",)]


def test_a_folder_gets_each_package_whole_and_its_receipts_are_read_back(web, officer, sender, settings):
    connector = connected(web, kind="file", wants=["hazard_major"], key=None)
    major(officer)
    sender()
    folder: Path = settings.data_dir / "outbound" / connector["id"]
    (file,) = (folder / "outgoing").iterdir()
    said = json.loads(file.read_text())
    receipt = {"id": said["id"], "hash": said["hash"], "result": "accepted", "code": "8801"}
    (folder / "receipts" / "a.json").write_text(json.dumps({**receipt, "hash": "0" * 64}))
    sender()
    assert packages(web)[0]["state"] == "sent"
    assert (folder / "receipts" / "unreadable" / "a.json").exists()
    (folder / "receipts" / "b.json").write_text(json.dumps(receipt))
    sender()
    assert (packages(web)[0]["state"], packages(web)[0]["code"]) == ("accepted", "8801")


def test_nothing_goes_to_an_address_that_may_not_be_reached(web, officer, platform, settings, dsn):
    connected(web, url=platform.url, wants=["hazard_major"])
    major(officer)
    with connect(dsn) as connection:
        OutboundSender(settings, dsn).look(connection, now_ms())
    assert (packages(web)[0]["state"], packages(web)[0]["code"], platform.got) == ("waiting", "blocked", [])


def test_who_has_nothing_to_do_with_it_sees_neither_connector_nor_package(web, site, officer, trees, sender):
    connector = connected(web, kind="file", node=trees["first"], wants=["hazard_major"])
    major(officer)
    sender()
    (package,) = packages(web)
    other = new_account(site.connection, "邻县", "admin", node=trees["second"])
    web.client.cookies.set(COOKIE, new_session(site.connection, other))
    seen = web.get("/outbound").json()
    assert (seen["items"], packages(web)) == ([], [])
    assert web.get(f"/outbound/packages/{package['id']}").status_code == 404
    given = {"name": "x", "kind": "file", "wants": ["hazard_major"]}
    path = f"/outbound/connectors/{connector['id']}"
    assert web.put(path, json=given, headers={"If-Match": '"1"'}).status_code == 404
    assert web.post("/outbound/connectors", json=given).status_code == 422


def test_the_schemas_that_are_shipped_are_those_that_packages_are_checked_by(web, officer, sender):
    folder = Path(__file__).parents[3] / "cloud" / "outbound" / "schemas"
    shipped = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in folder.iterdir()}
    assert shipped == schemas() == web.get("/outbound/schemas").json()["schemas"]
    connected(web, kind="file", key=None)
    major(officer)
    sender()
    for package in packages(web):
        body = web.get(f"/outbound/packages/{package['id']}").json()["body"]
        jsonschema.validate(body, shipped["hazard.1.json"])
        assert "执法员" not in str(body)
    with pytest.raises(UnfitError):
        check("hazard_major", '{"id":"1","reporter":"x"}')


def test_a_mapping_that_cannot_be_meant_is_refused_with_its_line(web):
    wrong = "kinds:\n  hazard_major:\n    A: nowhere\n"
    with pytest.raises(ConfigurationError, match="nowhere"):
        read_mapping(wrong)
    given = {"name": "x", "kind": "file", "wants": ["hazard_major"], "mapping": wrong}
    refused = web.post("/outbound/connectors", json=given)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "mapping-wrong")
    with pytest.raises(UnfitError, match="YHBH"):
        mapped(Mapping(kinds={"report": {"YHBH": "campaign"}}, required=["YHBH"]), "report", {"campaign": ""})
