"""A lane in its thread: put in at once, written in order, patient with a disk that refuses."""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge import compaction, shrinking
from edge import lane as lane_module
from edge.clock import Clock
from edge.lane import Lane, bound_of, open_lane
from edge.outbox import Record
from edge.recorder import FEW, MANY, Recorder, batch_of
from edge.store import Row
from sitewarden.messages import Readings, decode, readings_of
from sitewarden.readings import Reading
from tests.edge.test_outputs import alarm
from tests.support.waiting import ended, until


def reading(n: int) -> Reading:
    return Reading("crane-1/load", 1000 + n, float(n))


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Lane]:
    lane = Lane("readings", folder, boot="boot-1")
    task = asyncio.create_task(lane.run())
    try:
        yield lane
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        lane.close()


async def held(lane: Lane) -> list[float | None]:
    records = await lane.fetch(1, 2**60, 10**6)
    messages = [decode(record.body, Readings) for record in records]
    return [r.value for m in messages for r in readings_of(m.series, m.at)]


async def test_what_is_put_in_is_written_in_order(tmp_path: Path) -> None:
    async with running(tmp_path) as lane:
        for n in range(5):
            lane.put([batch_of([reading(n)])])
        await lane.flushed()
        assert await held(lane) == [0, 1, 2, 3, 4]
        assert (lane.state.depth, lane.state.written) == (5, 5)
        assert await lane.oldest_at_ms() is not None


async def test_a_disk_that_refuses_is_asked_again_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lane_module, "RETRY_S", 0.01)
    async with running(tmp_path) as lane:
        lane.put([batch_of([reading(0)])])
        await lane.flushed()
        other = sqlite3.connect(tmp_path / "readings.db", isolation_level=None)
        lane._file._store._db.execute("PRAGMA busy_timeout = 1")
        other.execute("BEGIN IMMEDIATE")  # whoever writes now is refused
        for n in range(1, 4):
            lane.put([batch_of([reading(n)])])
        await until(lambda: caplog.text.count("disk refuses") >= 2)
        other.execute("ROLLBACK")
        other.close()
        await lane.flushed()
        assert await held(lane) == [0, 1, 2, 3]
        assert lane.state.dropped == 0


async def test_where_memory_too_is_full_the_oldest_is_given_up_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "WAITING", {"readings": 2})
    lane = Lane("readings", tmp_path, boot="boot-1")
    for n in range(5):
        lane.put([batch_of([reading(n), reading(n + 10)])])
    assert (lane.state.written, lane.state.dropped) == (6, 6)
    task = asyncio.create_task(lane.run())
    await lane.flushed()
    assert await held(lane) == [3, 13, 4, 14]
    assert (lane.state.written, lane.state.dropped) == (10, 6)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    lane.close()


async def test_readings_go_in_batches_of_twenty_or_a_second(tmp_path: Path) -> None:
    async with running(tmp_path) as lane:
        recorder = Recorder(lane, Clock())
        task = asyncio.create_task(recorder.run())
        recorder.add([reading(0)])
        await until(lambda: lane.state.depth == 1)
        recorder.add([reading(n) for n in range(FEW)])
        await until(lambda: lane.state.depth == 2)
        assert lane.state.written == 1 + FEW
        recorder.add([reading(n) for n in range(MANY)])
        await lane.flushed()
        assert lane.state.written == 1 + FEW + MANY
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_disk_that_takes_nothing_any_more_does_not_keep_alarms_from_the_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lane_module, "RETRY_S", 0.001)
    async with running(tmp_path) as lane:
        lane.put([batch_of([reading(0)])], {"episode/1": b"stands"})
        await lane.flushed()
        lane._file._store._db.execute("PRAGMA query_only = 1")  # as a worn card that has turned read-only
        lane.put([batch_of([reading(1)])])
        await lane.flushed()
        assert "goes on in memory" in caplog.text
        assert await held(lane) == [1]
        assert lane.memory == {"episode/1": b"stands"}
        assert (lane.state.depth, lane.state.written, lane.state.next_seq) == (1, 2, 3)
        await lane.take(2, 2, 1, size=1)
        assert await lane.delete("boot-1", [(2, 2)]) == [2]
    # What had been on disk is there at the next start.
    again = Lane("readings", tmp_path, boot="boot-2")
    assert await held(again) == [0]
    again.close()


