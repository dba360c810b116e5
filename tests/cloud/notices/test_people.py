"""Persons: their own ways, links by which they acknowledge, who comes next, and who is on duty."""

import datetime as dt
import re
from collections.abc import Iterator
from email import message_from_bytes
from uuid import UUID

import httpx
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.database import instant
from cloud.notices.escalating import escalate_due
from cloud.notices.opening import News, Telling, tell
from cloud.notices.rota import Override, Rota, Shift, gaps
from sitewarden.text import Text
from tests.cloud.notices.others import mail_server
from tests.cloud.notices.test_telling import account, told
from tests.cloud.site import acknowledged, now_ms, raised
from tests.cloud.web.serving import Web, new_account, new_session
from tests.support.plain import plain_client

PAGES = "https://safety.example.com"
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def later(minutes: float) -> dt.datetime:
    return instant(now_ms() + round(minutes * 60_000))


def offering(channel, port: int) -> dict:
    """A mail server of the enterprise by which persons may be told."""
    mail = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "safety@example.com",
        "recipients": ["group@example.com"],
    }
    return channel(name="企业邮箱", kind="mail", url=None, mail=mail, site=None, for_people=True)


@pytest.fixture
def person(site, web: Web) -> Iterator[httpx.Client]:
    """The safety officer, signed in."""
    own = new_account(site.connection, "小张", "safety_officer", site="demo")
    cookies = {COOKIE: new_session(site.connection, own)}
    with plain_client(f"{web.address}/api/v1", cookies=cookies) as client:
        yield client


def signed_in(web: Web, site, own: int) -> httpx.Client:
    """The pages as that account has them."""
    cookies = {COOKIE: new_session(site.connection, own)}
    return plain_client(f"{web.address}/api/v1", cookies=cookies)


@pytest.fixture
def stranger(web: Web) -> Iterator[httpx.Client]:
    """Nobody has signed in."""
    with plain_client(f"{web.address}/api/v1") as client:
        yield client


def text_of(letter) -> str:
    """The body of a mail."""
    return message_from_bytes(letter.content).get_payload(decode=True).decode()


def newest(letters, to: str = "zhang@example.com"):
    """The newest mail to that address; the group of the channel has mails of its own."""
    return [letter for letter in letters.letters if letter.rcpt_tos == [to]][-1]


def proved(person: httpx.Client, letters, via: str) -> dict:
    """A way of that person, proved by the code in the mail."""
    made = person.post("/account/ways", json={"via": via, "to": "zhang@example.com"})
    assert made.status_code == 201, made.text
    way = made.json()["way"]
    code = re.search(r"\d{6}", text_of(newest(letters)))
    answer = person.post(f"/account/ways/{way['id']}/proof", json={"code": code[0]})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nobody_comes_next_once_somebody_knows_and_everybody_in_turn_where_nobody_does(site, web):
    officer = account(site, "小李", "safety_officer", at="demo")
    account(site, "总监", "safety_director", at="demo")
    account(site, "主要负责人", "enterprise_principal", at="demo")
    account(site, "县局", "county_authority")
    site.born()
    first, second = raised(level=4), raised(level=4, rule="crane-load-110", point="crane-1/load")
    site.deliver(first, second)
    # Nobody has a way beyond the pages, so that nobody is waited for.
    site.connection.execute("UPDATE told SET due_at = created_at + interval '3 minutes'")
    assert escalate_due(site.connection, PAGES, later(2)) == []
    with signed_in(web, site, officer) as client:
        assert client.post(f"/sites/demo/alarms/{UUID(first.episode)}/acknowledge").status_code == 202
    assert len(escalate_due(site.connection, PAGES, later(3.1))) == 1
    assert told(site)["总监"] == [1]
    escalate_due(site.connection, PAGES, later(10.1))
    assert told(site)["县局"] == [2]
    for _ in range(2):
        escalate_due(site.connection, PAGES, later(30))
    assert site.rows("SELECT ended, due_at FROM told WHERE kind = 'alarm' ORDER BY ended") == [
        ("acknowledged", None),
        ("nobody", None),
    ]


