"""What one channel does not get there goes by its second one, once, and both are shown."""

import pytest

from tests.cloud.notices.others import Robot
from tests.cloud.site import raised


@pytest.fixture
def broken():
    made = Robot()
    yield made
    made.close()


def shown(web) -> list[tuple]:
    items = web.get("/sites/demo/notices").json()["items"]
    return sorted((one["channel_name"], one["state"], one["code"]) for one in items)


@pytest.fixture
def two(channel, broken):
    """A robot, and a second channel for it that no alarm goes to by itself."""
    second = channel(name="second", lowest=4)
    return channel(name="first", url=broken.url, fallback=second["id"])


@pytest.mark.usefixtures("two")
def test_what_the_first_refuses_for_good_goes_by_the_second(site, web, notify, robot, broken):
    site.born()
    broken.answers(errcode=310000, errmsg="keywords not in content")
    site.deliver(raised())
    notify()
    notify(later_ms=3_600_000)
    assert (len(broken.asked), len(robot.asked)) == (1, 1)
    assert shown(web) == [("first", "rejected", "310000"), ("second", "sent", "0")]
    (second,) = [one for one in web.get("/sites/demo/notices").json()["items"] if one["instead_of"]]
    assert second["channel_name"] == "second"


@pytest.mark.usefixtures("two")
def test_while_the_first_rests_the_second_tells_and_the_first_is_still_tried(
    site, web, notify, robot, broken
):
    site.born()
    broken.answers(errcode=130101, errmsg="send too fast")
    site.deliver(raised())
    notify()
    site.deliver(raised(family="another", hazard=None))
    notify(later_ms=1_000)
    assert (len(broken.asked), len(robot.asked)) == (1, 2)
    broken.answers(errcode=0)
    notify(later_ms=30_000)
    notify(later_ms=60_000)
    assert (len(broken.asked), len(robot.asked)) == (3, 2)
    assert [state for _, state, _ in shown(web)] == ["sent"] * 4


@pytest.mark.usefixtures("two")
def test_what_may_not_have_arrived_goes_by_the_second_too(site, web, notify, robot, broken):
    site.born()
    broken.is_silent = True
    site.deliver(raised())
    notify()
    assert shown(web) == [("first", "unknown", "no-answer"), ("second", "sent", "0")]


def test_two_channels_that_stand_in_for_each_other_tell_once_each(site, web, channel, notify, robot):
    second = channel(name="second")
    first = channel(name="first", fallback=second["id"])
    given = {name: second[name] for name in ("name", "kind", "language", "lowest", "is_on", "mail")}
    answer = web.put(
        f"/channels/{second['id']}",
        json={**given, "fallback": first["id"]},
        headers={"If-Match": f'"{second["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    site.born()
    robot.answers(errcode=310000, errmsg="no")
    site.deliver(raised())
    notify()
    notify(later_ms=1_000)
    assert len(robot.asked) == 2


def test_a_second_channel_must_be_there_be_another_and_serve_the_same_sites(web, channel):
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    elsewhere = channel(name="north", site="north")
    given = {"name": "x", "kind": "dingtalk", "url": "https://example.com/r", "site": "demo"}
    for fallback in (elsewhere["id"], "00000000-0000-0000-0000-000000000000"):
        answer = web.post("/channels", json={**given, "fallback": fallback})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "fallback")
