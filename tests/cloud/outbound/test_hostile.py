"""A platform, folder or package that is not well keeps nothing else from going out."""

import json
import os
import socket
import ssl

import pytest

from cloud.notices import reaching
from cloud.outbound import sending
from cloud.outbound.addresses import can_be_sent_to
from cloud.outbound.mapping import read_mapping
from sitewarden.errors import ConfigurationError
from tests.cloud.outbound.platform import connected, major, packages


def states(web, **asked) -> list[str]:
    return [one["state"] for one in packages(web, **asked)]


@pytest.mark.parametrize(
    "url",
    [
        "https://platform.example.com:99999/take",
        "https://platform.example.com:0/",
        "https://user:secret@platform.example.com/",
        "https://平台.example.com/",
        "https://platform.example.com/上报",
        "https://platform.example.com/a b",
        "https://platform.example.com/\r\nX-Other: 1",
        "ftp://platform.example.com/",
        "https://[::1/",
        "https:///take",
    ],
)
def test_an_address_that_nothing_can_be_sent_to_is_none(url):
    assert not can_be_sent_to(url)
    assert can_be_sent_to("https://platform.example.com:8443/take?of=%E4%B8%8A")


def test_an_address_that_is_none_is_refused_and_one_of_before_stops_no_other(
    web, site, officer, platform, sender
):
    given = {"name": "x", "kind": "http", "wants": ["report"], "url": "https://platform.example.com:99999/"}
    assert web.post("/outbound/connectors", json=given).json()["errors"][0]["code"] == "no-address"
    first = connected(web, name="甲", url=platform.url, wants=["hazard_major"])
    connected(web, name="乙", url=platform.url, wants=["hazard_major"])
    # As it could be saved before.
    site.connection.execute(
        "UPDATE connector SET url = 'https://平台.example.com:99999/' WHERE connector = %s", [first["id"]]
    )
    # Whatever it answers is noted.
    platform.answers = ["nonsense", "nonsense in a receipt"]
    major(officer)
    sender()
    sender(60)
    found = {one["connector_name"]: one for one in packages(web)}
    assert (found["甲"]["state"], found["甲"]["code"]) == ("waiting", "no-address")
    assert (found["乙"]["state"], found["乙"]["attempts"]) == ("accepted", 2)
    assert (found["乙"]["answer"][:2], len(found["乙"]["answer"])) == ("收x", 2000)


@pytest.mark.parametrize(
    ("answer", "state"), [("301", "unknown"), ("401", "unknown"), ("404", "unknown"), ("422", "rejected")]
)
def test_only_a_package_that_is_itself_refused_is_rejected(answer, state, platform):
    claimed = None
    assert sending.judge(claimed, "{}", int(answer), b"").state == state


def test_a_package_that_a_platform_cannot_take_lets_all_of_others_pass_and_none_of_its_own(
    web, site, officer, platform, sender
):
    connected(web, url=platform.url, wants=["hazard_major", "hazard_update"])
    platform.cannot_take = "谁也收不下"
    stuck = major(officer, content="谁也收不下")
    sender()
    site.connection.execute(
        "INSERT INTO outbox_item (kind, of, seq, site) VALUES ('hazard_update', %s, 1, 'demo')", [stuck]
    )
    other = major(officer, location="2 号塔机")
    for hours in range(1, 6):
        sender(3600 * hours)
    assert {one["of"]: one["state"] for one in packages(web, state="accepted")} == {other: "accepted"}
    assert {one["state"] for one in packages(web) if one["of"] == stuck} == {"unknown", "waiting"}
    platform.cannot_take = ""
    for hours in range(8, 10):
        sender(3600 * hours)
    assert set(states(web)) == {"accepted"}
    sequence = [got["sequence"] for _, got in platform.got if got["payload"]["id"] == stuck]
    assert sequence == sorted(sequence)


def test_a_receipt_is_read_whatever_else_lies_there_and_whoever_was_killed_over_it(
    web, site, officer, sender, settings, *, caplog
):
    connector = connected(web, kind="file", wants=["hazard_major"], key=None)
    folder = sending.folder_of(settings.data_dir, connector["id"])
    (folder / "receipts").mkdir(parents=True)
    (folder / "receipts" / "unreadable").write_text("where a folder should be")
    (folder / "receipts" / "0.json").write_text("{}")
    os.utime(folder / "receipts" / "0.json", (0, 0))
    major(officer)
    sender()
    (file,) = (folder / "outgoing").iterdir()
    said = json.loads(file.read_text())
    receipt = json.dumps({"id": said["id"], "hash": said["hash"], "result": "accepted", "code": "8801"})
    written = folder / "receipts" / "a.json"
    written.write_text(receipt[:20])
    sender()
    assert written.exists()
    written.write_text(receipt)
    sender()
    settled = site.value("SELECT settled_at FROM package WHERE state = 'accepted'")
    assert settled is not None
    # Whoever was killed before it was put away finds it again.
    written.write_text(receipt)
    sender(60)
    assert sorted(one.name for one in (folder / "receipts" / "read").iterdir()) == ["a.2.json", "a.json"]
    assert site.value("SELECT settled_at FROM package") == settled
    assert caplog.text.count("receipt stuck") == 1


def test_a_thing_that_cannot_be_said_stands_among_the_rejected_and_stops_no_other(
    web, site, officer, platform, sender
):
    connected(web, url=platform.url)
    site.connection.execute(
        "INSERT INTO outbox_item (kind, of, seq, site) VALUES ('report', gen_random_uuid(), 1, 'demo')"
    )
    major(officer)
    sender()
    assert states(web, state="rejected") == ["rejected"]
    assert "accepted" in states(web)
    assert site.value("SELECT count(*) FROM told WHERE kind = 'connector_failed'") == 1, "and is told"


def test_who_never_ends_a_handshake_is_left_when_its_time_is_over():
    ours, theirs = socket.socketpair()
    with theirs, pytest.raises(reaching.UnreachedError):
        reaching.encrypt(ours, "platform.example.com", ssl.create_default_context(), seconds=0.05)


def test_a_mapping_names_what_there_is_and_requires_what_it_writes():
    read_mapping("kinds: {inspection: {A: answers.crane_papers, B: site.name}}")
    for wrong, said in (
        ("kinds: {hazard_major: {A: site.nome}}", "site.nome"),
        ("kinds: {hazard_major: {A: number}}\nrequired: [B]", "`B`"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            read_mapping(wrong)