async def test_what_memory_gave_up_is_told_as_soon_as_the_disk_takes_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "WAITING", {"readings": 2})
    async with running(tmp_path) as lane:
        await lane.flushed()
        for n in range(5):
            lane.put([batch_of([reading(n), reading(n + 10)])])
        lane.shift(500)
        await lane.flushed()
        records = await lane.take(1, 99, 99, size=2**20)
        (told,) = [gap for r in records for gap in decode(r.body, Readings).gaps]
        assert (told.reason, told.count, told.points) == ("disk", 6, ["crane-1/load"])
        assert (told.from_at, told.to_at) == (1500, 1512)
        kept = [r for m in records for r in unpacked(m.body)]
        assert sorted(r.at_ms for r in kept) == [1503, 1504, 1513, 1514]
        assert (lane.state.written, lane.state.dropped) == (10, 6)


def has_written(lane: Lane, count: int) -> bool:
    return lane.state.written >= count


def unpacked(body: bytes) -> list[Reading]:
    message = decode(body, Readings)
    return readings_of(message.series, message.at)


async def test_alarms_go_on_in_memory_and_come_back_to_a_disk_that_takes_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "RETRY_S", 0.001)
    monkeypatch.setattr(lane_module, "COME_BACK_S", 0.02)
    lane = Lane("alarms", tmp_path, boot="boot-1")
    task = asyncio.create_task(lane.run())
    lane.put([alarm(3)], {"episode/1": b"stands"})
    await lane.flushed()
    disk = lane._file._store._db
    disk.execute("PRAGMA max_page_count = 1")  # a full disk
    lane.put([alarm(3)] * 40, {"episode/2": b"stands"})
    await until(lambda: lane._file.is_in_memory)
    await until(lambda: lane.state.depth == 41)
    # All of them go out, also the one that the disk had taken.
    assert [r.seq for r in await lane.take(1, 99, 99, size=2**20)] == list(range(1, 42))
    assert await lane.delete("boot-1", [(1, 30)]) == list(range(1, 31))
    await until(lambda: not lane._file.is_in_memory)
    assert lane.has_returned()
    assert not lane.has_returned()
    assert (lane.state.depth, lane.state.written, lane.state.dropped) == (11, 41, 0)
    assert dict(lane.memory) == {"episode/1": b"stands", "episode/2": b"stands"}
    await ended(task)
    lane.close()
    again = Lane("alarms", tmp_path, boot="boot-2")
    assert [r.seq for r in await again.fetch(1, 99, 99)] == list(range(31, 42))
    again.close()


async def test_readings_left_on_the_disk_are_found_again_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "COME_BACK_S", 0.02)
    async with running(tmp_path) as lane:
        lane.put([batch_of([reading(0)])])
        await lane.flushed()
        await lane._in_thread(lane._file.go_on_in_memory)
        lane.put([batch_of([reading(1)])])
        await until(lambda: lane.state.depth == 2)
        assert await held(lane) == [0, 1]
        assert (lane.state.written, lane.state.next_seq) == (2, 3)


async def test_on_a_full_disk_alarms_are_sent_and_what_readings_lose_is_told(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "RETRY_S", 0.002)
    monkeypatch.setattr(lane_module, "COME_BACK_S", 0.05)
    lanes = [Lane(name, small_disk, boot="boot-1") for name in ("alarms", "readings")]
    alarms, readings = lanes
    tasks = [asyncio.create_task(lane.run()) for lane in lanes]
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free))
    for n in range(300):
        readings.put([batch_of([reading(100 * n + i) for i in range(100)])])
        alarms.put([alarm(3)])
        await until(partial(has_written, alarms, n + 1))
    await alarms.flushed()
    assert len(await alarms.take(1, 999, 999, size=2**30)) == 300
    ballast.unlink()
    await readings.flushed()
    await until(lambda: not any(lane._file.is_in_memory for lane in lanes))
    readings.put([batch_of([reading(-1)])])
    await readings.flushed()
    records = [decode(r.body, Readings) for r in await readings.take(1, 2**20, 2**20, size=2**30)]
    kept = [r for m in records for r in readings_of(m.series, m.at)]
    told = sum(gap.count for m in records for gap in m.gaps)
    assert len(kept) == len(set(kept))
    assert len(kept) + told == 300 * 100 + 1
    assert readings.state.dropped == told
    assert (alarms.state.depth, alarms.state.dropped) == (300, 0)
    await ended(*tasks)
    for lane in lanes:
        lane.close()


def test_readings_leave_a_part_of_the_disk_to_the_alarms(tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(400 * 1024))
    free = shutil.disk_usage(small_disk).free
    assert bound_of("readings", small_disk) == int(0.8 * free)
    assert bound_of("alarms", small_disk) == 64 * 2**20
    (small_disk / "readings.db").write_bytes(bytes(200 * 1024))
    assert bound_of("readings", small_disk) == int(0.8 * free)
    assert bound_of("readings", tmp_path) <= 512 * 2**20


