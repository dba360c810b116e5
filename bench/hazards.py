"""How many alarms a second become hazard records, and how soon a past instant is counted.

`one a transaction`: alarms that come one by one, each of a danger of its own, through the very lane of the
ingest: transition, episode, record with its number, chained event, clocks, notice and event for the pages in
one transaction, and the wake-up of the pages after it. The baseline is a bare loop over the same connection:
one INSERT of the alarm's bytes and its COMMIT. `batches of 50`: the same alarms as the worker takes them when
they queue. `into an open hazard`: alarms of one danger, which join the record that is open. `told to four
persons`: one by one as above, once four persons of the site have a role that hears of them, each with a
mailbox, and a channel of all alarms is on; nothing is sent here. Rounds alternate; figures are medians of
rounds.
"""

import datetime as dt
import itertools
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import psycopg

from bench.report import Result
from cloud.accounts.roles import roles_with
from cloud.database import Connection, connect
from cloud.embedded import running
from cloud.hazards.counts import AS_OF
from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.model import Delivery
from cloud.ingest.readings import ReadingsLane
from cloud.ingest.rebirths import Rebirths
from cloud.live.store import wake_viewers
from cloud.migrate import migrate
from cloud.registry.seeding import seed_sites
from cloud.settings import Broker, Settings, SiteSettings
from cloud.sites.registry import Registry
from sitewarden import topics
from sitewarden.messages import Alarm, DeviceBirth, PointBirth, Series, Status, encode
from sitewarden.rules import Basis, HazardProposal
from sitewarden.text import Text

ALARMS, ALARMS_QUICK = 1_000, 300
ROUNDS, ROUNDS_QUICK = 5, 3
BATCH = 50
RECORDS = 100_000
GOAL_PER_S, GOAL_SHARE, GOAL_COUNT_S = 600.0, 0.25, 1.0
BOOT = "b" * 32
SITE, GATEWAY = "bench", "gw-1"
_PROPOSAL = HazardProposal(
    category=Text("起重机械", "Lifting machinery"),
    level="general",
    potential_accident=Text("起重伤害", "Lifting injury"),
)
_BASIS = Basis(clause="GB/T 5031", source="standard", confidence="memory")
_EVIDENCE = Series(p="crane-1/load_ratio", t=list(range(-6_000, 0, 200)), x=[99.0 + i / 6 for i in range(30)])


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        # The server has an account of its own where it is started by root.
        folder.chmod(0o711)
        with running(folder / "data") as server:
            migrate(server.owner_dsn())
            with psycopg.connect(server.owner_dsn(), autocommit=True) as owner:
                owner.execute("CREATE TABLE bare (at timestamptz NOT NULL, body bytea NOT NULL)")
                owner.execute("GRANT INSERT ON bare TO sitewarden_app")
            with connect(server.app_dsn(), is_steady=True) as connection:
                lane = _lane(connection, settings_of(folder))
                found = _opening(connection, lane, quick)
                found.append(_telling(connection, lane, server.owner_dsn(), quick))
            _fill(server.owner_dsn())
            with connect(server.app_dsn()) as connection:
                return [*found, _counting(connection)]