def test_after_an_outage_of_ours_the_chain_goes_on_with_its_times_and_not_in_a_burst(site, channel):
    with mail_server() as (_, port):
        via = offering(channel, port)["id"]
        for name, role in (("小李", "safety_officer"), ("总监", "safety_director")):
            way(site, account(site, name, role, at="demo"), via, "x@example.com")
        way(site, account(site, "县局", "county_authority"), via, "y@example.com")
        site.born().deliver(raised(level=4))
        outage = 55.0
        assert len(escalate_due(site.connection, PAGES, later(outage))) == 1
        for soon in (0.1, 3, 6.5):
            assert escalate_due(site.connection, PAGES, later(outage + soon)) == []
        assert told(site).keys() == {"小李", "总监"}
        assert len(escalate_due(site.connection, PAGES, later(outage + 7.2))) == 1
        assert told(site)["县局"] == [2]


def test_the_word_of_a_crane_operator_is_noted_and_stops_nobody_from_being_told(site, web, person):
    own = new_account(site.connection, "司机", "equipment_operator", site="demo")
    site.born().deliver(raised(level=3))
    cookies = {COOKIE: new_session(site.connection, own)}
    with plain_client(f"{web.address}/api/v1", cookies=cookies) as operator:
        (mine,) = operator.get("/account/told").json()["items"]
        assert operator.post(f"/told/{mine['id']}/acknowledge").status_code == 204
    shown = web.get("/sites/demo/told").json()["items"][0]
    assert (shown["ended"], shown["acknowledged_at"]) == (None, None)
    heard = {one["name"]: (one["knows_at"] is not None, one["ends"]) for one in shown["persons"]}
    assert heard == {"司机": (True, False), "小张": (False, True)}
    assert site.value("SELECT count(*) FROM alarm_request") == 0, "nor is it acknowledged at the gateway"
    assert person.post(f"/told/{mine['id']}/acknowledge").status_code == 204
    assert web.get("/sites/demo/told").json()["items"][0]["ended"] == "acknowledged"


@pytest.mark.parametrize("where", ["on the pages of alarms", "at the gateway"])
def test_whoever_silences_the_siren_silences_nobody_who_must_be_told(site, web, where):
    operator = account(site, "司机", "equipment_operator", at="demo")
    officer = account(site, "小李", "safety_officer", at="demo")
    account(site, "总监", "safety_director", at="demo")
    alarm = raised(level=4)
    site.born().deliver(alarm)
    path = f"/sites/demo/alarms/{UUID(alarm.episode)}/acknowledge"
    if where == "at the gateway":
        site.deliver(acknowledged(alarm))
    else:
        with signed_in(web, site, operator) as client:
            assert client.post(path).status_code == 202
        site.deliver(acknowledged(alarm, by="司机"))
    site.connection.execute("UPDATE told SET due_at = created_at + interval '3 minutes'")
    assert len(escalate_due(site.connection, PAGES, later(3.1))) == 1
    assert told(site)["总监"] == [1]
    with signed_in(web, site, officer) as client:
        assert client.post(path).status_code == 202, "he says so though the siren is silent already"
    assert site.rows("SELECT ended, acknowledged_by FROM told WHERE kind = 'alarm'") == [
        ("acknowledged", "小李")
    ]
    seen = site.rows(
        """
        SELECT account.name FROM told_person JOIN account ON account.id = account_id
         WHERE used_at IS NOT NULL
        """
    )
    assert {name for (name,) in seen} == {"小李"} | ({"司机"} if where != "at the gateway" else set())


def test_what_cannot_be_told_of_silences_no_other(site):
    account(site, "总监", "safety_director", at="demo")
    account(site, "安全员", "safety_officer", at="demo")
    site.born()
    site.deliver(raised(level=4))
    site.connection.execute(
        """
        INSERT INTO told (told, kind, about, site, level, words, page, created_at, step, due_at)
        SELECT gen_random_uuid(), 'of_an_older_table', 'x/1', site, level, words, page, created_at, 0, due_at
          FROM told
        """
    )
    site.connection.execute("UPDATE told SET due_at = created_at")
    assert len(escalate_due(site.connection, PAGES, later(4))) == 1
    assert told(site)["总监"] == [1]
    (due,) = site.rows("SELECT due_at FROM told WHERE kind = 'of_an_older_table'")
    assert due[0] > later(10), "tried again, but not at once"


