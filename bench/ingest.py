"""How many readings a second become committed rows, none lost and none twice.

Lasting sessions of the broker, used only here, are filled before the start with messages of fifty gateways;
then workers drain them: the very lane and link of the ingest, each worker a process of its own. What counts
is the time from their connecting to the last row, in the table with its unique key. Beside it:
`COPY`, the server copying the same rows from a file of its own into the same empty table, which is the least
that any program could take; and `naive`, one INSERT and COMMIT a reading of the same messages, as most
tutorials do it. The broker is the deployed Mosquitto with an unbounded queue, the database the embedded
PostgreSQL as it ships, with fsync.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psycopg
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.ingest_worker import Plan, settings_of
from bench.listener import wait_until
from bench.report import NotMeasured, Result
from bench.rig import Rig, cpu_s
from cloud.database import connect
from cloud.embedded import EmbeddedPostgres, running
from cloud.ingest.link import SHARED
from cloud.ingest.model import Delivery
from cloud.ingest.readings import ReadingsLane
from cloud.ingest.rebirths import Rebirths
from cloud.migrate import migrate
from cloud.registry.seeding import seed_sites
from cloud.settings import SiteSettings
from cloud.sites.registry import Registry
from sitewarden import topics
from sitewarden.messages import DeviceBirth, PointBirth, Readings, Series, Status, encode
from sitewarden.text import Text

GATEWAYS, POINTS = 50, 20
ROWS, ROWS_QUICK = 2_000_000, 400_000
SINGLES, SINGLES_QUICK = 100_000, 20_000
NAIVE_MESSAGES = 200
WORKERS = 2
GOAL_ROWS, GOAL_SHARE_OF_COPY, GOAL_SINGLES = 224_000.0, 0.4, 12_000.0
SITE = "bench"
PATIENCE_S = 600.0
_FILTER = "sw/1/live/+/+/up/readings"


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    rows, singles = (ROWS_QUICK, SINGLES_QUICK) if quick else (ROWS, SINGLES)
    with _rig() as (rig, server):
        many = _drain(rig, server, _messages(rows // POINTS, POINTS), WORKERS)
        copy = _server_copy(server)
        naive = _naive(server)
        one = _drain(rig, server, _messages(singles, 1), 1)
    return [
        Result(
            name="messages of 20 readings: rows",
            value=many.rows_per_s,
            unit="/s",
            goal=GOAL_ROWS,
            at_least=True,
            baseline=copy,
        ),
        Result(
            name="… as a share of the server's own COPY",
            value=many.rows_per_s / copy,
            unit="",
            goal=GOAL_SHARE_OF_COPY,
            at_least=True,
        ),
        Result(
            name="… beside one INSERT and COMMIT a reading", value=many.rows_per_s, unit="/s", baseline=naive
        ),
        Result(name="… lost or doubled", value=many.wrong, unit="", goal=0),
        Result(name="… processor time of the workers", value=many.cpu_us_a_row, unit="µs/row"),
        Result(
            name="messages of one reading, a worker",
            value=one.rows_per_s,
            unit="/s",
            goal=GOAL_SINGLES,
            at_least=True,
        ),
        Result(name="… lost or doubled", value=one.wrong, unit="", goal=0),
    ]


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """What draining came to."""

    rows_per_s: float
    wrong: int
    """Rows lost or doubled."""
    cpu_us_a_row: float
    """Of all workers together."""


@contextlib.contextmanager
def _rig() -> Iterator[tuple[Rig, EmbeddedPostgres]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sitewarden-bench-"))).resolve()
        # The server has an account of its own where it is started by root.
        folder.chmod(0o711)
        rig = stack.enter_context(Rig(unbounded=True))
        server = stack.enter_context(running(folder / "data"))
        migrate(server.owner_dsn())
        _announce(server)
        yield rig, server


def _announce(server: EmbeddedPostgres) -> None:
    """The gateways' births, through the lane."""
    settings = msgspec.structs.replace(
        settings_of(server.folder, 1),
        sites={
            SITE: SiteSettings(
                site=SITE,
                name=Text("性能", "Bench"),
                time_zone="Asia/Shanghai",
                gateways=[f"gw-{g}" for g in range(GATEWAYS)],
            )
        },
    )
    now_ms = time.time_ns() // 1_000_000
    with connect(server.app_dsn()) as connection:
        seed_sites(connection, settings.sites)
        lane = ReadingsLane(settings, Registry(), Rebirths())
        lane.commit(connection, [_birth(g, now_ms) for g in range(GATEWAYS)], now_ms)


