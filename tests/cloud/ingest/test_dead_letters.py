"""What cannot be understood is kept and counted, and never stops the next message."""

import pytest

from cloud.ingest import dead_letters
from sitewarden.messages import MAX_BODY_BYTES, Series
from tests.cloud.site import BOOT, birth, delivery, now_ms, raised, readings

YEARS_MS = 3 * 365 * 86_400_000


def named(text: bytes) -> bytes:
    return b'{"v":1,"boot":"' + BOOT.encode() + b'","seq":900,' + text + b"}"


CASES = {
    "garbage": delivery(b"\x00\xff nonsense", channel="readings"),
    "garbage that is named": delivery(named(b'"at":"noon","series":[]'), channel="readings"),
    "version": delivery(b'{"v":99,"boot":"b","seq":1}', channel="readings"),
    "oversized": delivery(b"x" * (MAX_BODY_BYTES + 1), channel="readings"),
    "topic": delivery(readings(1.0), topic="sw/1/dreamt/demo/gw-1/up/readings"),
    "gateway": delivery(readings(1.0), gateway="gw-9"),
    "gateway of an unknown site": delivery(readings(1.0), site="elsewhere"),
    "unknown_point": delivery(readings(1.0, point="crane-7/load")),
    "implausible instant": delivery(readings(1.0, at=2**60)),
    "implausible number": delivery(readings(1e300)),
    "mode": delivery(readings(1.0), mode="test"),
}
RECEIPTED = {
    "garbage that is named",
    "unknown_point",
    "implausible instant",
    "implausible number",
    "mode",
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_kept_and_counted_and_the_next_message_is_stored(site, case):
    site.born()
    site.deliver(CASES[case])
    outcome = site.deliver(CASES[case], good := readings(2.0))
    reason = case.split()[0]
    assert site.rows("SELECT reason, n FROM dead_letter_count") == [(reason, 1)]
    assert site.value("SELECT body FROM dead_letter ORDER BY id LIMIT 1") == CASES[case].body
    assert good.seq in site.seqs(outcome)
    assert site.value("SELECT count(*) FROM reading WHERE value = 200") == 1


@pytest.mark.parametrize("case", CASES)
def test_it_is_receipted_only_where_it_is_named_and_given_up_for_good(site, case):
    outcome = site.born().deliver(CASES[case])
    assert bool(outcome.settled) == (case in RECEIPTED)


def test_the_good_series_of_a_message_with_a_bad_one_are_stored(site):
    series = [Series(p="crane-9/load", t=[0], x=[1.0]), Series(p="crane-1/load", t=[0], x=[2.0])]
    outcome = site.born().deliver(message := readings(series=series))
    assert site.rows("SELECT value FROM reading") == [(200,)]
    assert site.seqs(outcome) == [message.seq]
    assert site.value("SELECT reason FROM dead_letter") == "unknown_point"


def test_a_point_that_even_the_birth_asked_for_does_not_name_is_given_up(site):
    site.born(boot="new")
    message = readings(1.0, point="crane-1/ghost", boot="old")
    assert site.deliver(message).homeless
    site.deliver(birth(boot="new"), now=now_ms())
    site.connection.execute("UPDATE gateway SET birth_received_at = now() + interval '1 s'")
    site.registry.forget()
    assert site.seqs(site.deliver(message)) == [message.seq]
    assert site.value("SELECT reason FROM dead_letter") == "unknown_point"


def test_an_alarm_of_an_unknown_point_opens_its_episode_and_its_hazard(site):
    outcome = site.born().deliver(alarm := raised(point="crane-1/ghost", kind="crane.of_tomorrow"))
    assert site.seqs(outcome) == [alarm.seq]
    assert site.rows("SELECT point, kind FROM episode") == [("crane-1/ghost", "crane.of_tomorrow")]
    assert site.value("SELECT count(*) FROM hazard") == 1
    assert site.value("SELECT count(*) FROM dead_letter") == 0


def test_an_alarm_that_contradicts_itself_is_kept_and_opens_nothing(site):
    site.born().deliver(raised(cleared_at=now_ms()))
    assert site.value("SELECT sum(n) FROM dead_letter_count") == 1
    assert site.value("SELECT count(*) FROM episode") == 0


def test_the_table_is_bounded_and_the_counters_stay_exact(site, monkeypatch):
    monkeypatch.setattr(dead_letters, "KEPT_ROWS", 5)
    site.born()
    for n in range(12):
        site.deliver(delivery(b"nonsense %d" % n, channel="readings"))
    assert site.value("SELECT count(*) FROM dead_letter") == 5
    assert site.rows("SELECT reason, n FROM dead_letter_count") == [("garbage", 12)]


def test_a_stranger_s_site_name_makes_no_row_of_its_own(site):
    for n in range(3):
        site.deliver(delivery(readings(1.0), site=f"stranger-{n}"))
    assert site.rows("SELECT site, reason, n FROM dead_letter_count") == [("", "gateway", 3)]


@pytest.mark.parametrize("mode", ["replay", "drill", "test"])
def test_what_is_not_live_is_kept_and_counted_by_its_mode(site, mode):
    site.deliver(*(delivery(b"nonsense", channel="readings", mode=of) for of in (mode, "live")))
    counted = site.rows("SELECT site, mode, reason, n FROM dead_letter_count ORDER BY mode = 'live'")
    assert counted == [("demo", mode, "garbage", 1), ("demo", "live", "garbage", 1)]
    assert site.rows("SELECT mode FROM dead_letter ORDER BY id") == [(mode,), ("live",)]


def test_a_topic_without_a_mode_counts_in_none(site):
    site.deliver(CASES["topic"])
    assert site.rows("SELECT site, mode, n FROM dead_letter_count") == [("", "", 1)]
    assert site.rows("SELECT mode FROM dead_letter") == [("",)]


def test_a_replay_full_of_nonsense_drives_no_live_letter_out(site, monkeypatch):
    monkeypatch.setattr(dead_letters, "KEPT_ROWS", 5)
    site.deliver(delivery(b"live nonsense", channel="readings"))
    for n in range(12):
        site.deliver(delivery(b"nonsense %d" % n, channel="readings", mode="replay"))
    kept = site.rows("SELECT mode, count(*) FROM dead_letter GROUP BY mode ORDER BY mode")
    assert kept == [("live", 1), ("replay", 5)]
    newest = site.rows("SELECT body FROM dead_letter WHERE mode = 'replay' ORDER BY id")
    assert newest == [(b"nonsense %d" % n,) for n in range(7, 12)]


def test_a_topic_of_any_length_and_letters_is_kept(site):
    site.deliver(delivery(readings(1.0), topic="sw/1/live/demo/gw-1/up/" + "\U0001f3d7\x00" * 9000))
    assert site.rows("SELECT reason, n FROM dead_letter_count") == [("topic", 1)]