def test_an_alarm_that_cannot_be_told_of_silences_no_other(site, channel):
    channel(lowest=1)
    site.born()
    first, second = raised(level=3), raised(level=3, rule="crane-load-110", point="crane-1/load")
    site.deliver(first, second)
    before = {row[0] for row in site.rows("SELECT about FROM notice")}
    assert before == {f"alarm/{UUID(one.episode)}" for one in (first, second)}
    site.connection.execute("UPDATE notice SET about = 'before/' || about")
    names = {UUID(first.episode): Text("塔", "crane")}
    broken: dict = {**names, UUID(second.episode): None}
    telling = Telling(settings=site.settings, sites=site.registry.sites(site.connection), now_ms=now_ms())
    tell(site.connection, telling, News(episodes=broken, hazards=[]))
    assert site.rows("SELECT about FROM notice WHERE about LIKE 'alarm/%%'") == [
        (f"alarm/{UUID(first.episode)}",)
    ]


def test_a_way_is_used_once_its_code_has_come_back_and_nobody_sees_where_it_goes(
    site, web, channel, notify, person
):
    with mail_server() as (letters, port):
        via = offering(channel, port)["id"]
        made = person.post("/account/ways", json={"via": via, "to": "zhang@example.com"}).json()["way"]
        assert made["masked"] == "z***@example.com"
        wrong = person.post(f"/account/ways/{made['id']}/proof", json={"code": "000000"})
        assert wrong.json()["type"].endswith("wrong-code") or wrong.status_code == 200
        site.born().deliver(raised(level=3))
        assert site.value("SELECT count(*) FROM notice WHERE account_id IS NOT NULL") == 0
        person.delete(f"/account/ways/{made['id']}")
        way = proved(person, letters, via)
        site.deliver(raised(level=3, rule="crane-load-105", point="crane-1/load"))
        notify()
        assert "确认收到" in text_of(newest(letters))
        kept = site.rows("SELECT before, after FROM registry_change") + site.rows(
            "SELECT title, body FROM notice"
        )
        assert "zhang@" not in str(kept)
        assert web.get(f"/channels/{way['id']}").status_code == 404
        # Another one's way is not there for him.
        assert web.delete(f"/account/ways/{way['id']}").status_code == 404


def test_a_link_acknowledges_once_asks_the_gateway_too_and_looking_changes_nothing(
    site, channel, notify, person, stranger
):
    with mail_server() as (letters, port):
        proved(person, letters, offering(channel, port)["id"])
        alarm = raised(level=3)
        site.born().deliver(alarm)
        notify()
        token = re.search(rf"{PAGES}/told#([\w-]+)", text_of(newest(letters)))[1]
        listed = person.get("/sites/demo/notices").json()["items"]
        assert "确认收到" in str(listed), listed
        assert token not in str(listed), "whoever reads the list would acknowledge in his name"
        for _ in range(2):
            answer = stranger.post("/told-links/look", json={"token": token})
            assert answer.status_code == 200, answer.text
            look = answer.json()
            assert (look["state"], look["name"]) == ("ready", "小张")
        assert site.value("SELECT count(*) FROM told WHERE acknowledged_at IS NOT NULL") == 0
        done = stranger.post("/told-links/acknowledge", json={"token": token})
        assert (done.status_code, done.json()["by"]) == (200, "小张")
        again = stranger.post("/told-links/acknowledge", json={"token": token})
        assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "link-used")
        assert site.rows("SELECT asked_by, kind FROM alarm_request") == [("小张", "acknowledge")]
        assert site.rows("SELECT ended, due_at FROM told") == [("acknowledged", None)]
        shown = person.get("/sites/demo/told").json()["items"][0]
        assert [(one["name"], one["is_reached"], one["states"]) for one in shown["persons"]] == [
            ("小张", True, ["sent"])
        ]
        assert stranger.post("/told-links/look", json={"token": token[:-2] + "AA"}).status_code == 404
        site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
        site.connection.execute("UPDATE account SET disabled_at = now() WHERE name = '小张'")
        assert stranger.post("/told-links/look", json={"token": token}).json()["state"] == "disabled"


