"""An outbox that grows: merged without loss, thinned before anything old goes, every loss told."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from edge import compaction, shrinking
from edge.outbox import LaneFile
from edge.recorder import batch_of
from edge.store import AGGREGATED, GAP, MERGED, PLAIN, THINNED
from sitewarden.messages import Alarm, Gap, Readings, decode, readings_of
from sitewarden.readings import Reading
from tests.edge.test_outputs import alarm

KIB = 1024
START_MS = 1_763_650_000_000
POINTS = [f"crane-1/p{n}" for n in range(20)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where the system has that: what is measured here is not the disk."""
    memory = Path("/dev/shm")  # noqa: S108  a temporary directory is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def _old_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "MERGE_AFTER_MS", -1)


def poll(number: int, step_ms: int = 100) -> Readings:
    at_ms = START_MS + number * step_ms
    batch = batch_of([Reading(p, at_ms, ((number * 7 + n * n) % 97) / 100) for n, p in enumerate(POINTS)])
    return msgspec.structs.replace(batch, mono=batch.at)


def outbox(folder: Path, *, max_bytes: int = 2**29, boot: str = "boot-1") -> LaneFile:
    return LaneFile(folder / "readings.db", boot=boot, synchronous="NORMAL", max_bytes=max_bytes)


def forms(file: LaneFile) -> list[int]:
    return [row.form for row in file._store.rows("seq > 0 ORDER BY seq")]


def compact(file: LaneFile) -> None:
    while file.compact():
        pass


def held(file: LaneFile) -> list[Readings]:
    return [decode(record.body, Readings) for record in file.fetch(1, 2**40, 2**40)]


def gaps(file: LaneFile) -> list[Gap]:
    return [gap for message in held(file) for gap in message.gaps]


def test_old_polls_become_one_record_of_three_hundred(folder: Path) -> None:
    file = outbox(folder)
    for n in range(650):
        file.append([poll(n)], {})
    before = [r for m in held(file) for r in readings_of(m.series, m.at)]
    compact(file)
    assert forms(file) == [MERGED, MERGED] + [PLAIN] * 50
    assert [r.seq for r in file.fetch(1, 999, 999)][:3] == [1, 301, 601]
    after = [r for m in held(file) for r in readings_of(m.series, m.at)]
    assert sorted(after) == sorted(before)
    assert (file.state.depth, file.state.waiting, file.state.dropped) == (52, 650 * 20, 0)
    assert sum(len(r.body) for r in file.fetch(1, 600, 2)) / (600 * 20) < 1.5


def test_what_was_offered_is_never_merged(folder: Path) -> None:
    file = outbox(folder)
    for n in range(400):
        file.append([poll(n)], {}, offered=n % 100 == 50)
    taken = file.take(1, 3, 3, size=2**20)
    compact(file)
    assert {row.seq for row in file._store.rows("form = ?", MERGED)} == {4}
    whole = {row.seq for row in file._store.rows("form = ? AND offered = 1", PLAIN)}
    assert whole == {1, 2, 3, 51, 151, 251, 351}
    assert file.fetch(1, 3, 3) == taken


def test_a_receipt_between_two_steps_of_a_merge_is_heeded(folder: Path) -> None:
    file = outbox(folder)
    for n in range(320):
        file.append([poll(n)], {})
    file.compact()
    (record,) = file.take(100, 100, 1, size=2**20)
    file.compact()
    assert file.delete("boot-1", [(100, 100)]) == [100]
    compact(file)
    numbers = sorted({r.at_ms for m in held(file) for r in readings_of(m.series, m.at)})
    gone = decode(record.body, Readings).at
    assert numbers == [START_MS + n * 100 for n in range(320) if START_MS + n * 100 != gone]


def test_the_rest_of_a_former_boot_is_merged_though_it_is_less(folder: Path) -> None:
    file = outbox(folder)
    for n in range(20):
        file.append([poll(n)], {})
    file.close()
    again = outbox(folder, boot="boot-2")
    compact(again)
    assert forms(again) == [MERGED]
    assert {m.boot for m in held(again)} == {"boot-1"}


def test_records_of_another_clock_state_are_merged_apart(folder: Path) -> None:

    file = outbox(folder)
    for n in range(700):
        state = "unsynced" if n < 350 else "synced"
        file.append([msgspec.structs.replace(poll(n), clock=state, mono=n * 100)], {})
    compact(file)
    merged = [decode(row.body, Readings) for row in file._store.rows("form = ? ORDER BY seq", MERGED)]
    assert {m.clock for m in merged} == {"unsynced", "synced"}
    for m in merged:
        assert all(
            (r.at_ms < START_MS + 35_000) == (m.clock == "unsynced") for r in readings_of(m.series, m.at)
        )


