"""What the outbox costs beside bare SQLite, what back-fill costs on the wire, how fast a day drains.

The baseline is a table of its own with two columns (`id INTEGER PRIMARY KEY, body BLOB`) in a file of its
own on the same disk, opened by the same `sqlite3` with the same `journal_mode` and `synchronous`, filled in
the same batches with `BEGIN IMMEDIATE`, `INSERT`, `COMMIT`. It has no checksum, no counters, no bound, no seq
and no boot. Where a figure says "ready-made", the baseline's bodies were encoded beforehand, while ours
encodes within the time measured; where it says "encoding", the baseline encodes the same messages with the
same encoder within its time. Rounds of ours and of both baselines alternate; each figure is their median.

The crane is `bench.crane_polls`: 20 points of the simulator's physics and sensor noise, at the resolution of
the vocabulary. Its polls go through a lane's file as in an outage, are merged at rest, and what counts is the
bodies as they are sent. For the drain, a day of it (40 values a second) waits in an outbox, and a listener
behind a real Mosquitto gives a receipt for every record; the time runs from the start of the uplink until the
outbox is empty.
"""

import asyncio
import contextlib
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.crane_polls import polls
from bench.report import NotMeasured, Result
from edge import shrinking
from edge.config import Broker, Gateway
from edge.lane import Lane
from edge.outbox import LaneFile
from edge.recorder import batch_of
from edge.store import MERGED, Message
from edge.uplink import Uplink
from firmware_sim.demo.broker import find_mosquitto
from sitewarden import topics
from sitewarden.messages import Alarm, Readings, Receipt, Series, decode, encode, readings_of
from sitewarden.rules import Basis
from sitewarden.text import Text

ROUNDS, ROUNDS_QUICK = 15, 5
ALARMS_A_ROUND, BATCHES_A_ROUND = 200, 100
CRANES, POLLS_A_BATCH = 10, 5
"""A batch: half a second of ten cranes polled every 100 ms, 20 points each."""
DAY_S, DAY_QUICK_S = 86_400, 7_200
INTERVAL_MS = 500
"""20 points twice a second are 40 values a second."""
DRAIN_S = 60.0
SPARKPLUG = "10-17"
"""Bytes a value of Sparkplug B, one DDATA message of 20 metrics, as recorded."""
PORT = 28_931
SITE, GATEWAY = "bench", "gw-1"
T = TypeVar("T")