def _opening(connection: Connection, lane: AlarmsLane, quick: bool) -> list[Result]:
    """Alarms into records."""
    count, rounds = (ALARMS_QUICK, ROUNDS_QUICK) if quick else (ALARMS, ROUNDS)
    families = itertools.count()

    def through_the_lane(batch: int, *, same: bool) -> float:
        alarms = [_delivery("same" if same else f"danger-{next(families)}") for _ in range(count)]
        began = time.perf_counter()
        for i in range(0, count, batch):
            _take(lane, connection, alarms[i : i + batch])
        return count / (time.perf_counter() - began)

    def bare() -> float:
        bodies = [_delivery(f"danger-{i}").body for i in range(count)]
        began = time.perf_counter()
        for body in bodies:
            connection.execute("INSERT INTO bare (at, body) VALUES (now(), %s)", [body])
        return count / (time.perf_counter() - began)

    measured: dict[str, list[float]] = {"bare": [], "one": [], "batch": [], "same": []}
    for _ in range(rounds):
        measured["bare"].append(bare())
        measured["one"].append(through_the_lane(1, same=False))
        measured["batch"].append(through_the_lane(BATCH, same=False))
        measured["same"].append(through_the_lane(1, same=True))
    bare_s, one, batch, same = (statistics.median(found) for found in measured.values())
    return [
        Result(
            name="alarm to hazard, one a transaction",
            value=one,
            unit="/s",
            goal=max(GOAL_PER_S, GOAL_SHARE * bare_s),
            at_least=True,
            baseline=bare_s,
        ),
        Result(name=f"alarm to hazard, batches of {BATCH}", value=batch, unit="/s", baseline=bare_s),
        Result(name="alarm into an open hazard, one a transaction", value=same, unit="/s", baseline=bare_s),
    ]


def _telling(connection: Connection, lane: AlarmsLane, owner_dsn: str, quick: bool) -> Result:
    """The same with somebody to be told."""
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("SET sitewarden.author = 'bench'")
        owner.execute(_SOMEBODY, {"site": SITE, "roles": _ROLES})
    count, rounds = (ALARMS_QUICK, ROUNDS_QUICK) if quick else (ALARMS, ROUNDS)
    measured = []
    for n in range(rounds):
        alarms = [_delivery(f"told-{n}-{i}") for i in range(count)]
        began = time.perf_counter()
        for alarm in alarms:
            _take(lane, connection, [alarm])
        measured.append(count / (time.perf_counter() - began))
    name = f"alarm to hazard, told to {len(_ROLES)} persons"
    return Result(name=name, value=statistics.median(measured), unit="/s")


_ROLES = ["equipment_operator", "safety_officer", "project_manager", "supervision_engineer"]
_SOMEBODY: LiteralString = """
    WITH server AS (
        INSERT INTO channel (channel, name, kind, language, lowest, is_on, target, for_people)
            VALUES (gen_random_uuid(), 'mail', 'mail', 'zh', 1, true, '{}', true) RETURNING channel
    ), person AS (
        INSERT INTO account (name, password_hash, created_at)
            SELECT role, '', now() FROM unnest(%(roles)s::text[]) AS role RETURNING id, name
    ), given AS (
        INSERT INTO assignment (account_id, role, site, valid_from, given_by)
            SELECT id, name, %(site)s, now() - interval '1 day', 'bench' FROM person
    )
    INSERT INTO channel (channel, name, kind, language, lowest, is_on, target, account_id, via, proved_at)
        SELECT gen_random_uuid(), name, 'mail', 'zh', 1, true, '{}', id, server.channel, now()
          FROM person, server
"""


def _fill(owner_dsn: str) -> None:
    """Records with four events each, whose chains nobody reads here."""
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        # As a restore does it: without asking every trigger.
        owner.execute("SET session_replication_role = replica")
        owner.execute(_FILL_RECORDS, {"records": RECORDS, "site": SITE})
        owner.execute(_FILL_EVENTS, {"site": SITE})
        owner.execute("VACUUM ANALYZE hazard")
        owner.execute("VACUUM ANALYZE hazard_event")


