"""Two machines under one gateway's name are noticed; one that is started anew, or put in anew, is none."""

import msgspec
import pytest

from tests.cloud.site import BOOT, birth, delivery, heartbeat, now_ms

OTHER = "c" * 32
NOW = now_ms()


def cloned(site) -> bool:
    row = site.connection.execute(
        "SELECT cloned_at FROM gateway WHERE mode = 'live' AND gateway = 'gw-1'"
    ).fetchone()
    return row is not None and row[0] is not None


def told(status, at_s: float):
    """As its own clock has it."""
    return msgspec.structs.replace(status, at=NOW + round(at_s * 1000))


def say(site, status, at_s: float, **more) -> None:
    hear(site, told(status, at_s), at_s, **more)


def hear(site, status, at_s: float, **more) -> None:
    site.deliver(delivery(status, **more)._replace(received_ms=NOW + round(at_s * 1000)))


def test_two_that_take_turns_are_two(site):
    say(site, birth(), 0)
    say(site, birth(OTHER), 10)
    say(site, birth(), 11)
    assert not cloned(site), "a word of the earlier boot may come late"
    say(site, birth(OTHER), 20)
    assert not cloned(site)
    say(site, heartbeat(), 26)
    assert cloned(site)


def test_the_page_shows_it(site, web):
    for at_s, boot in ((-40, BOOT), (-30, OTHER), (0, BOOT)):
        say(site, birth(boot), at_s)
    assert web.get("/sites/demo").json()["gateways"][0]["cloned_at"] is not None
    listed = web.get("/sites/demo/gateways").json()["items"]
    assert [one["cloned_at"] is not None for one in listed] == [True, False]


def test_one_that_is_started_again_and_again_is_one(site):
    for i in range(60):
        boot = f"{i:032x}"
        say(site, birth(boot), 30 * i)
        say(site, heartbeat(boot), 30 * i + 10)
        say(site, birth(boot, state="offline"), 30 * i + 31)
    assert not cloned(site)


def test_one_that_was_put_in_anew_is_one_though_the_old_box_s_birth_is_retained(site):
    say(site, birth(), 0)
    say(site, heartbeat(), 10)
    say(site, birth(OTHER), 3600)
    say(site, birth(), 3640, retained=True)
    say(site, heartbeat(OTHER), 3650)
    assert not cloned(site)


def test_the_old_box_coming_back_beside_the_new_one_is_noticed_after_days(site):
    say(site, birth(), 0)
    say(site, birth(OTHER), 3 * 86_400)
    say(site, birth(), 3 * 86_400 + 60)
    say(site, heartbeat(OTHER), 3 * 86_400 + 80)
    assert cloned(site)


def test_a_copy_of_a_running_machine_is_noticed_by_its_counts(site):
    say(site, birth(), 0)
    for at_s, written in ((10, 1000), (11, 400), (20, 1100)):
        say(site, heartbeat(written=written), at_s)
    assert not cloned(site), "once, an outbox was set aside"
    say(site, heartbeat(written=500), 21)
    assert cloned(site)


@pytest.mark.parametrize("again", [10, 20])
def test_a_heartbeat_that_comes_twice_or_late_says_nothing(site, again):
    say(site, birth(), 0)
    for at_s, written in ((10, 1000), (20, 2000), (30, 3000)):
        say(site, heartbeat(written=written), at_s)
    for _ in range(3):
        earlier = told(heartbeat(written=100 * again), again)
        hear(site, earlier, 31)
    assert not cloned(site)