def test_what_one_was_told_is_acknowledged_on_the_pages_by_oneself_alone(site, web, person):
    site.born().deliver(raised(level=3))
    mine = person.get("/account/told").json()["items"]
    assert [(one["kind"], one["needs_answer"]) for one in mine] == [("alarm", True)]
    assert web.post(f"/told/{mine[0]['id']}/acknowledge").status_code == 404
    assert person.post(f"/told/{mine[0]['id']}/acknowledge").status_code == 204
    shown = person.get("/account/told").json()["items"][0]
    assert (shown["ended"], shown["acknowledged_by"], shown["due_at"]) == ("acknowledged", "小张", None)
    assert shown["persons"][0]["is_reached"] is False


NIGHTS = Shift(days=[0, 1, 2, 3, 4], begins="20:00", ends="08:00", account=2)
DAYS = Shift(days=[0, 1, 2, 3, 4], begins="08:00", ends="20:00", account=1)


def local(day: int, hour: int) -> dt.datetime:
    """2 November 2026 is a Monday."""
    return dt.datetime(2026, 11, day, hour, tzinfo=SHANGHAI)


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins():
    rota = Rota(time_zone="Asia/Shanghai", week=[DAYS, NIGHTS])
    assert rota.on_duty(local(2, 7)) == frozenset()
    assert rota.on_duty(local(2, 8)) == {1}
    assert rota.on_duty(local(3, 3)) == {2}
    assert rota.on_duty(local(7, 7)) == {2}
    assert [(gap.starts_at, gap.ends_at) for gap in gaps(rota.spans(local(2, 8), local(9, 8)))] == [
        (local(7, 8), local(9, 8))
    ]


def test_the_later_word_holds_in_place_of_the_pattern():
    leave = Override(starts_at=local(3, 8), ends_at=local(3, 20), account=None)
    stand_in = Override(starts_at=local(3, 12), ends_at=local(3, 14), account=3)
    rota = Rota(time_zone="Asia/Shanghai", week=[DAYS, NIGHTS], overrides=[leave, stand_in])
    found = [(span.starts_at.hour, sorted(span.accounts)) for span in rota.spans(local(3, 0), local(4, 0))]
    assert found == [(0, [2]), (8, []), (12, [3]), (14, []), (20, [2])]


def test_only_who_is_on_duty_is_told_and_all_where_the_rota_has_a_gap(site, web):
    on, off = (account(site, name, "enforcement_officer") for name in ("甲", "乙"))
    always = {"days": list(range(7)), "begins": "00:00", "ends": "00:00", "account": on}
    made = web.post("/rotas", json={"site": "demo", "role": "enforcement_officer", "week": [always]})
    assert made.status_code == 201, made.text
    rota = made.json()
    assert [one["accounts"] for one in rota["spans"]] == [[on]]
    site.born().deliver(raised(level=4))
    assert told(site) == {"甲": [0]}
    now = now_ms()
    leave = {
        "starts_at": instant(now - 60_000).isoformat(),
        "ends_at": instant(now + 3_600_000).isoformat(),
        "reason": "请假",
    }
    gap = web.post(f"/rotas/{rota['id']}/overrides", json=leave)
    assert gap.json()["spans"][0]["accounts"] == []
    site.deliver(raised(level=4, rule="crane-load-110", point="crane-1/load"))
    rows = site.rows("SELECT account_id FROM told_person WHERE stands_in ORDER BY account_id")
    assert rows == [(on,), (off,)]
    other = account(site, "丙", "safety_officer", at="demo")
    wrong = web.put(
        f"/rotas/{rota['id']}",
        json={"week": [{**always, "account": other}]},
        headers={"If-Match": made.headers["ETag"]},
    )
    assert wrong.status_code == 422


