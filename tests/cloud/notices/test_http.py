"""Channels over HTTP: secrets go in and never come out, and a test says what the other side said."""

import json

import httpx
import msgspec

from tests.cloud.notices.others import mail_server
from tests.cloud.registry.test_scope import become
from tests.cloud.web.serving import Web

MAIL = {
    "host": "127.0.0.1",
    "port": 465,
    "security": "tls",
    "username": "alarm",
    "sender": "alarm@example.com",
    "recipients": ["zhang.wei@example.com"],
}


def change(web: Web, shown: dict, **changes) -> httpx.Response:
    """The channel as it is shown, but for the changes."""
    given = {name: shown[name] for name in ("name", "kind", "language", "lowest", "is_on", "mail")}
    return web.put(
        f"/channels/{shown['id']}", json={**given, **changes}, headers={"If-Match": f'"{shown["version"]}"'}
    )


def fields(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


def test_a_secret_goes_in_and_never_comes_out(web, channel, robot, caplog):
    robot.answers(code=19001, msg=f"there is no {robot.url}")
    made = channel(kind="feishu", key="s1gn")
    tried = web.post(f"/channels/{made['id']}/test")
    told = [made, change(web, made, name="另一个").json(), web.get("/sites/demo/channels").json()]
    told += [
        web.get("/sites/demo/registry/changes").json(),
        web.get("/sites/demo/notices").json(),
        tried.json(),
    ]
    for secret in ("t0ken", "s1gn"):
        assert secret not in json.dumps(told) + caplog.text
    assert (made["origin"], made["has_key"]) == (f"http://127.0.0.1:{robot.port}", True)
    changes = web.get("/sites/demo/registry/changes").json()["items"]
    assert [(one["author"], one["record"]) for one in changes if one["record"] == "channel"] == [
        ("安全员", "channel"),
        ("安全员", "channel"),
    ]


def test_a_secret_that_cannot_be_stored_is_not_in_the_log(web, robot, caplog):
    given = {"name": "x", "kind": "webhook", "site": "demo", "url": robot.url, "key": "SECRET\0"}
    assert web.post("/channels", json=given).status_code == 422
    assert "value refused" in caplog.text
    assert "SECRET" not in caplog.text
    assert "t0ken" not in caplog.text


def test_a_test_answers_with_what_the_robot_said(web, channel, robot):
    made = channel()
    robot.answers(errcode=310000, errmsg="sign not match")
    answer = web.post(f"/channels/{made['id']}/test").json()
    assert (answer["state"], answer["code"], answer["text"]) == ("rejected", "310000", "sign not match")
    robot.answers(errcode=0, errmsg="ok")
    assert web.post(f"/channels/{made['id']}/test").json()["state"] == "sent"
    assert "没有发生异常" in robot.heard[-1]["text"]["content"]
    (of,) = web.get("/sites/demo/channels").json()["items"]
    assert (of["last"]["state"], of["last"]["code"]) == ("sent", "0")


def test_a_test_mail_arrives(web, channel):
    with mail_server() as (letters, port):
        mail = {**MAIL, "port": port, "security": "none", "username": ""}
        made = channel(kind="mail", url=None, mail=mail, language="en")
        answer = web.post(f"/channels/{made['id']}/test").json()
        assert (answer["state"], answer["code"]) == ("sent", "250")
        assert letters.letters[0].rcpt_tos == MAIL["recipients"]


def test_nobody_bursts_a_robot_with_tests(web, channel):
    made = channel()
    answers = [web.post(f"/channels/{made['id']}/test").status_code for _ in range(7)]
    assert (answers[:5], answers[-1]) == ([200] * 5, 429)


def test_a_demo_sends_no_test(web, settings, site, channel, robot):
    made = channel()
    demo = Web(msgspec.structs.replace(settings, demo=True), site.dsn)
    demo.client.cookies.update(web.client.cookies)
    assert demo.post(f"/channels/{made['id']}/test").status_code == 409
    assert demo.get("/sites/demo/channels").json()["tells"] is False
    demo.close()
    assert not robot.asked


def test_a_secret_stays_where_it_is_left_out_and_goes_nowhere_else(web, site, channel, robot):
    def secret() -> dict:
        return site.value("SELECT secret FROM channel_secret")

    made = channel(key="k")
    kept = change(web, made, lowest=2).json()
    assert secret() == {"url": robot.url, "key": "k"}
    moved = change(web, kept, url="https://elsewhere.example.com/robot").json()
    assert secret() == {"url": "https://elsewhere.example.com/robot"}, "the key was for the other one"
    assert moved["has_key"] is False

    web.delete(f"/channels/{made['id']}", headers={"If-Match": f'"{moved["version"]}"'})
    assert site.rows("SELECT 1 FROM channel_secret") == []
    mail = channel(kind="mail", url=None, mail=MAIL, password="p")  # noqa: S106  nobody's
    same = change(web, mail, mail={**MAIL, "recipients": ["li.na@example.com"]}).json()
    assert secret() == {"password": "p"}
    assert fields(change(web, same, mail={**MAIL, "host": "mine.example.com"})) == ["password"]


REFUSED: list[tuple[dict, str]] = [
    ({"url": "ftp://example.com/x"}, "body.url"),
    ({"url": "https://a:b@example.com/x"}, "body.url"),
    ({"url": "https://example.com:99999/"}, "body.url"),
    ({"url": None}, "url"),
    ({"kind": "mail", "url": None}, "body.mail"),
    ({"mail": MAIL}, "body.mail"),
    ({"kind": "mail", "url": None, "mail": MAIL}, "password"),
    ({"kind": "mail", "url": None, "mail": {**MAIL, "security": "none"}}, "body.mail.username"),
    ({"kind": "mail", "url": None, "mail": {**MAIL, "recipients": ["zhang"]}}, "body.mail.recipients.0"),
    ({"kind": "mail", "url": None, "mail": {**MAIL, "sender": "a@["}}, "body.mail.sender"),
    ({"kind": "mail", "url": None, "mail": {**MAIL, "sender": "(-):@x"}}, "body.mail.sender"),
    ({"lowest": 0}, "body.lowest"),
    ({"site": "nowhere"}, "site"),
]


def test_what_cannot_be_meant_is_refused_with_its_field(web, robot):
    given = {"name": "x", "kind": "dingtalk", "site": "demo", "url": robot.url}
    for changes, field in REFUSED:
        answer = web.post("/channels", json={**given, **changes})
        assert fields(answer) == [field], changes
        assert robot.url not in answer.text


def test_whoever_changes_an_older_version_is_told_so(web, channel):
    made = channel()
    assert change(web, made, name="一").status_code == 200
    assert change(web, made, name="二").status_code == 412
    assert web.delete(f"/channels/{made['id']}").status_code == 428


def test_a_channel_out_of_scope_is_not_there(web, site, channel):
    of_all, of_site = channel(site=None, name="all"), channel()
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    become(web, site, "admin", site="north")
    for one in (of_all, of_site):
        assert web.get(f"/channels/{one['id']}").status_code == 404
        assert web.post(f"/channels/{one['id']}/test").status_code == 404
        assert change(web, one, name="mine").status_code == 404
    assert web.get("/sites/demo/channels").status_code == 404
    (seen,) = web.get("/sites/north/channels").json()["items"]
    assert (seen["name"], seen["may_change"]) == ("all", False)
    everywhere = {"name": "x", "kind": "webhook", "url": "https://example.com/x"}
    assert fields(web.post("/channels", json=everywhere)) == ["site"]
    assert web.post("/channels", json={**everywhere, "site": "north"}).status_code == 201


def test_the_list_of_notices_comes_in_parts(web, site, channel, notify):
    made = channel()
    for _ in range(3):
        web.post(f"/channels/{made['id']}/test")
    first = web.get("/sites/demo/notices?limit=2").json()
    rest = web.get(f"/sites/demo/notices?limit=2&after={first['next']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert {one["channel_name"] for one in first["items"]} == {"值班群"}