def run(quick: bool) -> Sequence[Result]:
    """Measure; raises `NotMeasured` where there is no Mosquitto."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        raise NotMeasured("Mosquitto is not installed; a day drains through a real broker")
    rounds = ROUNDS_QUICK if quick else ROUNDS
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        results = [*_alarms(folder, rounds), *_readings(folder, rounds)]
        return [*results, *_day(folder, DAY_QUICK_S if quick else DAY_S, mosquitto)]


def _alarms(folder: Path, rounds: int) -> list[Result]:
    """Durable alarms a second, one a transaction."""
    alarm = _alarm()
    batches: list[list[Message]] = [[alarm] for _ in range(ALARMS_A_ROUND)]
    ours, ready, encoding = _compared(folder, "FULL", batches, rounds, declares=False)
    return [
        Result(name="alarms, durable, singly", value=ours, unit="/s", baseline=ready),
        _share("share of bare SQLite, bodies ready-made", ours, ready, goal=50),
        _share("share of bare SQLite, encoding", ours, encoding),
    ]


def _readings(folder: Path, rounds: int) -> list[Result]:
    """Readings a second in batches as a recorder makes them, of a gateway that is connected."""
    cranes = [
        polls(f"crane-{n}", interval_ms=100, seed=f"bench/{n}", since_ms=1_763_650_000_000)
        for n in range(CRANES)
    ]
    batches: list[list[Message]] = [
        [batch_of([r for crane in cranes for poll in islice(crane, POLLS_A_BATCH) for r in poll])]
        for _ in range(BATCHES_A_ROUND)
    ]
    readings = 20 * CRANES * POLLS_A_BATCH
    ours, ready, encoding = (
        readings * rate for rate in _compared(folder, "NORMAL", batches, rounds, declares=True)
    )
    return [
        Result(name="readings, batches of 1000", value=ours, unit="/s", baseline=encoding),
        _share("share of bare SQLite, encoding", ours, encoding, goal=50),
        _share("share of bare SQLite, bodies ready-made", ours, ready),
        Result(name="append, a value", value=1e6 / ours, unit="us", baseline=1e6 / encoding),
    ]


def _share(name: str, ours: float, baseline: float, *, goal: float | None = None) -> Result:
    return Result(name=f"  {name}", value=100 * ours / baseline, unit="%", goal=goal, at_least=True)


def _compared(
    folder: Path, synchronous: str, batches: list[list[Message]], rounds: int, *, declares: bool
) -> tuple[float, float, float]:
    """Batches a second: ours, bare SQLite with ready-made bodies, bare SQLite that encodes."""
    ours: list[float] = []
    ready: list[float] = []
    encoding: list[float] = []
    bodies = [[encode(message) for message in batch] for batch in batches]
    for number in range(rounds):
        here = folder / f"{synchronous}-{number}"
        here.mkdir()
        file = LaneFile(
            here / "ours.db",
            boot=uuid.uuid4().hex,
            synchronous="FULL" if synchronous == "FULL" else "NORMAL",
            max_bytes=2**29,
            declares=declares,
        )
        ours.append(_rate(batches, lambda batch, file=file: file.append(batch, {}, offered=True)))  # type: ignore[misc]
        file.close()
        with _bare(here / "ready.db", synchronous) as insert:
            ready.append(_rate(bodies, insert))
        with _bare(here / "encoding.db", synchronous) as insert:
            encoding.append(_rate(batches, lambda batch, to=insert: to([encode(m) for m in batch])))  # type: ignore[misc]
        shutil.rmtree(here)
    return statistics.median(ours), statistics.median(ready), statistics.median(encoding)


def _rate(batches: Sequence[Sequence[T]], write: Callable[[Sequence[T]], object]) -> float:
    began = time.perf_counter()
    for batch in batches:
        write(batch)
    return len(batches) / (time.perf_counter() - began)


@contextlib.contextmanager
def _bare(file: Path, synchronous: str) -> Iterator[Callable[[Sequence[bytes]], None]]:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute("CREATE TABLE record (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")

        def insert(bodies: Sequence[bytes]) -> None:
            db.execute("BEGIN IMMEDIATE")
            for body in bodies:
                db.execute("INSERT INTO record (body) VALUES (?)", (body,))
            db.execute("COMMIT")

        yield insert


def _day(folder: Path, seconds: int, mosquitto: str) -> list[Result]:
    """An outage that is over: what its values cost on the wire, and how long they take."""
    since_ms = time.time_ns() // 1_000_000 - seconds * 1000
    crane = polls("crane-1", interval_ms=INTERVAL_MS, seed="bench", since_ms=since_ms)
    polled = seconds * 1000 // INTERVAL_MS
    began = time.perf_counter()
    merging_s, longest_s, values, sent = _write(folder / "readings.db", crane, polled)
    written_s = time.perf_counter() - began
    with _broker(mosquitto), contextlib.closing(_Listener()) as listener:
        drained_s = asyncio.run(_drain(folder))
        heard, bodies = len(listener.heard), listener.size
    lost = polled * 20 - heard
    return [
        Result(
            name=f"a back-filled value (Sparkplug {SPARKPLUG})",
            value=sent / values,
            unit="B",
            goal=1.5,
        ),
        Result(name="  as it came through the broker", value=bodies / heard, unit="B", goal=1.5),
        Result(name="compaction, a value", value=1e6 * merging_s / values, unit="us"),
        Result(name="  its longest step", value=1e3 * longest_s, unit="ms", goal=100),
        Result(name="writing and compaction, a value", value=1e6 * written_s / (polled * 20), unit="us"),
        Result(name=f"values of {seconds / 3600:g} h that did not come", value=lost, unit="", goal=0),
        Result(name=f"drain of {seconds / 3600:g} h of 40 values/s", value=drained_s, unit="s", goal=DRAIN_S),
    ]


def _write(file: Path, crane: Iterator[list], polled: int) -> tuple[float, float, int, int]:  # type: ignore[type-arg]
    """Fill an outbox as an outage does; seconds of compaction, its longest step, values and bytes merged."""
    boot = uuid.uuid4().hex
    # The polls are of a day that is over, and written within seconds.
    with patch.object(shrinking, "MERGE_AFTER_MS", -1):
        lane = LaneFile(file, boot=boot, synchronous="NORMAL", max_bytes=2**29)
        steps: list[float] = []
        for poll in islice(crane, polled):
            lane.append([batch_of(poll)], {})
            while lane.may_compact:
                began = time.perf_counter()
                lane.compact()
                steps.append(time.perf_counter() - began)
        lane.close()
    with contextlib.closing(sqlite3.connect(file)) as db:
        query = "SELECT sum(counted), sum(length(body)) FROM records WHERE form = ?"
        values, size = db.execute(query, (MERGED,)).fetchone()
    return sum(steps), max(steps), values, size


@contextlib.contextmanager
def _broker(mosquitto: str) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([mosquitto, "-p", str(PORT)], stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def _drain(folder: Path) -> float:
    """Seconds until the outbox is empty."""
    boot = uuid.uuid4().hex
    lanes = Lane("alarms", folder, boot=boot), Lane("readings", folder, boot=boot)
    gateway = Gateway(
        site=SITE,
        name=GATEWAY,
        mode="test",
        data_dir=folder,
        broker=Broker(host="127.0.0.1", port=PORT, username=None, password=None, ca_file=None),
        outputs=(),
        buses=(),
    )
    uplink = Uplink(gateway, lanes, [], boot=boot)
    began = time.perf_counter()
    tasks = [asyncio.create_task(work) for work in (lanes[0].run(), lanes[1].run(), uplink.run())]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10 * DRAIN_S):
            while lanes[1].state.depth:  # noqa: ASYNC110  a depth has no event
                await asyncio.sleep(0.02)
    drained_s = time.perf_counter() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for lane in lanes:
        lane.close()
    return drained_s


class _Listener:
    """Stands for the cloud: a receipt for every record, once all that is in it is noted."""

    def __init__(self) -> None:
        self.heard: set[tuple[str, int]] = set()
        self.size = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._note
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_connect = lambda client, *_: client.subscribe(
            topics.up("test", SITE, GATEWAY, "readings"), qos=1
        )
        ends = time.monotonic() + 10
        while True:
            try:
                self._client.connect("127.0.0.1", PORT)
                break
            except OSError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.05)
        self._client.loop_start()
        if not self._subscribed.wait(10):
            raise NotMeasured("the broker takes no subscription")

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        record = decode(bytes(message.payload), Readings)
        self.size += len(message.payload)
        self.heard.update((reading.point, reading.at_ms) for reading in readings_of(record.series, record.at))
        receipt = Receipt(boot=record.boot, lane="readings", seqs=[(record.seq, record.seq)])
        self._client.publish(topics.down("test", SITE, GATEWAY, "receipts"), encode(receipt), qos=1)


def _alarm() -> Alarm:
    """As large as one of a crane: the readings of five seconds around the moment are in it."""
    at_ms = 1_763_650_000_000
    return Alarm(
        boot="unwritten",
        seq=1,
        at=at_ms,
        change="raised",
        episode=uuid.uuid4().hex,
        device="crane-1",
        point="crane-1/load_ratio",
        kind="crane.load_ratio",
        rule="crane-load-100",
        rule_version=1,
        family="crane-overload",
        level=3,
        label=Text("起重量超过额定值", "Load above rated"),
        unit="%",
        value=104.2,
        limit=100.0,
        peak=104.2,
        raised_at=at_ms,
        basis=Basis(clause="GB/T 5031 报警装置", source="standard", confidence="memory"),
        evidence=[
            Series(p=f"crane-1/{key}", t=list(range(-5000, 0, 200)), x=[90 + 0.6 * i for i in range(25)])
            for key in ("load_ratio", "load", "radius")
        ],
    )
