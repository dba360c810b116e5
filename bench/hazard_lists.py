"""How soon a territory's list of hazards is there: 100,000 records at 1,000 sites, over HTTP.

An inspector of one of two counties, which have half of the sites and records of the province each beside his
own, opens the list (the first fifty open records with the numbers of all), the page after it, all records,
and his inbox. Of the 100,000 records of his county one in five is open. Requests go to a server in the same
process, one after the other; figures are the 95th percentile.
"""

import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import psycopg

from bench.hazards import settings_of
from bench.report import Result
from cloud.accounts.permissions import COOKIE
from cloud.accounts.tokens import new_token, token_hash
from cloud.app import make_app
from cloud.embedded import running
from cloud.migrate import migrate
from cloud.server import listen, make_server

SITES, RECORDS = 1_000, 100_000
REQUESTS, REQUESTS_QUICK = 200, 40
GOAL_MS = 100.0


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        # The server has an account of its own where it is started by root.
        folder.chmod(0o711)
        with running(folder / "data") as server:
            migrate(server.owner_dsn())
            with psycopg.connect(server.owner_dsn(), autocommit=True) as owner:
                token = _fill(owner)
            with _served(folder, server.app_dsn()) as address:
                cookies = {COOKIE: token}
                with httpx.Client(base_url=f"{address}/api/v1", cookies=cookies, timeout=60) as client:
                    return _measured(client, REQUESTS_QUICK if quick else REQUESTS)


def _measured(client: httpx.Client, count: int) -> list[Result]:
    first = client.get("/hazards").raise_for_status().json()
    asked = {
        "open list with its numbers": "/hazards",
        "page after it": f"/hazards?after={first['next']}",
        "all records with their numbers": "/hazards?status=all",
        "inbox": "/inbox",
    }
    return [
        Result(
            name=f"{what}, p95",
            value=_p95_ms(client, path, count),
            unit="ms",
            goal=GOAL_MS if path == "/hazards" else None,
        )
        for what, path in asked.items()
    ]


def _p95_ms(client: httpx.Client, path: str, count: int) -> float:
    took = []
    for _ in range(count):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.quantiles(took, n=20)[-1]


@contextlib.contextmanager
def _served(folder: Path, dsn: str) -> Iterator[str]:
    listening = listen("127.0.0.1", 0)
    server = make_server(make_app(settings_of(folder), dsn))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def _fill(owner: psycopg.Connection) -> str:
    """Two counties with as many sites and records each; the token of an inspector of the first."""
    token = new_token()
    with owner.transaction():
        owner.execute("SELECT set_config('sitewarden.author', 'bench', true)")
        owner.execute(
            """
            INSERT INTO tree_node (tree, kind, name, parent, path)
                SELECT 'territory', 'county', '{"zh": "县", "en": "County"}', NULL, '/' || n || '/'
                  FROM generate_series(1, 2) AS n
            """
        )
        owner.execute(
            """
            INSERT INTO site (site, name, time_zone, territory)
                SELECT 's' || n, '{"zh": "工地", "en": "Site"}', 'Asia/Shanghai', 1 + n %% 2
                  FROM generate_series(1, %s) AS n
            """,
            [2 * SITES],
        )
        owner.execute(_RECORDS, {"sites": 2 * SITES, "records": 2 * RECORDS})
        row = owner.execute(
            "INSERT INTO account (name, created_at) VALUES ('inspector', now()) RETURNING id"
        ).fetchone()
        owner.execute(
            """
            INSERT INTO assignment (account_id, role, node, valid_from, given_by)
                VALUES (%s, 'county_authority', 1, now(), 'bench')
            """,
            row,
        )
        owner.execute(
            "INSERT INTO session (token_hash, account_id, created_at, seen_at)"
            " SELECT %s, id, now(), now() FROM account",
            [token_hash(token)],
        )
    owner.execute("VACUUM ANALYZE")
    return token


_RECORDS = """
    INSERT INTO hazard (
            id, number, site, device, category, family, fingerprint, level, status, content,
            potential_accident, signal, opened_at, detected_at, episodes, last_episode_at, worst_level,
            ended_at, closed_at, verified_at, overdue)
        SELECT gen_random_uuid(), 'n' || n, 's' || 1 + n %% %(sites)s, 'crane-' || n %% 7,
               CASE n %% 3 WHEN 0 THEN '{"zh": "起重机械", "en": "Lifting machinery"}'
                           WHEN 1 THEN '{"zh": "基坑", "en": "Foundation pit"}'
                           ELSE '{"zh": "临边防护", "en": "Edges"}' END::jsonb,
               'family', ('f' || n)::bytea,
               CASE n %% 20 WHEN 0 THEN 'major' WHEN 1 THEN 'major_proposed' ELSE 'general' END,
               CASE WHEN ended IS NULL
                    THEN (ARRAY['candidate', 'confirmed', 'rectifying', 'rectified', 'reviewed'])
                             [1 + n / 10 %% 5]
                    ELSE 'closed' END,
               '{"zh": "塔机最大力矩达到额定值的 112 %%，限值 110 %%", "en": "Moment 112 %%, limit 110 %%"}',
               '{"zh": "起重伤害", "en": "Lifting injury"}', 'cleared', at, at, 1, at, 3,
               ended, ended, ended, ended IS NULL AND n %% 11 = 0
          FROM generate_series(1, %(records)s) AS n,
               LATERAL (SELECT now() - n * interval '1 minute' AS at) AS made,
               LATERAL (SELECT CASE WHEN n / 2 %% 5 <> 0 THEN at END AS ended) AS over
"""
