"""Whatever is done to an outbox: every reading comes once, as it was, or a gap says that it will not."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from edge import compaction, shrinking
from edge.outbox import LaneFile
from edge.recorder import batch_of
from sitewarden.messages import Gap, Readings, decode, readings_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading

POINTS = ["crane-1/load", "crane-1/radius", "pit-1/h1"]
EVERYTHING = 2**40

appends = st.tuples(
    st.just("append"),
    st.integers(1, 3),
    st.integers(1, 8),
    st.booleans(),
    st.sampled_from(["synced", "unsynced"]),
)
takes = st.tuples(st.just("take"), st.integers(1, 4), st.booleans())
receipts = st.tuples(st.just("receipt"), st.integers(0, 5))
shifts = st.tuples(st.just("shift"), st.integers(-5, 50).map(lambda k: k * 1_000_003))
others = st.tuples(
    st.sampled_from(["compact", "compact step", "shed", "reopen", "restart", "memory", "back"])
)


class Model:
    """An outbox, and what must be true of it."""

    def __init__(self, folder: Path) -> None:
        self.file_path = folder / "readings.db"
        self.boots = 1
        self.clock_ms = 1_763_650_000_000
        self.made = 0
        self.put: dict[float, Reading] = {}
        """By its number: the reading, as it is to arrive."""
        self.instants: dict[float, list[int]] = {}
        """What its instant was said to be: a gap is put right also where it tells of what had been sent."""
        self.boot_of: dict[float, int] = {}
        self.offered: set[float] = set()
        self.sent: dict[tuple[str, int], bytes] = {}
        self.delivered: dict[float, Reading] = {}
        self.gaps: list[Gap] = []
        self.open()

    def open(self) -> None:
        self.file = LaneFile(self.file_path, boot=f"boot-{self.boots}", synchronous="NORMAL", max_bytes=2**30)

    def do(self, name: str, *arguments: object) -> None:
        getattr(self, name.replace(" ", "_"))(*arguments)

    def append(self, points: int, polls: int, offered: bool, clock: str) -> None:
        readings = list(self._readings(points, polls))
        message = batch_of(readings)
        message = Readings(boot="unwritten", seq=1, at=message.at, series=message.series, clock=clock)  # type: ignore[arg-type]
        self.file.append([message], {}, offered=offered)
        for value, reading in zip(range(self.made - len(readings), self.made), readings, strict=True):
            self.put[value], self.instants[value] = reading, [reading.at_ms]
            self.boot_of[value] = self.boots
            if offered:
                self.offered.add(value)

    def take(self, limit: int, backlog: bool) -> None:
        for record in self.file.take(1, EVERYTHING, limit, size=EVERYTHING, backlog=backlog):
            message = decode(record.body, Readings)
            assert message.seq == record.seq
            known = self.sent.setdefault((message.boot, message.seq), record.body)
            assert known == record.body, "what was sent has been altered"
            self.offered |= {number_of(r) for r in readings_of(message.series, message.at)}

    def receipt(self, skip: int) -> None:
        for boot, seq in list(self.sent)[skip:]:
            message = decode(self.sent[boot, seq], Readings)
            if self.file.delete(boot, [(seq, seq)]):
                for reading in readings_of(message.series, message.at):
                    assert number_of(reading) not in self.delivered, "twice"
                    self.delivered[number_of(reading)] = reading
                self.gaps += message.gaps

    def shift(self, by_ms: int) -> None:
        self.file.shift(by_ms)
        for value, reading in self.put.items():
            if self.boot_of[value] == self.boots:
                self.instants[value].append(self.instants[value][-1] + by_ms)
                if value not in self.offered:
                    self.put[value] = reading._replace(at_ms=reading.at_ms + by_ms)
                    if reading.value is None:
                        BAD[reading.point, reading.at_ms + by_ms] = value

    def compact(self) -> None:
        while self.file.compact():
            pass

    def compact_step(self) -> None:
        self.file.compact()

    def shed(self) -> None:
        with self.file._store.transaction():
            self.file._shrinking._shed()

    def reopen(self) -> None:
        self.back()  # what is in memory is lost with the process
        self.file.close()
        self.open()

    def restart(self) -> None:
        """Killed, not closed."""
        self.back()
        self.boots += 1
        self.open()

    def memory(self) -> None:
        if not self.file.is_in_memory:
            self.file.go_on_in_memory()

    def back(self) -> None:
        self.file.come_back()

    def end(self) -> None:
        """Everything is sent and receipted; then nothing may be missing that no gap tells of."""
        self.back()
        while self.file.state.depth:
            self.take(1000, backlog=True)
            self.receipt(0)
        missing = set(self.put) - set(self.delivered)
        for value, reading in self.delivered.items():
            assert reading == self.put[value]
        for value in missing:
            point = self.put[value].point
            assert any(covers(gap, point, at_ms) for gap in self.gaps for at_ms in self.instants[value])
        assert sum(gap.count for gap in self.gaps) == len(missing)
        state = self.file.state
        assert (state.written, state.dropped, state.waiting) == (len(self.put), len(missing), 0)
        self.file.close()

    def _readings(self, points: int, polls: int) -> Iterator[Reading]:
        for _ in range(polls):
            self.clock_ms += 7_000
            for point in POINTS[:points]:
                is_good = self.made % 7 != 3
                value = float(self.made) if is_good else None
                quality = Quality.GOOD if is_good else list(Quality)[2 + self.made % 9]
                # A bad reading is told by an instant that no other has.
                at_ms = self.clock_ms if is_good else self.clock_ms + 1 + POINTS.index(point)
                BAD[point, at_ms] = self.made
                self.made += 1
                yield Reading(point, at_ms, value, quality)


BAD: dict[tuple[str, int], float] = {}
"""Numbers of the readings without a value, by point and instant."""


def number_of(reading: Reading) -> float:
    return reading.value if reading.value is not None else BAD.get((reading.point, reading.at_ms), -1)


def covers(gap: Gap, point: str, at_ms: int) -> bool:
    is_named = not gap.points or point in gap.points
    return is_named and gap.from_at <= at_ms <= gap.to_at


@settings(max_examples=40, deadline=None, report_multiple_bugs=False)
@given(steps=st.lists(appends | takes | receipts | shifts | others | appends | others, max_size=40))
def test_what_was_put_in_comes_once_or_a_gap_covers_it(steps: list[tuple[object, ...]]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(compaction, "POLLS", 12),
        patch.object(shrinking, "MERGE_AFTER_MS", -1),
    ):
        BAD.clear()
        model = Model(Path(folder))
        for name, *arguments in steps:
            model.do(str(name), *arguments)
        model.end()
