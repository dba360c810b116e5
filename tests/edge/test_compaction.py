"""What old records become: the same readings merged, then fewer of them, and always a gap that says so."""

from hypothesis import given
from hypothesis import strategies as st

from edge import compaction
from edge.recorder import batch_of
from sitewarden.messages import Alarm, Gap, Readings, WorkCycle, decode, encode_packed, readings_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.edge.test_outputs import alarm

MINUTE = 60_000


def message(*readings: Reading, **fields: object) -> Readings:
    made = batch_of(list(readings))
    return Readings(
        **{"boot": "b", "seq": 1, "at": made.at, "series": made.series, **fields}  # type: ignore[arg-type]
    )


def values(point: str, *numbers: float | None, at_ms: int = 0, step_ms: int = 100) -> list[Reading]:
    return [
        Reading(point, at_ms + i * step_ms, x, Quality.GOOD if x is not None else Quality.TIMEOUT)
        for i, x in enumerate(numbers)
    ]


def unpacked(messages: list[Readings]) -> list[Reading]:
    return sorted((r for m in messages for r in readings_of(m.series, m.at)), key=str)


some = st.lists(
    st.builds(
        Reading,
        st.sampled_from(["c/a", "c/b", "d/a"]),
        st.integers(0, 10 * MINUTE),
        st.integers(-500, 500).map(lambda k: k / 100),
    ),
    min_size=1,
    max_size=50,
)


@given(st.lists(some, min_size=1, max_size=6))
def test_merged_readings_are_the_same_in_fewer_messages(batches: list[list[Reading]]) -> None:
    messages = [message(*batch) for batch in batches]
    merged = list(compaction.merged(messages))
    assert unpacked(merged) == unpacked(messages)
    assert len(merged) == 1
    assert merged[0].hist


def test_what_others_had_dated_stays_when_the_gateway_s_clock_is_set() -> None:
    kept = message(*values("c/a", 1.0), hist=True)
    assert compaction.moved(kept, 86_400_000) == kept
    live = message(*values("c/a", 1.0, at_ms=9000), mono=500)
    assert compaction.moved(live, 1000).at == 10_000


@given(some, some)
def test_what_is_thinned_or_aggregated_and_its_gap_are_all_that_was(
    one: list[Reading], other: list[Reading]
) -> None:
    messages = [message(*one), message(*other)]
    for before, after in (
        (messages[:1], compaction.thinned(messages[0])),
        (messages, compaction.aggregated(messages)),
    ):
        kept, gone = unpacked([after.message]), unpacked(before)
        for reading in kept:
            gone.remove(reading)
        assert len(gone) == (after.gap.count if after.gap else 0)
        for reading in gone:
            assert after.gap is not None
            assert after.gap.from_at <= reading.at_ms <= after.gap.to_at
            assert reading.point in after.gap.points


def test_points_read_together_stay_side_by_side_and_a_message_stays_small() -> None:
    cranes = [[f"crane-{n}/p{p}" for p in range(20)] for n in range(10)]
    polls = [
        message(*(Reading(point, 100 * k + n, k * 0.01) for n, crane in enumerate(cranes) for point in crane))
        for k in range(300)
    ]
    merged = list(compaction.merged(polls))
    assert len(merged) == 10
    assert all(compaction.polls(m) == 300 for m in merged)
    assert sum(len(encode_packed(m)) for m in merged) / (300 * 200) < 0.5


def test_thinning_takes_every_second_poll() -> None:
    kept = compaction.thinned(message(*values("c/a", 1.0, 2.0, 3.0, 4.0, 5.0), *values("c/b", 1.0)))
    assert [r.value for r in readings_of(kept.message.series, kept.message.at)] == [1.0, 3.0, 5.0, 1.0]
    assert kept.gap == Gap(from_at=100, to_at=300, count=2, reason="thinned", points=["c/a"])


def test_a_minute_keeps_its_least_its_greatest_and_the_first_of_each_bad_quality() -> None:
    first = values("c/a", 5.0, 1.0, None, None, 9.0, 3.0)
    stale = [Reading("c/a", 700 + i, 2.0, Quality.STALE) for i in range(2)]
    later = values("c/a", 4.0, 4.0, at_ms=MINUTE)
    kept = compaction.aggregated([message(*first), message(*stale), message(*later)])
    assert [
        (r.at_ms, r.value, r.quality.word) for r in readings_of(kept.message.series, kept.message.at)
    ] == [
        (100, 1.0, "good"),
        (200, None, "timeout"),
        (400, 9.0, "good"),
        (700, 2.0, "stale"),
        (MINUTE, 4.0, "good"),
    ]
    assert kept.gap is not None
    assert kept.gap.count == 5