def test_a_rota_says_who_is_on_duty_now_who_comes_next_and_who_holds_the_role_no_more(site, web):
    one, other = (account(site, name, "enforcement_officer") for name in ("甲", "乙"))
    week = [
        {"days": list(range(7)), "begins": "08:00", "ends": "20:00", "account": one},
        {"days": list(range(7)), "begins": "20:00", "ends": "08:00", "account": other},
    ]
    made = web.post("/rotas", json={"site": "demo", "role": "enforcement_officer", "week": week}).json()
    assert {*made["current"]["accounts"], *made["following"]["accounts"]} == {one, other}
    assert (made["gap"], made["former"], made["place"]["zh"] != "") == (None, [], True)
    asked = web.get("/rotas", params={"site": "demo", "since": made["today"], "days": 31}).json()
    assert asked["items"][0]["spans"][0]["starts_at"].endswith("T16:00:00.000Z")
    assert {"role": "enforcement_officer", "kinds": [{"zh": "报警", "en": "Alarm"}]} in asked["by_duty"]
    site.connection.execute("UPDATE account SET disabled_at = now() WHERE id = %s", [other])
    left = web.get("/rotas", params={"site": "demo"}).json()["items"][0]
    assert [person["name"] for person in left["former"]] == ["乙"]
    assert left["gap"]["accounts"] == []


def test_two_persons_swap_their_hours_and_only_where_each_is_alone(site, web):
    one, other = (account(site, name, "enforcement_officer") for name in ("甲", "乙"))
    week = [
        {"days": list(range(7)), "begins": "08:00", "ends": "20:00", "account": one},
        {"days": list(range(7)), "begins": "20:00", "ends": "08:00", "account": other},
    ]
    made = web.post("/rotas", json={"site": "demo", "role": "enforcement_officer", "week": week}).json()
    first, second, third = made["spans"][1:4]
    hours = [{name: span[name] for name in ("starts_at", "ends_at")} for span in (first, second, third)]
    swap = {"one": hours[0], "other": hours[1], "reason": "家中有事"}
    swapped = web.post(f"/rotas/{made['id']}/swaps", json=swap)
    assert swapped.status_code == 201, swapped.text
    known = {span["starts_at"]: span["accounts"] for span in swapped.json()["spans"]}
    assert known[hours[1]["starts_at"]] == first["accounts"]
    assert len(swapped.json()["overrides"]) == 2
    mixed = {"starts_at": made["spans"][4]["starts_at"], "ends_at": made["spans"][5]["ends_at"]}
    later = {name: made["spans"][7][name] for name in ("starts_at", "ends_at")}
    asked = {**swap, "one": mixed, "other": later}
    assert web.post(f"/rotas/{made['id']}/swaps", json=asked).status_code == 409
    asked = {**swap, "one": mixed, "other": mixed}
    assert web.post(f"/rotas/{made['id']}/swaps", json=asked).status_code == 422


def way(site, of: int, via: str, to: str, position: int = 0) -> str:
    """A way of that person, proved."""
    made = site.value(
        """
        INSERT INTO channel (channel, name, kind, language, lowest, is_on, target, account_id, via, proved_at,
                             position)
            SELECT gen_random_uuid(), name, kind, 'zh', 1, true, '{}', %s, channel, now(), %s
              FROM channel WHERE channel = %s RETURNING channel
        """,
        of,
        position,
        via,
    )
    site.connection.execute(
        "INSERT INTO channel_secret VALUES (%s, jsonb_build_object('to', %s::text))", [made, to]
    )
    return str(made)


def test_where_a_person_s_first_way_fails_his_next_one_is_taken(site, web, channel, notify):
    own = account(site, "班组长", "safety_officer", at="demo")
    with mail_server() as (letters, port):
        via = offering(channel, port)["id"]
        way(site, own, via, "nobody@example.com")
        way(site, own, via, "zhang@example.com", 1)
        way(site, own, via, "spare@example.com", 2)
        site.born().deliver(raised(level=3))
        notify()
        notify()
        got = [letter.rcpt_tos for letter in letters.letters]
        assert got.count(["zhang@example.com"]) == 1
        assert ["spare@example.com"] not in got
        heard = web.get("/sites/demo/told").json()["items"][0]["persons"][0]
        assert (heard["is_reached"], heard["states"]) == (True, ["rejected", "sent"])


