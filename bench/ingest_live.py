"""A district's everyday: how soon readings and alarms are committed, and what that costs; with back-fill too.

200 gateways of forty sites send 25 readings a second each, and twice a second an alarm is raised or cleared;
then the same while one gateway more sends 20,000 readings a second that it has held back. What counts is the
time from a message's sending to its receipt, which comes after the commit: broker, queue, transaction and the
way back.
`ingest_one_site` is the first of the two once more, for a minute, with all gateways on one site and twice a
second another of them beginning anew: what a site's gateways share is looked up again then.
The ingest is what `cloud run` supervises with one worker, the database the embedded PostgreSQL with fsync.
Processor time is that of ingest, broker and database together, as a share of two cores; the senders, in a
process of their own, are not in it. Beside the commits: a bare COPY and COMMIT of as many rows as come in
50 ms, by a client that does nothing else, into a table with the same key, after the ingest has ended.
"""

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psycopg

from bench.cloud_rig import CloudRig
from bench.listener import wait_until
from bench.live_senders import POINTS, Plan, Waited, site_of
from bench.outboxes import name_of
from bench.report import NotMeasured, Result
from bench.rig import cpu_s, resident_mb

GATEWAYS, A_SITE, WORKERS, CORES = 200, 5, 1, 2
SECONDS, SECONDS_FILLING, SECONDS_ONE_SITE, SECONDS_QUICK = 600.0, 180.0, 60.0, 30.0
"""Both phases and what is around them take less than a quarter of an hour."""
COMMIT_MS, ALARM_MS, SHARE, GROWTH = 500.0, 2_000.0, 70.0, 1.05
BARE_COMMITS, BARE_EVERY_S = 200, 0.05


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Of a phase."""

    waited: Waited
    share: float
    """Of two cores, percent."""
    memory_mb: float
    growth: float
    """Memory of the workers at the end, as a multiple of that in the middle."""


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    with CloudRig(_sites(A_SITE), WORKERS) as rig:
        live = _phase(rig, SECONDS_QUICK if quick else SECONDS)
        filling = _phase(rig, SECONDS_QUICK if quick else SECONDS_FILLING, fills=True)
        rig.end_ingest()
        bare = _bare_ms(rig.server.owner_dsn())
    return [*_rows("5,000 readings/s", live, bare), *_rows("… and 20,000/s of back-fill", filling, bare)]


def run_one_site(quick: bool) -> Sequence[Result]:
    """Measure with all gateways on one site, which keep on being born."""
    with CloudRig(_sites(GATEWAYS), WORKERS) as rig:
        cost = _phase(rig, SECONDS_QUICK if quick else SECONDS_ONE_SITE, a_site=GATEWAYS)
        rig.end_ingest()
        bare = _bare_ms(rig.server.owner_dsn())
    return _rows("5,000 readings/s of one site, two births a second", cost, bare)


def _sites(a_site: int) -> dict[str, list[str]]:
    sites: dict[str, list[str]] = {}
    for n in range(GATEWAYS + 1):
        sites.setdefault(site_of(n, a_site), []).append(name_of(n))
    return sites


def _rows(name: str, cost: Cost, bare_ms: float) -> list[Result]:
    waited = cost.waited
    rows = [
        Result(
            name=f"{name}: readings committed, p99",
            value=_p99_ms(waited.live),
            unit="ms",
            goal=COMMIT_MS,
            baseline=bare_ms,
        ),
        Result(name="  alarms committed, p99", value=_p99_ms(waited.alarms), unit="ms", goal=ALARM_MS),
        Result(name="  alarms committed, longest", value=1e3 * max(waited.alarms), unit="ms"),
        Result(name="  messages without a receipt", value=waited.unreceipted, unit="", goal=0),
        Result(name="  share of two cores", value=cost.share, unit="%", goal=SHARE),
        Result(name="  memory of the ingest", value=cost.memory_mb, unit="MB"),
        Result(name="  … at the end over the middle", value=cost.growth, unit="", goal=GROWTH),
        Result(name="  the senders behind their pace, at most", value=1e3 * waited.late_s, unit="ms"),
    ]
    if waited.fill:
        rows.append(Result(name="  back-fill committed, p99", value=_p99_ms(waited.fill), unit="ms"))
    return rows


def _phase(rig: CloudRig, seconds: float, *, fills: bool = False, a_site: int = A_SITE) -> Cost:
    file = rig.folder / f"waited-{fills}.json"
    plan = Plan(
        port=rig.port,
        gateways=GATEWAYS,
        a_site=a_site,
        is_born_anew=a_site == GATEWAYS,
        seconds=seconds,
        fills=fills,
        result=str(file),
    )
    with rig.running("bench.live_senders", plan) as senders:
        rig.wait_announced(GATEWAYS * POINTS, senders)
        began, computed = time.monotonic(), _computed_s(rig)
        time.sleep(seconds / 2)
        senders.check()
        middle = _memory_mb(rig)
        time.sleep(seconds / 2)
        share = 100 * (_computed_s(rig) - computed) / (time.monotonic() - began) / CORES
        end = _memory_mb(rig)
        # Its last words may be a while after its last message; it ends by itself.
        wait_until(lambda: file.exists() or not senders.is_running, 60.0, "the senders", lambda: None)
    if not file.exists():
        raise NotMeasured(senders.tail())
    waited = msgspec.json.decode(file.read_bytes(), type=Waited)
    if not (waited.live and waited.alarms):
        raise NotMeasured(f"nothing was receipted; {senders.tail()}")
    return Cost(waited=waited, share=share, memory_mb=end, growth=end / middle)


def _computed_s(rig: CloudRig) -> float:
    server = rig.server.pid
    assert server is not None  # noqa: S101  it runs as long as the rig
    return sum(map(cpu_s, (*rig.workers, rig.broker_pid))) + _tree_s(server)


def _tree_s(pid: int) -> float:
    """Of a process, its children, and those that it had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    total = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    for child in children:
        try:
            total += cpu_s(int(child))
        except OSError:
            continue  # it has just ended, and counts as one that was
    return total


def _memory_mb(rig: CloudRig) -> float:
    return sum(map(resident_mb, rig.workers))


def _p99_ms(waited_s: list[float]) -> float:
    return 1e3 * sorted(waited_s)[math.ceil(0.99 * len(waited_s)) - 1]


def _bare_ms(dsn: str) -> float:
    """The 99th percentile of a bare COPY and COMMIT."""
    rows = round(GATEWAYS * POINTS * BARE_EVERY_S)
    took: list[float] = []
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("CREATE TABLE bare (at timestamptz, value bigint, point_id int, quality smallint)")
        owner.execute("CREATE UNIQUE INDEX ON bare (point_id, at)")
        for n in range(BARE_COMMITS):
            began = time.perf_counter()
            with owner.cursor().copy("COPY bare FROM STDIN") as copy:
                for k in range(rows):
                    copy.write_row((f"2026-01-01 00:00:00.{n:03}", k, k, 0))
            took.append(time.perf_counter() - began)
            time.sleep(BARE_EVERY_S)
        owner.execute("DROP TABLE bare")
    return _p99_ms(took)