def test_what_differs_beside_the_readings_does_not_go_together() -> None:
    one = message(*values("c/a", 1.0), mono=500, clock="synced")
    assert compaction.go_together(one, message(*values("c/a", 1.0, at_ms=9000), mono=9500, clock="synced"))
    for other in (
        message(*values("c/a", 1.0), mono=500, clock="unsynced"),
        message(*values("c/a", 1.0), mono=500, clock="synced", moved_ms=5),
        message(*values("c/a", 1.0), mono=500, clock="synced", boot="another"),
        message(*values("c/a", 1.0), clock="synced"),
        message(*values("c/a", 1.0, at_ms=9000), mono=500, clock="synced"),
    ):
        assert not compaction.go_together(one, other)


def test_the_boots_clock_of_a_merged_record_is_that_of_its_first_reading() -> None:
    late = message(*values("c/a", 2.0, at_ms=9000), mono=9500)
    (merged,) = compaction.merged([late, message(*values("c/a", 1.0, at_ms=1000), mono=1500)])
    assert (merged.at, merged.mono) == (1000, 1500)


def gap(first: int, count: int, *points: str, reason: compaction.Reason = "thinned") -> Gap:
    return Gap(from_at=first, to_at=first + 10, count=count, reason=reason, points=list(points))


def test_near_gaps_of_one_kind_are_one_and_others_stay() -> None:
    far = gap(10 * MINUTE, 4, "c/a")
    other = gap(0, 8, "c/a", reason="evicted")
    found = compaction.coalesced([gap(100, 2, "c/a"), far, other, gap(0, 1, "c/a"), gap(0, 16, "c/b")])
    joined = Gap(from_at=0, to_at=110, count=3, reason="thinned", points=["c/a"])
    assert sorted(found, key=str) == sorted([joined, far, other, gap(0, 16, "c/b")], key=str)


def test_many_gaps_grow_together_and_none_is_forgotten() -> None:
    many = [gap(k * 10 * MINUTE, 1, f"c/p{k % 7}") for k in range(500)]
    found = compaction.coalesced(many)
    assert len(found) <= compaction.GAPS
    assert sum(g.count for g in found) == 500
    assert found[0].from_at == 0
    assert max(g.to_at for g in found) == many[-1].to_at


def test_a_set_clock_moves_every_instant_that_a_message_tells() -> None:
    raised = alarm(3)
    put_right = compaction.moved(raised, 5000)
    assert isinstance(put_right, Alarm)
    assert (put_right.at, put_right.raised_at, put_right.moved_ms) == (
        raised.at + 5000,
        raised.raised_at + 5000,
        5000,
    )
    assert put_right.cleared_at is None
    readings = compaction.moved(message(*values("c/a", 1.0, at_ms=10), gaps=[gap(0, 1)], mono=3), -10)
    assert isinstance(readings, Readings)
    assert (readings.at, readings.gaps[0].from_at, readings.mono, readings.moved_ms) == (0, -10, 3, -10)


def cycle(n: int) -> WorkCycle:
    return WorkCycle(device="c", started_at=n * MINUTE, ended_at=n * MINUTE + 30_000, peak_load=1.5)


def test_lifts_stay_once_each_however_few_readings_remain() -> None:
    one, two = (message(*values("c/a", *[1.0] * 40, at_ms=n * MINUTE), cycles=[cycle(n)]) for n in (1, 2))
    many = [message(*values(f"c/{p}", *[1.0] * 200, at_ms=p), cycles=[cycle(p)]) for p in range(100)]
    for kept in (
        list(compaction.merged([one, two])),
        [compaction.thinned(one).message, compaction.thinned(two).message],
        [compaction.aggregated([one, two]).message],
        list(compaction.parted([one, two]) or ()),
    ):
        assert [c for m in kept for c in m.cycles] == [cycle(1), cycle(2)]
    merged = list(compaction.merged(many))
    assert len(merged) > 1
    assert [c for m in merged for c in m.cycles] == [cycle(p) for p in range(100)]
    assert decode(encode_packed(merged[0]), Readings).cycles == merged[0].cycles


def test_a_lift_is_put_right_with_its_readings_but_not_what_an_earlier_boot_dated() -> None:
    began = message(*values("c/a", 1.0, at_ms=2 * MINUTE), mono=MINUTE + 10_000, cycles=[cycle(1), cycle(0)])
    moved = compaction.moved(began, 7 * MINUTE)
    assert isinstance(moved, Readings)
    assert [(c.started_at, c.ended_at) for c in moved.cycles] == [
        (8 * MINUTE, 8 * MINUTE + 30_000),
        (0, 30_000),
    ]