_FILL_RECORDS: LiteralString = """
    INSERT INTO hazard (id, number, site, device, category, family, fingerprint, level, status, content,
                        potential_accident, signal, opened_at, detected_at, episodes, last_episode_at,
                        worst_level, version)
        SELECT gen_random_uuid(), 'filled-' || n, %(site)s, 'crane-1', '{}', 'f', sha256(n::text::bytea),
               'general', 'rectifying', '{}', '{}', 'cleared', at, at, 1, at, 3, 4
          FROM (SELECT n, now() - n * interval '1 minute' AS at
                  FROM generate_series(1, %(records)s) AS n) AS made
"""
_FILL_EVENTS: LiteralString = """
    INSERT INTO hazard_event (hazard_id, seq, record, prev_hash, hash, at, kind, status, level, report,
                              supervision, escalation_step, overdue, verified)
        SELECT id, seq, repeat('x', 600), '', sha256(''), opened_at + seq * interval '1 hour', 'signal',
               (ARRAY['candidate', 'candidate', 'confirmed', 'rectifying'])[seq], 'general', 'not_due',
               'none', 0, false, false
          FROM hazard CROSS JOIN generate_series(1, 4) AS seq
         WHERE number LIKE 'filled-%%' AND site = %(site)s
"""


def _counting(connection: Connection) -> Result:
    """The numbers of an instant in the middle, as the programs and the demo's viewer ask."""
    asked = {
        "account": None,
        "roles": roles_with("hazards.view"),
        "at": dt.datetime.now(dt.UTC) - dt.timedelta(minutes=RECORDS // 2),
        "site": None,
    }
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        connection.execute(AS_OF, asked).fetchall()
        took.append(time.perf_counter() - began)
    name = f"counting {RECORDS:,} records as of an instant"
    return Result(name=name, value=statistics.median(took), unit="s", goal=GOAL_COUNT_S)


def _take(lane: AlarmsLane, connection: Connection, batch: list[Delivery]) -> None:
    """As the worker does it."""
    if lane.commit(connection, batch, time.time_ns() // 1_000_000).changed:
        wake_viewers(connection)


def _lane(connection: Connection, settings: Settings) -> AlarmsLane:
    """The lane, once its gateway has told what it has."""
    seed_sites(connection, settings.sites)
    registry = Registry()
    points = [PointBirth(p="crane-1/load_ratio", kind="crane.load_ratio", stale_after_ms=2_000)]
    crane = DeviceBirth(
        device="crane-1", kind="crane", label=Text("1号塔机", "Tower crane 1"), profile="p", points=points
    )
    now_ms = time.time_ns() // 1_000_000
    born = Status(state="online", boot=BOOT, at=now_ms, devices=[crane])
    readings = ReadingsLane(settings, registry, Rebirths())
    readings.commit(connection, [_message("status", encode(born))], now_ms)
    return AlarmsLane(settings, registry, Rebirths())


_SEQS = itertools.count(1)


def _delivery(family: str) -> Delivery:
    """An overload of a danger."""
    at = time.time_ns() // 1_000_000
    alarm = Alarm(
        boot=BOOT,
        seq=next(_SEQS),
        at=at,
        change="raised",
        episode=uuid.uuid4().hex,
        device="crane-1",
        point="crane-1/load_ratio",
        kind="crane.load_ratio",
        rule="crane-load-100",
        rule_version=1,
        family=family,
        level=3,
        label=Text("起重量超过额定值", "Load above rated"),
        unit="%",
        value=104.2,
        limit=100.0,
        peak=104.2,
        raised_at=at,
        clock="synced",
        basis=_BASIS,
        hazard=_PROPOSAL,
        evidence=[_EVIDENCE],
    )
    return _message("alarms", encode(alarm))


def _message(channel: topics.UpChannel, body: bytes) -> Delivery:
    topic = topics.up("live", SITE, GATEWAY, channel)
    return Delivery(
        topic=topic, body=body, retained=False, received_ms=time.time_ns() // 1_000_000, mid=1, link=1
    )


def settings_of(folder: Path) -> Settings:
    """Of a cloud with one site, all under the folder."""
    site = SiteSettings(site=SITE, name=Text("试验", "Bench"), time_zone="Asia/Shanghai", gateways=[GATEWAY])
    return Settings(
        file=folder / "cloud.yaml",
        host="127.0.0.1",
        port=0,
        data_dir=folder / "data",
        dsn=None,
        broker=Broker(),
        broker_password=None,
        demo=False,
        sites={SITE: site},
    )