def test_what_waits_for_whose_account_is_disabled_or_whose_server_is_removed_is_not_sent(
    site, web, channel, notify
):
    gone, other = (account(site, name, "safety_officer", at="demo") for name in ("离职", "在职"))
    with mail_server() as (letters, port):
        first, second = offering(channel, port)["id"], offering(channel, port)["id"]
        way(site, gone, first, "gone@example.com")
        way(site, other, second, "zhang@example.com")
        way(site, other, first, "zhang2@example.com", 1)
        site.born().deliver(raised(level=3))
        site.connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
        site.connection.execute("UPDATE account SET disabled_at = now() WHERE id = %s", [gone])
        version = web.get(f"/channels/{second}").headers["ETag"]
        web.delete(f"/channels/{second}", headers={"If-Match": version}).raise_for_status()
        notify()
        to = {letter.rcpt_tos[0] for letter in letters.letters}
        assert to == {"group@example.com", "zhang2@example.com"}


def test_a_storm_that_nobody_acknowledges_is_a_storm_for_nobody_who_comes_next(site, channel, notify):
    chief = account(site, "项目经理", "project_manager", at="demo")
    with mail_server() as (letters, port):
        way(site, chief, offering(channel, port)["id"], "chief@example.com")
        site.born()
        site.deliver(*(raised(family=f"kind-{i % 3}", hazard=None, level=3) for i in range(60)))
        notify()
        notify(31_000)
        while escalate_due(site.connection, PAGES, later(5.1)):
            pass
        assert site.value("SELECT count(*) FROM told_person WHERE step = 1") == 60
        for after_ms in (310_000, 340_000, 700_000):
            notify(after_ms)
        got = [letter for letter in letters.letters if letter.rcpt_tos == ["chief@example.com"]]
        assert len(got) == 2 * (3 + 1), "of each kind the first and one digest, both times"
        assert all(b"\n" not in letter.original_content.replace(b"\r\n", b"") for letter in got)


def test_the_link_of_a_digest_opens_exactly_its_alarms_and_acknowledges_all_at_once(
    site, channel, notify, person, stranger
):
    with mail_server() as (letters, port):
        proved(person, letters, offering(channel, port)["id"])
        site.born()
        site.deliver(raised(level=3, hazard=None))
        for n in range(3):
            site.deliver(raised(level=3, hazard=None, point=f"crane-1/load-{n}"))
        notify()
        alone = re.search(rf"{PAGES}/told#([\w-]+)", text_of(newest(letters)))[1]
        notify(later_ms=60_000)
        text = text_of(newest(letters))
        token = re.search(rf"{PAGES}/told#([\w-]+)", text)[1]
        page = re.search(rf"{PAGES}(/sites/demo/alarms\?digest=[\w-]+)", text)[1]
        look = stranger.post("/told-links/look", json={"token": token}).json()
        assert (look["state"], look["page"], len(look["items"])) == ("ready", page, 3)
        listed = person.get(f"/sites/demo/alarms?state=all&digest={page.partition('=')[2]}").json()["items"]
        of_link = {UUID(one["page"].partition("=")[2]) for one in look["items"]}
        assert of_link == {UUID(one["id"]) for one in listed}
        done = stranger.post("/told-links/acknowledge", json={"token": token}).json()
        assert [one["is_known"] for one in done["items"]] == [True] * 3
        assert site.value("SELECT count(*) FROM alarm_request") == 3
        rows = site.rows("SELECT ended, count(*) FROM told GROUP BY ended ORDER BY 2")
        assert rows == [(None, 1), ("acknowledged", 3)], "the one that was told by itself is not among them"
        assert stranger.post("/told-links/acknowledge", json={"token": token}).status_code == 409
        assert stranger.post("/told-links/look", json={"token": alone}).json()["items"] == []


def test_whoever_guesses_links_is_slowed_down_and_holds_up_nobody_at_the_same_address(stranger, site):
    site.rows("INSERT INTO told_key (key) VALUES (decode(repeat('00', 32), 'hex')) RETURNING 1")
    answers = [stranger.post("/told-links/look", json={"token": f"{n:051}"}).status_code for n in range(30)]
    assert (answers[0], answers[-1]) == (404, 429)
