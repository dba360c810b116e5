"""Alarms: every transition once, episodes whole in any order of parts, one hazard record a danger."""

import datetime as dt
import itertools
import threading
import uuid
from uuid import UUID

import msgspec
import pytest

from cloud.alarms.store import episodes_by_id
from cloud.database import milliseconds
from cloud.hazards.chain import Link, first_broken
from cloud.hazards.store import hazards_by_id
from sitewarden.rules import HazardProposal
from sitewarden.rules.model import Clause
from sitewarden.text import Text
from tests.cloud.site import PROPOSAL, TestSite, acknowledged, birth, cleared, now_ms, raised
from tests.support.waiting import PATIENCE_S

MAJOR = msgspec.structs.replace(
    PROPOSAL,
    level="major_proposed",
    clause=Clause(edition="2024", id="8-4", text="安全装置失效"),
)


def chain_of(site, hazard) -> list[Link]:
    rows = site.rows(
        "SELECT seq, record, prev_hash, hash FROM hazard_event WHERE hazard_id = %s ORDER BY seq", hazard
    )
    return [Link(seq=s, record=r, prev_hash=p, hash=h) for s, r, p, h in rows]


def kinds_of(chain: list[Link]) -> list[str]:
    return [msgspec.json.decode(link.record)["kind"] for link in chain]


def test_an_alarm_opens_a_hazard_record_in_words_of_both_languages(site):
    at = milliseconds(dt.datetime(2026, 11, 18, 16, 30, 5, tzinfo=dt.UTC))  # the 19th on the site
    site.born().deliver(raised(at=at), now=at + 500)
    assert site.rows(
        "SELECT number, status, level, signal, category->>'zh', content->>'zh', content->>'en' FROM hazard"
    ) == [
        (
            "demo-20261119-0001",
            "candidate",
            "general",
            "active",
            "起重机械",
            (
                "1号塔机：起重量超过额定值。起重量百分比最不利值 104.2 %，限值 100.0 %；"
                "2026-11-19 00:30:05 起，仍在持续。"
            ),
            (
                "Tower crane 1: Load above rated. Load ratio at worst 104.2 %, limit 100.0 %; "
                "from 2026-11-19 00:30:05, still going on."
            ),
        )
    ]


def test_duplicates_change_nothing_and_are_receipted_again(site):
    alarm = raised()
    site.born()
    for _ in range(3):
        assert alarm.seq in site.seqs(site.deliver(alarm, alarm))
    assert site.value("SELECT count(*) FROM alarm_transition") == 1
    assert site.value("SELECT episodes FROM hazard") == 1
    assert site.value("SELECT count(*) FROM hazard_event") == 1
    assert site.value("SELECT count(*) FROM live_event") == 2


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 1, 0])), ids=str)
def test_raise_and_clear_in_any_order_and_twice_make_one_episode(site, order):
    up = raised()
    parts = (up, cleared(up))
    site.born()
    for which in order:
        site.deliver(parts[which])
    assert site.rows(
        "SELECT value, peak, cleared_at IS NOT NULL, evidence ? 'raised', evidence ? 'cleared' FROM episode"
    ) == [(104.2, 106.0, True, True, True)]
    assert site.rows("SELECT episodes, signal FROM hazard") == [(1, "cleared")]


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2, 1])), ids=str)
def test_an_acknowledgement_in_any_order_and_twice_is_told_of_its_episode(site, order):
    up = raised()
    known = acknowledged(up)
    down = cleared(up, acknowledged_at=known.acknowledged_at, acknowledged_by="local")
    site.born()
    for which in order:
        site.deliver((up, known, down)[which])
    assert site.rows(
        """
        SELECT value, peak, acknowledged_at - raised_at, acknowledged_by, cleared_at - raised_at, late
          FROM episode
        """
    ) == [(104.2, 106.0, dt.timedelta(seconds=2), "local", dt.timedelta(seconds=5), False)]
    assert site.value("SELECT count(*) FROM alarm_transition") == 3
    assert site.rows("SELECT episodes, signal FROM hazard") == [(1, "cleared")]


def test_an_acknowledgement_alone_leaves_the_danger_standing(site):
    site.born().deliver(up := raised())
    assert site.rows("SELECT acknowledged_at, acknowledged_by FROM episode") == [(None, "")]
    site.deliver(acknowledged(up))
    assert site.rows("SELECT signal, level FROM hazard") == [("active", "general")]
    assert site.value("SELECT cleared_at FROM episode") is None
    assert site.value("SELECT count(*) FROM live_event WHERE kind = 'alarm'") == 2


