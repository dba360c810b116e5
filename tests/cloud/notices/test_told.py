"""An alarm that is stored is told, once, to whom it concerns; what became of it is shown as it is."""

import uuid

import msgspec
import psycopg
import pytest

from cloud.database import instant
from cloud.hazards.timers import run_due
from cloud.notices import queue
from cloud.notices.bounds import bounds
from cloud.notices.opening import Telling, tell_of
from sitewarden.rules import HazardProposal
from sitewarden.text import Text
from tests.cloud.site import PROPOSAL, cleared, now_ms, raised

MAJOR = HazardProposal(
    category=PROPOSAL.category, level="major_proposed", potential_accident=PROPOSAL.potential_accident
)


PACE = bounds().pace["dingtalk"]


def elsewhere(n: int, **changes):
    """An alarm of a device of its own: nothing to be folded with others."""
    return raised(device=f"crane-{n}", point=f"crane-{n}/load_ratio", **{"hazard": None, **changes})


def states(site) -> list[tuple]:
    return site.rows("SELECT kind, state, code FROM notice ORDER BY created_at, level DESC, notice")


def test_an_alarm_is_told_once_with_the_record_that_it_opened(site, channel, notify, robot):
    channel()
    channel(name="English", kind="webhook", site=None, language="en", lowest=4)
    site.born()
    alarm = raised()
    site.deliver(alarm)
    site.deliver(cleared(alarm))
    site.deliver(msgspec.structs.replace(alarm, seq=alarm.seq + 10_000))
    notify()
    (said,) = robot.heard
    text = said["text"]["content"]
    number = site.value("SELECT number FROM hazard")
    for word in ("[报警] 示范工地 1号塔机 起重量超过额定值", "104.2%（限值 100%）", number, "工地卫士"):
        assert word in text
    assert f"https://safety.example.com/hazards/{site.value('SELECT id FROM hazard')}" in text
    assert states(site) == [("alarm", "sent", "0")]


def test_a_channel_hears_of_the_very_next_alarm_after_it_was_set_up(site, channel, notify, robot):
    site.born().deliver(raised(family="before"))
    channel()
    after = raised(family="after")
    site.deliver(after)
    notify()
    told = uuid.UUID(after.episode)
    assert site.rows("SELECT about, state FROM notice") == [(f"alarm/{told}", "sent")]


def test_an_alarm_of_a_device_on_trial_is_told_to_nobody(site, channel, notify, robot):
    channel()
    site.born()
    site.deliver(raised(test=True, level=4), raised(level=3))
    notify()
    assert [said["text"]["content"].split("\n")[0][:4] for said in robot.heard] == ["[报警]"]
    assert len(states(site)) == 1


def test_a_danger_that_is_heard_of_late_is_told_as_over(site, channel, notify, robot):
    channel(language="en")
    site.born()
    alarm = raised(at=now_ms() - 3_600_000)
    site.deliver(cleared(alarm))
    site.deliver(alarm)
    notify()
    (said,) = robot.heard
    assert "Over since" in said["text"]["content"]


def test_the_lowest_level_holds_but_for_what_is_suspected_major(site, channel, notify, robot):
    channel(lowest=4)
    site.born()
    site.deliver(raised(level=2, rule="warns"))
    site.deliver(raised(level=3, family="other", hazard=MAJOR))
    notify()
    assert [said["text"]["content"].split("\n")[0][:4] for said in robot.heard] == ["[报警]"]
    assert "疑似重大隐患" in robot.heard[0]["text"]["content"]


def test_a_record_that_was_not_handled_in_time_is_told_in_the_transaction_that_suspects_it(
    site, channel, notify, robot
):
    channel(lowest=4)
    site.born()
    clocked = HazardProposal(
        category=PROPOSAL.category,
        level="general",
        potential_accident=PROPOSAL.potential_accident,
        handling_clock_s=60,
    )
    site.deliver(raised(hazard=clocked))
    later = now_ms() + 120_000

    def tell(connection, told, at_ms):
        sites = site.registry.sites(connection)
        tell_of(connection, Telling(settings=site.settings, sites=sites, now_ms=at_ms), told)

    run_due(site.connection, later, tell)
    notify()
    assert "疑似重大隐患" in robot.heard[0]["text"]["content"]


