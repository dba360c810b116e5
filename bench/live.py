"""How soon what is committed is with 300 viewers, and what that costs the web process.

Ten sites of twenty points whose newest values change twice a second, all in one commit; thirty viewers each,
of 300 accounts with a session each, over raw sockets in a process of their own, and one more that never
reads. Time runs from the return of the COMMIT to the arrival of the whole event, both on the machine's
monotonic clock; the web process is the real one, the database the embedded PostgreSQL as it ships. Beside
it, in the same run: a bare asyncio server that writes as many bytes as often to as many sockets.
"""

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psycopg

from bench.listener import wait_until
from bench.live_process import Bare, Role, Viewers, Web
from bench.report import Result
from bench.rig import cpu_s, resident_mb
from cloud.accounts.tokens import new_token, token_hash
from cloud.embedded import running
from cloud.live.store import wake_viewers
from cloud.migrate import migrate

SITES, POINTS, VIEWERS, DEAF = 10, 20, 300, 1
EVERY_S = 0.5
SECONDS, SECONDS_QUICK = 40.0, 15.0
_JOINING_S = 8.0
"""Before anything is counted: all have joined, and have their snapshots."""
GOAL_MS, GOAL_CORE = 100.0, 15.0
PATIENCE_S = 30.0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to."""

    late_ms: list[float]
    core: float
    """Of the serving process, in percent."""
    before_mb: float
    after_mb: float
    size: int
    ended: int
    missing: int
    """Changes that no event of a viewer was about: newer ones took their place, or they never came."""


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    seconds = SECONDS_QUICK if quick else SECONDS
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        # The server has an account of its own where it is started by root.
        folder.chmod(0o711)
        with running(folder / "data") as server:
            migrate(server.owner_dsn())
            with psycopg.connect(server.owner_dsn(), autocommit=True) as owner:
                tokens = _fill(owner)
                ours = _ours(folder, server.app_dsn(), owner, tokens, seconds)
    bare = _bare(tokens, seconds, ours.size)
    return [
        Result(
            name="from commit to arrival, p99",
            value=_p99(ours.late_ms),
            unit="ms",
            goal=GOAL_MS,
            baseline=_p99(bare.late_ms),
        ),
        Result(name="… median", value=statistics.median(ours.late_ms), unit="ms"),
        Result(name="web process, of a core", value=ours.core, unit="%", goal=GOAL_CORE, baseline=bare.core),
        Result(name="… grown while one never read", value=ours.after_mb - ours.before_mb, unit="MB"),
        Result(name="changes that did not come", value=ours.missing, unit="", goal=0),
        Result(name="viewers that lost their stream", value=ours.ended, unit="", goal=0),
    ]


def _p99(late_ms: Sequence[float]) -> float:
    return statistics.quantiles(late_ms, n=100)[-1]


def _ours(folder: Path, dsn: str, owner: psycopg.Connection, tokens: list[str], seconds: float) -> Seen:
    port = _free_port()
    with _process(Web(str(folder), dsn, port)) as web:
        wait_until(lambda: _answers(port), PATIENCE_S, "the web process", lambda: None)
        with _process(_viewers(port, tokens, seconds, DEAF)) as viewers:
            time.sleep(_JOINING_S)
            began_s, cpu, before_mb = time.monotonic(), cpu_s(web.pid), resident_mb(web.pid)
            committed: dict[int, int] = {}
            while time.monotonic() < began_s + seconds:
                number = len(committed) + 1
                owner.execute("UPDATE newest SET at = now(), value = %s", [number])
                committed[number] = time.monotonic_ns()
                wake_viewers(owner)
                time.sleep(max(0.0, began_s + number * EVERY_S - time.monotonic()))
            core = 100 * (cpu_s(web.pid) - cpu) / (time.monotonic() - began_s)
            after_mb = resident_mb(web.pid)
            told = json.loads(viewers.communicate(timeout=PATIENCE_S)[0])
    late = [(at_ns - committed[n]) / 1e6 for n, at_ns in told["arrivals"] if n in committed]
    return Seen(
        late_ms=late,
        core=core,
        before_mb=before_mb,
        after_mb=after_mb,
        size=told["size"],
        ended=told["ended"],
        missing=VIEWERS * len(committed) - len(late),
    )


def _bare(tokens: list[str], seconds: float, size: int) -> Seen:
    port = _free_port()
    with _process(Bare(port, size, EVERY_S)) as bare:
        wait_until(lambda: _answers(port), PATIENCE_S, "the bare server", lambda: None)
        with _process(_viewers(port, tokens, seconds, 0)) as viewers:
            time.sleep(_JOINING_S)
            began_s, cpu = time.monotonic(), cpu_s(bare.pid)
            time.sleep(seconds)
            core = 100 * (cpu_s(bare.pid) - cpu) / (time.monotonic() - began_s)
            told = json.loads(viewers.communicate(timeout=PATIENCE_S)[0])
    late = [(at_ns - sent_ns) / 1e6 for sent_ns, at_ns in told["arrivals"]]
    return Seen(
        late_ms=late, core=core, before_mb=0, after_mb=0, size=told["size"], ended=told["ended"], missing=0
    )


def _viewers(port: int, tokens: list[str], seconds: float, deaf: int) -> Viewers:
    sites = [f"s{n % SITES}" for n in range(VIEWERS)]
    return Viewers(port, sites, tokens, seconds + _JOINING_S + 2.0, deaf)


@contextlib.contextmanager
def _process(role: Role) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "bench.live_process", msgspec.json.encode(role).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _fill(owner: psycopg.Connection) -> list[str]:
    """Sites with their points and values; of each account the token of its session."""
    tokens = [new_token() for _ in range(VIEWERS)]
    with owner.transaction():
        owner.execute("SELECT set_config('sitewarden.author', 'bench', true)")
        for statement in _FILLING:
            owner.execute(statement, {"sites": SITES, "points": POINTS})
        for number, token in enumerate(tokens, start=1):
            owner.execute(_ACCOUNT, {"name": f"viewer {number}", "token": token_hash(token)})
    owner.execute("VACUUM ANALYZE")
    return tokens


_FILLING = (
    """
    INSERT INTO site (site, name, time_zone)
        SELECT 's' || n, '{"zh": "工地", "en": "Site"}', 'Asia/Shanghai'
          FROM generate_series(0, %(sites)s - 1) AS n
    """,
    """
    INSERT INTO site_gateway (site, gateway) SELECT site, 'gw-1' FROM site
    """,
    """
    INSERT INTO gateway (site, gateway, mode, state, seen_at)
        SELECT site, 'gw-1', 'live', 'online', now() FROM site
    """,
    """
    INSERT INTO point
            (gateway_id, site, mode, name, device, kind, resolution, stale_after_ms, position, current)
        SELECT gateway.id, site, 'live', 'crane-1/p' || n, 'crane-1', 'crane.load', 1, 2000, n, true
          FROM gateway, generate_series(1, %(points)s) AS n
    """,
    """
    INSERT INTO newest (point_id, at, value, quality) SELECT id, now(), 0, 0 FROM point
    """,
)
_ACCOUNT = """
    WITH made AS (
        INSERT INTO account (name, created_at) VALUES (%(name)s, now()) RETURNING id),
    given AS (
        INSERT INTO assignment (account_id, role, valid_from, given_by)
            SELECT id, 'admin', now(), 'bench' FROM made)
    INSERT INTO session (token_hash, account_id, created_at, seen_at)
        SELECT %(token)s, id, now(), now() FROM made
"""
