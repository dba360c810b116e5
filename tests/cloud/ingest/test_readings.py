"""Readings come twice, late, out of order, and are stored once, exactly."""

import zlib

import msgspec

from cloud.ingest import readings as readings_module
from cloud.ingest.model import Settled, ranges
from cloud.readings.store import Storing
from sitewarden.messages import Block, Gap, Readings, Series, Steps, encode, encode_packed
from sitewarden.quality import Quality
from tests.cloud.site import BOOT, birth, delivery, heartbeat, now_ms, readings


def test_a_reading_rests_as_a_multiple_of_its_resolution(site):
    at = now_ms()
    site.born().deliver(readings(3.15, 0.0, at=at))
    assert site.rows("SELECT value, quality FROM reading ORDER BY at") == [(315, 0), (0, 0)]
    assert site.value("SELECT (extract(epoch FROM min(at)) * 1000)::bigint FROM reading") == at


def test_zero_is_a_reading_and_a_bad_value_is_a_gap(site):
    series = Series(
        p="crane-1/load",
        t=[0, 200, 400],
        x=[0.0, None, 2.0],
        q=[Quality.GOOD, Quality.TIMEOUT, Quality.STALE],
    )
    site.born().deliver(readings(series=[series]))
    assert site.rows("SELECT value, quality FROM reading ORDER BY at") == [
        (0, Quality.GOOD),
        (None, Quality.TIMEOUT),
        (200, Quality.STALE),
    ]


def test_a_message_that_comes_twice_is_stored_once_and_receipted_twice(site):
    message = readings(1.0, 2.0)
    site.born()
    for _ in range(2):
        assert site.seqs(site.deliver(message)) == [message.seq]
    assert site.value("SELECT count(*) FROM reading") == 2
    assert site.value("SELECT readings_committed FROM gateway") == 2


def test_the_same_message_twice_in_one_batch_is_stored_once(site):
    message = readings(1.0, 2.0)
    outcome = site.born().deliver(message, message)
    assert site.value("SELECT count(*) FROM reading") == 2
    assert {settled.seq for settled in outcome.settled} == {message.seq}


def test_the_newest_value_wins_whatever_order_it_comes_in(site):
    at = now_ms()
    site.born().deliver(readings(2.0, at=at))
    site.deliver(readings(1.0, at=at - 60_000))
    assert site.rows("SELECT value FROM newest") == [(200,)]
    site.deliver(readings(3.0, at=at + 1))
    assert site.rows("SELECT value FROM newest") == [(300,)]


def test_readings_held_up_on_the_way_count_as_late(site):
    site.born().deliver(readings(1.0, at=now_ms() - 3_600_000, hist=True), readings(1.0))
    assert site.rows("SELECT readings_committed, readings_late FROM gateway") == [(2, 1)]


def test_readings_before_the_birth_are_not_receipted_and_ask_for_it(site):
    message = readings(1.0)
    outcome = site.deliver(message)
    assert outcome.settled == []
    assert [key.gateway for key, _ in outcome.homeless] == ["gw-1"]
    site.born()
    assert site.seqs(site.deliver(message)) == [message.seq]


def test_the_birth_in_the_same_batch_is_taken_first(site):
    message = readings(1.0)
    assert site.seqs(site.deliver(message, birth())) == [message.seq]


def test_a_point_of_an_earlier_boot_is_stored_though_it_is_gone_now(site):
    site.born(boot="old", points={"crane-1/slew": "crane.slew"})
    site.born(boot="new", points={"crane-1/load": "crane.load"})
    message = readings(90.0, point="crane-1/slew", boot="old")
    assert site.seqs(site.deliver(message)) == [message.seq]
    assert site.value("SELECT count(*) FROM reading") == 1


def test_a_point_whose_kind_changes_keeps_its_old_readings_apart(site):
    site.born(boot="one", points={"crane-1/x": "crane.load"})
    site.deliver(readings(1.5, point="crane-1/x", boot="one"))
    site.born(boot="two", points={"crane-1/x": "crane.slew"})
    site.deliver(readings(1.5, point="crane-1/x", boot="two"))
    assert site.rows("SELECT kind, value FROM reading JOIN point ON id = point_id ORDER BY kind") == [
        ("crane.load", 150),
        ("crane.slew", 15),
    ]


def test_modes_never_mix(site):
    at = now_ms()
    site.born()
    site.deliver(birth(boot="t"), mode="test")
    site.deliver(readings(1.0, at=at))
    site.deliver(readings(9.0, at=at, boot="t"), mode="test")
    assert site.rows("SELECT mode, value FROM reading JOIN point ON id = point_id ORDER BY mode") == [
        ("live", 100),
        ("test", 900),
    ]


def test_a_boot_has_one_mode(site):
    site.born()
    site.deliver(birth(), heartbeat(), mode="test")
    assert site.rows("SELECT mode, boot FROM gateway WHERE boot IS NOT NULL") == [("live", BOOT)]
    assert site.rows("SELECT reason, n FROM dead_letter_count") == [("mode", 2)]
    assert site.deliver(message := readings(1.0)).settled
    assert message.boot == BOOT


def test_a_heartbeat_of_an_unknown_boot_asks_for_the_birth(site):
    assert site.deliver(heartbeat()).homeless
    site.born()
    assert not site.deliver(heartbeat(written=7)).homeless
    assert site.value("SELECT readings_written FROM gateway") == 7