def _birth(gateway: int, now_ms: int) -> Delivery:
    device = f"crane-{gateway}"
    points = [PointBirth(p=f"{device}/p{k}", kind="crane.load", stale_after_ms=2_000) for k in range(POINTS)]
    crane = DeviceBirth(device=device, kind="crane", label=Text("塔机", "Crane"), profile="p", points=points)
    status = Status(state="online", boot=_boot(gateway), at=now_ms, devices=[crane])
    topic = topics.up("live", SITE, f"gw-{gateway}", "status")
    return Delivery(topic=topic, body=encode(status), retained=False, received_ms=now_ms, mid=0, link=0)


def _boot(gateway: int) -> str:
    return f"{gateway:032x}"


def _messages(count: int, points: int) -> list[tuple[str, bytes]]:
    """Topic and body of so many messages, of all gateways in turn, each point once a second."""
    rounds = -(-count // GATEWAYS)
    begin_ms = time.time_ns() // 1_000_000 - rounds * 1_000
    made = []
    for n in range(count):
        k, gateway = divmod(n, GATEWAYS)
        series = [
            Series(p=f"crane-{gateway}/p{i}", t=[0], x=[round(3 + (k * 7 + i * 13) % 500 * 0.01, 2)])
            for i in range(points)
        ]
        message = Readings(boot=_boot(gateway), seq=k + 1, at=begin_ms + k * 1_000, series=series)
        made.append((topics.up("live", SITE, f"gw-{gateway}", "readings"), encode(message)))
    return made


def _drain(rig: Rig, server: EmbeddedPostgres, messages: list[tuple[str, bytes]], workers: int) -> Drained:
    sessions = [f"bench-{time.monotonic_ns()}-{n}" for n in range(workers)]
    with psycopg.connect(server.owner_dsn(), autocommit=True) as owner:
        owner.execute("TRUNCATE reading_open, newest, dirty")
        owner.execute("UPDATE gateway SET readings_committed = 0")
        for session in sessions:
            _subscribe(rig.broker_port, session)
        _fill(rig.broker_port, messages)
        owner.execute("CHECKPOINT")
        expected = len({(topic, body) for topic, body in messages}) * _points_of(messages)

        def committed() -> bool:
            row = owner.execute("SELECT sum(readings_committed) FROM gateway").fetchone()
            return row is not None and row[0] >= expected

        with contextlib.ExitStack() as stack:
            started = [stack.enter_context(_worker(rig, server, session)) for session in sessions]
            idle_s = sum(cpu_s(process.pid) for process in started)
            began = time.perf_counter()
            for process in started:
                _say(process, "go")
            wait_until(committed, PATIENCE_S, "all rows", lambda: _check(started))
            took = time.perf_counter() - began
            computed = sum(cpu_s(process.pid) for process in started) - idle_s
        for session in sessions:
            # Left behind, it would get its share of what the next one is filled with.
            _client(rig.broker_port, session, clean=True).disconnect()
        row = owner.execute("SELECT count(*) FROM reading_open").fetchone()
        assert row is not None  # noqa: S101  a count always has its row
    return Drained(
        rows_per_s=expected / took, wrong=abs(int(row[0]) - expected), cpu_us_a_row=computed / expected * 1e6
    )


def _points_of(messages: list[tuple[str, bytes]]) -> int:
    from sitewarden.messages import decode  # noqa: PLC0415  for this check alone

    return len(decode(messages[0][1], Readings).series)


@contextlib.contextmanager
def _worker(rig: Rig, server: EmbeddedPostgres, session: str) -> Iterator["subprocess.Popen[bytes]"]:
    plan = Plan(
        folder=str(rig.folder),
        dsn=server.app_dsn(),
        port=rig.broker_port,
        session=session,
        filters=[SHARED + _FILTER],
    )
    command = [sys.executable, "-m", "bench.ingest_worker", msgspec.json.encode(plan).decode()]
    with (rig.folder / f"{session}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None  # noqa: S101  asked for above
        if process.stdout.readline() != b"ready\n":
            raise NotMeasured((rig.folder / f"{session}.log").read_text(encoding="utf-8"))
        yield process
    finally:
        process.communicate()


def _say(process: "subprocess.Popen[bytes]", word: str) -> None:
    assert process.stdin is not None  # noqa: S101  asked for when it was started
    process.stdin.write(f"{word}\n".encode())
    process.stdin.flush()


def _check(processes: list["subprocess.Popen[bytes]"]) -> None:
    if any(process.poll() is not None for process in processes):
        raise NotMeasured("a worker has ended")


def _client(port: int, name: str, *, clean: bool) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)
    client.max_inflight_messages_set(1_000)
    client.connect("127.0.0.1", port)
    return client


def _subscribe(port: int, session: str) -> None:
    """Make the lasting session, and leave."""
    client = _client(port, session, clean=False)
    done: list[object] = []
    client.on_subscribe = lambda *_: done.append(True)
    client.loop_start()
    client.subscribe(SHARED + _FILTER, qos=1)
    wait_until(lambda: done, 10.0, "the subscription", lambda: None)
    client.disconnect()
    client.loop_stop()


def _fill(port: int, messages: list[tuple[str, bytes]]) -> None:
    client = _client(port, "bench-filler", clean=True)
    client.loop_start()
    # The client queues no more than 65,535.
    for chunk in (messages[i : i + 20_000] for i in range(0, len(messages), 20_000)):
        told = [client.publish(topic, body, qos=1) for topic, body in chunk]
        wait_until(told[-1].is_published, PATIENCE_S, "the filling", lambda: None)
    client.disconnect()
    client.loop_stop()


def _server_copy(server: EmbeddedPostgres) -> float:
    """Rows a second of the server copying the same from a file into the empty table, in order of instants."""
    with psycopg.connect(server.owner_dsn(), autocommit=True) as owner:
        row = owner.execute("SHOW data_directory").fetchone()
        assert row is not None  # noqa: S101  a setting always has its row
        file = f"{row[0]}/readings.copy"
        ordered = "SELECT at, value, point_id, quality FROM reading_open ORDER BY at, point_id"
        owner.execute(f"COPY ({ordered}) TO '{file}' (FORMAT BINARY)")
        owner.execute("TRUNCATE reading_open")
        owner.execute("CHECKPOINT")
        began = time.perf_counter()
        found = owner.execute(
            f"COPY reading_open (at, value, point_id, quality) FROM '{file}' (FORMAT BINARY)"
        )
        took = time.perf_counter() - began
        return found.rowcount / took


def _naive(server: EmbeddedPostgres) -> float:
    """Rows a second of decoding with the standard library, one INSERT and COMMIT a reading."""
    messages = _messages(NAIVE_MESSAGES, POINTS)
    bodies = [zlib.decompress(body) if body[:1] != b"{" else body for _, body in messages]
    with psycopg.connect(server.app_dsn(), autocommit=True) as connection:
        ids: dict[str, int] = dict(connection.execute("SELECT name, id FROM point").fetchall())
        connection.execute("SELECT begin_writing(ARRAY[current_date, current_date - 1])")
        began = time.perf_counter()
        for body in bodies:
            message = json.loads(body)
            for series in message["series"]:
                connection.execute(
                    "INSERT INTO reading_open (at, value, point_id, quality)"
                    " VALUES (timestamptz 'epoch' + %s * interval '1 ms', %s, %s, 0) ON CONFLICT DO NOTHING",
                    [message["at"] + series["t"][0], round(series["x"][0] * 100), ids[series["p"]]],
                )
        took = time.perf_counter() - began
    return NAIVE_MESSAGES * POINTS / took
