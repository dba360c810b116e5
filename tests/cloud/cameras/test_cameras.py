"""Boxes travel while somebody watches; what people say of alarms tells how far to believe a camera."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cloud.cameras import views
from cloud.cameras.reviewing import wilson
from cloud.cameras.watching import AGAIN_S, WATCH_S, look
from cloud.database import connect, instant
from sitewarden.messages import DeviceBirth, PointBirth, SeenHead, Sight, Status
from sitewarden.text import Text
from tests.cloud.media.test_pictures import ask, bring, jpeg, offered, put
from tests.cloud.site import BOOT, TestSite, now_ms, raised, readings
from tests.cloud.web.serving import Web, change_role
from tests.support.waiting import PATIENCE_S, until

POINTS = {
    "gate/state": "camera.state",
    "gate/hook.bare_1": "vision.bare_head.hook",
    "gate/coverage": "camera.coverage",
    "gate/unknown": "camera.unknown",
}
WATCH = "/sites/demo/cameras/gate/watch"


@pytest.fixture(autouse=True)
def born(site: TestSite) -> None:
    camera = DeviceBirth(
        device="gate",
        kind="camera",
        label=Text("大门", "Gate"),
        profile="camera",
        points=[PointBirth(p=name, kind=kind) for name, kind in POINTS.items()],
    )
    site.deliver(Status(state="online", boot=BOOT, at=now_ms(), devices=[camera]))


def sight(*states: str, **more) -> Sight:
    heads = [
        SeenHead(track=i, box=(0.1 * i, 0.2, 0.1 * i + 0.05, 0.3), state=state, zones=["hook"])
        for i, state in enumerate(states, 1)
    ]
    return Sight(camera="gate", at=more.pop("at", now_ms()), heads=heads, **more)


def bare(**changes):
    return raised(
        device="gate",
        point="gate/hook.bare_1",
        kind="vision.bare_head.hook",
        rule="helmet-missing-hook",
        family="helmet",
        **changes,
    )


def test_the_gateway_is_asked_while_somebody_watches_and_not_more_often_than_it_must(site, web) -> None:
    assert look(site.connection, now_ms()) == []
    assert web.post(WATCH).json()["heads"] == []
    ((key, command),) = look(site.connection, now_ms())
    assert (key.gateway, command.command, command.device) == ("gw-1", "watch", "gate")
    assert 0 < command.until - now_ms() <= 1000 * WATCH_S
    web.post(WATCH)
    assert look(site.connection, now_ms()) == [], "it goes on for long enough"
    site.connection.execute("UPDATE camera_watch SET told_until = until - %s * interval '1 s'", [AGAIN_S + 1])
    assert len(look(site.connection, now_ms())) == 1
    assert look(site.connection, now_ms() + 1000 * WATCH_S + 1000) == []
    assert site.rows("SELECT * FROM camera_watch") == []


def test_the_newest_boxes_are_shown_and_nothing_older_is_kept(site, web) -> None:
    site.deliver(sight("helmet"), channel="sights")
    site.deliver(sight("bare", "unknown", at=now_ms() + 5), channel="sights")
    site.deliver(sight("helmet", at=now_ms() - 60_000), channel="sights")
    shown = web.post(WATCH).json()
    assert [(head["state"], head["zones"]) for head in shown["heads"]] == [
        ("bare", ["hook"]),
        ("unknown", ["hook"]),
    ]
    assert len(site.rows("SELECT * FROM camera_sight")) == 1
    site.connection.execute("UPDATE camera_sight SET received_at = now() - interval '1 min'")
    assert web.post(WATCH).json() | {"until": ""} == {"at": None, "until": "", "heads": []}


def test_boxes_are_forgotten_once_nobody_watches(site, web) -> None:
    site.deliver(sight("bare"), channel="sights")
    look(site.connection, now_ms())
    assert len(site.value("SELECT heads FROM camera_sight")) == 1
    look(site.connection, now_ms() + 61_000)
    assert site.value("SELECT heads FROM camera_sight") == []


def test_another_gateway_shows_nothing_in_a_cameras_name(site, web) -> None:
    site.deliver(sight("bare"), channel="sights", gateway="gw-2")
    assert web.post(WATCH).json()["heads"] == []
    outcome = site.deliver(b'{"v":1,"camera":"gate"}', channel="sights")
    assert [letter.reason for letter in outcome.dead] == ["garbage"]


def test_what_is_no_camera_is_not_watched(site, web) -> None:
    site.born()
    assert web.post("/sites/demo/cameras/crane-1/watch").status_code == 404
    assert web.post("/sites/demo/cameras/nothing/watch").status_code == 404


def test_people_judge_alarms_and_the_last_word_counts(site, web: Web) -> None:
    episodes = ["a" * 32, "b" * 32, "c" * 32]
    for i, episode in enumerate(episodes):
        site.deliver(bare(episode=episode, at=now_ms() + i))
    listed = web.get("/sites/demo/camera-alarms").json()["items"]
    assert [alarm["episode"].replace("-", "") for alarm in listed] == episodes[::-1]
    for episode, verdict in zip(episodes[:2], ("wrong", "right"), strict=True):
        answer = web.post(f"/sites/demo/camera-alarms/{episode}/reviews", json={"verdict": verdict})
        assert answer.status_code == 201, answer.text
    web.post(f"/sites/demo/camera-alarms/{episodes[0]}/reviews", json={"verdict": "unclear", "note": "逆光"})
    (waiting,) = web.get("/sites/demo/camera-alarms").json()["items"]
    for verdict, status in (("right", 422), ("wrong", 201)):
        given = {"verdict": verdict, "shows": "helmet"}
        answer = web.post(f"/sites/demo/camera-alarms/{episodes[0]}/reviews", json=given)
        assert answer.status_code == status, "what there was instead is said of a wrong alarm alone"
    assert answer.json()["shows"] == "helmet"
    web.post(f"/sites/demo/camera-alarms/{episodes[0]}/reviews", json={"verdict": "unclear"})
    assert waiting["episode"].replace("-", "") == episodes[2]
    reviewed = web.get("/sites/demo/camera-alarms?state=reviewed").json()["items"]
    assert [alarm["review"]["verdict"] for alarm in reviewed] == ["right", "unclear"]
    assert len(site.rows("SELECT * FROM camera_review")) == 5


def test_the_figures_of_a_camera_say_how_far_it_can_be_believed(site, web: Web) -> None:
    for i in range(4):
        site.deliver(bare(episode=f"{i}" * 32, at=now_ms() + i))
        verdict = "wrong" if i == 0 else "right"
        web.post(f"/sites/demo/camera-alarms/{f'{i}' * 32}/reviews", json={"verdict": verdict})
    site.deliver(readings(87.5, point="gate/coverage"))
    (figures,) = web.get("/sites/demo/camera-figures").json()["items"]
    assert (figures["alarms"], figures["right"], figures["wrong"]) == (4, 3, 1)
    assert figures["false_share"] == 0.25
    assert figures["false_low"] < 0.25 < figures["false_high"]
    assert (figures["coverage"], figures["unknown"]) == (87.5, None)


def test_no_alarm_of_something_else_is_judged_as_a_cameras(site, web: Web) -> None:
    site.born()
    site.deliver(raised(episode="d" * 32))
    answer = web.post(f"/sites/demo/camera-alarms/{'d' * 32}/reviews", json={"verdict": "right"})
    assert answer.status_code == 404


def test_the_interval_of_a_share_is_wilsons() -> None:
    """Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20."""
    assert wilson(0, 0) is None
    for part, whole, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        share = wilson(part, whole)
        assert share is not None
        assert share == pytest.approx((part / whole, low, high), abs=5e-5)


VIEWS = "/sites/demo/cameras/gate/views"


def test_a_moved_view_is_accepted_by_whoever_configures_and_its_gateway_is_told_while_it_says_so(
    site, web
) -> None:
    def said(value: float) -> None:
        site.deliver(readings(value, point="gate/state"))

    still = bring(site, web, jpeg(), "still")
    why = {"reason": "料堆长高了，区域不变", "sha256": still.sha256}
    said(0)
    refused = web.post(VIEWS, json=why)
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "view-not-moved")
    said(6)
    assert web.post(VIEWS, json={**why, "reason": " "}).status_code == 422
    assert web.post(VIEWS, json={"reason": why["reason"]}).status_code == 422, "it names no picture"
    assert web.post("/sites/demo/cameras/nowhere/views", json=why).status_code == 404
    seen = web.get("/sites/demo/cameras/gate/view").json()
    assert (seen["sha256"], seen["newer_awaited"]) == (still.sha256, False)
    given = web.post(VIEWS, json=why)
    assert given.status_code == 202, given.text
    assert (given.json()["picture"], given.json()["sha256"]) == (seen["picture"], still.sha256)
    now = now_ms()
    ((key, command),) = views.look(site.connection, now)
    assert (key.gateway, command.command, command.device) == ("gw-1", "view", "gate")
    assert (command.reason, command.by) == (why["reason"], given.json()["author"])
    assert command.picture == still.sha256
    assert 0 < command.until - now <= 60_000
    assert views.look(site.connection, now + 1000) == [], "not so soon again"
    assert len(views.look(site.connection, now + 11_000)) == 1
    said(0)
    assert views.look(site.connection, now + 22_000) == [], "it has obeyed"
    said(6)
    assert views.look(site.connection, now + 61_000) == [], "that is another view, on which nobody has looked"
    [shown] = web.get(VIEWS).json()["items"]
    assert (shown["reason"], shown["at"]) == (why["reason"], given.json()["at"])
    site.connection.execute("UPDATE gateway SET seen_at = now() - interval '1 hour'")
    assert web.post(VIEWS, json=why).json()["type"].endswith("/gateway-not-heard")
    change_role(site.connection, "safety_officer")
    assert web.post(VIEWS, json=why).status_code == 403
    assert len(web.get(VIEWS).json()["items"]) == 1


def test_who_accepts_a_view_signs_for_the_picture_that_he_saw_and_it_stays(site, web) -> None:
    def accept(sha256: str) -> Any:
        return web.post(VIEWS, json={"reason": "正确", "sha256": sha256})

    site.deliver(readings(6, point="gate/state"))
    assert accept("0" * 64).json()["type"].endswith("/view-changed"), "there is no picture"
    assert web.get("/sites/demo/cameras/gate/view").status_code == 404
    first = bring(site, web, jpeg(1), "still", at=now_ms() - 50_000)
    assert accept(first.sha256).status_code == 202
    # The view has changed again: a newer picture is on its way, and then it is here.
    ask(site, second := offered(jpeg(2), "still", at=now_ms() - 20_000))
    seen = web.get("/sites/demo/cameras/gate/view").json()
    assert (seen["sha256"], seen["newer_awaited"]) == (first.sha256, True)
    for sha256 in (first.sha256, second.sha256):
        refused = accept(sha256)
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "view-changed")
    bring(site, web, jpeg(2), "still", at=second.at)
    assert accept(first.sha256).status_code == 409
    assert accept(second.sha256).status_code == 202
    bring(site, web, jpeg(3), "still")
    bring(site, web, jpeg(4), "still")
    listed = web.get(VIEWS).json()["items"]
    assert [one["sha256"] for one in listed] == [second.sha256, first.sha256]
    for one, content in zip(listed, (jpeg(2), jpeg(1)), strict=True):
        assert web.get(f"/sites/demo/pictures/{one['picture']}/file").content == content
    assert site.value("SELECT count(*) FROM camera_media") == 3, "of the others the newest alone"


async def test_a_picture_that_comes_while_the_one_before_is_accepted_is_taken(site, web) -> None:
    bring(site, web, jpeg(1), "still", at=now_ms() - 50_000)
    now = instant(now_ms())
    by_whom = {"account": None, "author": "Zoe", "now": now, "until": now, "reason": "正确"}
    [answer] = ask(site, offered(jpeg(2), "still"))
    with connect(site.dsn) as other, connect(site.dsn) as looking, ThreadPoolExecutor(1) as gateway:
        with other.transaction():
            of = site.value("SELECT media FROM camera_media WHERE kept_at IS NOT NULL")
            other.execute(views.ACCEPT, {**by_whom, "picture": of})
            coming = gateway.submit(put, web, answer, 0, jpeg(2))
            held = "SELECT FROM pg_locks WHERE NOT granted"
            await until(lambda: looking.execute(held).rowcount or coming.done())
        assert coming.result(PATIENCE_S).json()["state"] == "kept"
    assert site.value("SELECT count(*) FROM camera_media") == 2
