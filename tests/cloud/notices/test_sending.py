"""What became of a notice is what the other side said of it, and never more than that."""

import base64
import datetime as dt
import email
import email.policy
import hashlib
import hmac
import ipaddress
import json
import smtplib
import socket
import ssl
import threading
import uuid
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from cloud.notices.mail import log_in
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.reaching import UnreachedError, may_reach
from cloud.notices.robots import judge, request_of, shortened
from cloud.notices.sending import send, told
from tests.cloud.notices.others import Letters, Robot, mail_server
from tests.support.certificates import make_certificate

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
NOTICE = Outgoing(
    id=uuid.UUID(int=7),
    kind="alarm",
    site="demo",
    level=4,
    title="[危急] 示范工地 1号塔机\r\nBcc: x@example.com",
    body='数值：112 %\n<at user_id="all">工地卫士',
    created_at=dt.datetime(2026, 11, 26, 10, 0, tzinfo=dt.UTC),
)


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot()
    yield made
    made.close()


@pytest.fixture
def post_office() -> Iterator[tuple[Letters, int]]:
    with mail_server() as made:
        yield made


def by(kind: str, robot: Robot, **secret: str) -> Outcome:
    return send(Route(kind=kind, target={}, secret={"url": robot.url, **secret}), NOTICE, LOOPBACK)


def mail(port: int, *recipients: str, **changes) -> Outcome:
    target = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "alarm@example.com",
        "recipients": list(recipients) or ["zhang@example.com"],
        **changes,
    }
    return send(Route(kind="mail", target=target, secret={}), NOTICE, LOOPBACK)


@pytest.mark.parametrize(
    ("kind", "says", "becomes"),
    [
        ("dingtalk", {"errcode": 0, "errmsg": "ok"}, ("sent", "0", False)),
        ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, ("rejected", "310000", False)),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, ("rejected", "130101", True)),
        ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, ("rejected", "45009", True)),
        ("wecom", {"errcode": 93000, "errmsg": "invalid webhook url"}, ("rejected", "93000", False)),
        ("feishu", {"StatusCode": 0, "StatusMessage": "success"}, ("sent", "0", False)),
        ("feishu", {"code": 19021, "msg": "sign match fail"}, ("rejected", "19021", False)),
        ("feishu", {"msg": "success"}, ("unknown", "unreadable", False)),
    ],
)
def test_a_robot_that_answers_200_is_believed_by_the_code_in_its_answer(robot, kind, says, becomes):
    robot.answers(**says)
    outcome = by(kind, robot)
    assert (outcome.state, outcome.code, outcome.again) == becomes


@pytest.mark.parametrize(
    ("status", "state", "again"),
    [
        (204, "sent", False),
        (302, "rejected", False),
        (401, "rejected", False),
        (429, "rejected", True),
        (503, "rejected", True),
    ],
)
def test_a_receiver_is_believed_by_its_status_and_nobody_is_sent_elsewhere(robot, status, state, again):
    robot.status, robot.says = status, b""
    outcome = by("webhook", robot)
    assert (outcome.state, outcome.code, outcome.again) == (state, f"http {status}", again)
    assert len(robot.asked) == 1


def test_what_was_handed_over_without_an_answer_is_unknown_and_sent_again_only_where_it_can_be_recognised(
    robot,
):
    robot.is_silent = True
    assert [(by(kind, robot).state, by(kind, robot).again) for kind in ("dingtalk", "webhook")] == [
        ("unknown", False),
        ("unknown", True),
    ]


def test_where_nobody_listens_nothing_was_sent_and_it_is_tried_again(robot):
    robot.close()
    outcome = by("wecom", robot)
    assert (outcome.state, outcome.code, outcome.again) == ("rejected", "unreachable", True)
    assert mail(1).code == "unreachable"


def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(tmp_path):
    made = make_certificate(tmp_path, days=2)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.file, made.key)
    robot = Robot(context)
    outcome = by("dingtalk", robot)
    robot.close()
    assert (outcome.state, outcome.code, robot.asked) == ("rejected", "tls", [])


def test_who_asks_for_a_notice_to_a_network_of_its_own_is_refused_unless_the_operator_allows_it(robot):
    route = Route(kind="webhook", target={}, secret={"url": robot.url})
    outcome = send(route, NOTICE, ())
    assert (outcome.code, outcome.again, robot.asked) == ("blocked", False, [])
    assert "notices.networks" in outcome.text


WITHIN = """
    127.0.0.1 10.1.2.3 192.168.0.9 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255
    ::1 fe80::1%eth0 fd00::1 ::ffff:10.0.0.1 64:ff9b::a9fe:a9fe 2002:7f00:1::
"""


def test_addresses_within_a_network_are_not_reached_however_they_are_written():
    assert [address for address in WITHIN.split() if may_reach(address, ())] == []


def test_the_open_internet_and_what_the_operator_allows_are_reached():
    own = (ipaddress.ip_network("10.1.0.0/16"),)
    for address in ("47.110.1.1", "2400:3200::1", "10.1.9.9", "::ffff:10.1.9.9"):
        assert may_reach(address, own)
    assert not may_reach("10.2.0.1", own)


