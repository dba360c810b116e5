"""What is asked of alarms at the cloud: sent to the gateway, and done only when the gateway says so."""

import datetime as dt
import queue
import threading
from typing import Any

import msgspec
import pytest

from cloud.alarms.requests import RESEND_MS, look
from cloud.ingest.sending import Sender
from sitewarden.messages import Command, Shelf
from tests.cloud.site import TestSite, acknowledged, birth, cleared, heartbeat, now_ms, raised
from tests.cloud.web.serving import Web, change_role
from tests.support.waiting import PATIENCE_S

HOUR_MS = 3_600_000


def in_ms(ms: int) -> str:
    return dt.datetime.fromtimestamp((now_ms() + ms) / 1000, dt.UTC).isoformat()


def ask(web, alarm, what: str, **body) -> Any:
    answer = web.post(f"/sites/demo/alarms/{alarm.episode}/{what}", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def shelve(web, alarm, *, ms: int = HOUR_MS, reason: str = "传感器校准") -> Any:
    return ask(web, alarm, "shelve", until=in_ms(ms), reason=reason)["request"]


def sent(site, after_ms: int = 0) -> list[Command]:
    return [command for _, command in look(site.connection, now_ms() + after_ms).due]


def outcomes(web, alarm) -> list[tuple[str, str | None]]:
    items = web.get(f"/sites/demo/alarms/{alarm.episode}/requests").json()["items"]
    return [(item["kind"], item["outcome"]) for item in items]


def gateway(web) -> dict[str, Any]:
    shown: dict[str, Any] = web.get("/sites/demo").json()["gateways"][0]
    return shown


def told(command: Command, **changes) -> Shelf:
    """As the gateway says that it has obeyed."""
    assert command.point
    assert command.rule
    shelf = Shelf(
        point=command.point,
        rule=command.rule,
        until=command.until,
        by=command.by,
        reason=command.reason,
        request=command.request,
    )
    return msgspec.structs.replace(shelf, **changes)


@pytest.fixture
def alarm(site):
    site.born().deliver(made := raised())
    return made


def test_an_acknowledgement_goes_to_the_gateway_and_is_done_when_the_gateway_says_so(site, web, alarm):
    answer = ask(web, alarm, "acknowledge")
    assert answer["alarm"]["acknowledged_at"] is None, "nobody has heard of it yet"
    (command,) = sent(site)
    assert (command.command, command.episode, command.by) == ("acknowledge", alarm.episode, "安全员")
    assert [one["episode"] for one in gateway(web)["requests"]] == [alarm.episode]
    site.deliver(acknowledged(alarm, by="安全员"))
    assert sent(site, RESEND_MS + 1) == []
    assert outcomes(web, alarm) == [("acknowledge", "done")]
    assert gateway(web)["requests"] == []


def test_an_alarm_that_got_worse_is_acknowledged_anew(site, web, alarm):
    site.deliver(acknowledged(alarm))
    site.deliver(heartbeat(states={alarm.episode: "unacknowledged"}))
    assert ask(web, alarm, "acknowledge")["request"] is not None
    assert len(sent(site)) == 1
    assert outcomes(web, alarm) == [("acknowledge", None)]
    site.deliver(acknowledged(alarm, after_ms=9000))
    assert outcomes(web, alarm) == [("acknowledge", "done")]


def test_an_acknowledgement_is_not_sent_again_to_an_alarm_that_got_worse_since(site, web, alarm):
    ask(web, alarm, "acknowledge")
    sent(site)
    site.deliver(acknowledged(alarm))
    site.deliver(heartbeat(states={alarm.episode: "unacknowledged"}))
    assert sent(site, RESEND_MS + 1) == []
    assert outcomes(web, alarm) == [("acknowledge", "done")]


def test_an_alarm_that_somebody_on_site_had_acknowledged_needs_no_command(site, web, alarm):
    ask(web, alarm, "acknowledge")
    sent(site)
    site.deliver(acknowledged(alarm, by="local"))
    assert outcomes(web, alarm) == [("acknowledge", "done")]


def test_asked_twice_is_asked_once(site, web, alarm):
    first, second = (ask(web, alarm, "acknowledge")["request"]["id"] for _ in range(2))
    assert first == second
    assert len(sent(site)) == 1
    until = in_ms(HOUR_MS)
    shelved = [ask(web, alarm, "shelve", until=until, reason="校准")["request"]["id"] for _ in range(2)]
    assert shelved[0] == shelved[1]
    (command,) = sent(site)
    site.deliver(heartbeat(shelved=[told(command)]))
    look(site.connection, now_ms())
    assert ask(web, alarm, "shelve", until=until, reason="校准")["request"]["id"] == shelved[0]
    site.deliver(acknowledged(alarm))
    assert ask(web, alarm, "acknowledge")["request"] is None


def test_what_cannot_be_sent_ends_nothing_and_is_sent_again(site, web, alarm, dsn):
    """Who takes alarms in must not end because somebody's acknowledgement found no way out."""
    failed, seen = threading.Event(), queue.Queue[str]()

    def publish(topic: str, _body: bytes) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("no way out")
        seen.put(topic)

    sender = Sender(dsn, publish, lambda: True)
    sender.start()
    try:
        site.deliver(heartbeat())
        ask(web, alarm, "acknowledge")
        assert failed.wait(PATIENCE_S)
        site.rows("UPDATE alarm_request SET sent_at = NULL RETURNING id")
        assert seen.get(timeout=PATIENCE_S).endswith("down/command")
        assert sender.is_alive
    finally:
        sender.stop()


def test_without_an_answer_a_command_is_sent_again(site, web, alarm):
    ask(web, alarm, "acknowledge")
    assert len(sent(site)) == 1
    assert sent(site, RESEND_MS - 1000) == []
    assert len(sent(site, RESEND_MS + 1000)) == 1


def test_what_is_asked_of_a_gateway_that_is_away_waits_until_it_is_back(site, web, alarm):
    site.deliver(birth(state="offline"))
    shelve(web, alarm)
    assert sent(site) == []
    assert [one["sent_at"] for one in gateway(web)["requests"]] == [None]
    site.deliver(heartbeat())
    assert [command.command for command in sent(site)] == ["shelve"]


def test_a_shelf_is_in_force_when_the_gateway_names_it(site, web, alarm):
    asked = shelve(web, alarm)
    (command,) = sent(site)
    assert (command.point, command.rule, command.episode) == (alarm.point, alarm.rule, alarm.episode)
    assert (command.reason, command.by, command.request) == ("传感器校准", "安全员", asked["id"])
    site.deliver(heartbeat())
    assert gateway(web)["shelved"] == []
    site.deliver(heartbeat(shelved=[told(command)]))
    assert sent(site, RESEND_MS + 1) == []
    (shelf,) = gateway(web)["shelved"]
    assert (shelf["point"], shelf["by"], shelf["reason"]) == (alarm.point, "安全员", "传感器校准")
    assert (shelf["until"], shelf["episode"]) == (asked["until"], alarm.episode)
    assert shelf["label"] == {"zh": "起重量超过额定值", "en": "Load above rated"}
    assert outcomes(web, alarm) == [("shelve", "done")]


def test_an_odd_reason_of_a_gateway_does_not_make_it_seem_away(site, web, alarm):
    odd = Shelf(point=alarm.point, rule=alarm.rule, until=now_ms() + HOUR_MS, by="local", reason="a\x00b")
    site.deliver(heartbeat(shelved=[odd]))
    (shelf,) = gateway(web)["shelved"]
    assert shelf["reason"] == "a\N{REPLACEMENT CHARACTER}b"
    assert site.rows("SELECT count(*) FROM dead_letter") == [(0,)]


def test_somebody_elses_shelf_does_not_confirm_what_was_asked_here(site, web, alarm):
    shelve(web, alarm)
    (command,) = sent(site)
    site.deliver(heartbeat(shelved=[told(command, request=None, by="local")]))
    look(site.connection, now_ms())
    assert outcomes(web, alarm) == [("shelve", None)]


def test_the_last_word_on_a_shelf_counts(site, web, alarm):
    shelve(web, alarm)
    ask(web, alarm, "unshelve")
    (command,) = sent(site)
    assert command.until == 0
    site.deliver(heartbeat())
    look(site.connection, now_ms())
    assert outcomes(web, alarm) == [("unshelve", "done"), ("shelve", "replaced")]


def test_an_unshelving_is_confirmed_by_a_status_that_came_after_it(site, web, alarm):
    shelve(web, alarm)
    (command,) = sent(site)
    site.deliver(heartbeat(shelved=[told(command)]))
    look(site.connection, now_ms())
    ask(web, alarm, "unshelve", reason="校准完成")
    site.deliver(birth(), retained=True)
    assert len(gateway(web)["shelved"]) == 1, "what the broker keeps is older than the heartbeats"
    sent(site)
    site.deliver(heartbeat(shelved=[told(command)]))
    look(site.connection, now_ms())
    assert outcomes(web, alarm)[0] == ("unshelve", None)
    site.deliver(heartbeat())
    look(site.connection, now_ms())
    assert outcomes(web, alarm)[0] == ("unshelve", "done")


def test_an_alarm_that_has_ended_is_not_shelved(site, web, alarm):
    shelve(web, alarm)
    site.deliver(cleared(alarm))
    assert sent(site) == []
    assert outcomes(web, alarm) == [("shelve", "ended")]
    answer = web.post(
        f"/sites/demo/alarms/{alarm.episode}/shelve", json={"until": in_ms(HOUR_MS), "reason": "校准"}
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/alarm-ended")


def test_an_alarm_that_ended_unacknowledged_is_acknowledged_here_alone(site, web, alarm):
    site.deliver(cleared(alarm))
    listed = web.get("/sites/demo/alarms?state=returned").json()["items"]
    assert [one["id"] for one in listed] == [alarm.episode]
    ask(web, alarm, "acknowledge")
    assert sent(site) == [], "the gateway has nothing left to acknowledge"
    (shown,) = web.get("/sites/demo/alarms?state=all").json()["items"]
    assert (shown["acknowledged_by"], shown["acknowledged_at"] is not None) == ("安全员", True)
    assert web.get("/sites/demo/alarms?state=returned").json()["items"] == []
    assert outcomes(web, alarm) == [("acknowledge", "done")]


def test_a_shelf_that_was_never_confirmed_lapses_with_its_time(site, web, alarm):
    shelve(web, alarm, ms=60_000)
    assert len(sent(site)) == 1
    assert sent(site, 61_000) == []
    assert outcomes(web, alarm) == [("shelve", "lapsed")]


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"until": in_ms(25 * HOUR_MS), "reason": "校准"}, "bad-until"),
        ({"until": in_ms(-1), "reason": "校准"}, "bad-until"),
        ({"until": in_ms(HOUR_MS), "reason": "  "}, "invalid"),
        ({"until": in_ms(HOUR_MS)}, "invalid"),
    ],
)
def test_shelving_wants_a_reason_and_an_end_within_a_day(web, alarm, body, slug):
    answer = web.post(f"/sites/demo/alarms/{alarm.episode}/shelve", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")


@pytest.mark.parametrize("what", ["acknowledge", "shelve", "unshelve"])
def test_a_viewer_only_looks(site, web, alarm, what):
    change_role(site.connection, "viewer")
    body = {"until": in_ms(HOUR_MS), "reason": "校准"} if what == "shelve" else {}
    answer = web.post(f"/sites/demo/alarms/{alarm.episode}/{what}", json=body)
    assert answer.status_code == 403
    assert sent(site) == []


def test_an_alarm_of_another_site_or_mode_is_not_found(site, web, alarm):
    site.deliver(birth(boot="t"), mode="test")
    site.deliver(other := raised(boot="t"), mode="test")
    for episode in (other.episode, "f" * 32):
        assert web.post(f"/sites/demo/alarms/{episode}/acknowledge").status_code == 404


def test_nothing_is_asked_of_a_recorded_history(dsn, settings, tmp_path):
    replayed = msgspec.structs.replace(settings, replay=tmp_path / "control")
    site, web = TestSite(replayed, dsn), Web(replayed, dsn)
    try:
        web.sign_in(site.connection)
        site.deliver(birth(), mode="replay")
        site.deliver(made := raised(), mode="replay")
        answer = web.post(f"/sites/demo/alarms/{made.episode}/acknowledge")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/replay")
        assert sent(site) == []
    finally:
        web.close()
        site.close()


def test_a_gateways_own_word_on_its_standing_alarms_is_shown(site, web, alarm):
    site.deliver(heartbeat(states={alarm.episode: "latched-unacknowledged"}))
    assert gateway(web)["states"] == {alarm.episode: "latched-unacknowledged"}


def test_what_was_asked_is_never_rewritten(site, web, alarm):
    shelve(web, alarm)
    with pytest.raises(Exception, match="permission denied"):
        site.connection.execute("UPDATE alarm_request SET asked_by = 'nobody'")
