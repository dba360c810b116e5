"""Many alarms at once: of each danger people hear at once, of its repeats together, of the gravest singly."""

from cloud.notices.bounds import bounds
from tests.cloud.site import now_ms, raised

FOLDING = bounds().folding
WAIT_MS = FOLDING.group_s[3] * 1000 + 1_000


def texts(robot) -> list[str]:
    return [said["text"]["content"] for said in robot.heard]


def many(site, n: int, *, each: int = 50, **changes) -> None:
    """So many alarms of one crane, of three kinds, as the gateway sends them: by batches."""
    made = [raised(**{"family": f"kind-{i % 3}", "hazard": None, **changes}) for i in range(n)]
    for first in range(0, n, each):
        site.deliver(*made[first : first + each])


def test_of_five_hundred_alarms_in_a_minute_each_channel_gets_one_digest_and_the_gravest_one_by_one(
    site, channel, notify, robot
):
    channel()
    channel(name="second", kind="wecom")
    site.born()
    many(site, 250)
    site.deliver(*(raised(level=4, family="kind-0", hazard=None) for _ in range(3)))
    many(site, 247)
    notify()
    told = texts(robot)
    assert len(told) == 2 * (3 + 3), "of each kind the first, and every one of the gravest"
    assert sum(text.startswith("[危急]") for text in told) == 6
    notify(later_ms=WAIT_MS)
    digests = texts(robot)[12:]
    assert len(digests) == 2
    for text in digests:
        assert text.startswith("[报警] 示范工地 1号塔机 又有 494 条报警")
        assert "× 166" in text
    notify(later_ms=2 * WAIT_MS)
    assert len(robot.heard) == 14
    assert site.value("SELECT count(*) FROM notice WHERE state = 'waiting'") == 0
    assert site.value("SELECT count(*) FROM notice WHERE code = 'digest' AND digest IS NULL") == 0


def test_a_storm_that_goes_on_is_told_of_once_in_ten_minutes(site, channel, notify, robot):
    channel()
    site.born()
    many(site, 60)
    notify()
    notify(later_ms=WAIT_MS)
    assert len(robot.heard) == 3 + 1
    many(site, 40)
    notify(later_ms=3 * WAIT_MS)
    assert len(robot.heard) == 3 + 1, "not again so soon"
    notify(later_ms=WAIT_MS + FOLDING.window_s * 1000 + 1_000)
    assert "又有 40 条报警" in texts(robot)[-1]
    assert len(robot.heard) == 3 + 2


def test_a_graver_alarm_and_another_kind_wait_for_nothing(site, channel, notify, robot):
    channel(lowest=1)
    site.born()
    for level, family in ((2, "a"), (3, "a"), (2, "b"), (4, "a"), (3, "a"), (2, "b")):
        site.deliver(raised(level=level, family=family, hazard=None))
        notify()
    assert [text[:4] for text in texts(robot)] == ["[预警]", "[报警]", "[预警]", "[危急]"]


def test_a_repeat_that_stays_alone_is_told_as_what_it_is(site, channel, notify, robot):
    channel()
    site.born()
    many(site, 4)
    notify()
    assert len(robot.heard) == 3
    notify(later_ms=WAIT_MS)
    assert len(robot.heard) == 4
    assert "起重量超过额定值" in texts(robot)[-1]
    assert "又有" not in texts(robot)[-1]


def test_a_clock_that_was_put_back_keeps_nothing_waiting(site, channel, notify, robot):
    channel()
    site.born()
    site.deliver(raised(hazard=None), raised(hazard=None), now=now_ms() + 7_200_000)
    notify()
    assert len(robot.heard) == 2