def test_dingtalk_and_feishu_are_signed_as_they_ask(robot):
    by("dingtalk", robot, key="SECabc")
    asked = parse_qs(urlsplit(robot.asked[0][0]).query)
    text = f"{asked['timestamp'][0]}\nSECabc".encode()
    assert asked["access_token"] == ["t0ken"]
    assert base64.b64decode(asked["sign"][0]) == hmac.new(b"SECabc", text, hashlib.sha256).digest()
    by("feishu", robot, key="abc")
    said = robot.heard[1]
    key = f"{said['timestamp']}\nabc".encode()
    assert base64.b64decode(said["sign"]) == hmac.new(key, b"", hashlib.sha256).digest()


def test_a_receiver_can_see_that_a_notice_is_ours_and_which_it_is(robot):
    by("webhook", robot, key="abc")
    _, headers, body = robot.asked[0]
    stamp, _, digest = headers["X-SiteWarden-Signature"].partition(",")
    signed = f"{stamp.removeprefix('t=')}.".encode() + body
    assert digest == f"v1={hmac.new(b'abc', signed, hashlib.sha256).hexdigest()}"
    said = json.loads(body)
    assert (said["id"], said["level"], said["mode"]) == (str(NOTICE.id), 4, "live")
    assert headers["X-SiteWarden-Notice"] == said["id"]


def test_a_gateway_s_words_call_nobody_and_do_not_burst_a_robot(robot):
    assert (
        b"<at" not in request_of(Route(kind="feishu", target={}, secret={"url": robot.url}), NOTICE, 0).body
    )
    long = Outgoing(
        **{name: getattr(NOTICE, name) for name in NOTICE.__struct_fields__} | {"body": "塔" * 5000}
    )
    sent = json.loads(request_of(Route(kind="wecom", target={}, secret={"url": robot.url}), long, 0).body)
    assert len(sent["text"]["content"].encode()) <= 2048


@pytest.mark.parametrize(
    "said", ["暴雨" * 900, "\n".join(["第一条，要求立即整改。"] * 90), "https://a/" * 300]
)
def test_a_long_message_gives_way_before_the_links_behind_it(said):
    ends = "https://safety.example.com/sites/demo\n确认收到：https://safety.example.com/told#x\n—\n工地卫士"
    text = shortened(f"[预警] 工地\n{said}\n{ends}", 2000)
    assert len(text.encode()) <= 2000
    if "://" not in said:
        assert text.startswith("[预警] 工地\n")
        assert text.endswith(ends)


def test_a_secret_that_the_other_side_repeats_is_not_shown():
    assert told("no robot at https://x/?t=abc, key=SEC1\r\n", {"url": "https://x/?t=abc", "key": "SEC1"}) == (
        "no robot at ***, key=***"
    )


def test_an_answer_of_any_shape_is_judged():
    for body in (b"", b"[]", b'"0"', b'{"errcode":"0"}', b'{"errcode":true}', b"\xff", b"[" * 60_000):
        assert judge("dingtalk", 200, body).state == "unknown"


def test_an_answer_that_no_database_takes_is_shown_as_far_as_it_can_be():
    assert told(json.loads(r'"refused \ud800"'), {}) == "refused ?"


def test_what_nobody_thought_of_is_an_outcome_too(robot):
    outcome = by("pigeon", robot)
    assert (outcome.state, outcome.code, outcome.again) == ("unknown", "fault", False)


def test_a_password_that_cannot_be_sent_to_a_mail_server_is_refused_and_no_letter_of_it_shown():
    server = smtplib.SMTP()
    server.ehlo_resp, server.does_esmtp, server.esmtp_features = b"", True, {"auth": "PLAIN"}
    with pytest.raises(UnreachedError) as raised:
        log_in(server, "alarm", "密")
    assert (raised.value.code, raised.value.is_final) == ("not-ascii", True)
    assert "密" not in str(raised.value)
    assert "5bc6" not in str(raised.value)


def test_mail_arrives_with_its_text_and_nothing_smuggled_into_its_head(post_office):
    letters, port = post_office
    outcome = mail(port)
    assert (outcome.state, outcome.code) == ("sent", "250")
    assert "4711" in outcome.text
    read = email.message_from_bytes(letters.letters[0].content, policy=email.policy.default)
    assert (read["Bcc"], read["Importance"]) == (None, "high")
    assert read["Subject"] == "[危急] 示范工地 1号塔机 Bcc: x@example.com"
    assert "数值：112 %" in read.get_content()


def test_mail_that_some_do_not_get_is_said_to_be_so_and_not_sent_twice(post_office):
    letters, port = post_office
    outcome = mail(port, "zhang@example.com", "nobody@example.com")
    assert (outcome.state, outcome.code, outcome.again) == ("rejected", "550", False)
    assert "nobody@example.com" in outcome.text
    assert len(letters.letters) == 1
    assert mail(port, "nobody@example.com").code == "550"


def test_a_mail_server_that_is_busy_is_asked_again(post_office):
    letters, port = post_office
    letters.says = "451 4.3.0 try later"
    outcome = mail(port)
    assert (outcome.state, outcome.code, outcome.again) == ("rejected", "451", True)


def test_mail_is_not_sent_in_the_open_where_it_was_to_be_safe(post_office):
    letters, port = post_office
    assert (mail(port, security="tls").code, mail(port, security="starttls").code) == ("tls", "unsupported")
    assert not letters.letters


def test_a_mail_server_that_is_none_is_said_to_be_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.listen()
        port = listening.getsockname()[1]

        def hang_up() -> None:
            listening.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert mail(port).code == "unreachable"
