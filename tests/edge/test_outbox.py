"""The outbox's file: nothing leaves it but by receipt, by a counted bound, or set aside and declared."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec
import pytest

from edge.outbox import LaneFile
from edge.recorder import batch_of
from edge.salvage import checksum
from sitewarden.messages import Gap, Readings, decode, encode
from sitewarden.readings import Reading

MIB = 1024 * 1024


def batch(value: float, count: int = 3) -> Readings:
    return batch_of([Reading("crane-1/load", 1000 + i, value) for i in range(count)])


def lane_file(folder: Path, boot: str = "boot-1", max_bytes: int = MIB) -> LaneFile:
    return LaneFile(folder / "readings.db", boot=boot, synchronous="NORMAL", max_bytes=max_bytes)


def held(file: LaneFile) -> list[Readings]:
    """Everything that waits, gap records too."""
    return [decode(record.body, Readings) for record in file.fetch(1, 1_000_000, 1_000_000)]


def seqs(file: LaneFile) -> list[int]:
    """Of the records that hold readings."""
    return [message.seq for message in held(file) if message.series]


def gaps(file: LaneFile) -> list[Gap]:
    return [gap for message in held(file) for gap in message.gaps]


def test_a_record_carries_its_seq_and_the_boot_that_wrote_it(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(1.0), batch(2.0)], {})
    bodies = [decode(record.body, Readings) for record in file.fetch(1, 9, 9)]
    assert [(body.boot, body.seq, body.series[0].x[0]) for body in bodies] == [
        ("boot-1", 1, 1.0),
        ("boot-1", 2, 2.0),
    ]


def test_a_receipt_deletes_exactly_what_it_names(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(float(i)) for i in range(10)], {}, offered=True)
    assert sorted(file.delete("boot-1", [(2, 3), (7, 7), (40, 50)])) == [2, 3, 7]
    assert seqs(file) == [1, 4, 5, 6, 8, 9, 10]
    assert file.state.depth == 7
    assert file.delete("another-boot", [(1, 10)]) == []
    assert file.delete("boot-1", [(2, 3)]) == []
    assert file.delete("boot-1", [(-(2**70), 2**70), (2**70, 2**71), (0, 0)]) == []
    assert file.state.depth == 7


def test_a_receipt_for_what_was_never_sent_deletes_nothing(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(float(i)) for i in range(10)], {})
    file.take(3, 5, 2, size=2**20)
    assert file.delete("boot-1", [(1, 2**62)]) == [3, 4]
    assert seqs(file) == [1, 2, 5, 6, 7, 8, 9, 10]


def test_a_restart_keeps_records_counters_and_memory_and_gives_no_seq_twice(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(1.0), batch(2.0)], {"a": b"1", "b": b"2"}, offered=True)
    file.delete("boot-1", [(1, 2)])
    file.append([], {"a": None})
    file.close()
    again = lane_file(tmp_path, boot="boot-2")
    assert (again.state.depth, again.state.written, again.memory) == (0, 6, {"b": b"2"})
    again.append([batch(3.0)], {}, offered=True)
    assert seqs(again) == [3]
    assert again.delete("boot-1", [(3, 3)]) == []
    assert again.delete("boot-2", [(3, 3)]) == [3]


def test_records_and_memory_stand_together_or_not_at_all(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(1.0)], {"episode": b"raised"})
    before = file.state
    with pytest.raises(sqlite3.Error):
        file.append([batch(2.0)], {"episode": None, "broken": object()})  # type: ignore[dict-item]
    file.append([], {})
    assert (file.state, file.memory) == (before, {"episode": b"raised"})
    assert seqs(file) == [1]


def test_a_kill_between_two_appends_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(1.0)], {"k": b"v"})
    # Not closed: what a killed process leaves behind is opened beside it.
    again = lane_file(tmp_path, boot="boot-2")
    assert (seqs(again), again.memory, again.state.written) == ([1], {"k": b"v"}, 3)


def test_a_damaged_record_is_set_aside_counted_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = lane_file(tmp_path)
    file.append([batch(float(i)) for i in range(4)], {})
    with sqlite3.connect(tmp_path / "readings.db") as db:
        db.execute("UPDATE records SET body = zeroblob(length(body)) WHERE seq IN (1, 3)")
    db.close()
    assert seqs(file) == [2, 4]
    assert (file.state.depth, file.state.dropped) == (3, 6)
    assert gaps(file) == [Gap(from_at=1000, to_at=1002, count=6, reason="damaged")]
    assert caplog.text.count("damaged record set aside") == 2
    file.close()
    again = lane_file(tmp_path)
    assert (again.state.depth, again.state.dropped) == (3, 6)


def test_where_every_record_of_a_range_is_damaged_the_next_come(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(float(i)) for i in range(4)], {})
    with sqlite3.connect(tmp_path / "readings.db") as db:
        db.execute("UPDATE records SET crc = crc + 1 WHERE seq <= 2")
    db.close()
    assert [record.seq for record in file.fetch(1, 4, 2)] == [3, 4]


def test_a_full_disk_can_be_given_room(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    large = batch_of([Reading("crane-1/load", i * 7919 % 100_000, i * 0.37) for i in range(2000)])
    file.append([large] * 20, {})
    pages = file._store._db.execute("PRAGMA page_count").fetchone()[0]
    file._store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        file.append([large] * 10, {})
    before = file.state
    file.make_room()
    file.append([large], {})
    assert file.state.dropped == before.dropped + 2000
    assert [(gap.reason, gap.count) for gap in gaps(file)] == [("evicted", 2000)]
    assert len(seqs(file)) == 20


FORMER = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, at_ms INTEGER NOT NULL,
    counted INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE damaged (seq INTEGER, boot TEXT, at_ms INTEGER, counted INTEGER, crc INTEGER, body BLOB);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE memory (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('depth', 2), ('written', 30), ('dropped', 3);
INSERT INTO memory VALUES ('episode/1', x'726169736564');
"""


