"""Text messages and calls: what a gateway is sent, what its answer means, and whom it goes to."""

import datetime as dt
import hashlib
import hmac
import ipaddress
import json
import threading
import uuid
import zoneinfo
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from cloud.notices import others
from cloud.notices.calling import answer_of, judge, request_of
from cloud.notices.model import Outgoing, Route
from cloud.notices.others import rules
from cloud.notices.providers import providers
from cloud.notices.sending import send
from tests.cloud.notices.others import Robot
from tests.cloud.site import raised
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated")  # as apprise loads its plugins

NOTICE = Outgoing(
    id=uuid.UUID(int=7),
    kind="alarm",
    site="demo",
    level=4,
    title="[危急] 示范工地 1号塔机 起重量超过额定值，而且这一行比模板变量允许的长度还要长得多",
    body="数值：112 %",
    created_at=dt.datetime(2026, 5, 4, tzinfo=dt.UTC),
)
NOW_MS = 1_780_000_000_000
OWN = (ipaddress.ip_network("127.0.0.0/8"),)
TARGET = {
    "provider": "aliyun_sms",
    "key_id": "LTAI",
    "sign_name": "工地",
    "template": "SMS_1",
    "app": "1400",
    "parameters": ["title", "level"],
    "numbers": ["13800000000", "13900000000"],
}


def route(provider: str, kind: str = "sms", **secret) -> Route:
    return Route(kind=kind, target={**TARGET, "provider": provider}, secret={"key": "s3cret", **secret})


def test_aliyun_is_asked_as_it_documents_and_signed_over_what_is_sent():
    asked = request_of(route("aliyun_sms"), NOTICE, NOW_MS)
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked.url).query).items()}
    assert query["PhoneNumbers"] == "13800000000,13900000000"
    assert (query["SignName"], query["TemplateCode"], query["OutId"]) == ("工地", "SMS_1", str(NOTICE.id))
    parameters = json.loads(query["TemplateParam"])
    assert parameters["level"] == "4"
    assert parameters["title"] == NOTICE.title[:35]
    head, _, signature = asked.headers["Authorization"].rpartition(",Signature=")
    names = head.partition("SignedHeaders=")[2]
    lines = "".join(f"{name}:{asked.headers[name]}\n" for name in names.split(";"))
    empty = hashlib.sha256(b"").hexdigest()
    canonical = f"POST\n/\n{urlsplit(asked.url).query}\n{lines}\n{names}\n{empty}"
    said = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    assert signature == hmac.new(b"s3cret", said.encode(), hashlib.sha256).hexdigest()
    assert "x-acs-action" in names
    assert "host" in names


def test_tencent_is_asked_as_it_documents_with_whole_numbers():
    asked = request_of(route("tencent_sms"), NOTICE, NOW_MS)
    said = json.loads(asked.body)
    assert said["PhoneNumberSet"] == ["+8613800000000", "+8613900000000"]
    assert said["TemplateParamSet"] == [NOTICE.title[:35], "4"]
    assert asked.headers["Authorization"].startswith("TC3-HMAC-SHA256 Credential=LTAI/2026-")
    assert "/sms/tc3_request" in asked.headers["Authorization"]


def test_a_message_says_the_time_by_the_clocks_of_its_site():
    asked = Route(
        kind="sms", target={**TARGET, "provider": "tencent_sms", "parameters": ["time"]}, secret={"key": "k"}
    )
    there = msgspec.structs.replace(NOTICE, time_zone="Asia/Shanghai")
    said = [json.loads(request_of(asked, one, NOW_MS).body)["TemplateParamSet"] for one in (there, NOTICE)]
    assert said == [["2026-05-04 08:00"], ["2026-05-04 00:00 UTC"]]


def test_a_person_s_own_number_is_called_in_place_of_the_channel_s():
    asked = request_of(route("tencent_voice", "voice", to="13700000000"), NOTICE, NOW_MS)
    assert json.loads(asked.body)["CalledNumber"] == "+8613700000000"


ANSWERS = [
    ("aliyun_sms", {"Code": "OK", "Message": "OK", "BizId": "1"}, ("sent", "OK", False)),
    ("aliyun_sms", {"Code": "isv.BUSINESS_LIMIT_CONTROL"}, ("rejected", "isv.BUSINESS_LIMIT_CONTROL", True)),
    ("aliyun_sms", {"Code": "isv.AMOUNT_NOT_ENOUGH"}, ("rejected", "isv.AMOUNT_NOT_ENOUGH", False)),
    ("aliyun_sms", {}, ("unknown", "unreadable", False)),
    ("tencent_sms", {"Response": {"SendStatusSet": [{"Code": "Ok"}, {"Code": "Ok"}]}}, ("sent", "Ok", False)),
    ("tencent_sms", {"Response": {"SendStatusSet": []}}, ("unknown", "unreadable", False)),
    (
        "tencent_sms",
        {
            "Response": {
                "SendStatusSet": [{"Code": "Ok"}, {"Code": "LimitExceeded.PhoneNumberThirtySecondLimit"}]
            }
        },
        ("rejected", "LimitExceeded.PhoneNumberThirtySecondLimit", False),
    ),
    (
        "tencent_sms",
        {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "slow"}}},
        ("rejected", "RequestLimitExceeded", True),
    ),
    ("tencent_voice", {"Response": {"SendStatus": {"CallId": "c1"}}}, ("sent", "c1", False)),
]


def test_what_a_gateway_answers_is_read_where_it_says_it():
    for provider, said, expected in ANSWERS:
        outcome = judge(providers()[provider].answer, 200, json.dumps(said).encode())
        assert (outcome.state, outcome.code, outcome.again) == expected, said
    for body in (b"", b"[]", b"[" * 60_000, b"\xff"):
        assert judge(providers()["aliyun_sms"].answer, 200, body).state == "unknown"
    assert judge(providers()["aliyun_sms"].answer, 502, b"").state == "unknown", "it may have been sent"