def test_a_damaged_record_does_not_keep_the_others_from_being_merged(folder: Path) -> None:
    file = outbox(folder)
    for n in range(640):
        file.append([poll(n)], {})
    file._store._db.execute("UPDATE records SET crc = crc + 1 WHERE seq IN (1, 100)")
    compact(file)
    assert forms(file) == [PLAIN, MERGED, PLAIN, MERGED] + [PLAIN] * 240
    kept = {r.at_ms for m in held(file) for r in readings_of(m.series, m.at)}
    assert kept == {START_MS + n * 100 for n in range(640)} - {START_MS, START_MS + 9900}


def test_what_was_sent_without_a_note_is_not_merged_and_is_sent_again_as_it_was(folder: Path) -> None:
    file = outbox(folder)
    for n in range(640):
        file.append([poll(n)], {})
    disk = file._store._db
    disk.execute("PRAGMA query_only = 1")  # as a card that takes nothing for a while
    sent = file.take(5, 6, 2, size=2**20)
    disk.execute("PRAGMA query_only = 0")
    compact(file)
    assert [row.form for row in file._store.rows("seq IN (5, 6)")] == [PLAIN, PLAIN]
    assert file.take(5, 6, 2, size=2**20) == sent
    assert file.delete("boot-1", [(5, 6)]) == [5, 6]
    assert file.state.waiting == 638 * 20


def test_alarms_are_never_compacted(folder: Path) -> None:
    file = LaneFile(folder / "alarms.db", boot="boot-1", synchronous="FULL", max_bytes=2**29, declares=False)
    for _ in range(700):
        file.append([alarm(3)], {})
    assert not file.may_compact
    assert not file.compact()
    assert file.state.depth == 700


def fill(file: LaneFile, polls: range, step_ms: int = 100) -> None:
    for n in polls:
        file.append([poll(n, step_ms)], {})
        while file.compact():
            pass


def test_where_the_bound_is_reached_the_oldest_are_thinned_then_aggregated_then_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "POLLS", 60)
    file = outbox(folder, max_bytes=100 * KIB)
    seen: list[set[int]] = []
    n = 0
    while file.state.evictions < 5 and n < 60_000:
        fill(file, range(n, n + 300), step_ms=30_000)
        n += 300
        seen.append(set(forms(file)))
        assert file._store.used_bytes() <= (100 + 64 + 16) * KIB
    first = [next(i for i, found in enumerate(seen) if form in found) for form in (THINNED, AGGREGATED)]
    assert first == sorted(first)
    assert file.state.evictions >= 5
    assert [form for form in forms(file) if form != GAP][-1] in {PLAIN, MERGED}, "the newest stay whole"
    kept = [r for m in held(file) for r in readings_of(m.series, m.at)]
    assert len(kept) == len(set(kept)) == file.state.waiting
    assert file.state.written == n * 20 == file.state.waiting + file.state.dropped
    assert sum(gap.count for gap in gaps(file)) == file.state.dropped
    assert {gap.reason for gap in gaps(file)} == {"thinned", "evicted"}
    assert 0 < file.state.thinned < file.state.dropped


