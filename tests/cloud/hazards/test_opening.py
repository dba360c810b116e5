"""What alarms do to records: repeats, storms, records that are open in whatever state."""

import datetime as dt
import threading

import msgspec
import pytest

from cloud.hazards.audit import verify
from tests.cloud.ingest.test_alarms import MAJOR, chain_of, kinds_of
from tests.cloud.site import TestSite, cleared, delivery, now_ms, raised
from tests.cloud.web.serving import changing
from tests.support.waiting import PATIENCE_S

DAY_MS = 86_400_000


def close_all(site, at_ms: int) -> None:
    """As people do it in the end; what they do on the way is tested elsewhere."""
    site.connection.execute(
        """
        UPDATE hazard SET status = 'closed', signal = 'cleared', verified_at = %(at)s, closed_at = %(at)s,
               ended_at = %(at)s
         WHERE ended_at IS NULL
        """,
        {"at": dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)},
    )


def records(site) -> list[tuple]:
    return site.rows("SELECT right(number, 4), repeat_no FROM hazard ORDER BY opened_at")


def test_a_danger_that_comes_back_is_a_new_record_that_names_the_last(site):
    site.born().deliver(raised())
    close_all(site, now_ms())
    site.deliver(raised(), now=now_ms() + DAY_MS)
    first, second = site.rows("SELECT id, repeat_of, repeat_no FROM hazard ORDER BY opened_at")
    assert (first[1:], second[1:]) == ((None, 0), (first[0], 1))
    said = msgspec.json.decode(chain_of(site, second[0])[0].record)["body"]
    assert (said["repeat_of"], said["repeat_no"]) == (str(first[0]), 1)


def test_after_the_window_it_is_no_repeat(site):
    site.born().deliver(raised())
    close_all(site, now_ms())
    site.deliver(raised(), now=now_ms() + 91 * DAY_MS)
    assert [no for _, no in records(site)] == [0, 0]


def test_how_long_a_danger_is_watched_for_is_what_holds_in_its_territory(site):
    with changing(site.connection):
        site.connection.execute(
            """
            INSERT INTO tree_node (tree, kind, name, jurisdiction)
                VALUES ('territory', 'county', '{"zh": "县", "en": "County"}', 'nowhere')
            """
        )
        site.connection.execute("UPDATE tree_node SET path = '/' || node || '/'")
        site.connection.execute("UPDATE site SET territory = (SELECT node FROM tree_node)")
    assert site.registry.sites(site.connection)["demo"].jurisdiction == "nowhere"
    with changing(site.connection):
        site.connection.execute("UPDATE tree_node SET jurisdiction = 'hainan'")
    assert site.registry.sites(site.connection)["demo"].jurisdiction == "hainan"


def test_what_was_no_danger_is_not_repeated(site):
    site.born().deliver(raised())
    site.connection.execute("UPDATE hazard SET ended_at = now(), status = 'rejected'")
    site.deliver(raised())
    assert [no for _, no in records(site)] == [0, 0]


def test_the_third_time_within_the_window_somebody_is_to_look_at_its_level(site):
    site.born()
    for time in range(3):
        site.deliver(raised(), now=now_ms() + time * DAY_MS)
        close_all(site, now_ms() + time * DAY_MS)
    assert [no for _, no in records(site)] == [0, 1, 2]
    ids = [row[0] for row in site.rows("SELECT id FROM hazard ORDER BY opened_at")]
    assert [kinds_of(chain_of(site, one)) for one in ids] == [
        ["opened"],
        ["opened"],
        ["opened", "level_review"],
    ]


@pytest.mark.parametrize("status", ["rectified", "reviewed"])
def test_a_signal_that_comes_back_sends_what_was_rectified_back(site, status):
    site.born().deliver(up := raised())
    site.deliver(cleared(up))
    site.connection.execute("UPDATE hazard SET status = %s, verified_at = now()", [status])
    site.deliver(raised())
    assert site.rows("SELECT status, signal, verified_at FROM hazard") == [("rectifying", "active", None)]
    assert kinds_of(chain_of(site, site.value("SELECT id FROM hazard")))[-1] == "signal_returned"


def test_what_a_person_has_judged_general_stays_so_until_it_gets_worse(site):
    site.born().deliver(raised(hazard=MAJOR, level=3))
    site.connection.execute("UPDATE hazard SET status = 'confirmed', level = 'general'")
    site.deliver(raised(hazard=MAJOR, level=3))
    assert site.value("SELECT level FROM hazard") == "general"
    site.deliver(raised(hazard=MAJOR, level=4))
    assert site.value("SELECT level FROM hazard") == "major_proposed"


def test_no_alarm_takes_back_that_a_person_has_judged_it_major(site):
    site.born().deliver(raised(hazard=MAJOR))
    site.connection.execute("UPDATE hazard SET status = 'confirmed', level = 'major'")
    site.deliver(raised(level=4))
    site.deliver(raised(hazard=MAJOR, level=4))
    assert site.value("SELECT level FROM hazard") == "major"


def test_an_alarm_that_ended_with_its_rule_does_not_clear_the_danger(site):
    site.born().deliver(up := raised())
    site.deliver(cleared(up, ended="orphaned"))
    assert site.value("SELECT signal FROM hazard") == "unknown"


def test_a_storm_makes_one_record_a_danger_and_keeps_every_alarm(site, web):
    site.born()
    storm = [raised(family=f"danger-{n % 4}", seq=20_000 + n) for n in range(500)]
    for start in range(0, len(storm), 50):
        site.deliver(*storm[start : start + 50])
    assert sorted(site.rows("SELECT family, episodes FROM hazard")) == [
        (f"danger-{n}", 125) for n in range(4)
    ]
    assert site.value("SELECT count(*) FROM episode WHERE hazard_id IS NOT NULL") == 500
    assert verify(site.connection, dt.datetime.now(dt.UTC)).breaks == []
    assert len(web.get("/sites/demo/hazards").json()["items"]) == 4
    assert web.get("/sites/demo/alarms?limit=200").status_code == 200


def test_whoever_opens_the_same_danger_at_once_opens_it_once_and_each_is_told(site):
    site.born()
    writers = [TestSite(site.settings, site.dsn) for _ in range(8)]
    alarms, start, told = [raised(seq=30_000 + n) for n in range(8)], threading.Barrier(8), []

    def write(writer: TestSite, alarm) -> None:
        start.wait(PATIENCE_S)
        told.append(writer.seqs(writer.deliver(delivery(alarm))))

    threads = [threading.Thread(target=write, args=both) for both in zip(writers, alarms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    for writer in writers:
        writer.close()
    assert sorted(told) == [[alarm.seq] for alarm in alarms]
    assert site.rows("SELECT episodes, right(number, 4) FROM hazard") == [(8, "0001")]


def test_a_raise_and_its_clear_in_one_batch_leave_the_record_cleared(site):
    site.born().deliver(up := raised(), cleared(up), other := raised(), cleared(other))
    assert site.rows("SELECT episodes, signal FROM hazard") == [(2, "cleared")]