def test_a_record_is_suspected_major_whatever_is_wrong_with_its_notice(site, channel):
    channel()
    site.born()
    clocked = msgspec.structs.replace(MAJOR, level="general", handling_clock_s=60)
    site.deliver(raised(hazard=clocked))

    def tell(connection, told, at_ms):
        tell_of(connection, Telling(settings=site.settings, sites={}, now_ms=at_ms), told)

    assert run_due(site.connection, now_ms() + 120_000, tell)
    assert site.value("SELECT level FROM hazard") == "major_proposed"


@pytest.mark.parametrize("mode", ["test", "drill", "replay"])
def test_what_is_not_live_is_not_told(site, channel, mode):
    channel(lowest=1)
    site.deliver(raised(), mode=mode)
    assert not states(site)


def test_a_demo_tells_nobody(site, channel, settings):
    channel(lowest=1)
    site.settings = msgspec.structs.replace(settings, demo=True)
    demo = type(site)(site.settings, site.dsn)
    demo.born()
    demo.deliver(raised())
    demo.close()
    assert not states(site)


def test_words_that_cannot_be_told_cost_a_notice_and_never_the_alarm(site, channel):
    channel()
    site.born()
    # A notice whose title the database refuses, whatever the reason may be.
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE notice ADD CONSTRAINT short CHECK (title NOT LIKE '%unlucky%')")
        try:
            site.deliver(raised(label=Text("unlucky", "unlucky")))
        finally:
            owner.execute("ALTER TABLE notice DROP CONSTRAINT short")
    assert site.value("SELECT count(*) FROM episode") == 1
    assert [state[0] for state in states(site)] == ["hazard"], (
        "the record that it opened is told of by itself"
    )


def test_a_flood_is_cut_at_the_bound_and_the_rest_is_counted_in_one_closing_notice(
    site, channel, notify, robot
):
    channel(lowest=1)
    site.born()
    most = PACE.a_minute
    for n in range(most + 5):
        site.deliver(elsewhere(n, level=2))
    site.deliver(raised(level=4, hazard=None))
    notify()
    assert len(robot.heard) == most
    assert robot.heard[0]["text"]["content"].startswith("[危急]"), "the worst first"
    notify(later_ms=1_000)
    assert len(robot.heard) == most
    notify(later_ms=61_000)
    assert robot.heard[-1]["text"]["content"].startswith("[另有 6 条]")
    assert "预警 6 条" in robot.heard[-1]["text"]["content"]
    assert len(robot.heard) == most + 1
    notify(later_ms=130_000)
    assert len(robot.heard) == most + 1


def test_the_gravest_are_never_summed_up_and_have_room_of_their_own_until_the_maker_s_bound(
    site, channel, notify, robot
):
    channel(lowest=1)
    site.born()
    for n in range(PACE.a_minute + 1):
        site.deliver(elsewhere(n, level=2))
    notify()
    assert len(robot.heard) == PACE.a_minute
    for _ in range(8):
        site.deliver(raised(level=4, hazard=None))
    notify(later_ms=500)
    told = [said["text"]["content"] for said in robot.heard[PACE.a_minute :]]
    assert [text.startswith("[危急]") for text in told] == [True] * (PACE.at_most - PACE.a_minute)
    notify(later_ms=61_000)
    told = [said["text"]["content"] for said in robot.heard[PACE.at_most :]]
    assert [text.startswith("[危急]") for text in told] == [True] * 4 + [False]
    assert told[-1].startswith("[另有 1 条]")


def test_what_was_refused_for_good_is_shown_with_its_code_and_not_tried_again(
    site, channel, notify, robot, web
):
    channel()
    site.born()
    robot.answers(errcode=310000, errmsg="keywords not in content")
    site.deliver(raised())
    notify()
    notify(later_ms=3_600_000)
    assert len(robot.heard) == 1
    (shown,) = web.get("/sites/demo/notices").json()["items"]
    assert (shown["state"], shown["code"], shown["answer"]) == (
        "rejected",
        "310000",
        "keywords not in content",
    )
    (of,) = web.get("/sites/demo/channels").json()["items"]
    assert of["last"]["code"] == "310000"