def former_file(folder: Path) -> None:
    """As the first version of the outbox left it: two records wait, two with higher numbers are gone."""
    with contextlib.closing(sqlite3.connect(folder / "readings.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(FORMER)
        for seq in (7, 8, 9, 10):
            body = encode(msgspec.structs.replace(batch(float(seq)), boot="boot-0", seq=seq))
            db.execute(
                "INSERT INTO records VALUES (?, 'boot-0', 5000, 3, ?, ?)",
                (seq, checksum(seq, "boot-0", body), body),
            )
        db.execute("DELETE FROM records WHERE seq > 8")
        db.commit()


def test_the_file_of_an_earlier_version_is_taken_over_as_it_is(tmp_path: Path) -> None:
    former_file(tmp_path)
    file = lane_file(tmp_path)
    assert (file.state.depth, file.state.next_seq, file.state.written) == (2, 11, 30)
    assert (file.state.dropped, file.state.waiting, file.memory) == (3, 6, {"episode/1": b"raised"})
    file.append([batch(1.0)], {})
    assert seqs(file) == [7, 8, 11]
    assert [r.seq for r in file.take(1, 99, 99, size=2**20)] == [7, 8, 11]
    with sqlite3.connect(tmp_path / "readings.db") as db:
        db.execute("UPDATE records SET crc = crc + 1 WHERE seq = 7")
    db.close()
    assert seqs(file) == [8, 11]
    assert gaps(file) == [Gap(from_at=5000, to_at=5000, count=3, reason="damaged")]
    assert file.delete("boot-0", [(1, 99)]) == [8]
    file.close()


@pytest.mark.parametrize("content", [b"no database at all" * 500, b""])
def test_a_file_that_is_no_database_does_not_stop_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "readings.db").write_bytes(content)
    file = lane_file(tmp_path)
    (written,) = file.append([batch(1.0)], {})
    assert seqs(file) == [written.seq]
    # Nobody can say how many there were.
    assert [(gap.reason, gap.count) for gap in gaps(file)] == ([("damaged", 0)] if content else [])
    aside = list(tmp_path.glob("readings.db.broken-*"))
    assert len(aside) == (1 if content else 0)


def break_pages(folder: Path, file: LaneFile, *, first: int, last: int) -> sqlite3.DatabaseError:
    """Overwrite pages as a dying card does; returns what SQLite says of it. Pages count from 1."""
    file._store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = file._store._db.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray((folder / "readings.db").read_bytes())
    begin = max(100, (first - 1) * size)  # the first 100 bytes are SQLite's own header
    end = min(len(content), last * size)
    content[begin:end] = b"\xff" * (end - begin)
    (folder / "readings.db").write_bytes(content)
    file._store._db.execute("PRAGMA shrink_memory")
    with pytest.raises(sqlite3.DatabaseError) as broken:
        file.fetch(1, 10_000, 10_000)
    return broken.value


def test_a_file_that_breaks_while_it_is_used_is_replaced_declared_and_counted_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = lane_file(tmp_path)
    file.append([batch(float(i)) for i in range(300)], {"episode/1": b"raised"})
    file.set_aside_if_broken(break_pages(tmp_path, file, first=1, last=10_000))
    assert "set aside as" in caplog.text
    assert file.memory == {"episode/1": b"raised"}
    assert (file.state.depth, file.state.written, file.state.dropped) == (1, 900, 900)
    assert [(gap.reason, gap.count) for gap in gaps(file)] == [("damaged", 900)]
    file.append([batch(1.0)], {})
    assert seqs(file) == [302]
    assert len(list(tmp_path.glob("readings.db.broken-*"))) == 1


def test_of_a_file_with_one_bad_page_the_rest_is_saved(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(float(i)) for i in range(300)], {"episode/1": b"raised"})
    file.set_aside_if_broken(break_pages(tmp_path, file, first=12, last=12))
    saved = seqs(file)
    assert 250 < len(saved) < 300
    assert {saved[0], saved[-1]} == {1, 300}
    assert file.state.depth == len(saved) + 1
    assert file.state.dropped == 900 - 3 * len(saved)
    file.take(saved[0], saved[-1], 10**6, size=2**30)
    assert file.delete("boot-1", [(saved[0], saved[-1])]) == saved
    file.close()


