"""Workers, broker and database are killed while gateways send: what is lost, what is there twice.

The senders are five gateways' real outboxes and uplinks, 20 points five times a second and an alarm every two
seconds each; they know nothing of the kills, and send again what has no receipt. The broker keeps nothing on
disk, the sessions of the ingest are clean, the database is the embedded PostgreSQL with fsync; the ingest is
what `cloud run` supervises with two workers. Eight kills of one of its processes, two of the broker and two
of PostgreSQL come in an order and at moments drawn anew each time. At the end the outboxes are waited for,
and what was put into them is held against the tables, reading by reading and value by value.

Then for a minute one of the two workers of readings is killed every few seconds, never the other.
"""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import psycopg

from bench.cloud_rig import SITE, CloudRig
from bench.outboxes import PATIENCE_S, Ledger, Plan, name_of
from bench.report import NotMeasured, Result
from firmware_sim.demo.processes import Program

GATEWAYS, POINTS, WORKERS = 5, 20, 2
KILLS = {"worker": 8, "broker": 2, "database": 2}
BETWEEN_S = (0.5, 4.0)
MINUTE_S, MINUTE_QUICK_S = 60.0, 20.0
EVERY_S = (2.0, 5.0)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger against the tables."""

    readings: int
    """Put in."""
    lost: int
    doubled: int
    wrong: int
    """There with another value, or never put in."""
    alarms: int
    alarms_lost: int
    alarms_doubled: int
    left: int
    """Records in outboxes at the end."""


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    order = [kind for kind, times in KILLS.items() for _ in range(times)]
    random.shuffle(order)
    with _site() as (rig, senders):
        for kind in order:
            time.sleep(random.uniform(*BETWEEN_S))
            kill(rig, kind)
        everything = settled(rig, senders)
    with _site() as (rig, senders):
        survived = one_of_two(rig, MINUTE_QUICK_S if quick else MINUTE_S)
        one_dying = settled(rig, senders)
    said = ", ".join(f"{times} of the {kind}" for kind, times in KILLS.items())
    return [
        *_rows(f"kills: {said}", everything),
        *_rows("one of two workers killed every few seconds", one_dying),
        Result(name="  deaths of the other worker", value=float(not survived), unit="", goal=0),
    ]


def _rows(name: str, held: Held) -> list[Result]:
    return [
        Result(name=f"{name}: readings put in", value=held.readings, unit=""),
        Result(name="  lost", value=held.lost, unit="", goal=0),
        Result(name="  doubled", value=held.doubled, unit="", goal=0),
        Result(name="  with another value", value=held.wrong, unit="", goal=0),
        Result(name="  alarms put in", value=held.alarms, unit=""),
        Result(name="  alarms lost", value=held.alarms_lost, unit="", goal=0),
        Result(name="  alarms doubled", value=held.alarms_doubled, unit="", goal=0),
        Result(name="  left in the outboxes", value=held.left, unit="", goal=0),
    ]


@contextlib.contextmanager
def _site(gateways: int = GATEWAYS) -> Iterator[tuple[CloudRig, Program]]:
    with CloudRig({SITE: [name_of(n) for n in range(gateways)]}, WORKERS) as rig:
        (rig.folder / "gateways").mkdir()
        plan = Plan(
            folder=str(rig.folder / "gateways"),
            port=rig.port,
            site=SITE,
            gateways=gateways,
            points=POINTS,
            ledger=str(rig.folder / "ledger.json"),
        )
        with rig.running("bench.outboxes", plan) as senders:
            rig.wait_announced(gateways * POINTS, senders)
            yield rig, senders


def kill(rig: CloudRig, kind: str) -> None:
    """One of that kind, now."""
    kills: dict[str, Callable[[], None]] = {
        "worker": lambda: rig.kill_worker(random.choice(rig.workers)),
        "broker": rig.kill_broker,
        "database": rig.kill_database,
    }
    kills[kind]()


def one_of_two(rig: CloudRig, seconds: float) -> bool:
    """Kill one worker of readings again and again; whether the other lived all the while."""
    survivor = rig.workers[-1]
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(random.uniform(*EVERY_S))
        # The first is that of the alarms; while one is started anew it is not there.
        for pid in rig.workers[1:]:
            if pid != survivor:
                rig.kill_worker(pid)
    return survivor in rig.workers


def settled(rig: CloudRig, senders: Program) -> Held:
    """Let the outboxes run empty, then hold their ledger against the tables."""
    os.kill(senders.pid, signal.SIGTERM)
    file = rig.folder / "ledger.json"
    ends = time.monotonic() + PATIENCE_S + 10
    while senders.is_running:
        if time.monotonic() > ends:
            raise NotMeasured("the senders do not end")
        time.sleep(0.05)
    return _held(_ledger(file, senders), rig.server.owner_dsn())


def _ledger(file: Path, senders: Program) -> Ledger:
    if not file.exists():
        raise NotMeasured(senders.tail())
    return msgspec.json.decode(file.read_bytes(), type=Ledger)


def _held(ledger: Ledger, dsn: str) -> Held:
    put = {(point, at_ms): value for point, at_ms, value in ledger.readings}
    with psycopg.connect(dsn) as owner:
        rows = owner.execute(
            """
            SELECT point.name, (extract(epoch FROM reading.at) * 1000)::bigint, value * resolution
              FROM reading JOIN point ON point.id = reading.point_id
            """
        ).fetchall()
        transitions = owner.execute(
            "SELECT gateway.gateway, seq FROM alarm_transition JOIN gateway ON gateway.id = gateway_id"
        ).fetchall()
    found = Counter((name, at_ms) for name, at_ms, _ in rows)
    values = {(name, at_ms): float(value) for name, at_ms, value in rows}
    wrong = sum(key not in put or abs(put[key] - value) > 1e-6 for key, value in values.items())
    came = Counter((gateway, seq) for gateway, seq in transitions)
    told = {(gateway, seq) for gateway, n in ledger.alarms for seq in range(1, n + 1)}
    return Held(
        readings=len(put),
        lost=len(put.keys() - found.keys()),
        doubled=sum(found.values()) - len(found),
        wrong=wrong,
        alarms=len(told),
        alarms_lost=len(told - came.keys()),
        alarms_doubled=sum(came.values()) - len(came),
        left=ledger.left,
    )