def test_an_acknowledgement_without_its_instant_is_a_dead_letter(site):
    site.born().deliver(acknowledged(raised(), acknowledged_at=None), raised())
    assert site.value("SELECT count(*) FROM dead_letter WHERE reason = 'garbage'") == 1
    assert site.value("SELECT count(*) FROM episode") == 1


def test_a_clear_that_comes_first_opens_the_record_as_cleared(site):
    up = raised()
    site.born().deliver(cleared(up))
    assert site.rows("SELECT signal FROM hazard") == [("cleared",)]
    site.deliver(up)
    assert site.rows("SELECT signal FROM hazard") == [("cleared",)]
    assert site.value("SELECT value FROM episode") == 104.2


def test_the_peak_below_a_low_limit_is_the_least(site):
    up = raised(value=-3.0, limit=-2.0, peak=-3.0)
    site.born().deliver(up)
    site.deliver(cleared(up, peak=-7.0, value=0.0))
    assert site.value("SELECT peak FROM episode") == -7.0


def test_episodes_of_one_danger_share_one_record_in_which_the_worst_prevails(site):
    site.born().deliver(first := raised(level=3))
    site.deliver(raised(level=4, rule="crane-load-110", hazard=MAJOR, value=112.0, peak=112.0))
    site.deliver(raised(level=2, value=101.0, peak=101.0))
    ((level, worst, episodes, clause, content),) = site.rows(
        "SELECT level, worst_level, episodes, clause, content FROM hazard"
    )
    assert (level, worst, episodes, clause["id"]) == ("major_proposed", 4, 3, "8-4")
    assert "112.0 %" in content["en"]
    site.deliver(cleared(first))
    assert site.value("SELECT signal FROM hazard") == "active"


def test_the_clear_says_how_long_it_lasted(site):
    site.born().deliver(up := raised())
    site.deliver(cleared(up, after_ms=83_000))
    content = site.value("SELECT content FROM hazard")
    assert content["en"].endswith("lasted 1 min 23 s.")
    assert content["zh"].endswith("持续 1 分 23 秒。")


def test_another_device_category_or_family_is_another_danger(site):
    site.born()
    other = msgspec.structs.replace(PROPOSAL, category=Text("基坑", "Foundation pit"))
    site.deliver(raised(), raised(family="wind"), raised(hazard=other), raised(device="crane-2"))
    assert site.value("SELECT count(*) FROM hazard") == 4
    assert sorted(n for (n,) in site.rows("SELECT right(number, 4) FROM hazard")) == [
        "0001",
        "0002",
        "0003",
        "0004",
    ]


def test_after_a_record_is_closed_the_same_danger_opens_a_new_one(site):
    site.born().deliver(up := raised())
    site.connection.execute("UPDATE hazard SET ended_at = now(), status = 'rejected'")
    site.deliver(cleared(up))
    assert site.value("SELECT count(*) FROM hazard") == 1
    site.deliver(raised())
    assert site.value("SELECT count(*) FROM hazard") == 2


@pytest.mark.parametrize("mode", ["test", "replay"])
def test_no_test_and_no_replay_opens_a_record_or_reaches_viewers(site, mode):
    site.deliver(birth(boot="t"), mode=mode)
    site.deliver(raised(boot="t"), mode=mode)
    assert site.rows("SELECT mode, hazard_id FROM episode") == [(mode, None)]
    assert site.value("SELECT count(*) FROM hazard") == 0
    assert site.value("SELECT count(*) FROM live_event") == 0


def test_a_drill_opens_a_record_of_its_own_that_swallows_no_live_alarm(site):
    site.deliver(birth(boot="t"), mode="drill")
    site.deliver(raised(boot="t"), mode="drill")
    site.born().deliver(raised())
    assert site.rows("SELECT mode, report, episodes FROM hazard ORDER BY mode") == [
        ("drill", "not_due", 1),
        ("live", "not_due", 1),
    ]
    shown = site.rows("SELECT kind, body::jsonb->>'mode' FROM live_event ORDER BY id")
    # Of a drill viewers see the record, marked; its alarm calls nobody.
    assert shown == [("hazard", "drill"), ("alarm", "live"), ("hazard", "live")]


def test_an_alarm_that_proposes_nothing_is_an_episode_only(site):
    site.born().deliver(raised(hazard=None))
    assert site.value("SELECT count(*) FROM episode") == 1
    assert site.value("SELECT count(*) FROM hazard") == 0


