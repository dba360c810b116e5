"""Records that were sent although the disk took no note of it: they stay as they were sent."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge import compaction, shrinking
from edge.outbox import LaneFile, Record
from edge.recorder import batch_of
from sitewarden.messages import Alarm, Readings, decode
from sitewarden.readings import Reading
from tests.edge.test_outputs import alarm

YEARS_AGO = 1_600_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LaneFile]:
    file = outbox(tmp_path)
    yield file
    file.close()


def outbox(folder: Path) -> LaneFile:
    return LaneFile(folder / "readings.db", boot="boot-1", synchronous="NORMAL", max_bytes=2**29)


def poll(number: int) -> Readings:
    return batch_of([Reading("crane-1/load", YEARS_AGO + number, float(number))])


@contextmanager
def refusing(file: LaneFile) -> Iterator[None]:
    """As a disk that takes nothing for a while."""
    db = file._store._db
    db.execute("PRAGMA query_only = 1")
    yield
    db.execute("PRAGMA query_only = 0")


def taken(file: LaneFile, *, backlog: bool = False) -> list[Record]:
    return file.take(1, 99, 99, size=2**20, backlog=backlog)


def compacted(file: LaneFile) -> None:
    while file.compact():
        pass


def old(file: LaneFile, count: int) -> None:
    """Records that were written long ago and under a clock that was set since."""
    file.append([poll(number) for number in range(count)], {})
    with file._store.transaction():
        for row in file._store.rows("seq > 0"):
            file._store.replace(row._replace(at_ms=YEARS_AGO))
    file.shift(1000)


def test_sent_again_they_are_as_they_were_whatever_is_done_and_marked_meanwhile(file: LaneFile) -> None:
    old(file, 3)
    with refusing(file):
        first = taken(file, backlog=True)
        assert all(decode(record.body, Readings).hist for record in first)
        assert taken(file) == first
    file.shift(7)
    assert taken(file) == first  # and now they are marked
    assert not file._unmarked
    file.shift(7)
    compacted(file)
    assert taken(file) == first
    assert file.delete("boot-1", [(1, 9)]) == [1, 2, 3]


@pytest.mark.parametrize("way", ["memory", "broken"])
def test_they_are_not_merged_after_a_time_in_memory_or_in_a_new_file(
    file: LaneFile, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(compaction, "POLLS", 4)
    monkeypatch.setattr(shrinking, "MERGE_AFTER_MS", -1)
    old(file, 8)
    with refusing(file):
        first = file.take(2, 3, 2, size=2**20)
    if way == "memory":
        file.go_on_in_memory()
        assert file.come_back()
    else:
        broken = sqlite3.DatabaseError()
        broken.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        file.set_aside_if_broken(broken)
    file._shrinking.grew(0, 100)
    compacted(file)
    assert file.take(2, 3, 2, size=2**20) == first
    assert file.delete("boot-1", [(1, 3)]) == [2, 3]
    left = [decode(record.body, Readings) for record in taken(file)]
    assert sorted(x for m in left for s in m.series for x in s.x if x is not None) == [0, 3, 4, 5, 6, 7]


def test_a_commit_that_failed_and_is_there_all_the_same_is_replaced_by_what_memory_holds(
    tmp_path: Path,
) -> None:
    file = outbox(tmp_path)
    file.append([poll(0)], {})
    file.go_on_in_memory()
    ghost = outbox(tmp_path)  # what a commit left whose fsync failed
    ghost.append([poll(70), poll(80)], {})
    ghost.shift(5)
    ghost.close()
    file.append([poll(1)], {})
    file.append([poll(2)], {})
    file.shift(9)
    assert file.delete("boot-1", [(2, 2)]) == []
    assert file.come_back()
    kept = [decode(record.body, Readings) for record in taken(file)]
    assert [(m.seq, m.series[0].x[0], m.moved_ms) for m in kept] == [(1, 0.0, 9), (2, 1.0, 9), (3, 2.0, 9)]
    assert (file.state.depth, file.state.waiting, file.state.written) == (3, 3, 3)
    file.close()


def test_alarms_that_are_carried_into_memory_are_put_right_there_too(tmp_path: Path) -> None:
    file = LaneFile(tmp_path / "a.db", boot="boot-1", synchronous="FULL", max_bytes=2**29, declares=False)
    file.append([alarm(3)], {})
    file.shift(5000)
    file.go_on_in_memory()
    (record,) = taken(file)
    assert decode(record.body, Alarm).moved_ms == 5000
    assert file.come_back()
    assert taken(file) == [record]
    file.close()
