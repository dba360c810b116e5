"""How soon a territory's reports are counted from 100,000 hazards, and how soon they are a workbook.

One in ten of 100,000 records is a judged major hazard with a plan. The dispatch table and the statistics
table are counted for all of them as of an instant in the past, and so are the indicators of the territory, by
the questions of a page and as an account that sees all of it; the baseline is a bare SELECT of the same
events. The workbook has 100,000 rows of the statistics table's width; the baseline is XlsxWriter's bare loop
over the same texts. It is written by a process of its own, whose largest size in memory is measured.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import psycopg

from bench.report import Result
from cloud.database import connect
from cloud.embedded import running
from cloud.indicators.service import Place, indicators
from cloud.migrate import migrate
from cloud.reports.model import Scope, definitions

RECORDS, ROWS = 100_000, 100_000
GOAL_S, GOAL_MIB, PAGE_S = 10.0, 200.0, 2.0
PATH = "/1/"
CUT_OFF = dt.datetime(2023, 7, 1, tzinfo=dt.UTC)


def run(quick: bool) -> Sequence[Result]:
    """Measure; a quick run has a quarter of the rows."""
    share = 4 if quick else 1
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        with running(folder / "data") as server:
            migrate(server.owner_dsn())
            node = _fill(server.owner_dsn(), RECORDS // share)
            counted = _counted(server.app_dsn(), node, RECORDS // share)
    return [*counted, *_printed(ROWS // share)]


def _counted(dsn: str, node: int, records: int) -> list[Result]:
    scope = Scope(node=node, campaign="bench", cut_off=CUT_OFF)
    with connect(dsn) as connection:
        began = time.perf_counter()
        connection.execute("SELECT * FROM hazard_event WHERE at < %s", [CUT_OFF]).fetchall()
        bare = time.perf_counter() - began
        began = time.perf_counter()
        for kind in ("appendix_1", "appendix_2"):
            definitions()[kind].compute(connection, scope)
        took = time.perf_counter() - began
        connection.execute("SELECT set_config('sitewarden.account', '1', false)")
        began = time.perf_counter()
        indicators(connection, Place(account=1, path=PATH), CUT_OFF)
        shown = time.perf_counter() - began
    over = f"over {records:,} hazards"
    return [
        Result(name=f"both tables {over}", value=took, unit="s", goal=GOAL_S, baseline=bare),
        Result(name=f"all indicators {over}", value=shown, unit="s", goal=PAGE_S, baseline=bare),
    ]


def _printed(rows: int) -> list[Result]:
    ours, bare = (_alone(how, rows) for how in ("ours", "bare"))
    name = f"workbook of {rows:,} rows"
    return [
        Result(name=name, value=ours["s"], unit="s", goal=GOAL_S, baseline=bare["s"]),
        Result(name=f"{name}, memory", value=ours["mib"], unit="MiB", goal=GOAL_MIB, baseline=bare["mib"]),
    ]


def _alone(how: str, rows: int) -> dict[str, float]:
    asked = [sys.executable, "-m", "bench.reports_alone", how, str(rows)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _fill(owner_dsn: str, records: int) -> int:
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        row = owner.execute(_PLACE).fetchone()
        assert row is not None  # noqa: S101  just inserted
        owner.execute(_RECORDS, {"records": records})
        owner.execute(_EVENTS)
        owner.execute("VACUUM ANALYZE")
    return int(row[0])


_PLACE: LiteralString = """
    WITH made AS (
        INSERT INTO tree_node (tree, kind, name, path)
            VALUES ('territory', 'prefecture', '{"zh": "州", "en": "Prefecture"}', '/1/') RETURNING node),
    site AS (
        INSERT INTO site (site, name, time_zone, territory)
            SELECT 's' || n, '{"zh": "工地", "en": "Site"}', 'Asia/Shanghai', node
              FROM made, generate_series(1, 1000) AS n),
    somebody AS (INSERT INTO account (name, created_at) VALUES ('bench', now()) RETURNING id),
    given AS (
        INSERT INTO assignment (account_id, role, node, valid_from, given_by)
            SELECT id, 'county_authority', node, now(), 'bench' FROM somebody, made)
    INSERT INTO campaign (campaign, node, template, made_at, author)
        SELECT 'bench', node, 'standing', now(), 'bench' FROM made RETURNING node
"""
_RECORDS: LiteralString = """
    INSERT INTO hazard (id, number, site, device, category, family, fingerprint, level, status, content,
                        potential_accident, signal, opened_at, detected_at, episodes, last_episode_at,
                        worst_level, version)
        SELECT gen_random_uuid(), 'n' || n, 's' || 1 + n %% 1000, 'crane-1', '{"zh": "起重机械"}', 'f',
               sha256(n::text::bytea), CASE n %% 10 WHEN 0 THEN 'major' ELSE 'general' END, 'rectifying',
               '{"zh": "力矩限制器失效"}', '{}', 'cleared', at, at, 1, at, 3, 4
          FROM (SELECT n, timestamptz '2023-06-01' - n * interval '1 minute' AS at
                  FROM generate_series(1, %(records)s) AS n) AS made
"""
_EVENTS: LiteralString = """
    INSERT INTO hazard_event (hazard_id, seq, record, prev_hash, hash, at, kind, status, level, report,
                              supervision, escalation_step, overdue, verified)
        SELECT id, seq,
               json_build_object('seq', seq, 'at', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'kind', kind, 'actor', '李四', 'account', CASE WHEN seq > 1 THEN 1 END,
                   'role', 'county_authority', 'side', 'authority', 'body', body::json)::text,
               '', sha256(''), at, kind,
               (ARRAY['candidate', 'confirmed', 'confirmed', 'rectifying'])[seq],
               CASE WHEN seq = 1 THEN 'general' ELSE level END, 'not_due', 'none', 0, false, false
          FROM hazard CROSS JOIN generate_series(1, 4) AS seq,
               LATERAL (SELECT opened_at + seq * interval '1 hour' AS at,
                   (ARRAY['opened', 'confirm', 'plan', 'accept_plan'])[seq] AS kind,
                   (ARRAY['{"level": "general", "content": {"zh": "力矩限制器失效"}}',
                          '{"level": "major", "clause": {"edition": "2022", "id": "8-5"}}',
                          '{"type": "timed", "person": "王五", "measures": "换", "due": "2023-07-20T00:00Z"}',
                          '{}'])[seq] AS body) AS said
"""