def test_eight_writers_of_one_danger_make_one_record_with_every_episode(site):
    site.born()
    alarms = [raised(seq=10_000 + n) for n in range(80)]
    writers = [TestSite(site.settings, site.dsn) for _ in range(8)]
    start, failures = threading.Barrier(8), []

    def write(writer: TestSite, part: list) -> None:
        start.wait(PATIENCE_S)
        for alarm in part:
            try:
                writer.deliver(alarm)
            except Exception as exc:
                failures.append(exc)
                raise

    threads = [
        threading.Thread(target=write, args=(writer, alarms[n::8])) for n, writer in enumerate(writers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    for writer in writers:
        writer.close()
    assert failures == []
    assert site.rows("SELECT episodes FROM hazard") == [(80,)]
    assert site.value("SELECT count(DISTINCT hazard_id) FROM episode WHERE hazard_id IS NOT NULL") == 1
    assert site.value("SELECT count(*) FROM episode") == 80
    chain = chain_of(site, site.value("SELECT id FROM hazard"))
    assert first_broken(chain) is None
    assert kinds_of(chain) == ["opened"] + ["episode"] * 79


def test_the_chain_tells_what_was_done_and_holds(site):
    site.born().deliver(up := raised())
    site.deliver(cleared(up))
    chain = chain_of(site, site.value("SELECT id FROM hazard"))
    assert kinds_of(chain) == ["opened", "signal"]
    assert first_broken(chain) is None
    forged = msgspec.structs.replace(chain[0], record=chain[0].record.replace("104.2", "94.2"))
    assert first_broken([forged, *chain[1:]]) == 1
    assert first_broken(chain[1:]) == 1


def test_the_label_of_the_device_is_that_of_its_birth(site):
    site.born().deliver(raised(device="crane-7"))
    assert site.value("SELECT content->>'en' FROM hazard").startswith("crane-7: ")


def test_an_episode_is_late_when_its_raise_came_late(site):
    hour_ago = raised().at - 3_600_000
    site.born().deliver(late := raised(at=hour_ago, raised_at=hour_ago), fresh := raised())
    site.deliver(cleared(fresh, after_ms=1))
    assert dict(site.rows("SELECT id, late FROM episode")) == {
        uuid.UUID(late.episode): True,
        uuid.UUID(fresh.episode): False,
    }


@pytest.mark.parametrize("off_ms", [3_600_000, -56 * 365 * 86_400_000])
def test_an_alarm_of_a_wrong_clock_is_heard_at_its_arrival_and_says_so(site, off_ms):
    alarm = raised(at=now_ms() + off_ms, raised_at=now_ms() + off_ms)
    site.born().deliver(alarm)
    [(raised_at, clock)] = site.rows("SELECT raised_at, clock FROM episode")
    assert abs(milliseconds(raised_at) - now_ms()) < 60_000
    assert clock == "unsynced"
    assert site.value("SELECT count(*) FROM hazard") == 1
    assert site.value("SELECT count(*) FROM dead_letter") == 0


def test_an_episode_ends_though_its_point_has_left_the_configuration(site):
    alarm = raised()
    site.born().deliver(alarm)
    site.deliver(birth("boot-b", points={"crane-1/load": "crane.load"}))
    site.deliver(cleared(alarm, boot="boot-b"))
    assert site.value("SELECT count(*) FROM episode WHERE cleared_at IS NOT NULL") == 1
    assert site.value("SELECT signal FROM hazard") == "cleared"


def test_what_is_pushed_to_pages_is_what_they_would_read(site):
    """It is made of what the transaction has in hand, and nothing is read for it."""
    clocked = HazardProposal(
        category=PROPOSAL.category,
        level="general",
        potential_accident=PROPOSAL.potential_accident,
        clause=Clause(edition="2024", id="5-4", text="有坍塌预兆之一且未及时处理"),
        handling_clock_s=3600,
    )
    site.born()
    first, worse = raised(hazard=clocked, level=2), raised(hazard=clocked, level=4)
    for alarm in (first, worse, cleared(first), cleared(worse)):
        site.deliver(alarm)
        pushed = dict(
            site.rows("SELECT DISTINCT ON (kind) kind, body FROM live_event ORDER BY kind, id DESC")
        )
        (hazard,) = hazards_by_id(site.connection, [site.value("SELECT id FROM hazard")])
        (episode,) = episodes_by_id(site.connection, [UUID(alarm.episode)])
        assert (pushed["hazard"], pushed["alarm"]) == (hazard.model_dump_json(), episode.model_dump_json())
