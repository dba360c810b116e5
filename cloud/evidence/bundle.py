"""What was in force when a record was opened: rule, limits, device file, the gateway's configuration."""

import datetime as dt
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection, Row
from cloud.evidence.items import Kind
from cloud.evidence.store import NewItem, put
from sitewarden.errors import SiteWardenError
from sitewarden.rules.packs import built_in_packs, load_pack

MACHINE = "sitewarden"

_EPISODE: LiteralString = """
    SELECT episode.site, episode.mode, episode.device, episode.point, episode.kind, episode.rule,
           episode.rule_version, episode.family, episode.level, episode.label, episode.value, episode.limit,
           episode.unit, episode.raised_at, episode.clock, episode.basis, hazard.clause, hazard.also,
           hazard.opened_at
      FROM hazard JOIN episode ON episode.id = hazard.content_episode WHERE hazard.id = %s
"""
_LIMITS: LiteralString = """
    SELECT name AS point, kind, limits FROM point
     WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s AND current AND limits <> '[]'
     ORDER BY position, name
"""
_RUN_BY: LiteralString = """
    SELECT its.kind, its.label, its.profile, its.profile_version, its.setup, its.layout, its.commissioning,
           gateway.gateway, gateway.software, gateway.boot, gateway.configuration, gateway.clock,
           encode(gateway.birth_hash, 'hex') AS birth_sha256,
           (SELECT hash FROM gateway_configuration AS version
             WHERE version.site = its.site AND version.gateway = gateway.gateway
               AND version.state = 'in_force'
             ORDER BY version.version DESC LIMIT 1) AS configuration_sha256
      FROM device AS its JOIN gateway ON gateway.id = its.gateway_id
     WHERE its.site = %(site)s AND its.mode = %(mode)s AND its.device = %(device)s
"""
_FILE: LiteralString = """
    SELECT to_jsonb(file) AS file,
           (SELECT coalesce(jsonb_agg(to_jsonb(step) ORDER BY done_on, step_id), '[]')
              FROM device_step AS step
             WHERE step.site = file.site AND step.device = file.device) AS steps,
           (SELECT to_jsonb(chart) FROM load_chart AS chart
             WHERE chart.site = file.site AND chart.device = file.device) AS load_chart,
           (SELECT to_jsonb(its) FROM commissioning AS its
             WHERE its.site = file.site AND its.device = file.device) AS commissioning,
           (SELECT coalesce(jsonb_agg(to_jsonb(who) ORDER BY who.operator), '[]') FROM operator AS who
             WHERE who.site = file.site AND file.device = ANY (who.devices)) AS operators
      FROM device_file AS file WHERE file.site = %(site)s AND file.device = %(device)s
"""


def bundle(connection: Connection, hazard_id: UUID, now: dt.datetime) -> None:
    """Put it beside the record, whose row this transaction has locked."""
    cursor = connection.cursor(row_factory=dict_row)
    episode = cursor.execute(_EPISODE, [hazard_id]).fetchone()
    if episode is None:
        return
    named = {name: episode[name] for name in ("site", "mode", "device")}
    limits = cursor.execute(_LIMITS, named).fetchall()
    text = rule_text(episode["rule"], episode["rule_version"])
    rule: dict[str, Any] = {"alarm": episode, "limits_in_force": limits, **text}
    run_by = cursor.execute(_RUN_BY, named).fetchone()
    file = cursor.execute(_FILE, named).fetchone()
    told: list[tuple[Kind, Row | dict[str, Any] | None]] = [
        ("rule", rule),
        ("configuration", run_by),
        ("device_file", file),
    ]
    for kind, content in told:
        if content is not None:
            put(connection, _item(hazard_id, kind, {"taken_at": now, **content}, now))


def _item(hazard_id: UUID, kind: Kind, content: dict[str, Any], now: dt.datetime) -> NewItem:
    return NewItem(
        hazard_id=hazard_id,
        kind=kind,
        stage="found",
        content=msgspec.json.encode(content, order="deterministic"),
        media_type="application/json",
        author=MACHINE,
        at=now,
    )


def rule_text(rule: str, version: int) -> dict[str, Any]:
    """The text of a rule of that version, where a shipped pack has it."""
    for name in built_in_packs():
        try:
            pack = load_pack(name, Path())
        except SiteWardenError:
            continue
        for one in pack.rules:
            if one.rule == rule and one.version == version:
                return {"text": one, "pack": pack.pack, "pack_source": pack.source}
    return {"text": None}
