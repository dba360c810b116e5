"""A flipped bit anywhere in the file: nothing stops, and what is sound still comes."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.lane import Lane, open_lane
from edge.outbox import LaneFile
from edge.recorder import batch_of
from sitewarden import messages
from sitewarden.messages import Alarm, Readings, decode
from sitewarden.readings import Reading
from tests.edge.test_outputs import alarm

FLIPS, RECORDS = 150, 24
PAGE = 4096


def message(name: messages.Lane) -> Alarm | Readings:
    if name == "alarms":
        return alarm(3)
    return batch_of([Reading(f"crane-1/p{p}", 1000 + p, p / 100) for p in range(40)])


def lane_of(name: messages.Lane, folder: Path, boot: str) -> Lane:
    lane = open_lane(name, folder, boot=boot)
    assert not lane._file.is_in_memory
    return lane


def written(name: messages.Lane, folder: Path) -> Path:
    lane = lane_of(name, folder, "boot-1")
    for number in range(RECORDS):
        lane._file.append([message(name)], {"k": b"%d" % number}, offered=number < 4)
    lane._file.shift(1000)
    lane.close()
    return folder / f"{name}.db"


def flip(file: Path, image: bytes, at: int, bit: int) -> None:
    for part in file.parent.iterdir():
        part.unlink()
    content = bytearray(image)
    content[at] ^= 1 << bit
    file.write_bytes(content)


async def worked(lane: Lane, name: messages.Lane) -> list[int]:
    """What comes of the old records while the lane does a little of everything."""
    await lane.take(1, 2**40, 10**6, size=2**30, backlog=True)
    await lane.oldest_at_ms()
    await lane._in_thread(lambda: lane._file.append([message(name)], {"k": None}))
    await lane._in_thread(lambda: lane._file.shift(5))
    await lane._in_thread(lane._file.compact)
    after = await lane.take(1, 2**40, 10**6, size=2**30)
    kind = Alarm if name == "alarms" else Readings
    ours = [decode(record.body, kind) for record in after]
    seqs = [(record.boot, record.seq) for record in ours]
    assert len(seqs) == len(set(seqs))
    for boot, seq in seqs:
        await lane.delete(boot, [(seq, seq)])
    await lane.measure()
    return [seq for boot, seq in seqs if boot == "boot-1"]


@pytest.mark.parametrize("name", ["alarms", "readings"])
async def test_wherever_a_bit_flips_the_lane_goes_on_and_what_is_sound_comes(
    name: messages.Lane, tmp_path: Path
) -> None:
    file = written(name, tmp_path)
    image = file.read_bytes()
    dice = random.Random(f"flips/{name}")
    come = []
    for _ in range(FLIPS):
        # Schema and leaf pages matter most: every second flip is in the first page or so.
        end = len(image) if dice.random() < 0.5 else 2 * PAGE
        flip(file, image, dice.randrange(end), dice.randrange(8))
        lane = lane_of(name, tmp_path, "boot-2")
        come.append(len(await worked(lane, name)))
        lane.close()
    # One page at most is lost with a bit, and with most bits nothing.
    assert sorted(come)[FLIPS // 10] >= RECORDS - 1


async def test_a_name_that_is_no_text_any_more_costs_its_record_and_no_other(tmp_path: Path) -> None:
    file = written("alarms", tmp_path)
    with closing(sqlite3.connect(file)) as db:
        db.execute("UPDATE records SET boot = CAST(x'626f6f74ff31' AS TEXT) WHERE seq = 7")
        db.execute("UPDATE records SET counted = 'many', at_ms = 'then' WHERE seq = 9")
        db.commit()
    lane = lane_of("alarms", tmp_path, "boot-2")
    came = [record.seq for record in await lane.take(1, 99, 99, size=2**30)]
    assert came == [seq for seq in range(1, RECORDS + 1) if seq not in {7, 9}]
    assert (lane.state.depth, lane.state.dropped) == (RECORDS - 2, 1)
    lane.close()


async def test_a_schema_that_is_no_text_any_more_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = written("alarms", tmp_path)
    content = file.read_bytes()
    file.write_bytes(
        content.replace(b"TABLE memory", b"TABLE \xffemory").replace(b"counted INT", b"countex INT")
    )
    lane = lane_of("alarms", tmp_path, "boot-2")
    assert "set aside" in caplog.text
    lane._file.append([message("alarms")], {})
    assert await lane.take(1, 99, 99, size=2**30)
    lane.close()


def test_a_lane_that_began_without_its_disk_finds_back_to_it(tmp_path: Path) -> None:
    written("alarms", tmp_path)
    shutil.move(tmp_path / "alarms.db", tmp_path / "elsewhere")
    (tmp_path / "alarms.db").mkdir()
    file = open_lane("alarms", tmp_path, boot="boot-2")._file
    assert file.is_in_memory
    (record,) = file.append([message("alarms")], {"new": b"1"})
    assert not file.come_back()
    (tmp_path / "alarms.db").rmdir()
    shutil.move(tmp_path / "elsewhere", tmp_path / "alarms.db")
    assert file.come_back()
    assert [r.seq for r in file.take(1, 2**60, 99, size=2**30)] == [*range(1, RECORDS + 1), record.seq]
    assert (file.state.depth, file.state.written) == (RECORDS + 1, RECORDS + 1)
    assert file.memory == {"k": b"%d" % (RECORDS - 1), "new": b"1"}
    file.close()


def test_a_file_that_breaks_while_its_lane_is_in_memory_is_set_aside(tmp_path: Path) -> None:
    file = LaneFile(tmp_path / "alarms.db", boot="b", synchronous="FULL", max_bytes=2**29, declares=False)
    file.append([message("alarms")], {})
    file.go_on_in_memory()
    file.append([message("alarms")], {})
    for part in tmp_path.iterdir():
        part.write_bytes(b"no database" * 400)
    assert file.come_back()
    assert [r.seq for r in file.take(1, 99, 99, size=2**30)] == [1, 2]
    assert (file.state.depth, file.state.next_seq, file.state.written) == (2, 3, 2)
    file.close()