def test_a_restart_on_a_file_with_a_bad_page_saves_records_memory_and_counters(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    file.append([batch(float(i)) for i in range(300)], {"episode/1": b"raised"})
    broken = break_pages(tmp_path, file, first=12, last=12)
    file.close()
    again = lane_file(tmp_path, boot="boot-2")
    again.set_aside_if_broken(broken)
    assert again.state.dropped == 900 - again.state.waiting
    assert sum(gap.count for gap in gaps(again)) == again.state.dropped
    assert again.memory == {"episode/1": b"raised"}
    assert again.state.written == 900
    again.append([batch(1.0)], {})
    assert seqs(again)[-1] == 302


def test_what_a_damaged_record_of_gaps_told_is_told_again(tmp_path: Path) -> None:
    file = lane_file(tmp_path)
    lost = Gap(from_at=70_000, to_at=90_000, count=45, reason="disk", points=["crane-1/load"])
    file.append([batch(1.0)], {}, lost=[lost])
    file.append([], {}, lost=[msgspec.structs.replace(lost, from_at=900_000, to_at=900_000, count=5)])
    assert file.state.dropped == 50
    file.shift(1000)
    file._store._db.execute("UPDATE records SET body = x'00' WHERE seq = 2")
    told = gaps(file) or gaps(file)
    assert told == [Gap(from_at=71_000, to_at=901_000, count=50, reason="damaged")]
    assert file.state.dropped == 50
    assert seqs(file) == [1]