def test_of_a_minute_no_more_than_least_and_greatest_remain_whatever_records_it_lay_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "POLLS", 25)
    monkeypatch.setattr(shrinking, "AGGREGATE_READINGS", 1500)
    file = outbox(folder)
    fill(file, range(1000), step_ms=1000)
    with file._store.transaction():
        while file._shrinking._thin(10**6):
            pass
        while file._shrinking._aggregate(10**6):
            pass
    assert set(forms(file)) == {AGGREGATED, GAP}
    kept = [r for m in held(file) for r in readings_of(m.series, m.at)]
    per_minute = Counter((r.point, r.at_ms // 60_000) for r in kept)
    assert len(per_minute) == 20 * len({r.at_ms // 60_000 for r in kept})
    assert max(per_minute.values()) <= 2
    assert sum(gap.count for gap in gaps(file)) + len(kept) == 20_000 == file.state.written


def test_a_gap_record_is_never_dropped_and_grows_until_it_is_sent(folder: Path) -> None:
    file = outbox(folder)
    for n in range(30):
        file.append([poll(n)], {})
    for _ in range(5):
        file.make_room()
    assert forms(file).count(GAP) == 1
    told = gaps(file)
    assert [(gap.reason, gap.count) for gap in told] == [("evicted", 100)]
    file.take(1, 99, 99, size=2**20)
    file.make_room()
    assert forms(file).count(GAP) == 2
    assert sum(gap.count for gap in gaps(file)) == 120
    for _ in range(40):
        file.make_room()
    assert set(forms(file)) == {GAP}
    assert sum(gap.count for gap in gaps(file)) == 600 == file.state.dropped


def test_alarms_beyond_their_bound_are_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = LaneFile(
        folder / "alarms.db", boot="boot-1", synchronous="FULL", max_bytes=64 * KIB, declares=False
    )
    for _ in range(200):
        file.append([alarm(3)], {})
    assert file.state.dropped == file.state.evictions == 200 - file.state.depth > 0
    assert "outbox full, oldest dropped" in caplog.text


def test_thinning_holds_up_an_append_for_a_moment_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "SHED_S", 0.0)
    file = outbox(folder)
    fill(file, range(3000))
    file._shrinking._max_bytes = int(file._store.used_bytes() * 0.99)
    thinned = []
    for n in range(3000, 3040):
        file._shrinking._unchecked_bytes = 2**29
        file.append([poll(n)], {})
        thinned.append(forms(file).count(THINNED))
    assert max(b - a for a, b in pairwise(thinned)) <= 1


def test_the_reason_words_are_those_of_the_wire() -> None:
    assert compaction.Reason.__args__ == Gap.__annotations__["reason"].__args__  # type: ignore[attr-defined]


def test_a_set_clock_puts_right_what_was_never_sent_and_nothing_else(folder: Path) -> None:
    file = outbox(folder)
    file.append([poll(0)], {}, offered=True)
    file.append([poll(1), poll(2)], {})
    file.take(2, 2, 1, size=1)
    file.shift(5000)
    file.shift(-1000)
    file.append([poll(3)], {})
    file.close()
    again = outbox(folder, boot="boot-2")
    sent = [decode(r.body, Readings) for r in again.take(1, 9, 9, size=2**20)]
    assert [m.at - START_MS for m in sent] == [0, 100, 4200, 300]
    assert [m.moved_ms for m in sent] == [0, 0, 4000, 0]
    assert [decode(r.body, Readings) for r in again.take(1, 9, 9, size=2**20)] == sent


def test_a_shift_and_a_merge_put_right_once(folder: Path) -> None:
    file = outbox(folder)
    for n in range(310):
        file.append([poll(n)], {})
    file.shift(3_600_000)
    for n in range(310, 640):
        file.append([poll(n)], {})
    compact(file)
    file.shift(7)
    found = [decode(r.body, Readings) for r in file.take(1, 2**20, 2**20, size=2**30)]
    instants = {r.at_ms: m.moved_ms for m in found for r in readings_of(m.series, m.at)}
    early = {START_MS + n * 100 + 3_600_007: 3_600_007 for n in range(310)}
    late = {START_MS + n * 100 + 7: 7 for n in range(310, 640)}
    assert instants == early | late


def test_alarms_are_put_right_too(folder: Path) -> None:

    file = LaneFile(folder / "alarms.db", boot="boot-1", synchronous="FULL", max_bytes=2**29, declares=False)
    raised = alarm(3)
    file.append([raised], {})
    file.shift(1234)
    (record,) = file.take(1, 9, 9, size=2**20)
    sent = decode(record.body, Alarm)
    assert (sent.at, sent.raised_at, sent.moved_ms) == (raised.at + 1234, raised.raised_at + 1234, 1234)


def test_a_shift_between_two_steps_of_a_merge_reaches_every_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "POLLS", 8)
    monkeypatch.setattr(shrinking, "STEP_ROWS", 2)
    monkeypatch.setattr(shrinking, "MERGE_AFTER_MS", -1)
    for steps in range(1, 7):
        file = LaneFile(tmp_path / f"{steps}.db", boot="boot-1", synchronous="NORMAL", max_bytes=2**29)
        for number in range(12):
            batch = batch_of([Reading("crane-1/load", 1000 * number, float(number))])
            # As live ones are, with the instant of the boot's own clock.
            file.append([msgspec.structs.replace(batch, mono=1000 * number)], {})
        for _ in range(steps):
            file.compact()
        file.shift(500)
        while file.compact():
            pass
        messages = [decode(r.body, Readings) for r in file.take(1, 99, 99, size=2**20)]
        assert len(messages) < 12
        assert {m.moved_ms for m in messages} == {500}
        read = sorted((r.at_ms, r.value) for m in messages for r in readings_of(m.series, m.at))
        assert read == [(1000 * number + 500, number) for number in range(12)]
        file.close()