GATEWAY = {
    "body": '{"to": "{numbers}", "text": "{title}: {text}", "mark": "{id}", "at": "{time}"}',
    "headers": {"X-Key": "{key}"},
    "code": "result.code",
    "text": "result.words",
    "accepted": ["0"],
}
CALL = {"provider": "own_sms", "numbers": ["13800000000"], "own": GATEWAY}


def test_a_gateway_of_one_s_own_is_spoken_to_as_described(web, site, channel, notify, robot):
    made = channel(kind="sms", call=CALL, key="k1")
    robot.answers(result={"code": 0, "words": "queued"})
    site.born()
    site.deliver(raised())
    notify()
    (said,) = robot.heard
    assert said["to"] == ["13800000000"]
    assert "起重量超过额定值" in said["text"]
    at = dt.datetime.strptime(said["at"], "%Y-%m-%d %H:%M").replace(tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai"))
    assert abs(at - dt.datetime.now(dt.UTC)) < dt.timedelta(hours=1), "by the clocks of the site"
    assert robot.asked[0][1]["X-Key"] == "k1"
    robot.answers(result={"code": 17, "words": 'no money, key "k1"'})
    answer = web.post(f"/channels/{made['id']}/test").json()
    assert (answer["state"], answer["code"], answer["text"]) == ("rejected", "17", 'no money, key "***"')
    shown = web.get("/sites/demo/channels").json()["items"][0]
    assert (shown["call"]["provider"], shown["has_key"]) == ("own_sms", True)


def test_a_channel_says_what_its_gateway_needs(web, robot):
    given = {"name": "x", "site": "demo", "kind": "sms"}
    refused = [
        ({"call": {"provider": "nobody"}}, "body.call.provider"),
        ({"call": {"provider": "aliyun_sms", "key_id": "LTAI"}}, "body.call"),
        ({"call": {**CALL, "provider": "own_voice"}, "url": robot.url}, "body.call"),
        ({"call": {**CALL, "own": {**GATEWAY, "body": "no JSON"}}, "url": robot.url}, "body.call.own.body"),
        ({"call": {**CALL, "numbers": ["12"]}, "url": robot.url}, "body.call.numbers.0"),
        ({"call": CALL}, "url"),
        ({"call": {k: TARGET[k] for k in ("provider", "key_id", "sign_name", "template")}}, "key"),
        ({"call": None}, "body.call"),
        ({"kind": "apprise", "url": "https://example.com"}, "body.url"),
    ]
    for changes, field in refused:
        answer = web.post("/channels", json={**given, **changes})
        assert answer.status_code == 422, (changes, answer.text)
        assert [error["field"] for error in answer.json()["errors"]] == [field], changes


def test_a_channel_that_only_serves_persons_calls_nobody_by_itself():
    target = {**TARGET, "numbers": []}
    outcome = send(Route(kind="sms", target=target, secret={"key": "k"}), NOTICE, OWN)
    assert (outcome.state, outcome.code, outcome.again) == ("rejected", "no-number", False)
    assert answer_of(route("aliyun_sms")).accepted == ["OK"]


def by_apprise(url: str, networks=OWN):
    return send(Route(kind="apprise", target={}, secret={"url": url}), NOTICE, networks)


def test_apprise_is_believed_only_where_its_plugin_looks_at_an_answer_that_says_so(robot):
    at = f"127.0.0.1:{robot.port}"
    sure, unsure = by_apprise(f"gotify://{at}/token"), by_apprise(f"synology://{at}/token")
    assert (sure.state, sure.code) == ("sent", "apprise")
    assert (unsure.state, unsure.code) == ("unknown", "apprise")
    assert "数值：112 %" in json.loads(robot.asked[0][2])["message"]
    robot.status = 401
    assert by_apprise(f"gotify://{at}/token").state == "rejected"


@pytest.mark.parametrize("scheme", ["file", "json", "dingtalk", "mailto", "syslog", "mqtt", "dbus"])
def test_apprise_gets_nothing_of_this_machine_and_nothing_that_we_send_ourselves(scheme):
    outcome = by_apprise(f"{scheme}://127.0.0.1/x")
    assert (outcome.state, outcome.code, outcome.again) == ("rejected", "refused", False)


def test_apprise_reaches_no_network_of_its_own_and_understands_no_nonsense(robot):
    assert by_apprise(f"gotify://127.0.0.1:{robot.port}/token", ()).code == "blocked"
    assert not robot.asked
    assert by_apprise("nonsense://abc").code == "no-such-service"
    assert not set(rules().checks) & {*rules().own, *rules().local}


def test_apprise_is_led_to_no_other_network_and_holds_nobody_up(robot, monkeypatch):
    outside = Robot(at="127.0.0.2")
    here = (ipaddress.ip_network("127.0.0.1/32"),)
    robot.status, robot.location = 307, f"http://127.0.0.2:{outside.port}/inside"
    for asked in ("", "?redirect=yes"):
        outcome = by_apprise(f"gotify://127.0.0.1:{robot.port}/token{asked}", here)
        assert outcome.state == "rejected"
        assert len(outside.asked) == 0
    assert outcome.code == "blocked"
    outside.close()
    let_go = threading.Event()
    robot.reached = lambda point: let_go.wait(PATIENCE_S) if point == "read" else None
    monkeypatch.setattr(others, "PATIENCE_S", 0.3)
    held = by_apprise(f"gotify://127.0.0.1:{robot.port}/token?rto=86400")
    let_go.set()
    # Had it waited for the robot, that would have answered in the end.
    assert (held.state, held.code) == ("unknown", "no-answer")