def test_a_will_of_an_earlier_boot_does_not_put_the_gateway_offline(site):
    site.born(boot="new")
    site.deliver(birth(boot="old", state="offline"))
    assert site.value("SELECT state FROM gateway") == "online"
    site.deliver(birth(boot="new", state="offline"))
    assert site.value("SELECT state FROM gateway") == "offline"


def test_a_retained_birth_does_not_say_that_the_gateway_was_heard_just_now(site):
    hours_ago = now_ms() - 7_200_000
    site.deliver(delivery(birth(at=hours_ago), retained=True))
    assert site.value("SELECT seen_at < now() - interval '1 hour' FROM gateway")


def test_back_fill_in_blocks_is_stored_as_the_same_readings(site):
    at = now_ms()
    message = readings(3.15, 3.16, 0.0, at=at, hist=True)
    site.born().deliver(delivery(encode_packed(message), channel="readings"))
    site.deliver(message)
    assert site.rows("SELECT value, quality FROM reading ORDER BY at") == [(315, 0), (316, 0), (0, 0)]


def gap_record(at: int, *gaps: Gap) -> Readings:
    return Readings(boot=BOOT, seq=77, at=at, series=[], gaps=list(gaps))


def test_a_record_of_gaps_alone_is_stored_once_and_receipted_each_time(site):
    at = now_ms()
    message = gap_record(
        at,
        Gap(from_at=at - 9000, to_at=at - 5000, count=20, reason="thinned", points=["crane-1/load"]),
        Gap(from_at=at - 9000, to_at=at - 5000, count=10, reason="thinned", points=["crane-1/load"]),
        Gap(from_at=at - 4000, to_at=at, count=0, reason="damaged"),
    )
    for _ in range(2):
        assert site.seqs(site.deliver(message)) == [77]
    assert site.rows(
        "SELECT count, reason, points, (extract(epoch FROM to_at - from_at))::int FROM gap ORDER BY place"
    ) == [
        (20, "thinned", ["crane-1/load"], 4),
        (10, "thinned", ["crane-1/load"], 4),
        (0, "damaged", [], 4),
    ]


def test_gaps_and_readings_of_one_record_are_stored_together(site):
    at = now_ms()
    gap = Gap(from_at=at - 5000, to_at=at - 1000, count=3, reason="disk")
    site.born().deliver(readings(1.0, at=at, gaps=[gap]))
    assert site.value("SELECT count(*) FROM reading") == 1
    assert site.value("SELECT sum(count) FROM gap") == 3


def test_a_gap_that_cannot_be_believed_is_a_dead_letter_and_its_neighbour_is_stored(site):
    at = now_ms()
    good = Gap(from_at=at - 5000, to_at=at, count=3, reason="evicted")
    outcome = site.deliver(
        gap_record(at, good, Gap(from_at=5, to_at=at, count=1, reason="damaged")),
    )
    assert site.seqs(outcome) == [77]
    assert site.value("SELECT sum(count) FROM gap") == 3
    assert site.rows("SELECT reason, n FROM dead_letter_count") == [("implausible", 1)]


def test_ranges_name_exactly_the_numbers():
    assert ranges([]) == []
    assert ranges([5, 3, 4, 9, 9, 1]) == [(1, 1), (3, 5), (9, 9)]


def test_a_settled_record_names_gateway_boot_and_number(site):
    outcome = site.born().deliver(readings(1.0, seq=77))
    (settled,) = outcome.settled
    assert settled == Settled(settled.key, BOOT, 77)
    assert tuple(settled.key) == ("live", "demo", "gw-1")


def test_a_batch_of_too_many_rows_is_stored_in_several_transactions(site, monkeypatch):
    monkeypatch.setattr(readings_module, "MOST_ROWS", 4)
    sizes = []
    store = Storing.store
    monkeypatch.setattr(
        Storing, "store", lambda self, c, rows, *rest: sizes.append(len(rows)) or store(self, c, rows, *rest)
    )
    at = now_ms()
    messages = [readings(1.0, 2.0, 3.0, at=at - 1000 * n) for n in range(5)]
    outcome = site.born().deliver(*messages)
    assert sizes == [6, 6, 3]
    assert site.seqs(outcome) == [message.seq for message in messages]
    assert site.value("SELECT count(*) FROM reading") == 15


def test_a_small_body_that_swells_is_a_dead_letter_before_it_is_unpacked(site):
    steps = [Steps(p=f"crane-1/p{p}", e=0, d=[0] * 1000) for p in range(61)]
    blocks = b'"series":[],"blocks":[%s]' % msgspec.json.encode(Block(t=[0] * 1000, s=steps))
    empty = msgspec.structs.replace(readings(1.0), series=[])
    body = zlib.compress(encode(empty).replace(b'"series":[]', blocks))
    outcome = site.born().deliver(delivery(body, channel="readings"), readings(2.0))
    assert [letter.reason for letter in outcome.dead] == ["garbage"]
    assert site.value("SELECT count(*) FROM reading") == 1


def test_what_was_recorded_before_another_configuration_came_is_stored_after_it(site):
    """An outage holds readings back; meanwhile the gateway has got other devices, and tells of them first."""
    site.born(points={"crane-1/load": "crane.load"})
    held_back = readings(1.0)
    site.born(points={"crane-9/load": "crane.load"})
    outcome = site.deliver(held_back, readings(2.0, point="crane-9/load"))
    assert not outcome.dead
    assert site.value("SELECT count(*) FROM reading") == 2
