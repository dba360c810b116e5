"""A lane in its thread: put in at once, written in order, patient with a disk that refuses."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge import lane as lane_module
from edge.clock import Clock
from edge.lane import Lane, open_lane
from edge.recorder import FEW, MANY, Recorder, batch_of
from sitewarden.messages import Readings, decode, readings_of
from sitewarden.readings import Reading
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
    records = await lane.fetch(1, 10**6, 10**6)
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
        await until(lambda: lane.state.depth == 1, within_s=3)
        recorder.add([reading(n) for n in range(FEW)])
        await until(lambda: lane.state.depth == 2, within_s=3)
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
        assert await lane.delete("boot-1", [(2, 2)]) == [2]
    # What had been on disk is there at the next start.
    again = Lane("readings", tmp_path, boot="boot-2")
    assert await held(again) == [0]
    again.close()


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