async def test_merging_a_long_outage_holds_up_no_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "MERGE_AFTER_MS", 10**9)
    async with running(tmp_path) as lane:
        for n in range(400):
            lane.put([crane_batch(n)])
            await lane.flushed()
        steps = Steps(lane, monkeypatch)
        monkeypatch.setattr(shrinking, "MERGE_AFTER_MS", -1)
        begun: list[int] = []
        for n in range(400, 440):
            before = len(steps.rows)
            is_merging = lane._file.may_compact
            lane.put([crane_batch(n)])
            await lane.flushed()
            if is_merging:
                begun.append(steps.before_append - before)
            await until(lambda before=before: not lane._file.may_compact or len(steps.rows) > before)  # type: ignore[misc]
        assert len(begun) > 5
        # The one that had been begun when it was put in; and such a step is short.
        assert max(begun) <= 1
        assert max(steps.rows) <= shrinking.STEP_ROWS
        await until(lambda: not lane._file.may_compact)
        assert lane.state.depth < 440
        assert lane.state.waiting == lane.state.written == 440 * 1000


class Steps:
    """How many rows each step of merging reads, and how many steps there were when something was written."""

    def __init__(self, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[int] = []
        self.before_append = 0
        append, compact, understood = lane._file.append, lane._file.compact, lane._file._store.understood

        def written(*given: Any, **more: Any) -> list[Record]:
            self.before_append = len(self.rows)
            return append(*given, **more)

        def counted() -> bool:
            self.rows.append(0)
            return compact()

        def read(row: Row) -> Readings | None:
            self.rows[-1] += 1
            return understood(row)

        monkeypatch.setattr(lane._file, "append", written)
        monkeypatch.setattr(lane._file, "compact", counted)
        monkeypatch.setattr(lane._file._store, "understood", read)


def crane_batch(number: int) -> Readings:
    """Half a second of ten cranes, 20 points each, every 100 ms."""
    return batch_of(
        [
            Reading(f"crane-{c}/p{p}", (number * 5 + k) * 100 + c, ((number + k) * 7 + p) % 50 / 10)
            for k in range(5)
            for c in range(10)
            for p in range(20)
        ]
    )


async def test_a_disk_that_refuses_a_receipt_has_it_given_again(tmp_path: Path) -> None:
    async with running(tmp_path) as lane:
        lane.put([batch_of([reading(0)])])
        await lane.flushed()
        disk = lane._file._store._db
        disk.execute("PRAGMA query_only = 1")
        assert [r.seq for r in await lane.take(1, 9, 9, size=2**20)] == [1]
        assert await lane.delete("boot-1", [(1, 1)]) == []
        disk.execute("PRAGMA query_only = 0")
        assert await lane.delete("boot-1", [(1, 1)]) == [1]


async def test_what_goes_out_at_once_comes_from_memory_and_no_record_between_is_skipped(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as lane:
        lane.sends_at_once = True
        lane.put([batch_of([reading(0)]), batch_of([reading(1)])])
        await lane.flushed()
        lane._lost = compaction.gap_left_by([batch_of([reading(9)])], "disk")
        lane.put([batch_of([reading(2)])])  # under seq 3, and what is lost under 4
        lane.put([batch_of([reading(3)])])
        await lane.flushed()
        asked: list[int] = []
        take = lane._file.take
        lane._file.take = lambda first, *rest, **more: asked.append(first) or take(first, *rest, **more)  # type: ignore[func-returns-value, method-assign]
        sent: list[Record] = []
        while len(sent) < 5:
            sent += await lane.take(len(sent) + 1, 5, 64, size=2**20)
        assert [decode(record.body, Readings).seq for record in sent] == [1, 2, 3, 4, 5]
        assert [bool(decode(record.body, Readings).gaps) for record in sent] == [False] * 3 + [True, False]
        assert asked == [4]
        assert await lane.delete("boot-1", [(1, 5)]) == [1, 2, 3, 4, 5]


async def test_without_any_disk_records_wait_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "readings.db").mkdir()
    lane = open_lane("readings", tmp_path, boot="boot-1")
    assert "no outbox on disk" in caplog.text
    task = asyncio.create_task(lane.run())
    lane.put([batch_of([reading(7)])])
    await lane.flushed()
    assert await held(lane) == [7]
    await ended(task)
    lane.close()
