"""Power cuts and dying cards: the file always opens, what is there is sound, what is lost is told."""

import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from edge.outbox import LaneFile
from edge.recorder import batch_of
from edge.store import GAP
from sitewarden.messages import Readings, decode, readings_of
from sitewarden.readings import Reading

FAULTS, FLIPS = 150, 50
RECORDS, OFFERED = 60, 25
KIB = 1024


def poll(number: int) -> Readings:
    return batch_of([Reading(f"crane-1/p{p}", 1000 + number, number + p / 100) for p in range(40)])


def outbox(folder: Path, boot: str = "boot-1") -> LaneFile:
    return LaneFile(folder / "readings.db", boot=boot, synchronous="NORMAL", max_bytes=2**29)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files as they lie there when the power goes: a checkpointed part, and a WAL behind it."""
    folder = tmp_path_factory.mktemp("cut")
    file = outbox(folder)
    for number in range(OFFERED):
        file.append([poll(number)], {})
    file.take(1, 10, 10, size=2**20)
    file.delete("boot-1", [(1, 5)])
    file._store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(OFFERED, RECORDS):
        file.append([poll(number)], {"episode": b"%d" % number})
    image = tmp_path_factory.mktemp("image")
    for part in folder.iterdir():
        if not part.name.endswith("-shm"):
            shutil.copy(part, image)
    file.close()
    return image


def fresh(cut: Path, folder: Path) -> Path:
    for part in folder.iterdir():
        part.unlink()
    for part in cut.iterdir():
        shutil.copy(part, folder)
    return folder


def damage(wal: Path, how: str, dice: random.Random) -> None:
    content = bytearray(wal.read_bytes())
    at = dice.randrange(len(content))
    if how == "truncated":
        del content[at:]
    elif how == "zero tail":
        content[at:] = bytes(len(content) - at)
    else:
        content[at] ^= 1 << dice.randrange(8)
    wal.write_bytes(content)


@pytest.mark.parametrize("how", ["truncated", "zero tail", "flipped bit"])
def test_whatever_a_power_cut_leaves_of_the_wal_a_consistent_prefix_is_there(
    cut: Path, tmp_path: Path, how: str
) -> None:
    dice = random.Random(f"wal/{how}")
    for _ in range(FAULTS):
        folder = fresh(cut, tmp_path)
        damage(folder / "readings.db-wal", how, dice)
        file = outbox(folder, boot="boot-2")
        messages = [decode(record.body, Readings) for record in file.fetch(1, 10**6, 10**6)]
        seqs = [message.seq for message in messages]
        assert seqs == list(range(6, 6 + len(seqs)))
        assert len(seqs) >= OFFERED - 5
        assert (file.state.depth, file.state.next_seq) == (len(seqs), seqs[-1] + 1)
        assert file.state.written == seqs[-1] * 40
        assert file.state.waiting == len(seqs) * 40
        last = seqs[-1] - 1
        assert file.memory == ({"episode": b"%d" % last} if last >= OFFERED else {})
        # What anybody has seen is on the disk, so that no number that was seen is given again.
        file.append([poll(99)], {})
        assert file.fetch(1, 10**6, 10**6)[-1].seq == seqs[-1] + 1 > 10
        file.close()


def test_a_flipped_byte_in_the_main_file_is_found_and_told(tmp_path: Path) -> None:
    dice = random.Random("flips")
    found = 0
    for _ in range(FLIPS):
        for part in tmp_path.iterdir():
            part.unlink()
        file = outbox(tmp_path)
        for number in range(RECORDS):
            file.append([poll(number)], {})
        file.close()
        flip_a_byte_of_a_body(tmp_path / "readings.db", dice)
        again = outbox(tmp_path, boot="boot-2")
        again.fetch(1, 10**6, 10**6)
        messages = [decode(record.body, Readings) for record in again.fetch(1, 10**6, 10**6)]
        kept = [r for m in messages for r in readings_of(m.series, m.at)]
        told = [gap for m in messages for gap in m.gaps]
        assert len(kept) == RECORDS * 40 - 40
        assert [(gap.reason, gap.count) for gap in told] == [("damaged", 40)]
        gone = {1000 + number for number in range(RECORDS)} - {r.at_ms for r in kept}
        assert gone == {told[0].from_at} == {told[0].to_at}
        assert again.state.dropped == 40
        found += 1
        again.close()
    assert found == FLIPS


def flip_a_byte_of_a_body(file: Path, dice: random.Random) -> None:
    """In the file, not through SQLite, which sees nothing wrong with it."""
    with closing(sqlite3.connect(file)) as db:
        bodies = [body for (body,) in db.execute("SELECT body FROM records")]
    content = bytearray(file.read_bytes())
    body = dice.choice(bodies)
    # A body longer than a page is scattered; its first part is found whole.
    at = content.find(body[:200]) + dice.randrange(len(body[:200]))
    assert at >= 0
    content[at] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def test_whichever_operation_fails_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    for number in range(400):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = outbox(folder)
        file.append([poll(n) for n in range(3)], {"a": b"1"})
        failing = FailingAt(file._store._db, number)
        file._store._db = failing  # type: ignore[assignment]
        work(file)
        file._store._db = failing.real
        check(file)
        if not failing.has_failed:
            return
    raise AssertionError("the work has no end")


def work(file: LaneFile) -> None:
    """A little of everything, whatever of it fails."""
    for step in (
        lambda: file.append([poll(3)], {"a": b"2"}),
        lambda: file.take(1, 2, 2, size=2**20),
        lambda: file.delete("boot-1", [(1, 1)]),
        lambda: file.shift(1000),
        file.make_room,
        lambda: file.append([poll(4), poll(5)], {"a": None}, offered=True),
    ):
        with suppress(sqlite3.OperationalError):
            step()


def check(file: LaneFile) -> None:
    """What the counters say is what is there, and the next seq is free."""
    rows = file._store.rows("seq > 0 ORDER BY seq")
    state = file.state
    assert (state.depth, state.waiting) == (len(rows), sum(row.counted for row in rows))
    assert state.next_seq > max(row.seq for row in rows)
    told = [gap.count for row in rows if row.form == GAP for gap in decode(row.body, Readings).gaps]
    assert sum(told) == state.dropped
    delivered = state.written - state.waiting - state.dropped
    assert delivered in {0, 40}, "only the record that a receipt named may be gone without a word"
    assert all(row.is_sound for row in rows)
    file.close()


class FailingAt:
    """A connection whose operation of that number fails, as on a card that is worn."""

    def __init__(self, real: sqlite3.Connection, number: int) -> None:
        self.real, self._left, self.has_failed = real, number, False

    def execute(self, query: str, parameters: object = ()) -> sqlite3.Cursor:
        self._count(query)
        return self.real.execute(query, parameters)  # type: ignore[arg-type]

    def executemany(self, query: str, parameters: object) -> sqlite3.Cursor:
        self._count(query)
        return self.real.executemany(query, parameters)  # type: ignore[arg-type]

    @property
    def in_transaction(self) -> bool:
        return self.real.in_transaction

    def _count(self, query: str) -> None:
        if query == "ROLLBACK" or query.startswith("PRAGMA"):
            return
        self._left -= 1
        if self._left == -1:
            self.has_failed = True
            raise sqlite3.OperationalError("disk I/O error")


def test_a_full_disk_takes_readings_again_as_soon_as_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1400 * KIB))
    file = outbox(small_disk)
    refusals = number = 0
    while refusals < 3 and number < 5000:
        try:
            file.append([poll(number)], {})
            number += 1
        except sqlite3.OperationalError as exc:
            assert exc.sqlite_errorcode == sqlite3.SQLITE_FULL  # noqa: PT017  the words are SQLite's
            refusals += 1
    assert refusals == 3
    before = file.state
    ballast.unlink()
    file.append([poll(number)], {})
    assert file.state.written == before.written + 40
    rows = file._store.rows("seq > 0")
    assert all(row.is_sound for row in rows)
    assert sum(row.counted for row in rows) == file.state.waiting == (number + 1) * 40
    file.close()