def test_what_may_pass_is_tried_again_after_a_while_and_given_up_after_a_day(site, channel, notify, robot):
    channel()
    site.born()
    robot.answers(errcode=130101, errmsg="send too fast")
    site.deliver(raised())
    notify()
    notify(later_ms=1_000)
    assert (len(robot.heard), states(site)) == (1, [("alarm", "waiting", "130101")])
    notify(later_ms=6_000)
    assert len(robot.heard) == 2
    notify(later_ms=90_000_000)
    assert states(site) == [("alarm", "rejected", "130101")]
    robot.answers(errcode=0)
    notify(later_ms=99_000_000)
    assert len(robot.heard) == 3


def test_what_a_program_was_sending_when_it_died_is_unknown_and_not_sent_twice(site, channel, notify, robot):
    channel()
    channel(kind="webhook", name="receiver")
    site.born()
    site.deliver(raised())
    site.rows("UPDATE notice SET state = 'sending', tried_at = now() - interval '1 hour' RETURNING 1")
    notify()
    found = site.rows("SELECT channel.kind, notice.state FROM notice JOIN channel USING (channel)")
    assert sorted(found) == [("dingtalk", "unknown"), ("webhook", "sent")]
    assert len(robot.heard) == 1


def test_a_channel_that_does_not_answer_holds_up_no_other(site, channel, notify, robot):
    dead = robot.url.replace(str(robot.port), "1")
    channel(name="dead", url=dead)
    channel()
    site.born()
    for n in range(3):
        site.deliver(elsewhere(n))
    notify()
    assert len(robot.heard) == 3
    assert site.value("SELECT count(*) FROM notice WHERE state = 'waiting'") == 3
    assert site.value("SELECT sum(tries) FROM notice WHERE state = 'waiting'") == 1, "left alone for a while"


def test_a_robot_that_took_a_notice_and_said_nothing_is_left_alone_for_a_while(site, channel, notify, robot):
    channel()
    site.born()
    robot.is_silent = True
    for n in range(3):
        site.deliver(elsewhere(n))
    notify()
    assert len(robot.asked) == 1
    robot.is_silent = False
    notify(later_ms=6_000)
    assert [state for _, state, _ in states(site)].count("sent") == 2


def test_an_answer_with_half_a_letter_silences_nobody(site, channel, notify, robot):
    channel()
    site.born()
    robot.says = rb'{"errcode":310000,"errmsg":"\ud800"}'
    site.deliver(raised())
    notify()
    assert states(site) == [("alarm", "rejected", "310000")]


def test_a_clock_that_was_put_back_silences_no_channel(site, channel, notify, robot):
    channel(lowest=1)
    site.born()
    for n in range(PACE.a_minute + 1):
        site.deliver(elsewhere(n, level=2))
    notify(later_ms=3_600_000)
    site.rows("UPDATE channel_pace SET rests_until = now() + interval '1 hour' RETURNING 1")
    notify()
    assert robot.heard[-1]["text"]["content"].startswith("[另有 1 条]"), "the closing notice"
    site.deliver(raised(level=4, hazard=None))
    notify()
    assert robot.heard[-1]["text"]["content"].startswith("[危急]")


def test_two_programs_close_a_count_once(site, channel, notify, robot):
    channel(lowest=1)
    site.born()
    for n in range(PACE.a_minute + 1):
        site.deliver(elsewhere(n, level=2))
    notify()
    later = instant(now_ms() + 90_000)
    (counted,) = queue.uncounted(site.connection, later)
    assert queue.close_count(site.connection, counted["channel"], uuid.uuid4())
    assert not queue.close_count(site.connection, counted["channel"], uuid.uuid4())


def test_the_same_alarm_id_from_nowhere_makes_no_second_notice(site, channel, notify, robot):
    channel()
    site.born()
    episode = uuid.uuid4().hex
    for _ in range(3):
        site.deliver(raised(episode))
    notify()
    assert len(robot.heard) == 1
